import time

from odoo import api, models
from odoo.fields import Command


class ApSyncSpeed(models.AbstractModel):
    """What the bench asks of Odoo in one call, as its administrator."""

    _name = "ap.sync.speed"
    _description = "AP Sync Speed Bench"

    @api.model
    def make_connection(self, values):
        """Return the id of a new connection, with the bills' accounts mapped."""
        connection = self.env["ap.sync.connection"].create(
            {"connector": "speed", "trigger": "manual", **values}
        )
        self.env["ap.sync.mapping"].create(
            [
                {
                    "connection_id": connection.id,
                    "record": f"{account._name},{account.id}",
                    "erp_id": str(600 + number),
                    "state": "confirmed",
                }
                for number, account in enumerate(self._accounts())
            ]
        )
        return connection.id

    @api.model
    def make_bills(self, count, prefix, lines=5):
        """Return the ids of new posted bills, each of another amount, of 50 vendors."""
        Partner = self.env["res.partner"]
        vendors = Partner.search([("ref", "=like", "SPEED-%")], order="id")
        vendors = vendors or Partner.create(
            [
                {"name": f"Speed Vendor {n}", "ref": f"SPEED-{n}", "is_company": True}
                for n in range(50)
            ]
        )
        accounts = self._accounts()
        moves = self.env["account.move"].create(
            [
                {
                    "move_type": "in_invoice",
                    "partner_id": vendors[number % len(vendors)].id,
                    "ref": f"{prefix}-{number:06}",
                    "invoice_date": "2026-11-10",
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": f"Position {line}",
                                "price_unit": 10 + number + line,
                                "account_id": accounts[line % len(accounts)].id,
                                "tax_ids": [Command.clear()],
                            }
                        )
                        for line in range(lines)
                    ],
                }
                for number in range(count)
            ]
        )
        moves.action_post()
        return moves.ids

    @api.model
    def submit(self, connection_id, move_ids):
        """Press Sync on bills; on this connection, whatever others there are."""
        connection = self.env["ap.sync.connection"].browse(connection_id)
        moves = self.env["account.move"].browse(move_ids)
        return len(self.env["ap.sync.job"]._submit(moves, connection))

    @api.model
    def trigger(self):
        """Wake a scheduled action that does nothing but say when it started; returns
        when, as ``time.time()``."""
        called_at = time.time()
        self.env.ref("ap_sync_speed.ir_cron_say")._trigger()
        return called_at

    @api.model
    def _cron_say(self):
        self.env.cr.execute("SELECT pg_notify('ap_sync_speed', %s)", [str(time.time())])

    @api.model
    def _accounts(self):
        return self.env["account.account"].search(
            [
                ("account_type", "=", "expense"),
                ("company_ids", "in", self.env.company.ids),
            ],
            order="code",
            limit=5,
        )
