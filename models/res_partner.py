from odoo import fields, models

#: Written by Odoo itself all the time, and in no rule.
IGNORED_FIELDS = {"supplier_rank", "customer_rank", "message_main_attachment_id"}


class ResPartner(models.Model):
    _inherit = "res.partner"

    # For managers: who may edit contacts must not lift a block by that.
    ap_sync_blocked = fields.Boolean(
        "Block Sync",
        copy=False,
        groups="ap_sync.group_ap_sync_manager",
        help="Bills of this vendor are not synced.",
    )
    ap_sync_block_reason = fields.Char(
        "Why Blocked", copy=False, groups="ap_sync.group_ap_sync_manager"
    )

    def write(self, vals):
        """Override of `base`: a rule may look at anything of a vendor, so its bills are
        looked at again."""
        result = super().write(vals)
        if vals.keys() - IGNORED_FIELDS:
            self._ap_sync_reevaluate_jobs()
        return result

    def _ap_sync_reevaluate_jobs(self):
        vendors = self.commercial_partner_id
        self.env["ap.sync.job"]._request_evaluation(
            [
                ("partner_id", "in", vendors.ids),
                "|",
                ("status", "in", ["on_hold", "blocked"]),
                ("phase", "in", ["queued", "retrying"]),
            ]
        )
