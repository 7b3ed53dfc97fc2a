"""The middle of sending one bill to another Odoo: looking for it under other keys,
filling and posting its draft, and removing that again when the ERP refuses."""

from . import odoo_bill as bills
from .base import ConnectorError, Document, Outcome, Receipt
from .drafts import left_there
from .odoo_keys import NAMESPACE
from .odoo_rpc import Session
from .odoo_values import MOVE_TYPES


def complete(odoo: Session, document: Document, bill_id: int, values: dict) -> Receipt:
    """Fill and post the draft of a bill; return what the ERP has then.

    :raise ConnectorError: rejected, with the draft removed, or ambiguous.
    """
    try:
        bill, missing = bills.fill(odoo, document, bill_id, values)
        if bill and odoo.options.get("post") and bill["state"] == "draft":
            bill = bills.post(odoo, document, bill_id)
        if not bill or bill["state"] == "cancel":
            raise _cancelled(bill_id)
    except ConnectorError as error:
        if error.outcome is Outcome.REJECTED:
            return refuse(odoo, document, bill_id, error)
        error.outcome = Outcome.AMBIGUOUS  # the draft is there
        raise
    return bills.receipt(odoo, bill, document, missing)


def refuse(
    odoo: Session, document: Document, bill_id: int, error: ConnectorError
) -> Receipt:
    """Return the receipt if an earlier attempt had posted the bill already;
    otherwise remove our draft, so that it is surely not there, and raise."""
    try:
        bill = bills.read(odoo, bill_id)
        if bill and bill["state"] == "draft":
            odoo.do("account.move", "unlink", ids=[bill_id])
    except ConnectorError as failure:
        words = f"A draft with the id {bill_id} was left in the ERP."
        raise left_there(error, failure, words) from failure
    if not bill or bill["state"] == "draft":
        raise error
    if bill["state"] == "cancel":
        raise _cancelled(bill_id)
    try:
        bills.compare(document, bill)
    except ConnectorError as differing:
        differing.outcome = Outcome.AMBIGUOUS  # it is in the books
        raise
    return bills.receipt(odoo, bill, document)


def check_not_entered(odoo: Session, document: Document, vendor: int) -> None:
    """Refuse a bill that somebody else entered there: Odoo itself only warns.

    :raise ConnectorError: ``duplicate_bill``; the caller looks it up and compares.
    """
    if not document.reference:
        return
    domain = alike(odoo, document, vendor)
    rows = odoo.ask(
        "account.move", "search_read", domain=domain, fields=["ref"], limit=20
    )
    ids = [row["id"] for row in rows]
    if not ids:
        return
    names = odoo.ask("account.move", "get_external_id", ids=ids)
    if f"{NAMESPACE}.{key_of(document)}" not in names.values():
        raise ConnectorError(
            "duplicate_bill",
            f"The ERP has a bill of this vendor with the reference"
            f" {document.reference} already.",
            Outcome.REJECTED,
        )


def alike(odoo: Session, document: Document, vendor: int) -> list:
    """Return the domain of bills with this vendor and reference, under any key."""
    return [
        ["move_type", "=", MOVE_TYPES[document.kind]],
        ["company_id", "=", odoo.company],
        ["ref", "=", document.reference],
        ["state", "!=", "cancel"],
        ["partner_id", "=", vendor],
    ]


def _cancelled(bill_id):
    return ConnectorError(
        "edited_in_erp",
        f"The bill was cancelled or deleted in the ERP (id {bill_id}).",
        Outcome.REJECTED,
    )


def key_of(document: Document) -> str:
    """Return the name of the external id that a bill is kept under."""
    return "bill_" + document.key.replace("-", "_")
