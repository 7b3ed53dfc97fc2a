from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .ap_sync_mapping import MAPPING_KINDS


class ApSyncMapping(models.Model):
    """Proposals accepted, one or two thousand; what waited for them goes."""

    _inherit = "ap.sync.mapping"

    # === ACTIONS === #

    def action_confirm(self):
        """Use these proposals from now on, and say how many bills that released."""
        proposals = self.filtered(lambda m: m.erp_id and m.state != "confirmed")
        return proposals._confirm({"state": "confirmed"})

    def action_accept_proposals(self):
        """Confirm the proposals chosen in a list, or all that it shows. What is only
        similar is no proposal: a person chooses it."""
        shown = self
        if not shown:
            # As the user: what the list may show.
            shown = self.search(Domain(self.env.context.get("active_domain") or []))
        proposals = shown.filtered(lambda m: m.state == "proposed" and m.erp_id)
        if not proposals:
            raise UserError(
                self.env._(
                    "There is no proposal to accept here. Choose the ERP's record of "
                    "what is missing, or press Refresh data on the connection."
                )
            )
        return proposals.action_confirm()

    def action_choose(self, erp_record_id):
        """Map to one of the suggested records.

        :param erp_record_id: id of an ``ap.sync.erp.record``; the constraints see to it
            that it is of this kind and connection.
        """
        self.ensure_one()
        return self._confirm({"erp_record_id": erp_record_id, "state": "confirmed"})

    # === BUSINESS METHODS === #

    def _confirm(self, values):
        """Write these values, let go what waits, and say how many bills that are."""
        # sudo: nobody has the right to write jobs. Counted before as after.
        waiting = (
            self.env["ap.sync.job"]
            .sudo()
            .search(
                Domain("connection_id", "in", self.connection_id.ids)
                & Domain("status", "in", ["on_hold", "blocked"])
                & Domain.OR(
                    Domain("cause_kinds", "like", f",{kind},") for kind in MAPPING_KINDS
                )
            )
        )
        self.write(values)
        released = waiting._describe_released(with_stopped=False)
        count = len(self)
        message = self.env._("%s mapped.", count)
        if released:
            message = self.env._(
                "%(count)s mapped. Bills: %(released)s.", count=count, released=released
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "title": self.env._("Mappings"),
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
