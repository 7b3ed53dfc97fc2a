from odoo import models
from odoo.tools import plaintext2html

from .ap_sync_guidance import describe


class ApSyncJob(models.Model):
    """What an outcome leaves besides the job: chatter, an activity, a mapping."""

    _inherit = "ap.sync.job"

    def _apply_effects(self):
        """Tell people about an outcome: one line in the bill's chatter when its status
        is final, and one activity for whoever has to do something.

        :return: whether somebody has something to do who had not before.
        """
        self.ensure_one()
        self = self._in_company_language()  # pylint: disable=self-cls-assignment
        name = self.connection_id.name
        if self.status == "success":
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
        return self._update_activity()

    def _update_activity(self):
        """Have one activity open while somebody has to do something, else none.

        :return: whether there is one that was not there before.
        """
        # People's own activities on the job stay theirs to close. No mail for each:
        # who wants one gets one for all, see `_mail_at_once`.
        job = self.with_context(mail_activity_quick_update=True)
        known = job.activity_ids.filtered("automated")
        user = job._get_activity_user()
        if not user:
            if self.status == "success":
                known.action_feedback()
            else:
                known.unlink()
            return False
        values = {
            "summary": describe(self.env, self.error_kind)[0],
            # A note is HTML, and a picture in it would tell a stranger who looks at it.
            "note": plaintext2html(self.message or ""),
            "user_id": user.id,
        }
        if known:
            known[:1].write(values)
            return False
        job.activity_schedule("mail.mail_activity_data_todo", **values)
        return True

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
