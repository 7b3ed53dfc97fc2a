from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_list

from .. import engine
from ..connectors import CONNECTORS, Capability
from ..connectors.incoming import LABEL, plain, web_link
from ..connectors.kinds import CHECK, KINDS, NO


class ApSyncJob(models.Model):
    """What people do with jobs. Each answers at once; the ERP is never waited for."""

    _inherit = "ap.sync.job"

    # === SYNC === #

    def action_sync(self):
        """Sync these jobs and say what was queued, held and blocked. Harmless twice."""
        self.check_access("read")
        return self._notify_synced(self._sync())

    def _sync(self):
        """Send again what a person may send without looking into the ERP first.

        :return: ``{"queue" | "hold" | "block" | "waiting" | "done" | "decide": jobs}``
        """
        # sudo: users have no right to write jobs; the caller checked that they may
        # read these.
        jobs = self.sudo()
        outcome = {
            "done": jobs.filtered(
                lambda j: j.status == "success" and not j.changed_since_sync
            ),
            "waiting": jobs.filtered(lambda j: j.status == "in_progress"),
            "decide": jobs.filtered(lambda j: j._needs_decision()),
        }
        to_go = jobs - outcome["done"] - outcome["waiting"] - outcome["decide"]
        for job in to_go.filtered(lambda j: j.status in {"failed", "success"}):
            # The ERP surely does not have what was refused, and an ERP that honours
            # keys would only repeat its refusal: a corrected bill gets a new key.
            job.write(job._prepare_next_revision_values())
        outcome.update(to_go._evaluate(fresh=True))
        outcome["waiting"]._hurry()
        return outcome

    def _needs_decision(self):
        """Tell whether a person has to look into the ERP before anything is sent."""
        self.ensure_one()
        if self.status == "success":
            # Marked as synced by hand: which record of the ERP to change is not known,
            # and sending the bill would make a second one.
            return (
                self.changed_since_sync
                and not self.erp_id
                and self.connection_id.connector != "local"
            )
        kind = KINDS.get(self.error_kind)
        return self.status == "failed" and (not kind or kind.retry in {CHECK, NO})

    def _hurry(self):
        """Try what waits for its next retry now; never what waits to be verified."""
        retrying = self.filtered(lambda job: job.phase == "retrying")
        if retrying:
            retrying.write({"next_try_at": self._now()})
            retrying.connection_id._wake()

    def _notify_synced(self, outcome):
        """Return the notification that says what Sync did, and a reload."""
        return self._notify(
            self.env._("Sync"),
            outcome,
            self.env._("Nothing to sync: no bill was chosen."),
        )

    @api.model
    def _notify(self, title, outcome, nothing):
        """Return a notification with counts, and a reload.

        :param outcome: ``{what happened: jobs or bills}``.
        :param nothing: the message when nothing happened to any.
        """
        texts = [
            ("queue", self.env._("%s queued")),
            ("waiting", self.env._("%s already in progress")),
            ("ready", self.env._("%s ready: press Sync")),
            ("hold", self.env._("%s on hold")),
            ("block", self.env._("%s blocked")),
            ("done", self.env._("%s already synced")),
            (
                "decide",
                self.env._(
                    "%s need a decision: a manager opens them and presses Resolve"
                ),
            ),
            ("refused", self.env._("%s not among the bills that the connection takes")),
            ("left", self.env._("%s not waiting, so left as they are")),
        ]
        parts = [text % len(outcome[k]) for k, text in texts if outcome.get(k)]
        stopped = any(outcome.get(k) for k in ("hold", "block", "decide", "refused"))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if stopped else "success",
                "title": title,
                "message": format_list(self.env, parts, "unit") if parts else nothing,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_evaluate(self):
        """Apply the rules again to what waits, without sending what failed, and say
        what is queued, held and blocked now."""
        self.check_access("read")
        jobs = self.sudo().filtered(
            lambda j: j._is_stopped() or j.phase in {"queued", "retrying"}
        )
        outcome = {**jobs._evaluate(), "left": self - jobs}
        return self._notify(
            self.env._("Rules evaluated"),
            outcome,
            self.env._("Nothing to evaluate: these bills have no sync job."),
        )

    # === OPEN === #

    def action_open_erp(self):
        """Open the bill in the ERP, or the bill here for Odoo's own ledger."""
        self.ensure_one()
        self.check_access("read")
        if self.connection_id.connector == "local":
            return self.action_open_bill()
        url = web_link(self.erp_url)
        if not url:
            raise UserError(
                self.env._(
                    "The ERP gave no link for this bill. Look for number %s there."
                )
                % (self.erp_number or self.erp_id or "-")
            )
        return {"type": "ir.actions.act_url", "url": url, "target": "new"}

    def action_open_bill(self):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "views": [(False, "form")],
        }

    def action_open_resolve(self):
        """Ask what to do with a job that only a person can decide on."""
        self.ensure_one()
        self._check_manager()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Abort")
            if self.status == "in_progress"
            else self.env._("Resolve"),
            "res_model": "ap.sync.job.resolve",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_job_id": self.id},
        }

    # === DECISIONS OF A MANAGER (see wizards/ap_sync_job_resolve.py) === #

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
        job = self.sudo()
        rules = [cause["rule_id"] for cause in job.causes or [] if cause["rule_id"]]
        if not rules:
            raise UserError(
                self.env._(
                    "No rule stops this bill. Resume or mend the connection instead."
                )
            )
        job.released_rules = sorted({*(job.released_rules or []), *rules})
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

    def _mark_synced(self, reason, erp_number):
        """Count the bill as synced, with the ERP's number as proof."""
        self.ensure_one()
        self._check_manager()
        job = self.sudo()
        erp_number = plain(erp_number, LABEL)
        job._update_status(
            "mark_synced",
            erp_number=erp_number,
            synced_at=self._now(),
            synced_fingerprint=job.move_id._prepare_ap_sync_document(job).fingerprint(),
            changed_since_sync=False,
            look_first=False,
            next_try_at=False,
            **self._prepare_cause_values([]),
        )
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
        self.message_post(
            body=self.env._("%(what)s. Reason: %(reason)s", what=what, reason=reason)
        )
