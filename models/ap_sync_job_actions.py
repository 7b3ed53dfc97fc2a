from odoo import Command, api, models
from odoo.exceptions import UserError
from odoo.tools import format_list

from ..connectors.incoming import web_link
from ..connectors.kinds import CHECK, KINDS, NO


class ApSyncJob(models.Model):
    """What people do with jobs. Each answers at once; the ERP is never waited for."""

    _inherit = "ap.sync.job"

    # === SYNC === #

    def action_sync(self):
        """Sync these jobs and say what was queued, held and blocked. Harmless twice."""
        self.check_access("read")
        if len(self) > 1:
            return self._notify_synced(*self._sync_bulk())
        return self._notify_synced(self._sync())

    def _sync(self):
        """Send again what a person may send without looking into the ERP first.

        :return: ``{"queue" | "hold" | "block" | "waiting" | "done" | "decide": jobs}``
        """
        # sudo: users have no right to write jobs; the caller checked that they may
        # read these.
        outcome = self.sudo()._sort_for_sync()
        to_go = outcome.pop("to_go")
        to_go._mark_for_files()
        for job in to_go.filtered(lambda j: j.status in {"failed", "success"}):
            # The ERP surely does not have what was refused, and an ERP that honours
            # keys would only repeat its refusal: a corrected bill gets a new key.
            job.write(job._prepare_next_revision_values())
        outcome.update(to_go._evaluate(fresh=True))
        outcome["waiting"]._hurry()
        return outcome

    def _sort_for_sync(self):
        """Return ``{"done" | "waiting" | "decide" | "to_go": jobs}``: what Sync leaves
        alone, and what it is for."""
        outcome = {
            "done": self.filtered(
                lambda j: j.status == "success" and not j._has_more_to_send()
            ),
            "waiting": self.filtered(lambda j: j.status == "in_progress"),
            "decide": self.filtered(lambda j: j._needs_decision()),
        }
        stay = outcome["done"] | outcome["waiting"] | outcome["decide"]
        return {**outcome, "to_go": self - stay}

    def _needs_decision(self):
        """Tell whether a person has to look into the ERP before anything is sent."""
        self.ensure_one()
        if self.status == "success":
            # Marked as synced by hand: which record of the ERP to change is not known,
            # and sending the bill would make a second one.
            return (
                self.changed_since_sync
                and not self.erp_id
                and not self.erp_cancelled
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

    def _notify_synced(self, outcome, bulk=None):
        """Return the notification that says what Sync did, and a reload.

        :param bulk: the ``bulk_sync`` of the jobs whose progress is shown.
        """
        nothing = self.env._("Nothing to sync: no bill was chosen.")
        return self._notify(self.env._("Sync"), outcome, nothing, bulk)

    @api.model
    def _notify(self, title, outcome, nothing, bulk=None):
        """Return a notification with counts, and a reload.

        :param outcome: ``{what happened: jobs or bills}``.
        :param nothing: the message when nothing happened to any.
        :param bulk: the ``bulk_sync`` of the jobs whose progress is shown, if any goes.
        """
        texts = [
            ("requested", self.env._("%s being looked at")),
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
            ("marked", self.env._("%s marked as synced")),
            ("unfit", self.env._("%s left as they are: this does not fit them")),
        ]
        follow = {"type": "ir.actions.client", "tag": "soft_reload"}
        if bulk and (outcome.get("requested") or outcome.get("queue")):
            follow.update(tag="ap_sync.progress", params={"bulk": bulk})
        parts = [text % len(outcome[k]) for k, text in texts if outcome.get(k)]
        trouble = ("hold", "block", "decide", "refused", "unfit")
        stopped = any(outcome.get(k) for k in trouble)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if stopped else "success",
                "title": title,
                "message": format_list(self.env, parts, "unit") if parts else nothing,
                "next": follow,
            },
        }

    def action_evaluate(self):
        """Apply the rules again to what waits, without sending what failed, and say
        what is queued, held and blocked now."""
        self.check_access("read")
        jobs = self.sudo().filtered(
            lambda j: j._is_stopped() or j.phase in {"queued", "retrying"}
        )
        outcome = {**jobs._evaluate_bulk(), "left": self - jobs}
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
        """Ask what to do with a job that only a person can decide on, or with many."""
        self._check_manager()
        if len(self) != 1:
            # Made here: ten thousand ids are not sent to the browser and back.
            wizard = self.env["ap.sync.job.resolve"].create(
                {
                    "job_ids": [Command.set(self.ids)],
                    "decision": "release"
                    if any(self.mapped("can_release"))
                    else "mark_synced",
                }
            )
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Resolve"),
                "res_model": "ap.sync.job.resolve",
                "res_id": wizard.id,
                "views": [(False, "form")],
                "target": "new",
            }
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
