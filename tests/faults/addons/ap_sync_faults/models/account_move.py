from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _prepare_ap_sync_document(self, job, **options):
        """Override of `ap_sync`: somebody's extension that can't read some bills."""
        if "POISON" in (self.narration or ""):
            raise ZeroDivisionError
        return super()._prepare_ap_sync_document(job, **options)
