from odoo import api, fields, models
from odoo.exceptions import UserError


class ApSyncPause(models.TransientModel):
    """Why a connection is paused, and until when."""

    _name = "ap.sync.pause"
    _description = "Pause of an AP Sync Connection"

    connection_id = fields.Many2one("ap.sync.connection", required=True, readonly=True)
    reason = fields.Char(required=True)
    until = fields.Datetime()

    @api.constrains("connection_id")
    def _check_connection(self):
        # Odoo runs constraints as sudo.
        self.sudo(False).connection_id.check_access("read")

    def action_pause(self):
        """Pause the connection; the reason is kept and shown on the bills."""
        self.ensure_one()
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Give the reason: it is shown on the bills."))
        self.connection_id._pause(reason, self.until)
        return {"type": "ir.actions.act_window_close"}
