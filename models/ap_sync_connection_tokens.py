from odoo import fields, models

from .ap_sync_secret import HIDDEN


class ApSyncConnection(models.Model):
    """The refresh token of an ERP that gives access by a user's consent; what becomes
    of it: engine/tokens.py."""

    _inherit = "ap.sync.connection"

    # Written, never read back, as the API key.
    refresh_token = fields.Char(
        compute="_compute_refresh_token",
        inverse="_inverse_refresh_token",
        copy=False,
        groups="ap_sync.group_ap_sync_administrator",
    )

    def _compute_refresh_token(self):
        Secret = self.env["ap.sync.secret"]
        for connection in self:
            stored = connection.id and Secret._has_tokens(connection)
            connection.refresh_token = HIDDEN if stored else False

    def _inverse_refresh_token(self):
        Secret = self.env["ap.sync.secret"]
        for connection in self:
            token = (connection.refresh_token or "").strip()
            if token != HIDDEN:  # dots that come back mean: as it is
                Secret._store_refresh_token(connection, token.replace(HIDDEN[0], ""))
        self.invalidate_recordset(["refresh_token"], flush=False)
