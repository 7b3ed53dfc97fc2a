from odoo import api, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account` to look again at the jobs of the bill."""
        lines = super().create(vals_list)
        lines.move_id._ap_sync_look_again()
        return lines

    def write(self, vals):
        """Override of `account` to look again at the jobs of the bill."""
        result = super().write(vals)
        if {
            "account_id",
            "tax_ids",
            "price_unit",
            "quantity",
            "discount",
            "name",
            "analytic_distribution",
            "price_subtotal",
        } & vals.keys():
            self.move_id._ap_sync_look_again()
        return result

    def unlink(self):
        """Override of `account` to look again at the jobs of the bill."""
        moves = self.move_id
        result = super().unlink()
        moves._ap_sync_look_again()
        return result
