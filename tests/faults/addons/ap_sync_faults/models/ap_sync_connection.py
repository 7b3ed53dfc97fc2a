from odoo import fields, models


class ApSyncConnection(models.Model):
    _inherit = "ap.sync.connection"

    connector = fields.Selection(
        selection_add=[
            ("fake_keys", "Fake ERP that honours keys"),
            ("fake_lookup", "Fake ERP that can be asked"),
            ("fake_none", "Fake ERP that can do neither"),
        ],
        ondelete={
            "fake_keys": "cascade",
            "fake_lookup": "cascade",
            "fake_none": "cascade",
        },
    )
