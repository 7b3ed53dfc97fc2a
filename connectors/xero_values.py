"""From our document to a bill or credit note as Xero's API wants it, and back.

A bill is an invoice of type ACCPAY, a refund a credit note of type ACCPAYCREDIT.
Facts are those of Xero's OpenAPI description 16.1.0 unless marked [M].
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from .base import ConnectorError, Document, Line, Outcome, Ref

CENT = Decimal("0.01")
#: The tax type of a line without tax; each organisation has it.
NO_TAX = "NONE"
_MS_DATE = re.compile(r"^/Date\((-?\d+)([+-]\d{4})?\)/$")


@dataclass(frozen=True)
class Shape:
    """How Xero calls the parts of one kind of document."""

    path: str
    type: str
    id: str
    number: str


BILL = Shape("Invoices", "ACCPAY", "InvoiceID", "InvoiceNumber")
CREDIT_NOTE = Shape("CreditNotes", "ACCPAYCREDIT", "CreditNoteID", "CreditNoteNumber")
#: Before the id of a credit note in our ids: its id alone does not say what it is.
CREDIT_PREFIX = "CN-"


def shape_of(document: Document) -> Shape:
    """Return what a document is in Xero; of receipts it knows only those of staff."""
    return CREDIT_NOTE if document.kind == "refund" else BILL


def values(document: Document, contact: str, options: dict) -> dict:
    """Return a whole draft, without its id.

    :param contact: Xero's id of the vendor.
    :raise ConnectorError: rejected, for what is not mapped or not possible there.
    """
    shape = shape_of(document)
    found = {
        "Type": shape.type,
        "Contact": {"ContactID": contact},
        # Xero has one date, by which a bill is booked.
        "Date": document.accounting_date.isoformat(),
        # Ours are: price, quantity and account before tax.
        "LineAmountTypes": "Exclusive",
        shape.number: document.reference[:255],
        "CurrencyCode": document.currency,
        "Status": "DRAFT",
        "LineItems": [_line(line) for line in document.lines],
    }
    if shape is BILL:
        # A bill can't be authorised without [M].
        due = document.due_date or document.accounting_date
        found["DueDate"] = due.isoformat()
        if url := marker(document, options):
            found["Url"] = url
    return found


def marker(document: Document, options: dict) -> str:
    """Return the link to our bill, which Xero shows as *Go to ...*. It has the key, so
    it tells our bills from those that somebody entered; credit notes have no such
    field."""
    link = options.get("bill_url") or ""
    return link + document.key if link else ""


def key(operation: str, *parts: object) -> str:
    """Return an ``Idempotency-Key`` for an operation on what the parts name."""
    text = json.dumps([operation, *parts], sort_keys=True, default=str)
    return f"ap-sync-{operation}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def money(value: object) -> Decimal:
    """Return an amount of Xero's."""
    return Decimal(str(value or 0))


def day(value: object) -> date | None:
    """Return a date of Xero's: ``/Date(1552262400000+0000)/``, which is midnight in
    UTC whatever the organisation's time zone, or ``2019-03-11T00:00:00``."""
    text = str(value or "")
    if found := _MS_DATE.match(text):
        moment = datetime(1970, 1, 1, tzinfo=UTC)
        return (moment + timedelta(milliseconds=int(found[1]))).date()
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def mapped(ref: Ref, kind: str) -> str:
    """Return Xero's id for a piece of master data.

    :raise ConnectorError: of the given kind, rejected, when there is none.
    """
    if not ref.erp_id:
        name = f"{ref.code} {ref.name}".strip()
        raise ConnectorError(
            kind, f"“{name}” has no counterpart in Xero yet.", Outcome.REJECTED
        )
    return ref.erp_id


def _line(line: Line) -> dict:
    if len(line.taxes) > 1:
        names = ", ".join(tax.name for tax in line.taxes)
        raise ConnectorError(
            "tax_invalid",
            f"Xero takes one tax rate for each line, not several: {names}.",
            Outcome.REJECTED,
        )
    found = {
        "Description": line.name or line.account.name or "-",
        **_amounts(line),
        "AccountCode": mapped(line.account, "gl_account_unmapped"),
        "TaxType": mapped(line.taxes[0], "tax_unmapped") if line.taxes else NO_TAX,
    }
    if line.analytic:
        found["Tracking"] = _tracking(line)
    return found


def _amounts(line):
    """Return quantity and price, or quantity and amount.

    Xero knows no discount on bills, rounds prices to four decimals (``unitdp=4``) and
    refuses a quantity below zero [M]. Where quantity times price is not the amount,
    because of a discount, a tax included in the price or a fifth decimal, the amount
    is sent and Xero computes the price.
    """
    quantity, price = line.quantity, line.price_unit
    if quantity < 0:
        quantity, price = -quantity, -price
    fits = price == round(price, 4) and quantity == round(quantity, 4)
    amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    if fits and amount == line.subtotal:
        return {"Quantity": float(quantity), "UnitAmount": float(price)}
    return {"Quantity": float(quantity) or 1.0, "LineAmount": float(line.subtotal)}


def _tracking(line):
    """Return the tracking options. A line has at most two, of different categories,
    and is not divided among several options of one.

    Our ids are ``category/option``, both Xero's [M: that ids do without names].
    """
    pairs = [
        mapped(ref, "dimension_invalid").partition("/")[::2]
        for ref, _share in line.analytic
    ]
    whole = all(share == 100 for _ref, share in line.analytic)
    categories = {category for category, _option in pairs}
    if not whole or len(categories) < len(pairs) or len(pairs) > 2:
        raise ConnectorError(
            "dimension_invalid",
            f"Xero can't divide the line “{line.name[:80]}”: give it one option of at"
            " most two tracking categories, 100 % each.",
            Outcome.REJECTED,
        )
    return [
        {"TrackingCategoryID": category, "TrackingOptionID": option}
        for category, option in pairs
    ]


def name_of(bill: dict) -> str:
    """Return what people call a bill of Xero."""
    return str(bill.get(BILL.number) or bill.get(CREDIT_NOTE.number) or "")
