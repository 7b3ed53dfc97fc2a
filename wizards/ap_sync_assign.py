from odoo import api, fields, models


class ApSyncAssign(models.TransientModel):
    """Who is to look after the chosen bills."""

    _name = "ap.sync.assign"
    _description = "Assign AP Sync Jobs"

    job_ids = fields.Many2many("ap.sync.job", readonly=True)
    job_count = fields.Integer("Bills", compute="_compute_job_count")
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        required=True,
        default=lambda self: self.env.user,
        domain=lambda self: [
            ("all_group_ids", "in", self.env.ref("ap_sync.group_ap_sync_user").ids),
            ("company_ids", "in", self.env.companies.ids),
        ],
    )

    @api.depends("job_ids")
    def _compute_job_count(self):
        for wizard in self:
            wizard.job_count = len(wizard.job_ids)

    @api.constrains("job_ids")
    def _check_jobs(self):
        # Odoo runs constraints as sudo.
        self.sudo(False).job_ids.check_access("read")

    def action_apply(self):
        """Give the bills to the chosen user."""
        self.ensure_one()
        self.job_ids._assign(self.user_id)
        return {"type": "ir.actions.act_window_close"}
