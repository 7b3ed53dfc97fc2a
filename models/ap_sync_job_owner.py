from odoo import Command, fields, models
from odoo.exceptions import AccessError

from ..connectors.kinds import KINDS
from .ap_sync_cures import OWN_CURES, get_who

#: What can only be decided or mended where the connection is looked after.
ADMINISTRATOR_CLASSES = {"U", "X"}


class ApSyncJob(models.Model):
    """Who looks after a bill's sync, and is told what it needs."""

    _inherit = "ap.sync.job"

    user_id = fields.Many2one("res.users", "Owner", readonly=True, copy=False)

    def _find_owner(self, move, connection):
        """Return who looks after the sync of a bill: the first of those responsible for
        the bill, for the vendor, who submits it, and who entered it, that may see it;
        else who looks after the connection."""
        # sudo: who is responsible is not always the submitter's to read.
        move = move.sudo()
        candidates = (
            move.invoice_user_id,
            move.commercial_partner_id.user_id,
            self.env.user,
            move.create_uid,
        )
        for user in candidates:
            if user._may_own_ap_sync_jobs(connection.company_id):
                return user
        return connection._get_responsible()

    def action_assign(self):
        """Ask who is to look after these bills."""
        self.check_access("read")
        wizard = self.env["ap.sync.assign"].create({"job_ids": [Command.set(self.ids)]})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Assign"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _assign(self, user):
        """Give these jobs to a user, with the activities that are open for them.

        :raise AccessError: when that user may not see one of them.
        """
        self.check_access("read")
        for company in self.company_id:
            if not user._may_own_ap_sync_jobs(company):
                raise AccessError(
                    self.env._(
                        "%(user)s may not see these bills. Choose somebody who uses AP "
                        "Sync in %(company)s.",
                        user=user.display_name,
                        company=company.display_name,
                    )
                )
        # sudo: users have no right to write jobs, and these they may read.
        jobs = self.sudo()
        jobs.write({"user_id": user.id})
        # Who gives work away tells it; ten thousand mails would not help.
        quiet = jobs.activity_ids.with_context(mail_activity_quick_update=True)
        quiet.filtered("automated").write({"user_id": user.id})

    # === WHAT IT NEEDS OF WHOM === #

    def _get_activity_user(self):
        """Return who has to do something for this bill now; nobody while the engine is
        at it, and nobody for what stops many bills at once.

        What many wait for alike (a mapping, a period, a pause, a key) would be as many
        activities that nobody can do one by one: the list, the overview and the daily
        digest show those, and an activity on the connection when it needs somebody.
        """
        self.ensure_one()
        nobody = self.env["res.users"]
        kind = KINDS.get(self.error_kind)
        if self.status == "failed":
            if kind and kind.person:
                return nobody
            if not kind or kind.cls in ADMINISTRATOR_CLASSES:
                return self.connection_id._get_responsible() or self.user_id
            return self.user_id
        if self.status == "on_hold" and get_who(self.error_kind) in OWN_CURES:
            return self.user_id
        return nobody
