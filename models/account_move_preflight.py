from odoo import models
from odoo.exceptions import UserError
from odoo.tools.misc import clean_context


class AccountMove(models.Model):
    """The pre-flight check of bills, whether they have a job or not."""

    _inherit = "account.move"

    def action_ap_sync_check(self):
        """Check these bills: show whether each would sync, be held or be blocked on
        its connections, and write nothing."""
        self.check_access("read")
        bills = self.filtered(lambda m: m.is_purchase_document(include_receipts=True))
        if not bills:
            raise UserError(
                self.env._("Choose vendor bills, credit notes or receipts to check.")
            )
        return self.env["ap.sync.preflight"]._open(bills._ap_sync_preflight())

    def _ap_sync_preflight(self):
        """Tell what would become of these bills: of one on each connection of its
        company; of several where they have a job, else where they are taken.

        :return: values of ``ap.sync.preflight``, see ``_preflight`` of ``ap.sync.job``.
        """
        several = len(self) > 1
        known = self.env["ap.sync.job"].search([("move_id", "in", self.ids)])
        connections = self.env["ap.sync.connection"].search(
            [("company_id", "in", self.company_id.ids)]
        )
        # sudo: as jobs are made and rules applied; the bills and connections are those
        # this user may read. Not with the caller's context, see ``_submit``.
        jobs = known.with_env(self.env(context=clean_context(self.env.context))).sudo()
        by_connection = jobs.grouped("connection_id")
        unsaved, refused = [], []
        for connection in connections:
            here = jobs if several else by_connection.get(connection, jobs.browse())
            moves = self.filtered(
                lambda move, company=connection.company_id: move.company_id == company
            )
            moves -= here.move_id
            taken, reason = moves._ap_sync_preflight_taken(connection)
            unsaved += [
                jobs.new({"move_id": move.id, "connection_id": connection.id})
                for move in taken
            ]
            refused += (moves - taken)._prepare_ap_sync_not_taken(reason, connection)
        jobs = jobs.concat(*unsaved)
        if several or not connections:
            left = self - jobs.move_id
            reason = self.env._("No connection takes this bill.")
            refused = left._prepare_ap_sync_not_taken(reason)
        return jobs._preflight() + refused

    def _ap_sync_preflight_taken(self, connection):
        """Return those of the bills that the connection takes, and why not the rest."""
        try:
            taken = connection._match_bills(self)
        except (ValueError, KeyError):
            return self.browse(), self.env._(
                "The condition of %s on bills can't be applied any more.",
                connection.name,
            )
        return taken, self.env._(
            "It is not among the bills that %s takes.", connection.name
        )

    def _prepare_ap_sync_not_taken(self, reason, connection=None):
        return [
            {
                "move_id": move.id,
                "connection_id": connection.id if connection else False,
                "result": "not_taken",
                "message": reason,
            }
            for move in self
        ]
