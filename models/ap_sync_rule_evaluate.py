import ast
import logging

import psycopg2

from odoo import api, models
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

#: The sequence of a cause that any other comes before.
LAST = 10_000


class ApSyncRule(models.Model):
    """How rules are applied to jobs. Pure: it reads bills and returns causes; the job's
    side is written by the caller."""

    _inherit = "ap.sync.rule"

    @api.model
    def _evaluate(self, jobs):
        """Tell what stops these jobs. Reads, never writes.

        Queries grow with the number of rules, not of jobs.

        :param jobs: ``ap.sync.job`` records, of any connections and companies.
        :return: ``{job: [cause, ...]}``, the root cause first, an empty list for a
            job that may go. A cause is a dict of ``kind``, ``action``, ``rule_id``,
            ``title``, ``message``, ``guidance``, ``fixes`` (see
            ``_prepare_fix``) and ``sequence``.
        """
        causes = {job: [] for job in jobs}
        for connection, connection_jobs in jobs.grouped("connection_id").items():
            stop = connection._get_stop()
            if stop:
                kind, message = stop
                for job in connection_jobs:
                    causes[job].append(
                        self._prepare_cause(
                            kind, message, "hold", [{"record": connection}]
                        )
                    )
        for job in jobs:
            if stop := job._get_bill_stop():
                kind, message = stop
                cause = self._prepare_cause(
                    kind, message, "hold", [{"record": job.move_id}]
                )
                if kind == "bill_not_posted":
                    # What keeps people from posting it is the root of this.
                    cause["sequence"] = LAST
                causes[job].append(cause)
        # sudo: whoever syncs a bill, all rules of its company apply. The context is the
        # caller's, who may be looking at archived records.
        Rule = self.sudo().with_context(active_test=True)
        to_book = jobs.filtered(lambda job: job._is_to_book())
        concerned = {
            rule: rule._filter_jobs(to_book)
            for rule in Rule.search([("active", "=", True)])
        }
        for found in self._find_or_hold(concerned):
            for job, cause in found.items():
                causes[job].append(cause)
        for found in causes.values():
            found.sort(
                key=lambda cause: (cause["action"] != "block", cause["sequence"])
            )
        return causes

    def _filter_jobs(self, jobs):
        """Return the jobs this rule speaks about."""
        self.ensure_one()
        # Of a rule that is being edited the connections are copies of the real ones.
        connections = self.connection_ids._origin
        if self.company_id:
            jobs = jobs.filtered(lambda job: job.company_id == self.company_id)
        if connections:
            jobs = jobs.filtered(lambda job: job.connection_id in connections)
        rule_id = self._origin.id
        return jobs.filtered(lambda job: rule_id not in (job.released_rules or []))

    @api.model
    def _find_or_hold(self, concerned):
        """Return ``_find`` of each of these rules; one that can't be applied any more
        (a field it names is gone) holds the jobs it speaks about, and no others.

        :param concerned: ``{rule: jobs}``.
        """
        concerned = {rule: jobs for rule, jobs in concerned.items() if jobs}
        try:
            with self.env.cr.savepoint(flush=False):
                return [rule._find(jobs) for rule, jobs in concerned.items()]
        except psycopg2.OperationalError:
            # A conflict with another transaction: whoever began this tries again.
            raise
        except Exception:
            if len(concerned) > 1:  # which of them it is, is seen of each alone
                return [
                    found
                    for rule, jobs in concerned.items()
                    for found in self._find_or_hold({rule: jobs})
                ]
            ((rule, jobs),) = concerned.items()
            _logger.exception("AP Sync: rule %s can't be applied", rule.id)
            message = self.env._(
                "The rule “%s” can't be applied any more. Correct or archive it.",
                rule.name,
            )
            fixes = [{"record": rule}]
            return [
                {
                    job: rule._prepare_cause("rule", message, "hold", fixes)
                    for job in jobs
                }
            ]

    def _find(self, jobs):
        """Return ``{job: cause}`` for those of the jobs that this rule stops."""
        self.ensure_one()
        if self.condition == "check":
            _label, kind = self._get_checks()[self.check_name]
            found = getattr(self, f"_find_{self.check_name}")(jobs)
        else:
            kind = "rule"
            stopped = set(self._filter_bills(jobs.move_id).ids)
            found = {
                job: (
                    self.env._(
                        "The rule “%(rule)s” stops this bill.",
                        rule=self.name,
                    ),
                    [{"record": self}],
                )
                for job in jobs
                if job.move_id.id in stopped
            }
        return {
            job: self._prepare_cause(kind, message, self.action, fixes)
            for job, (message, fixes) in found.items()
        }

    def _filter_bills(self, moves):
        self.ensure_one()
        if self.condition == "domain":
            return moves.filtered_domain(
                Domain(ast.literal_eval(self.bill_domain or "[]"))
            )
        vendor_ids = set(self.partner_ids._origin.ids)
        category_ids = set(self.category_ids._origin.ids)

        def is_chosen(move):
            vendor = move.commercial_partner_id
            return (
                vendor.id in vendor_ids
                or move.partner_id.id in vendor_ids
                or bool(category_ids)
                and not category_ids.isdisjoint(vendor.category_id.ids)
            )

        return moves.filtered(is_chosen)

    def _prepare_cause(self, kind, message, action, fixes):
        """Return one cause, ready to be stored on a job.

        :param fixes: the arguments of ``_prepare_fix``, for each place where a part of
            it is mended.
        """
        return {
            "kind": kind,
            "action": action,
            "rule_id": self.id or False,
            "sequence": self.sequence if self else 0,
            "message": message,
            # Without words of the rule's own, the kind's: in each reader's language
            "guidance": self.guidance or False,
            "fixes": [self._prepare_fix(**fix) for fix in fixes],
        }

    def _prepare_fix(self, record=None, model=None, name=None, context=None):
        """Return where a cause is mended, as data for a link: an existing ``record``,
        or a new record of ``model`` with defaults in ``context``. Jobs that wait for
        the same thing have the same."""
        return {
            "model": record._name if record is not None else model,
            "res_id": record.id if record is not None else False,
            "name": name or (record.display_name if record is not None else ""),
            "context": context or {},
        }
