"""The steps of writing a bill into Tryton, each of which may be repeated."""

from datetime import date
from decimal import Decimal

from . import drafts
from .base import ConnectorError, Document, Receipt
from .tryton_session import Session
from .tryton_values import MARK, RECEIPT

INVOICE = "account.invoice"
READ = (
    "state",
    "number",
    "type",
    "reference",
    "comment",
    "accounting_date",
    "move.date",
    "currency.code",
    "party",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "amount_to_pay",
    "lines",
)


def read(tryton: Session, bill_id: int) -> dict | None:
    """Return the bill's fields as the ERP has them, or ``None``."""
    rows = tryton.find(INVOICE, [["id", "=", bill_id], *_ours(tryton)], READ)
    return rows[0] if rows else None


def read_all(tryton: Session, bill_ids: list[int]) -> list[dict]:
    """Return the fields of these bills, without those that are gone or cancelled."""
    domain = [["id", "in", bill_ids], ["state", "!=", "cancelled"], *_ours(tryton)]
    return tryton.find(INVOICE, domain, READ)


def find(tryton: Session, document: Document, vendor: int | None) -> list[dict]:
    """Return the bills under our key, and those of this vendor and reference, cancelled
    ones too. One question, so that both are of one moment.

    :param vendor: the party's id; ``None`` asks for our key alone.
    """
    # In "like" an underscore stands for any letter; `has_key` looks again.
    wanted = ["comment", "like", f"%{MARK.format(document.key)}%"]
    if vendor and document.reference:
        alike = [["party", "=", vendor], ["reference", "=", document.reference]]
        wanted = ["OR", wanted, alike]
    return tryton.find(INVOICE, [wanted, *_ours(tryton)], READ, order="id")


def has_key(document: Document, bill: dict) -> bool:
    """Tell whether a bill of the ERP stands under the document's key."""
    return MARK.format(document.key) in (bill["comment"] or "")


def is_live(bill: dict) -> bool:
    """Tell whether a bill counts: it is not cancelled."""
    return bill["state"] != "cancelled"


def is_posted(bill: dict) -> bool:
    """Tell whether a bill is in the books."""
    return bill["state"] in ("posted", "paid")


def first(bills: list[dict]) -> dict | None:
    """Return the bill that stays when several stand under one key: one that is in the
    books, else the oldest. Everybody who looks decides the same."""
    return min(bills, key=lambda bill: (not is_posted(bill), bill["id"]), default=None)


def receipt(
    tryton: Session,
    bill: dict,
    document: Document | None = None,
    missing: dict[str, str] | None = None,
    *,
    ours: bool = True,
) -> Receipt:
    """Return the receipt for a bill of the ERP, with a note when it was booked on
    another date than the document's, and for each file that is missing."""
    booked = _booked(bill)
    notes = [
        f"The file {name} could not be attached: {why}"
        for name, why in (missing or {}).items()
    ]
    if document and booked and booked != document.accounting_date:
        notes.append(
            f"Booked on {booked} instead of {document.accounting_date}:"
            " the period is closed in the ERP."
        )
    return Receipt(
        erp_id=str(bill["id"]),
        number=bill["number"] or "",
        url=tryton.link(INVOICE, bill["id"]),
        posted=is_posted(bill),
        kind=_kind(bill),
        reference=bill["reference"] or "",
        accounting_date=booked,
        currency=bill["currency"]["code"],
        total=abs(bill["total_amount"]),
        vendor_erp_id=str(bill["party"]),
        ours=ours,
        notes=tuple(notes),
        missing_files=tuple(missing or ()),
    )


def compare(document: Document, bill: dict) -> None:
    """As ``drafts.compare``, with a bill as ``read`` returns it."""
    sign = -1 if document.kind == "refund" else 1
    names = ("untaxed_amount", "tax_amount", "total_amount")
    drafts.compare(document, [sign * bill[name] for name in names])


def attach(tryton: Session, document: Document, bill_id: int) -> dict[str, str]:
    """Attach the files that are not there yet, which is told by name and size. They
    come before posting, but never stand in its way.

    :return: what could not be attached: ``{name: why}``.
    """
    files = [file for file in document.attachments if file.content]
    if not files or not tryton.options.get("send_attachments"):
        return {}
    resource = f"{INVOICE},{bill_id}"
    try:
        there = tryton.find(
            "ir.attachment", [["resource", "=", resource]], ["name", "data_size"]
        )
    except ConnectorError as error:
        return {file.name: error.message for file in files}
    known = {(row["name"], row["data_size"]) for row in there}
    missing = {}
    for file in files:
        if (file.name, len(file.content)) in known:
            continue
        values = {
            "name": file.name,
            "type": "data",
            "resource": resource,
            "data": file.content,
        }
        try:
            tryton.insert("ir.attachment", values)
        except ConnectorError as error:
            missing[file.name] = error.message
            if error.status == 413:
                missing[file.name] = (
                    "it is larger than the server takes ([request] max_size in"
                    " trytond.conf, 2 MB unless set)."
                )
    return missing


def _ours(tryton):
    return [["type", "=", "in"], ["company", "=", tryton.company]]


def _booked(bill) -> date | None:
    return (bill["move"] or {}).get("date") or bill["accounting_date"]


def _kind(bill):
    if bill["total_amount"] < Decimal(0):
        return "refund"
    is_receipt = (bill["comment"] or "").endswith(f"]{RECEIPT}")
    return "receipt" if is_receipt else "bill"
