from odoo import models

from .ap_sync_job_live import CHANNEL


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        """Override of `bus`: who may see jobs hears of those of the own companies."""
        channels = list(channels)
        if CHANNEL in channels:
            channels.remove(CHANNEL)
            if self.env.user.has_group("ap_sync.group_ap_sync_user"):
                channels += [
                    (company, CHANNEL) for company in self.env.user.company_ids
                ]
        return super()._build_bus_channel_list(channels)
