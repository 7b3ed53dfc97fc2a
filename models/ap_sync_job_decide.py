from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_list

from .. import engine
from ..connectors import CONNECTORS, Capability
from ..connectors.incoming import LABEL, plain, web_link


class ApSyncJob(models.Model):
    """What managers decide about jobs, each with a reason that is kept under their
    name; see wizards/ap_sync_job_resolve.py."""

    _inherit = "ap.sync.job"

    marked_by_id = fields.Many2one(
        "res.users", "Marked as Synced By", readonly=True, copy=False
    )
    can_release = fields.Boolean(compute="_compute_can_release")

    @api.depends("status", "causes")
    def _compute_can_release(self):
        """Whether a manager may let the job go although its rules stop it."""
        stopping = self.sudo()._get_stopping_rules()
        for job in self:
            rules = stopping[job]
            job.can_release = bool(rules) and all(rules.mapped("allow_release"))

    def _get_stopping_rules(self):
        """Return ``{job: the rules among its causes}``, none for one that is not held
        or blocked. One query for all jobs."""
        Rule = self.env["ap.sync.rule"]
        stopping = {}
        for job in self:
            causes = (job.causes or []) if job._is_stopped() else []
            ids = [cause["rule_id"] for cause in causes if cause["rule_id"]]
            stopping[job] = Rule.browse(ids)
        there = Rule.union(*stopping.values()).exists()
        return {job: rules & there for job, rules in stopping.items()}

    def _check_manager(self):
        self.check_access("read")
        if not self.env.user.has_group("ap_sync.group_ap_sync_manager"):
            raise AccessError(
                self.env._(
                    "Only AP Sync managers can decide this. Ask one, or have an "
                    "administrator give you that role."
                )
            )

    def _verify_again(self):
        """Have the ERP asked once more whether it has the bill."""
        self.ensure_one()
        self._check_manager()
        connector = CONNECTORS.get(self.connection_id.connector)
        if connector and connector.capability == Capability.NONE:
            raise UserError(
                self.env._(
                    "This ERP can't be asked for its bills. Look for the bill there, "
                    "then mark it as synced or send it again."
                )
            )
        if not connector or not (self.attempt_ids or self.look_first):
            raise UserError(
                self.env._(
                    "This bill was never sent to an ERP, so there is nothing to ask. "
                    "Choose to send it again."
                )
            )
        # Asked too early, the ERP would not know yet what it is still writing.
        moment = max(self._now(), self._get_settled_at())
        self.sudo()._update_status(
            "verify", next_try_at=moment, retry_since=False, retry_count=0
        )
        self.connection_id._wake()

    def _get_settled_at(self):
        """Return from when on the ERP surely is done with what was last sent."""
        last = self.attempt_ids[:1]
        connector = CONNECTORS.get(self.connection_id.connector)
        if not last or connector is None:
            return self._now()
        settle = self.connection_id._get_settle_seconds(connector)
        return engine.schedule.after(last.ended_at or last.started_at, settle)

    def _release(self, reason):
        """Let the job go although its rules stop it, for this bill alone."""
        self.ensure_one()
        self._check_manager()
        # sudo: rules of all companies stop it too; the job was checked just now.
        job = self.sudo()
        rules = job._get_stopping_rules()[job]
        if not rules:
            raise UserError(
                self.env._(
                    "No rule stops this bill. Resume or mend the connection instead."
                )
            )
        firm = rules.filtered(lambda rule: not rule.allow_release)
        if firm:
            raise UserError(
                self.env._(
                    "No bill may be released from %(rules)s. Mend the cause, or ask "
                    "who keeps the rules.",
                    rules=format_list(self.env, firm.mapped("name")),
                )
            )
        job.released_rules = sorted({*(job.released_rules or []), *rules.ids})
        self._log_decision(self.env._("Released"), reason)
        job._evaluate(fresh=True)

    def _resend(self, reason):
        """Send once more a bill of which a person knows that the ERP has it not."""
        self.ensure_one()
        self._check_manager()
        job = self.sudo()
        if job.status != "failed":
            raise UserError(
                self.env._("Only a failed bill can be sent again; press Sync instead.")
            )
        if job._get_settled_at() > job._now():
            raise UserError(
                self.env._(
                    "The ERP may still be writing what was sent a moment ago. Look "
                    "there again in a minute."
                )
            )
        job.write(
            {
                **job._prepare_next_revision_values(),
                "erp_id": False,
                "look_first": False,
            }
        )
        self._log_decision(self.env._("Sent again"), reason)
        job._evaluate(fresh=True)

    def _mark_synced(self, reason, erp_number, erp_url=""):
        """Count these bills as synced, with the ERP's number as proof.

        No automatic result comes after it: the lease ends with the move, so a late
        answer finds its token gone, and Success is a source of no event of the engine.

        :param erp_url: where the bill is in the ERP, if that is known.
        """
        self._check_manager()
        jobs = self.sudo()
        erp_number = plain(erp_number, LABEL)
        link = web_link(erp_url) or False
        if erp_url and not link:
            raise UserError(
                self.env._(
                    "The link must be the address of a page, beginning with https://."
                )
            )
        # Another record of the ERP than the one we knew, whose id nobody gave.
        others = jobs.filtered(lambda job: job.erp_number != erp_number)
        others.write({"erp_id": False, "erp_url": False})
        if link:
            jobs.write({"erp_url": link})
        jobs._update_status(
            "mark_synced",
            marked_by_id=self.env.user.id,
            erp_number=erp_number,
            synced_at=self._now(),
            changed_since_sync=False,
            erp_files=False,
            erp_changes=False,
            look_first=False,
            next_try_at=False,
            **self._prepare_cause_values([]),
        )
        for job in jobs:
            job.synced_fingerprint = job._get_fingerprint()
            job.erp_cancelled = job.move_id.state == "cancel"
        self._log_decision(
            self.env._("Marked as synced, ERP number %s", erp_number), reason
        )

    def _abort(self, reason):
        """Stop a bill that is In Progress. What was surely not sent is Failed, and
        Sync starts it again; of what is in doubt the outcome stays unknown.

        :raise UserError: while it is being sent, which nobody can call back.
        """
        self.ensure_one()
        self._check_manager()
        job = self.sudo()
        if job.phase == "sending":
            raise UserError(
                self.env._(
                    "The bill is on its way to the ERP and can't be called back. Look "
                    "again when the answer has come, in some minutes at the latest."
                )
            )
        in_doubt = (
            job.phase == "verifying"
            or job.look_first
            or bool(job._get_unclear_attempt())
        )
        if in_doubt:
            kind = "outcome_unknown"
            text = self.env._(
                "%(user)s stopped the sync before it was known whether the ERP has the "
                "bill: %(reason)s"
            )
        else:
            kind = "aborted"
            text = self.env._("%(user)s stopped the sync: %(reason)s")
        message = text % {"user": self.env.user.name, "reason": reason}
        job._update_status(
            "abort",
            next_try_at=False,
            # Whoever submitted the bill need not be told to decide, unless one must.
            effects_due=in_doubt,
            **job._prepare_error_values(kind, message),
        )
        self._log_decision(self.env._("Aborted"), reason)

    def _log_decision(self, what, reason):
        """Keep who decided what and why, under the name of the user."""
        body = self.env._("%(what)s. Reason: %(reason)s", what=what, reason=reason)
        self._message_log_batch(dict.fromkeys(self.ids, body))
