"""What can be done with a bill that stands in Tryton: cancel it, attach files."""

from . import tryton_bill as bills
from .base import ConnectorError, Document, Outcome, Receipt
from .tryton_session import Session


def cancel(tryton: Session, document: Document, bill_id: int) -> Receipt:
    """Cancel the bill; see ``TrytonConnector.cancel``. The button of a posted one makes
    and posts the opposite booking, in one transaction (``account_invoice/invoice.py``
    of 8.0, ``Invoice.cancel``)."""
    bill = bills.read(tryton, bill_id)
    if not bill:
        note = "It had been deleted there already."
        return Receipt(erp_id=str(bill_id), notes=(note,))
    if bills.is_live(bill):
        _check_unpaid(bill)
        bill = _cancel(tryton, bill_id)
    if bills.is_live(bill):
        raise ConnectorError("invalid_data", "The ERP did not cancel the bill.")
    return bills.receipt(tryton, bill)


def attach(tryton: Session, document: Document, bill_id: int) -> Receipt:
    """Attach what is missing; see ``TrytonConnector.attach``."""
    bill = bills.read(tryton, bill_id)
    if not bill:
        raise ConnectorError(
            "bill_missing_in_erp",
            f"The ERP has no bill with the id {bill_id}.",
            Outcome.REJECTED,
        )
    if not bills.is_live(bill):
        raise ConnectorError(
            "edited_in_erp",
            f"The bill {bill['number'] or bill_id} was cancelled in the ERP.",
            Outcome.REJECTED,
        )
    missing = bills.attach(tryton, document, bill_id)
    return bills.receipt(tryton, bill, document, missing)


def _cancel(tryton, bill_id):
    try:
        return tryton.press(bills.INVOICE, bill_id, "cancel", bills.READ)
    except ConnectorError as error:
        if error.kind != "period_closed":
            raise
        # Tryton asks whether the opposite may be booked in the current period.
        if tryton.options.get("lock_policy") != "next_open":
            error.kind = "period_closed_update"
            raise
    return tryton.press(bills.INVOICE, bill_id, "cancel", bills.READ, unasked=True)


def _check_unpaid(bill):
    open_amount = bill["amount_to_pay"]
    paid = bill["state"] == "posted" and open_amount != bill["total_amount"]
    if bill["state"] == "paid" or paid:
        raise ConnectorError(
            "bill_paid_in_erp",
            f"The bill {bill['number']} is paid in the ERP, at least in part.",
            Outcome.REJECTED,
        )
