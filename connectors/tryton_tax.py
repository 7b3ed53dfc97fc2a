"""A cent of tax that only rounding explains.

Tryton rounds the taxes once per document or once per line, half to even
(``account/tax.py`` and ``currency.py`` of 8.0); others round half up. A bookkeeper
types the amount of the vendor's bill into the draft's tax then, and so do we.
"""

from decimal import Decimal

from . import tryton_bill as bills
from .base import Document
from .tryton_session import Session
from .tryton_values import currency

_TAX = "account.invoice.tax"


def settle_rounding(
    tryton: Session, document: Document, bill: dict
) -> tuple[dict, tuple[str, ...]]:
    """Set the tax of a draft to the document's where rounding is all that tells them
    apart: each taxed line may account for half a cent, and no more.

    :return: the bill as it is then, and notes for the receipt.
    """
    sign = -1 if document.kind == "refund" else 1
    missing = sign * document.tax - bill["tax_amount"]
    if bill["state"] != "draft" or not missing:
        return bill, ()
    fields = ["base", "amount", "tax.type", "tax.rate"]
    rows = tryton.find(_TAX, [["invoice", "=", bill["id"]]], fields)
    if not rows or any(_rate(row) is None for row in rows):
        return bill, ()
    exact = sum(row["base"] * _rate(row) for row in rows)
    taxed = sum(len(line.taxes) for line in document.lines)
    digits = currency(tryton, document.currency)["digits"]
    half = Decimal(1).scaleb(-digits) / 2
    if abs(sign * document.tax - exact) > half * taxed:
        return bill, ()
    largest = max(rows, key=lambda row: abs(row["base"]))
    amount = largest["amount"] + missing
    tryton.change(_TAX, largest["id"], {"amount": amount}, ["amount"])
    note = (
        f"The tax was set to {document.tax}: the ERP rounds to"
        f" {abs(bill['tax_amount'])}."
    )
    return bills.read(tryton, bill["id"]) or bill, (note,)


def _rate(row):
    tax = row["tax"]
    return tax["rate"] if tax and tax["type"] == "percentage" else None
