from odoo import api, fields, models

from .. import engine


class ApSyncConnection(models.Model):
    """Whether the ERP still has what was synced; see engine/compare.py."""

    _inherit = "ap.sync.connection"

    compared_at = fields.Datetime("Compared", copy=False, readonly=True)
    compared_to_id = fields.Integer(
        copy=False,
        readonly=True,
        help="The job that a round under way has come to; 0 when there is none.",
    )

    @api.model
    def _get_engine_fields(self):
        return super()._get_engine_fields() | {"compared_at", "compared_to_id"}

    def action_compare(self):
        """Have the synced bills compared with the ERP's now, not at night."""
        self.ensure_one()
        self._check_manager()
        self._check_external()
        # sudo: set by the engine and this button alone; a manager presses it.
        self.sudo().write({"compared_at": False, "compared_to_id": 0})
        self.env.ref("ap_sync.ir_cron_compare")._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "title": self.env._("Compare"),
                "message": self.env._(
                    "The bills synced in the last 90 days are being compared with "
                    "those of %s. What differs is found in the jobs by the filter "
                    "Changed Since Sync.",
                    self.display_name,
                ),
            },
        }

    @api.model
    def _cron_compare(self):
        """Find synced bills that the ERP has no longer as they were sent; daily."""
        if engine.compare_with_erps(self.env):
            # Another run, not a longer one: those are killed.
            self.env.ref("ap_sync.ir_cron_compare")._trigger()
