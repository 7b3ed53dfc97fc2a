from odoo import models


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def write(self, vals):
        """Override of `base`: bills held by an inactive currency are looked at."""
        result = super().write(vals)
        if "active" in vals:
            # sudo: whoever activates a currency need not see connections.
            connections = self.env["ap.sync.connection"].sudo().search([])
            connections._reevaluate_jobs(["currency_not_enabled"])
        return result
