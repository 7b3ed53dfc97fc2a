import ast
import logging

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

BILL_TYPES = {
    "include_bills": "in_invoice",
    "include_refunds": "in_refund",
    "include_receipts": "in_receipt",
}


class ApSyncConnection(models.Model):
    """Which bills a connection takes, and when."""

    _inherit = "ap.sync.connection"

    include_bills = fields.Boolean("Bills", default=True)
    include_refunds = fields.Boolean("Credit Notes", default=True)
    include_receipts = fields.Boolean("Receipts")
    journal_ids = fields.Many2many(
        "account.journal",
        string="Journals",
        check_company=True,
        domain="[('type', '=', 'purchase')]",
        help="Empty: all purchase journals.",
    )
    bill_domain = fields.Char("Only Bills Like", default="[]")
    trigger = fields.Selection(
        [
            ("posted", "When a bill is posted"),
            ("ready", "When a draft is marked Ready to sync"),
            ("manual", "Only when somebody presses Sync"),
        ],
        string="Sync",
        required=True,
        compute="_compute_trigger",
        store=True,
        readonly=False,
        precompute=True,
    )
    auto_resume = fields.Boolean(
        "Send Held Bills by Themselves",
        default=True,
        help="When what held or blocked a bill is mended, it goes without anybody "
        "pressing Sync.",
    )

    # === COMPUTES AND CONSTRAINTS === #

    @api.depends("connector")
    def _compute_trigger(self):
        """The local ledger posts drafts, so it can't wait for the posting."""
        for connection in self:
            if not connection.trigger:
                connection.trigger = "manual"  # until it is switched on
            elif connection.connector == "local" and connection.trigger == "posted":
                connection.trigger = "ready"

    @api.constrains("connector", "trigger")
    def _check_trigger(self):
        if self.filtered(lambda c: c.connector == "local" and c.trigger == "posted"):
            raise ValidationError(
                self.env._(
                    "Odoo's own ledger posts draft bills, so its bills can't wait to "
                    "be posted first. Choose Ready to sync, or by hand."
                )
            )

    @api.constrains("bill_domain")
    def _check_bill_domain(self):
        for connection in self:
            connection.env["ap.sync.rule"]._check_bill_domain_text(
                connection.bill_domain
            )

    # === BUSINESS METHODS === #

    def _get_bill_types(self):
        self.ensure_one()
        return [kind for name, kind in BILL_TYPES.items() if self[name]]

    def _get_bill_domain(self):
        """Return the domain on ``account.move`` of the bills this connection takes."""
        self.ensure_one()
        domain = Domain("move_type", "in", self._get_bill_types()) & Domain(
            "company_id", "=", self.company_id.id
        )
        if self.journal_ids:
            domain &= Domain("journal_id", "in", self.journal_ids.ids)
        return domain & Domain(ast.literal_eval(self.bill_domain or "[]"))

    def _match_bills(self, moves):
        """Return those of the bills that this connection takes.

        :raise ValueError, KeyError: when its condition can't be applied any more.
        """
        # sudo: the condition may look at what the bill's author can't read.
        return moves & moves.sudo().filtered_domain(self._get_bill_domain())

    def _filter_bills(self, moves):
        """Return those of the bills that this connection takes; when that can't be
        told any more, none, and ask an administrator to mend it."""
        self.ensure_one()
        try:
            return self._match_bills(moves)
        except (ValueError, KeyError):
            # A field it names is gone. People must be able to post bills anyway.
            _logger.exception("AP Sync: the condition of %s can't be applied", self.id)
            self.sudo()._set_attention(
                "internal",
                self.env._(
                    "Its condition on bills can't be applied any more, so it takes "
                    "none. Correct “Only Bills Like”, then press Sync on them."
                ),
            )
            return moves.browse()

    @api.model
    def _get_for_trigger(self, company, trigger):
        """Return the connections of a company that take bills at this moment."""
        if not company.ap_sync_automatic:
            return self.browse()
        # sudo: posting a bill must work for people who can't see connections.
        return self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("trigger", "=", trigger),
                ("active", "=", True),
            ]
        )
