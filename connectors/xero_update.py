"""Changing a bill that is in Xero already."""

import contextlib

from . import xero_bill as bills
from .base import ConnectorError, Document, Outcome, Receipt
from .xero_api import Session
from .xero_contacts import create_contact, known_contact
from .xero_setup import check_period, lock_date
from .xero_values import CREDIT_NOTE, day, money, name_of, shape_of, values


def amend(xero: Session, document: Document, erp_id: str) -> Receipt:
    """Bring the bill to what the document says; see ``XeroConnector.update``. Xero
    takes a whole bill in one call, so there is no half of it. Repeated, it ends in the
    same bill.
    """
    shape, bill_id = bills.place(erp_id)
    bill = bills.read(xero, erp_id)
    _check(xero, document, bill, erp_id)
    was_posted = bill["Status"] in bills.POSTED
    if was_posted and shape is CREDIT_NOTE:
        # [M] Xero keeps the lines of an approved credit note as they are.
        raise ConnectorError(
            "update_unsupported",
            "Xero changes no credit note that is approved: cancel it and send it anew.",
            Outcome.REJECTED,
        )
    check_period(xero, document)
    contact = known_contact(xero, document.vendor)
    contact = contact or create_contact(xero, document.vendor)
    row = {shape.id: bill_id, **values(document, contact, xero.options)}
    if was_posted:
        row["Status"] = "AUTHORISED"
    changed = _write(xero, shape, row, document.key)
    try:
        row = {shape.id: bill_id, "Status": row["Status"]}
        if lines := bills.fix_rounding(document, changed):
            row["LineItems"] = lines
        files = bills.attach(xero, document, changed)
        if not was_posted and xero.options.get("post"):
            row["Status"] = "AUTHORISED"
        if lines or row["Status"] != changed["Status"]:
            changed = _write(xero, shape, row, document.key)
    except ConnectorError as error:
        # From here on the bill is no longer what it was.
        if error.outcome is Outcome.REJECTED and was_posted:
            _put_back(xero, shape, bill, error)
        else:
            error.outcome = Outcome.AMBIGUOUS
        raise
    return bills.receipt(changed, document, files=files)


def cancel(xero: Session, document: Document, erp_id: str) -> Receipt:
    """Void the bill, or delete it while it is a draft: Xero allows each for its own
    statuses only; see ``XeroConnector.cancel``."""
    shape, bill_id = bills.place(erp_id)
    bill = bills.read(xero, erp_id)
    if not bill:
        note = "It had been deleted there already."
        return Receipt(erp_id=erp_id, notes=(note,))
    if bill["Status"] in bills.ALIVE:
        _check(xero, document, bill, erp_id)
        status = "VOIDED" if bill["Status"] in bills.POSTED else "DELETED"
        try:
            bill = bills.set_status(xero, shape, bill_id, status)
        except ConnectorError as error:
            raise _of_change(error) from None
    return bills.receipt(bill, document)


def attach(xero: Session, document: Document, erp_id: str) -> Receipt:
    """Attach what is missing; see ``XeroConnector.attach``."""
    bill = bills.read(xero, erp_id)
    if not bill or bill["Status"] not in bills.ALIVE:
        _check(xero, document, bill, erp_id)
    files = bills.attach(xero, document, bill)
    return bills.receipt(bill, document, files=files)


def _check(xero, document, bill, erp_id):
    """Refuse what Xero would refuse as well, in words that tell what to do."""
    if not bill:
        raise bills.missing(erp_id)
    name = name_of(bill) or f"with the id {erp_id}"
    paid = [money(bill.get(one)) for one in ("AmountPaid", "AmountCredited")]
    paid.append(money(bill.get("AppliedAmount")))
    if bill["Status"] not in bills.ALIVE:
        kind, why = "edited_in_erp", "was voided or deleted in Xero"
    elif bill["Status"] == "PAID" or any(paid) or bill.get("Allocations"):
        kind, why = "bill_paid_in_erp", "is paid in Xero, at least in part"
    elif bill["Type"] != shape_of(document).type:
        kind, why = "update_unsupported", "cannot become another kind of document"
    elif bill["Status"] in bills.POSTED and _is_locked(xero, bill):
        kind, why = "period_closed_update", "is in a period locked in Xero"
    else:
        return
    raise ConnectorError(kind, f"The bill {name} {why}.", Outcome.REJECTED)


def _is_locked(xero, bill):
    locked, booked = lock_date(xero), day(bill.get("Date"))
    return bool(locked and booked and booked <= locked)


def _write(xero, shape, row, key):
    try:
        [result] = bills.write(xero, shape, "POST", [row], "update", key, row)
    except ConnectorError as error:
        raise _of_change(error) from None
    if isinstance(result, ConnectorError):
        raise _of_change(result)
    return result


def _of_change(error):
    if error.kind == "period_closed":
        error.kind = "period_closed_update"
    return error


def _put_back(xero, shape, bill, error):
    """Give the bill its old contents again, so that the refusal is a plain one."""
    old = {
        shape.id: bill[shape.id],
        "Type": bill["Type"],
        "Contact": {"ContactID": bills.contact_of(bill)},
        shape.number: bill.get(shape.number) or "",
        "Date": day(bill["Date"]).isoformat(),
        "CurrencyCode": bill["CurrencyCode"],
        "LineAmountTypes": bill.get("LineAmountTypes") or "Exclusive",
        "LineItems": [
            {name: value for name, value in line.items() if name != "LineItemID"}
            for line in bills.copy_lines(bill)
        ],
        "Status": bill["Status"],
    }
    if bill.get("DueDate"):
        old["DueDate"] = day(bill["DueDate"]).isoformat()
    with contextlib.suppress(ConnectorError):
        restored = _write(xero, shape, old, f"back {error.message}")
        if money(restored.get("Total")) == money(bill.get("Total")):
            return
    error.outcome = Outcome.AMBIGUOUS
    error.message += f" The bill (id {bill[shape.id]}) was left changed in Xero."
