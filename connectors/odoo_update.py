"""Changing a bill that is in another Odoo already."""

import contextlib
from datetime import date
from decimal import Decimal

from . import odoo_bill as bills
from .base import ConnectorError, Document, Outcome, Receipt
from .odoo_rpc import Session
from .odoo_values import MOVE_TYPES, bill_values, check_period, lock_date, money

_PAID = ("paid", "in_payment", "partial")
_HEADER = (
    "ref",
    "invoice_date",
    "date",
    "invoice_origin",
    "narration",
    "invoice_payment_term_id",
    "invoice_date_due",
    "currency_id",
    "partner_id",
    "amount_total",
    "posted_before",
)
_LINE = (
    "name",
    "display_type",
    "sequence",
    "product_id",
    "product_uom_id",
    "quantity",
    "price_unit",
    "discount",
    "account_id",
    "tax_ids",
    "analytic_distribution",
)


def amend(odoo: Session, document: Document, bill_id: int) -> Receipt:
    """Reset the bill to draft, rewrite it and post it again; see
    ``OdooConnector.update``. Repeated, it ends in the same bill: a draft is an update
    that was cut off.
    """
    bill = bills.read(odoo, bill_id)
    _check(odoo, document, bill, bill_id)
    check_period(odoo, document)
    values = bill_values(odoo, document)
    was_posted = bill["state"] == "posted"
    before = _snapshot(odoo, bill_id)
    if was_posted:
        odoo.do("account.move", "button_draft", ids=[bill_id])
    try:
        bill, missing = bills.fill(odoo, document, bill_id, values)
        if bill and (odoo.options.get("post") or before["posted_before"]):
            bill = bills.post(odoo, document, bill_id)
    except ConnectorError as error:
        # From here on the bill is no longer what it was.
        if error.outcome is Outcome.REJECTED and was_posted:
            _put_back(odoo, document, bill_id, before, error)
        else:
            error.outcome = Outcome.AMBIGUOUS
        raise
    if not bill:
        raise _missing(bill_id, Outcome.AMBIGUOUS)
    return bills.receipt(odoo, bill, document, missing)


def cancel(odoo: Session, document: Document, bill_id: int) -> Receipt:
    """Cancel the bill; see ``OdooConnector.cancel``. ``button_cancel`` takes a posted
    bill in one transaction (Odoo's ``account.move``), so there is no half of it."""
    bill = bills.read(odoo, bill_id)
    if not bill:
        note = "It had been deleted there already."
        return Receipt(erp_id=str(bill_id), notes=(note,))
    if bill["state"] != "cancel":
        _check(odoo, document, bill, bill_id)
        odoo.do("account.move", "button_cancel", ids=[bill_id])
        bill = bills.read(odoo, bill_id)
    if not bill or bill["state"] != "cancel":
        raise ConnectorError("invalid_data", "The ERP did not cancel the bill.")
    return bills.receipt(odoo, bill)


def attach(odoo: Session, document: Document, bill_id: int) -> Receipt:
    """Attach what is missing; see ``OdooConnector.attach``."""
    bill = bills.read(odoo, bill_id)
    if not bill:
        raise _missing(bill_id, Outcome.REJECTED)
    if bill["state"] == "cancel":
        _check(odoo, document, bill, bill_id)
    missing = bills.attach(odoo, document, bill_id)
    return bills.receipt(odoo, bill, document, missing)


def _check(odoo, document, bill, bill_id):
    if not bill:
        raise _missing(bill_id, Outcome.REJECTED)
    name = bill["name"] or f"with the id {bill_id}"
    if bill["state"] == "cancel":
        kind, why = "edited_in_erp", "was cancelled in the ERP"
    elif bill["payment_state"] in _PAID:
        kind, why = "bill_paid_in_erp", "is paid in the ERP, at least in part"
    elif bill["move_type"] != MOVE_TYPES[document.kind]:
        kind, why = "update_unsupported", "cannot become another kind of document"
    elif bill["state"] == "posted" and _is_locked(odoo, bill):
        kind, why = "period_closed_update", "is in a period locked in the ERP"
    else:
        return
    raise ConnectorError(kind, f"The bill {name} {why}.", Outcome.REJECTED)


def _is_locked(odoo, bill):
    locked = lock_date(odoo, taxed=money(bill["amount_tax"]) != 0)
    return bool(locked and date.fromisoformat(bill["date"]) <= locked)


def _snapshot(odoo, bill_id):
    """Return what the bill says now, to put it back if need be."""
    heads = odoo.ask("account.move", "read", ids=[bill_id], fields=list(_HEADER))
    if not heads:
        raise _missing(bill_id, Outcome.REJECTED)
    lines = odoo.ask(
        "account.move.line",
        "search_read",
        domain=[
            ["move_id", "=", bill_id],
            ["display_type", "in", ["product", "line_section", "line_note"]],
        ],
        fields=list(_LINE),
    )
    return {**heads[0], "lines": lines}


def _put_back(odoo, document, bill_id, before, error):
    """Give the bill its old contents again, so that the refusal is a plain one."""
    values = {name: _value(before[name]) for name in _HEADER[:-2]}
    if values["invoice_payment_term_id"]:
        del values["invoice_date_due"]
    lines = [[0, 0, _line(line)] for line in before["lines"]]
    values["invoice_line_ids"] = [[5, 0, 0], *lines]
    with contextlib.suppress(ConnectorError):
        odoo.do("account.move", "write", ids=[bill_id], vals=values)
        bill = bills.post(odoo, document, bill_id)
        if bill and money(bill["amount_total"]) == money(before["amount_total"]):
            return
    error.outcome = Outcome.AMBIGUOUS
    error.message += f" The bill (id {bill_id}) was left changed in the ERP."


def _line(line):
    values = {name: _value(line[name]) for name in _LINE if name != "tax_ids"}
    return {**values, "tax_ids": [[6, 0, line["tax_ids"]]]}


def _value(value):
    """Return what ``write`` takes for what ``read`` gave: [id, name] becomes id."""
    if isinstance(value, list):
        return value[0] if value else False
    if isinstance(value, dict):
        return {name: float(share) for name, share in value.items()}
    return float(value) if isinstance(value, Decimal) else value


def _missing(bill_id, outcome):
    return ConnectorError(
        "bill_missing_in_erp", f"The ERP has no bill with the id {bill_id}.", outcome
    )
