from odoo import fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    ap_sync_mail_at_once = fields.Boolean(
        "Mail Me When My Bills Fail",
        help="A mail as soon as a bill that you look after needs you, one for all of "
        "the same moment.",
    )
    ap_sync_daily_digest = fields.Boolean(
        "Daily Mail of My Open Bills",
        default=True,
        help="One mail a day with the bills that you look after and that are not in "
        "the ERP; none while all are there.",
    )
    # Sent in the transaction that writes this: a crash repeats no mail.
    ap_sync_digest_on = fields.Date("Last AP Sync Digest", readonly=True, copy=False)

    @property
    def SELF_READABLE_FIELDS(self):
        """Override of `base`: everyone sees the own choices."""
        return super().SELF_READABLE_FIELDS + [
            "ap_sync_mail_at_once",
            "ap_sync_daily_digest",
        ]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        """Override of `base`: everyone makes the own choices."""
        return super().SELF_WRITEABLE_FIELDS + [
            "ap_sync_mail_at_once",
            "ap_sync_daily_digest",
        ]

    def _may_own_ap_sync_jobs(self, company):
        """Tell whether this is one user who can see and sync a company's bills.

        :param self: one user or none.
        """
        # sudo: whom others may be asked about is not the caller's to read.
        user = self.sudo()
        return (
            bool(user)
            and user.active
            and not user.share
            and company in user.company_ids
            and user.has_group("ap_sync.group_ap_sync_user")
        )
