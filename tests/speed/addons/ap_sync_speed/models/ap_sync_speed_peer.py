import requests

from odoo import api, fields, models


class ApSyncSpeedPeer(models.Model):
    """One bill as most addons send it: the call inside Odoo's transaction, the result
    on a record of its own. Kept as cheap as it can be, so that the comparison is fair:
    no rule, no attempt, no message."""

    _name = "ap.sync.speed.peer"
    _description = "Bill Sent by a Peer"

    move_id = fields.Many2one("account.move", required=True, ondelete="cascade")
    url = fields.Char(required=True)
    state = fields.Selection(
        [("to_send", "To send"), ("sent", "Sent")],
        default="to_send",
        index=True,
    )
    erp_id = fields.Char()

    @api.model
    def enqueue(self, url, move_ids):
        """Make the records; returns their ids. Nothing is sent yet."""
        return self.create([{"move_id": move, "url": url} for move in move_ids]).ids

    def enqueue_jobs(self):
        """The common pattern: one OCA queue_job for each bill."""
        for peer in self:
            peer.with_delay(channel="root")._send()

    def _send(self):
        answer = requests.post(f"{self.url}/bills", json=self._payload(), timeout=60)
        answer.raise_for_status()
        self.write({"state": "sent", "erp_id": answer.json()["id"]})

    @api.model
    def _cron_send(self):
        """As Odoo's own EDI sends (account_edi, ``_process_documents_web_services``):
        one by one, a commit after each."""
        for peer in self.search([("state", "=", "to_send")], order="id"):
            peer._send()
            # What is under way in the ERP can't be rolled back: EDI commits, too.
            self.env.cr.commit()  # pylint: disable=invalid-commit

    def _payload(self):
        """Return what the ERP wants to know of the bill."""
        move = self.move_id
        return {
            "key": str(self.id),
            "reference": move.ref,
            "bill_date": str(move.invoice_date),
            "accounting_date": str(move.date),
            "currency": move.currency_id.name,
            "vendor": {
                "local_id": move.partner_id.id,
                "name": move.partner_id.name,
                "vat": move.partner_id.vat,
            },
            "total": str(move.amount_total),
            "lines": [
                {
                    "name": line.name,
                    "account": line.account_id.code,
                    "quantity": line.quantity,
                    "price_unit": line.price_unit,
                    "subtotal": line.price_subtotal,
                }
                for line in move.invoice_line_ids
            ],
        }
