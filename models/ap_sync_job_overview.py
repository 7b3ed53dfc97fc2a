from odoo import api, fields, models


class ApSyncJob(models.Model):
    """What the tiles, graphs and pivots add up and the list is searched by, stored so
    that the database does."""

    _inherit = "ap.sync.job"

    bill_name = fields.Char(
        related="move_id.name", string="Bill Number", store=True, index="trigram"
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency", store=True
    )
    amount_company = fields.Monetary(
        "Total in Company Currency",
        compute="_compute_amount_company",
        store=True,
        currency_field="company_currency_id",
        help="Credit notes count below zero.",
    )
    time_to_sync = fields.Float(
        "Hours to Sync",
        compute="_compute_time_to_sync",
        store=True,
        aggregator="avg",
        help="From the submission of the bill to its first success.",
    )

    @api.depends("move_id.amount_total_signed")
    def _compute_amount_company(self):
        for job in self:
            # Odoo's sign is that of the books, where a vendor bill is owed.
            job.amount_company = -job.move_id.amount_total_signed

    @api.depends("synced_at")
    def _compute_time_to_sync(self):
        for job in self:
            # A changed bill that is synced again waited for its change, not for us.
            if not job.time_to_sync and job.synced_at and job.create_date:
                waited = job.synced_at - job.create_date
                job.time_to_sync = max(0.0, waited.total_seconds() / 3600)
