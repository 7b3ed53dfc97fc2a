from odoo import models

from .ap_sync_guidance import describe


class ApSyncJob(models.Model):
    """What an outcome leaves besides the job: chatter, an activity, a mapping."""

    _inherit = "ap.sync.job"

    def _apply_effects(self):
        """Tell people about a final outcome: one line in the bill's chatter, one
        activity for whoever submitted it, closed by the next success."""
        self.ensure_one()
        name = self.connection_id.name
        if self.status == "success":
            self.activity_ids.sudo().action_feedback()
            self.move_id.message_post(
                body=self.env._(
                    "Synced to %(connection)s as %(number)s. %(notes)s",
                    connection=name,
                    number=self.erp_number,
                    notes=self.notes or "",
                )
            )
        elif self.status == "failed":
            title, todo = describe(self.env, self.error_kind)
            self.move_id.message_post(
                body=self.env._(
                    "Sync to %(connection)s failed: %(title)s. %(message)s %(todo)s",
                    connection=name,
                    title=title,
                    message=self.message or "",
                    todo=todo,
                )
            )
            self._schedule_activity(title)

    def _schedule_activity(self, title):
        if self.activity_ids:
            self.activity_ids[:1].write({"summary": title, "note": self.message})
            return
        user = self.user_id or self.move_id.invoice_user_id
        if user.active and user.share is False:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=title,
                note=self.message,
                user_id=user.id,
            )

    def _remember_vendor(self, erp_id):
        """Map the vendor to what the ERP used, so that the next bill finds it."""
        self.ensure_one()
        vendor = self.move_id.commercial_partner_id
        if not erp_id or self.connection_id.connector == "local":
            return
        Mapping = self.env["ap.sync.mapping"]
        reference = f"{vendor._name},{vendor.id}"
        mapping = Mapping.search(
            [
                ("connection_id", "=", self.connection_id.id),
                ("record", "=", reference),
            ]
        )
        if not mapping:
            Mapping.create(
                {
                    "connection_id": self.connection_id.id,
                    "record": reference,
                    "erp_id": erp_id,
                }
            )
        elif mapping.erp_id != erp_id or mapping.state != "confirmed":
            mapping.write({"erp_id": erp_id, "state": "confirmed"})
