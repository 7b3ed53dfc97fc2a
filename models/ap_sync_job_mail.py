from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date, groupby

from .. import engine

#: As many bills are named in a mail; the rest are counted.
MAX_NAMED = 20
#: What a reader has to know first.
ORDER = ["failed", "on_hold", "blocked", "in_progress", "success"]


class ApSyncJob(models.Model):
    """Mails to those who look after bills and want them; see ``res.users``."""

    _inherit = "ap.sync.job"

    @api.model
    def _cron_digest(self):
        """Send the daily mails."""
        engine.send_digests(self.env)

    def _mail_at_once(self):
        """Tell users who want that which of their bills began to need them: one mail
        for each, whatever the number of bills."""
        for user, jobs in groupby(self, lambda job: job._get_activity_user()):
            jobs = self.browse(job.id for job in jobs)
            if user.ap_sync_mail_at_once:
                jobs._mail_to(user, self.env._("Bills that need you"))

    def _mail_digest(self, user):
        """Send a user the daily mail: own bills that are not in the ERP, how many were
        synced since yesterday, connections to look after. Nothing open, no mail.

        :return: whether there was something to say.
        """
        # As the reader: with the rights, companies and language of no one else.
        env = self.env(
            user=user,
            su=False,
            context={"lang": user.lang, "allowed_company_ids": user.company_ids.ids},
        )
        Job = env["ap.sync.job"]
        mine = Domain("user_id", "=", user.id)
        open_jobs = Job.search(
            mine & Domain("status", "!=", "success")
            | mine & Domain("changed_since_sync", "=", True)
            | mine & Domain("erp_changes", "!=", False)
            | mine & Domain("erp_files", "=", "missing"),
            order="create_date, id",
        )
        connections = env["ap.sync.connection"].search(
            [("user_id", "=", user.id), ("attention_kind", "!=", False)]
        )
        if not open_jobs and not connections:
            return False
        yesterday = self._now() - timedelta(days=1)
        synced = Job.search_count(mine & Domain("synced_at", ">=", yesterday))
        today = fields.Date.context_today(Job)
        title = env._("Your bills on %s", format_date(env, today))
        open_jobs._mail_to(user, title, synced=synced, connections=connections)
        return True

    def _mail_to(self, user, title, **values):
        """Queue a mail to a user that lists these jobs by status, what needs somebody
        first."""
        jobs = self.with_user(user).with_context(lang=user.lang)
        labels = dict(jobs._fields["status"]._description_selection(jobs.env))
        # Of those in Success only what was changed since is told.
        labels["success"] = jobs.env._("Changed Since Sync")
        by_status = jobs.grouped("status")
        body = jobs.env["ir.qweb"]._render(
            "ap_sync.mail_jobs",
            {
                "title": title,
                "groups": [
                    (labels[status], by_status[status])
                    for status in ORDER
                    if status in by_status
                ],
                "max_named": MAX_NAMED,
                "base_url": jobs.browse().get_base_url(),
                "synced": 0,
                "connections": jobs.env["ap.sync.connection"],
                **values,
            },
        )
        company = user.company_id
        # sudo: the mail is the system's, its text is the reader's.
        self.env["mail.mail"].sudo().create(
            {
                "subject": jobs.env._("AP Sync: %s", title),
                "body_html": body,
                "email_from": company.partner_id.email_formatted
                or self.env.ref("base.user_root").email_formatted,
                "email_to": user.email_formatted,
                "auto_delete": True,
                "headers": {"X-Auto-Response-Suppress": "OOF"},
            }
        )
