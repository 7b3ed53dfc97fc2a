from odoo import models
from odoo.tools import plaintext2html

from .ap_sync_guidance import describe


class ApSyncJob(models.Model):
    """What an outcome leaves besides the job: chatter, an activity, a mapping."""

    _inherit = "ap.sync.job"

    def _apply_effects(self):
        """Tell people about outcomes: one line in the bill's chatter when its status
        is final, and one activity for whoever has to do something.

        :return: the jobs with which somebody has something to do who had not before.
        """
        news = self.browse()
        # One connection has one job for a bill, so each bill gets one line at a time.
        for jobs in self.grouped("connection_id").values():
            spoken = jobs._in_company_language()
            lines = {job.move_id.id: job._prepare_log_line() for job in spoken}
            told = spoken.move_id.browse(move for move, line in lines.items() if line)
            if told:
                told._message_log_batch(lines)
            news |= spoken.filtered(lambda job: job._update_activity())
        return news.with_env(self.env)

    def _prepare_log_line(self):
        """Return what the bill's chatter says of the outcome, if it is one."""
        self.ensure_one()
        name = self.connection_id.name
        if self.status == "success":
            return self.env._(
                "Synced to %(connection)s as %(number)s. %(notes)s",
                connection=name,
                number=self.erp_number,
                notes=self.notes or "",
            )
        if self.status == "failed":
            title, todo = describe(self.env, self.error_kind)
            return self.env._(
                "Sync to %(connection)s failed: %(title)s. %(message)s %(todo)s",
                connection=name,
                title=title,
                message=self.message or "",
                todo=todo,
            )
        return ""

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
