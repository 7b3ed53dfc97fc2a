from odoo import SUPERUSER_ID, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..connectors import ConnectorError, Outcome, Receipt
from .account_move_document import KIND_BY_TYPE


class AccountMove(models.Model):
    """Odoo's own ledger as a target: posting a draft bill."""

    _inherit = "account.move"

    def _ap_sync_post_in_ledger(self):
        """Post this draft bill.

        :return: its ``Receipt``; the notes tell when Odoo moved the accounting date.
        :raise ConnectorError: rejected, with the kind of Odoo's refusal.
        """
        self.ensure_one()
        move = self.with_company(self.company_id)
        self._ap_sync_check_postable(move)
        asked = move.invoice_date or move.date
        try:
            move._post(soft=False)
        except UserError as error:
            raise ConnectorError(
                "invalid_data", str(error), Outcome.REJECTED
            ) from error
        notes = ()
        dates = {
            "date": format_date(self.env, move.date),
            "asked": format_date(self.env, asked),
        }
        locked = asked and move.company_id._get_violated_lock_dates(
            asked, move._affect_tax_report(), move.journal_id
        )
        if locked and move.date != asked:
            notes = (
                self.env._(
                    "Booked on %(date)s instead of %(asked)s: the period is locked up "
                    "to %(lock)s.",
                    lock=format_date(self.env, locked[-1][0]),
                    **dates,
                ),
            )
        elif move.date != asked:
            # Set by hand, or by Odoo when the bill was entered in a period that was
            # locked then: it does not move the date back when the period opens.
            notes = (
                self.env._(
                    "Booked on %(date)s; the bill is dated %(asked)s.",
                    **dates,
                ),
            )
        return Receipt(
            erp_id=str(move.id),
            number=move.name,
            kind=KIND_BY_TYPE[move.move_type],
            reference=move.ref or "",
            accounting_date=move.date,
            currency=move.currency_id.name,
            notes=notes,
        )

    def _get_ap_sync_ledger_locks(self):
        """Return ``{bill: until when its period is locked, or None}``; the queries do
        not grow with the bills."""
        # The engine books it, so an exception that was made for one person is none.
        moves = self.with_user(SUPERUSER_ID)
        # Odoo asks line by line whether taxes are involved.
        lines = moves.line_ids | moves.invoice_line_ids
        lines.fetch(["tax_ids", "tax_line_id", "tax_tag_ids"])
        locks = {}
        for bill, move in zip(self, moves, strict=True):
            found = move._get_violated_lock_dates(
                move.invoice_date, move._affect_tax_report()
            )
            locks[bill] = found[-1][0] if found else None
        return locks

    def _ap_sync_check_postable(self, move):
        """Name what Odoo would refuse in words of any kind, by the cause itself: its
        messages are translated and say less.

        The conditions are those of ``account.move._post`` in Odoo 19.
        """
        lines = move.ap_sync_line_ids
        archived = lines.account_id.filtered(lambda account: not account.active)
        problems = [
            (
                move.state != "draft",
                "already_posted",
                self.env._("The bill is posted."),
            ),
            (not move.partner_id, "vendor_missing", self.env._("It has no vendor.")),
            (not move.invoice_date, "date_missing", self.env._("It has no bill date.")),
            (not lines, "no_lines", self.env._("It has no lines.")),
            (
                not move.currency_id.active,
                "currency_not_enabled",
                self.env._("The currency %s is not active.", move.currency_id.name),
            ),
            (
                bool(archived),
                "gl_account_inactive",
                self.env._(
                    "The account %s is archived.",
                    ", ".join(archived.mapped("display_name")),
                ),
            ),
            (
                move.currency_id.compare_amounts(move.amount_total, 0) < 0,
                "negative_total",
                self.env._("Its total is below zero."),
            ),
        ]
        for wrong, kind, message in problems:
            if wrong:
                raise ConnectorError(kind, message, Outcome.REJECTED)
