import ast
import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_list

from .ap_sync_guidance import describe

_logger = logging.getLogger(__name__)

MAX_DOMAIN_LENGTH = 4000
MAX_DOMAIN_TERMS = 60

#: What a condition on bills may not look into: people and secrets, and what is itself
#: the result of the rules.
CLOSED_MODELS = {"res.users", "res.groups", "ir.config_parameter"}
LAST = 10_000


class ApSyncRule(models.Model):
    """Blocks or holds jobs: a named check, chosen vendors, or a domain on bills.

    Evaluation is pure: it reads bills and returns causes; the job's side is written
    by the caller. There is no Python in a rule.
    """

    _name = "ap.sync.rule"
    _description = "AP Sync Rule"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    action = fields.Selection(
        [("block", "Block"), ("hold", "Hold")], required=True, default="hold"
    )
    company_id = fields.Many2one("res.company", index=True)
    connection_ids = fields.Many2many(
        "ap.sync.connection",
        string="Connections",
        help="Empty: all connections.",
    )
    condition = fields.Selection(
        [
            ("check", "A check"),
            ("vendors", "Vendors"),
            ("domain", "Bills like"),
        ],
        required=True,
        default="domain",
    )
    condition_summary = fields.Char("Stops", compute="_compute_condition_summary")
    check_name = fields.Selection(selection="_selection_check_name", string="Check")
    partner_ids = fields.Many2many("res.partner", string="Vendors")
    category_ids = fields.Many2many("res.partner.category", string="Vendor Categories")
    bill_domain = fields.Char("Bills", default="[]")
    guidance = fields.Text(
        translate=True, help="What to do about it, in words for the accountant."
    )
    from_settings = fields.Boolean(readonly=True, copy=False)
    job_count = fields.Integer("Jobs Stopped", compute="_compute_job_count")

    _check_has_name = models.Constraint(
        "CHECK (condition != 'check' OR check_name IS NOT NULL)",
        "Choose the check that this rule applies.",
    )

    # === COMPUTES AND CONSTRAINTS === #

    @api.model
    def _selection_check_name(self):
        return [(name, label) for name, (label, _kind) in self._get_checks().items()]

    @api.depends("condition", "check_name", "partner_ids", "category_ids")
    def _compute_condition_summary(self):
        """What the rule looks at, in one line of a list."""
        checks = self._get_checks()
        labels = dict(self._fields["condition"]._description_selection(self.env))
        for rule in self:
            if rule.condition == "check" and rule.check_name:
                rule.condition_summary, _kind = checks[rule.check_name]
                continue
            chosen = [*rule.partner_ids, *rule.category_ids]
            names = [record.display_name for record in chosen]
            label = labels.get(rule.condition, "")
            rule.condition_summary = (
                f"{label}: {format_list(self.env, names)}"
                if rule.condition == "vendors" and names
                else label
            )

    def _compute_job_count(self):
        counts = dict(
            self.env["ap.sync.job"]._read_group(
                [("rule_id", "in", self.ids)], ["rule_id"], ["__count"]
            )
        )
        for rule in self:
            rule.job_count = counts.get(rule, 0)

    @api.constrains("company_id", "connection_ids", "partner_ids")
    def _check_companies(self):
        """A rule of all companies may name what belongs to one of them."""
        for rule in self.sudo().filtered("company_id"):
            named = rule.connection_ids.company_id | rule.partner_ids.company_id
            if named - rule.company_id:
                raise ValidationError(
                    self.env._(
                        "The rule %(rule)s is for %(company)s alone. Choose "
                        "connections and vendors of this company.",
                        rule=rule.name,
                        company=rule.company_id.name,
                    )
                )

    @api.constrains("bill_domain")
    def _check_bill_domain(self):
        for rule in self:
            self._check_bill_domain_text(rule.bill_domain)

    @api.constrains("condition", "partner_ids", "category_ids", "bill_domain", "active")
    def _check_condition(self):
        """A rule on all bills is made by a pause, not by an empty condition."""
        for rule in self:
            if (
                rule.active
                and rule.condition == "domain"
                and Domain(ast.literal_eval(rule.bill_domain or "[]")).is_true()
            ):
                raise ValidationError(
                    self.env._(
                        "The rule %s would stop every bill. Give it a condition, or "
                        "pause the connection instead.",
                        rule.name,
                    )
                )

    @api.model
    def _check_bill_domain_text(self, text):
        """Refuse anything but a short literal domain on stored fields of a bill that
        any accountant may read: no code, no hop into another model's secrets."""
        try:
            if len(text or "") > MAX_DOMAIN_LENGTH:
                raise ValueError(self.env._("it is too long"))
            terms = ast.literal_eval(text or "[]")
            domain = Domain(terms)
            if len(terms) > MAX_DOMAIN_TERMS:
                raise ValueError(self.env._("it has too many terms"))
            self._check_bill_terms(domain, self.env["account.move"])
            self.env["account.move"]._search(domain)
        except (
            ValueError,
            SyntaxError,
            TypeError,
            RecursionError,
            MemoryError,
            KeyError,
        ) as error:
            raise ValidationError(
                self.env._(
                    "The condition on bills is not valid: %s. Use the editor to "
                    "choose fields and values.",
                    error,
                )
            ) from error

    @api.model
    def _check_bill_terms(self, domain, model, hops=1):
        """Raise ValueError unless all terms are on readable fields of the model, or of
        models at most ``hops`` away; a sub-search counts as a hop."""
        for term in domain.iter_conditions():
            target = self._check_bill_path(term.field_expr, model, hops)
            if "any" in term.operator:
                self._check_bill_terms(Domain(term.value), target, hops - 1)

    @api.model
    def _check_bill_path(self, path, model, hops):
        """Raise ValueError unless the path ends on a readable field.

        :return: the model that the last field leads to.
        """
        names = path.split(".")
        if len(names) > hops + 1 or hops < 0:
            raise ValueError(self.env._("%s goes too deep", path))
        for name in names:
            field = model._fields.get(name)
            if field is None or field.groups or not field.store:
                raise ValueError(self.env._("%s can't be used", path))
            if field.relational:
                model = self.env[field.comodel_name]
                if model._name in CLOSED_MODELS or model._name.startswith("ap.sync."):
                    raise ValueError(self.env._("%s can't be used", path))
        return model

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        rules._reevaluate_jobs()
        return rules

    def write(self, vals):
        # Jobs of the connections a rule no longer names are concerned as well.
        before = self._get_connections()
        result = super().write(vals)
        if vals.keys() - {"sequence", "name"}:
            (before | self._get_connections())._reevaluate_jobs()
        return result

    def unlink(self):
        connections = self._get_connections()
        result = super().unlink()
        connections._reevaluate_jobs()
        return result

    def _get_connections(self):
        """Return the connections that these rules apply to."""
        connections = self.env["ap.sync.connection"].sudo()
        for rule in self.sudo():
            domain = Domain.TRUE
            if rule.company_id:
                domain = Domain("company_id", "=", rule.company_id.id)
            connections |= rule.connection_ids or connections.search(domain)
        return connections

    def _reevaluate_jobs(self):
        self._get_connections()._reevaluate_jobs()

    # === EVALUATION === #

    @api.model
    def _evaluate(self, jobs):
        """Tell what stops these jobs. Reads, never writes.

        Queries grow with the number of rules, not of jobs.

        :param jobs: ``ap.sync.job`` records, of any connections and companies.
        :return: ``{job: [cause, ...]}``, the root cause first, an empty list for a
            job that may go. A cause is a dict of ``kind``, ``action``, ``rule_id``,
            ``title``, ``message``, ``guidance``, ``fix`` (see
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
                            kind, message, "hold", fix={"record": connection}
                        )
                    )
        for job in jobs:
            if stop := job._get_bill_stop():
                kind, message = stop
                cause = self._prepare_cause(
                    kind, message, "hold", fix={"record": job.move_id}
                )
                if kind == "bill_not_posted":
                    # What keeps people from posting it is the root of this.
                    cause["sequence"] = LAST
                causes[job].append(cause)
        # sudo: whoever syncs a bill, all rules of its company apply. The context is the
        # caller's, who may be looking at archived records.
        Rule = self.sudo().with_context(active_test=True)
        for rule in Rule.search([("active", "=", True)]):
            concerned = rule._filter_jobs(jobs)
            if concerned:
                for job, found in rule._find_or_hold(concerned).items():
                    causes[job].append(found)
        for found in causes.values():
            found.sort(
                key=lambda cause: (cause["action"] != "block", cause["sequence"])
            )
        return causes

    def _filter_jobs(self, jobs):
        """Return the jobs this rule speaks about."""
        self.ensure_one()
        if self.company_id:
            jobs = jobs.filtered(lambda job: job.company_id == self.company_id)
        if self.connection_ids:
            jobs = jobs.filtered(lambda job: job.connection_id in self.connection_ids)
        return jobs.filtered(lambda job: self.id not in (job.released_rules or []))

    def _find_or_hold(self, jobs):
        """``_find``; a rule that can't be applied any more (a field it names is gone)
        holds the jobs it speaks about, and no others."""
        try:
            with self.env.cr.savepoint(flush=False):
                return self._find(jobs)
        except psycopg2.OperationalError:
            # A conflict with another transaction: whoever began this tries again.
            raise
        except Exception:
            _logger.exception("AP Sync: rule %s can't be applied", self.id)
            message = self.env._(
                "The rule “%s” can't be applied any more. Correct or archive it.",
                self.name,
            )
            fix = {"record": self}
            return {
                job: self._prepare_cause("rule", message, "hold", fix) for job in jobs
            }

    def _find(self, jobs):
        """Return ``{job: cause}`` for those of the jobs that this rule stops."""
        self.ensure_one()
        if self.condition == "check":
            _label, kind = self._get_checks()[self.check_name]
            found = getattr(self, f"_find_{self.check_name}")(jobs)
        else:
            kind = "rule"
            moves = self._filter_bills(jobs.move_id)
            found = {
                job: (
                    self.env._(
                        "The rule “%(rule)s” stops this bill.",
                        rule=self.name,
                    ),
                    {"record": self},
                )
                for job in jobs
                if job.move_id in moves
            }
        return {
            job: self._prepare_cause(kind, message, self.action, fix=fix)
            for job, (message, fix) in found.items()
        }

    def _filter_bills(self, moves):
        self.ensure_one()
        if self.condition == "domain":
            return moves.filtered_domain(
                Domain(ast.literal_eval(self.bill_domain or "[]"))
            )
        return moves.filtered(
            lambda move: (
                move.commercial_partner_id in self.partner_ids
                or move.partner_id in self.partner_ids
                or move.commercial_partner_id.category_id & self.category_ids
            )
        )

    def _prepare_cause(self, kind, message, action, fix=None):
        """Return one cause, ready to be stored on a job.

        :param fix: see ``_prepare_fix``.
        """
        title, todo = describe(self.env, kind)
        return {
            "kind": kind,
            "action": action,
            "rule_id": self.id or False,
            "sequence": self.sequence if self else 0,
            "title": title,
            "message": message,
            "guidance": self.guidance or todo if self else todo,
            "fix": self._prepare_fix(**fix) if fix else False,
        }

    def _prepare_fix(self, record=None, model=None, name=None, context=None):
        """Return where the cause is mended, as data for a link: an existing
        ``record``, or a new record of ``model`` with defaults in ``context``."""
        return {
            "model": record._name if record is not None else model,
            "res_id": record.id if record is not None else False,
            "name": name or (record.display_name if record is not None else ""),
            "context": context or {},
        }
