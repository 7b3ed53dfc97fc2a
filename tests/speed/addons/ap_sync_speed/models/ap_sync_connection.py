from odoo import fields, models


class ApSyncConnection(models.Model):
    _inherit = "ap.sync.connection"

    connector = fields.Selection(
        selection_add=[("speed", "ERP of a set speed")],
        ondelete={"speed": "cascade"},
    )
