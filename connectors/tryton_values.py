"""From our document to the values of a supplier invoice in Tryton, with what has to be
looked up there first. Everything here may be repeated without harm."""

from datetime import date
from decimal import Decimal

from .base import ConnectorError, Document, Line, Outcome, Ref
from .tryton_session import Session, number

#: Digits of a unit price, where the server's ``price_decimal`` was left alone.
PRICE_DIGITS = Decimal("0.0001")
#: What a person may read in the invoice's comment, and we find it by.
MARK = "[ap_sync:{}]"
RECEIPT = "[receipt]"


def invoice_values(
    tryton: Session, document: Document, vendor: dict, booked: date
) -> dict:
    """Return the values of the invoice: all of it but its lines and files.

    A credit note is a supplier invoice with negative quantities: Tryton has no type of
    its own for it (``account_invoice/invoice.py`` of 8.0, ``_sequence_type``).

    :param vendor: of ``tryton_vendor.find_or_create``.
    :param booked: of ``booking_date``.
    :raise ConnectorError: rejected, for what is not mapped or not there; not sent.
    """
    term = document.payment_term and document.payment_term.erp_id
    values = {
        "type": "in",
        "company": tryton.company,
        "party": vendor["id"],
        "invoice_address": vendor["address"],
        "account": vendor["account"],
        "journal": _journal(tryton),
        "currency": currency(tryton, document.currency)["id"],
        "reference": document.reference or None,
        "description": document.origin or None,
        "comment": comment(document),
        "invoice_date": document.bill_date,
        "accounting_date": booked,
        # What matters is when it is due. It is computed from the term and the bill's
        # date; without a term, it is this date.
        "payment_term": number(term) if term else None,
        "payment_term_date": None if term else document.due_date or document.bill_date,
    }
    return values


def lines(tryton: Session, document: Document) -> list[dict]:
    """Return the values of the invoice's lines.

    :raise ConnectorError: rejected, for what is not mapped.
    """
    money = currency(tryton, document.currency)
    sign = -1 if document.kind == "refund" else 1
    return [
        {
            "type": "line",
            # No default is computed through the API, so they are given again here.
            "company": tryton.company,
            "currency": money["id"],
            "account": mapped(line.account, "gl_account_unmapped"),
            "taxes": [["add", [mapped(tax, "tax_unmapped") for tax in line.taxes]]],
            **_amounts(line, money["digits"], sign),
        }
        for line in document.lines
    ]


def _amounts(line: Line, digits: int, sign: int) -> dict:
    """Return text, quantity and price of a line so that Tryton computes its subtotal.

    There is no discount, and a price has four digits. Where that can't give the
    subtotal, the line is one piece at that price, and its text says what it was.
    """
    cent = Decimal(1).scaleb(-digits)
    subtotal = line.subtotal.quantize(cent)
    if line.quantity:
        price = (line.subtotal / line.quantity).quantize(PRICE_DIGITS)
        whole = line.price_unit.quantize(PRICE_DIGITS)
        # Rather the price that was agreed on than one that was computed.
        for one in (whole,) if not line.discount else (price,):
            if (line.quantity * one).quantize(cent) == subtotal:
                return {
                    "description": line.name,
                    "quantity": float(sign * line.quantity),
                    "unit_price": one,
                }
    less = f", -{line.discount.normalize():f} %" if line.discount else ""
    was = f"{line.quantity.normalize():f} x {line.price_unit.normalize():f}{less}"
    return {
        "description": f"{line.name} ({was})",
        "quantity": float(sign),
        "unit_price": subtotal,
    }


def comment(document: Document) -> str:
    """Return the invoice's comment: the bill's own, and our key on its last line."""
    mark = MARK.format(document.key)
    if document.kind == "receipt":
        mark += RECEIPT  # Tryton knows no receipts: they are invoices there
    return f"{document.narration}\n{mark}".strip()


def booking_date(tryton: Session, document: Document) -> date:
    """Return the date the bill is to be booked on: its own, or that of the next open
    period, where the connection allows that.

    :raise ConnectorError: ``period_closed`` or ``no_period``, rejected.
    """
    day = document.accounting_date
    rows = periods(tryton)
    here = [row for row in rows if row["start_date"] <= day <= row["end_date"]]
    if not here:
        raise ConnectorError(
            "no_period",
            f"The ERP has no fiscal year and period for {day}.",
            Outcome.REJECTED,
        )
    if here[0]["state"] == "open":
        return day
    if tryton.options.get("lock_policy") == "next_open":
        later = [row for row in rows if row["state"] == "open"]
        later = [row["start_date"] for row in later if row["start_date"] > day]
        if later:
            return min(later)
    locked = lock_date(tryton)
    raise ConnectorError(
        "period_closed",
        f"The period {here[0]['name']} is closed in the ERP; the bill is dated {day}.",
        Outcome.REJECTED,
        # Not the end of a period closed on its own: bills before it may be taken.
        lock_date=locked if locked and day <= locked else None,
    )


def lock_date(tryton: Session, *, seconds: float = 30) -> date | None:
    """Return the end of the closed periods that no open one precedes, or ``None``.

    :param seconds: how old the answer may be.
    """
    locked = None
    for row in periods(tryton, seconds=seconds):
        if row["state"] == "open":
            break
        locked = row["end_date"]
    return locked


def periods(tryton: Session, *, seconds: float = 30) -> list[dict]:
    """Return the company's periods in their order; ``state`` is ``open``, ``closed`` or
    ``locked``."""

    def ask():
        return tryton.find(
            "account.period",
            [["company", "=", tryton.company], ["type", "=", "standard"]],
            ["name", "start_date", "end_date", "state"],
            order="start_date",
        )

    return tryton.rest.remember("periods", seconds, ask)


def currency(tryton: Session, code: str) -> dict:
    """Return the ERP's currency: ``id`` and ``digits``.

    :raise ConnectorError: ``currency_not_enabled``, rejected.
    """
    rows = tryton.rest.remember(
        f"currency {code}",
        600,
        lambda: tryton.find(
            "currency.currency", [["code", "=", code]], ["digits", "active"]
        ),
    )
    active = [row for row in rows if row["active"]]
    if not active:
        raise ConnectorError(
            "currency_not_enabled",
            f"The currency {code} is not active in the ERP.",
            Outcome.REJECTED,
        )
    return active[0]


def mapped(ref: Ref, kind: str) -> int:
    """Return the ERP's id of a record of ours.

    :raise ConnectorError: of the given kind, rejected, when it has none.
    """
    if not ref.erp_id:
        name = f"{ref.code} {ref.name}".strip()
        raise ConnectorError(
            kind, f"“{name}” has no counterpart in the ERP yet.", Outcome.REJECTED
        )
    return number(ref.erp_id)


def journals(tryton: Session) -> list[dict]:
    """Return the journals a bill can be booked in: the chosen one, or all."""
    domain = [["type", "=", "expense"]]
    chosen = str(tryton.options.get("journal_id") or "")
    if chosen:
        domain.append(["id", "=", number(chosen)])
    rows = tryton.find("account.journal", domain, ["name", "active"], order="id")
    return [row for row in rows if row["active"]]


def _journal(tryton):
    rows = tryton.rest.remember("journal", 600, lambda: journals(tryton))
    if not rows:
        raise ConnectorError(
            "mapping_changed",
            "The ERP has no journal of the type Expense, or not the chosen one.",
            Outcome.REJECTED,
        )
    return rows[0]["id"]
