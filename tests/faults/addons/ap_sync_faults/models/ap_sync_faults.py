from odoo import api, models
from odoo.fields import Command


class ApSyncFaults(models.AbstractModel):
    """What the bench asks of Odoo in one call, as its administrator."""

    _name = "ap.sync.faults"
    _description = "AP Sync Fault Bench"

    @api.model
    def make_connection(self, values):
        """Return the id of a new connection, with the bills' account mapped."""
        connection = self.env["ap.sync.connection"].create(values)
        if connection.connector != "local":
            account = self._bill_account()
            self.env["ap.sync.mapping"].create(
                {
                    "connection_id": connection.id,
                    "record": f"{account._name},{account.id}",
                    "erp_id": "600",
                    "state": "confirmed",
                }
            )
        return connection.id

    @api.model
    def make_bills(self, count, prefix, post=True):
        """Return the ids of new bills of 100.00 and more, each of another amount."""
        vendors = self.env["res.partner"].search(
            [("ref", "=like", "FAULTS-%")], order="id"
        )
        account = self._bill_account()
        moves = self.env["account.move"].create(
            [
                {
                    "move_type": "in_invoice",
                    "partner_id": vendors[number % len(vendors)].id,
                    "ref": f"{prefix}-{number:04}",
                    "invoice_date": "2026-11-10",
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": "Consulting",
                                "price_unit": 100 + number,
                                "account_id": account.id,
                                "tax_ids": [Command.clear()],
                            }
                        )
                    ],
                }
                for number in range(count)
            ]
        )
        if post:
            moves.action_post()
        return moves.ids

    @api.model
    def submit(self, connection_id, move_ids):
        """Press Sync on bills; on this connection, whatever others there are."""
        connection = self.env["ap.sync.connection"].browse(connection_id)
        moves = self.env["account.move"].browse(move_ids)
        return self.env["ap.sync.job"]._submit(moves, connection).ids

    @api.model
    def _bill_account(self):
        return self.env["account.account"].search(
            [
                ("account_type", "=", "expense"),
                ("company_ids", "in", self.env.company.ids),
            ],
            order="code",
            limit=1,
        )
