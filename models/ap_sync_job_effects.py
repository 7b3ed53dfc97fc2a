from odoo import models
from odoo.tools import plaintext2html

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
            # People's own activities on the job stay theirs to close.
            self.activity_ids.sudo().filtered("automated").action_feedback()
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
        # A note is HTML, and a picture in it would tell a stranger who looks at it.
        note = plaintext2html(self.message or "")
        known = self.activity_ids.filtered("automated")
        if known:
            known[:1].write({"summary": title, "note": note})
            return
        user = self.user_id or self.move_id.invoice_user_id
        if user.active and user.share is False:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=title,
                note=note,
                user_id=user.id,
            )

    def _remember_vendors(self, erp_ids):
        """Map vendors to what the ERP used, so that the next bills find them.

        :param erp_ids: ``{job: the ERP's id of the vendor}`` of one connection.
        """
        by_record = {}
        for job, erp_id in erp_ids.items():
            vendor = job.move_id.commercial_partner_id
            if erp_id and job.connection_id.connector != "local":
                by_record[f"{vendor._name},{vendor.id}"] = erp_id
        if not by_record:
            return
        connection = next(iter(erp_ids)).connection_id
        Mapping = self.env["ap.sync.mapping"]
        known = Mapping.search(
            [
                ("connection_id", "=", connection.id),
                ("record", "in", list(by_record)),
            ]
        )
        for mapping in known:
            erp_id = by_record.pop(f"{mapping.record._name},{mapping.record.id}")
            if mapping.erp_id != erp_id or mapping.state != "confirmed":
                mapping.write({"erp_id": erp_id, "state": "confirmed"})
        Mapping.create(
            [
                {"connection_id": connection.id, "record": record, "erp_id": erp_id}
                for record, erp_id in by_record.items()
            ]
        )
