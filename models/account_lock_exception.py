from odoo import api, models


class AccountLock_Exception(models.Model):
    _inherit = "account.lock_exception"

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: bills held by a locked period go when an exception
        opens it."""
        exceptions = super().create(vals_list)
        exceptions.company_id._ap_sync_reevaluate_locked()
        return exceptions

    def write(self, vals):
        """Override of `account`: as for a new one; revoking is a write as well."""
        result = super().write(vals)
        self._invalidate_affected_user_lock_dates()
        self.company_id._ap_sync_reevaluate_locked()
        return result
