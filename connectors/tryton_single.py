"""Keeping one invoice under one key in Tryton, which has nothing unique to offer: who
looks later sees the same invoices, and decides the same."""

from . import tryton_bill as bills
from .base import ConnectorError, Document, Outcome
from .tryton_session import Session

#: How often a bill is posted again that was similar to one of our own in the making.
POSTINGS = 4


def find_ours(tryton: Session, document: Document, vendor: int) -> dict | None:
    """Return the bill under our key, if any.

    :raise ConnectorError: ``duplicate_bill`` when somebody else entered it there: the
        caller looks it up and compares; ``edited_in_erp`` when ours was cancelled.
    """
    found = bills.find(tryton, document, vendor)
    ours = [bill for bill in found if bills.has_key(document, bill)]
    if live := bills.first([bill for bill in ours if bills.is_live(bill)]):
        return live
    if ours:
        raise ConnectorError(
            "edited_in_erp",
            f"The bill was cancelled in the ERP (id {ours[0]['id']}).",
            Outcome.REJECTED,
        )
    if any(bills.is_live(bill) for bill in found):
        raise _duplicate(document)
    return None


def under_key(tryton: Session, document: Document) -> list[dict]:
    """Return the bills under our key that are not cancelled."""
    found = bills.find(tryton, document, None)
    return [
        bill for bill in found if bills.has_key(document, bill) and bills.is_live(bill)
    ]


def keep_one(tryton: Session, document: Document) -> dict:
    """Return the bill under our key that stays, and delete other drafts under it.

    :raise ConnectorError: ``edited_in_erp`` when none is left; ambiguous when two are
        in the books.
    """
    ours = under_key(tryton, document)
    keep = bills.first(ours)
    if keep is None:
        raise ConnectorError(
            "edited_in_erp", "The bill was deleted in the ERP.", Outcome.REJECTED
        )
    for bill in ours:
        if bill["id"] == keep["id"]:
            continue
        if bills.is_posted(bill):
            raise ConnectorError(
                "outcome_unknown",
                f"The bill is in the ERP twice (ids {keep['id']} and {bill['id']}).",
            )
        try:
            tryton.delete(bills.INVOICE, bill["id"])
        except ConnectorError as error:
            # It was posted in this moment: what is there now is seen on posting.
            if error.outcome is not Outcome.REJECTED:
                raise
    return keep


def post(tryton: Session, document: Document, bill: dict) -> dict:
    """Post a draft and return it.

    :raise ConnectorError: rejected, when the ERP refuses or leaves it a draft.
    """
    for _posting in range(POSTINGS):
        try:
            posted = tryton.press(bills.INVOICE, bill["id"], "post", bills.READ)
            break
        except ConnectorError as error:
            refusal = error
        match refusal.kind:
            case "duplicate_bill":
                if _is_only_cancelled(tryton, document, bill):
                    # Tryton counts cancelled ones too; a person would say: go on.
                    posted = tryton.press(
                        bills.INVOICE, bill["id"], "post", bills.READ, unasked=True
                    )
                    break
            case "already_posted" | "bill_missing_in_erp":
                pass
            case _:
                raise refusal
        # Somebody who sends the same key was quicker, or is under way.
        bill = posted = keep_one(tryton, document)
        if bills.is_posted(bill):
            break
        tryton.sleep(0.3)
    else:
        refusal.outcome = Outcome.AMBIGUOUS
        raise refusal
    if not bills.is_posted(posted):
        raise ConnectorError(
            "invalid_data", "The ERP left the bill a draft.", Outcome.REJECTED
        )
    return posted


def _is_only_cancelled(tryton, document, bill):
    """Tell whether all that is similar to our bill is cancelled.

    :raise ConnectorError: ``duplicate_bill``, when somebody else's is not.
    """
    found = bills.find(tryton, document, bill["party"])
    live = [one for one in found if bills.is_live(one) and one["id"] != bill["id"]]
    if any(not bills.has_key(document, one) for one in live):
        raise _duplicate(document)
    return not live


def compare(document: Document, bill: dict) -> None:
    """As ``tryton_bill.compare``; ambiguous when the bill is in the books."""
    try:
        bills.compare(document, bill)
    except ConnectorError as differing:
        if bills.is_posted(bill):
            differing.outcome = Outcome.AMBIGUOUS  # it is in the books
        raise


def _duplicate(document):
    return ConnectorError(
        "duplicate_bill",
        f"The ERP has a bill of this vendor with the reference {document.reference}"
        " already.",
        Outcome.REJECTED,
    )
