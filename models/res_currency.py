from odoo import models


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def write(self, vals):
        """Override of `base`: bills held by an inactive currency are looked at."""
        result = super().write(vals)
        if "active" in vals:
            # sudo: whoever activates a currency need not see connections.
            self.env["ap.sync.job"].sudo()._request_evaluation(
                [
                    ("status", "in", ["on_hold", "blocked"]),
                    ("cause_kinds", "like", ",currency_not_enabled,"),
                ]
            )
        return result
