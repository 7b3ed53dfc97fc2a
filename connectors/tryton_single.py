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
    keep = only_one_posted(ours)
    if keep is None:
        raise ConnectorError(
            "edited_in_erp", "The bill was deleted in the ERP.", Outcome.REJECTED
        )
    for bill in ours:
        if bill["id"] == keep["id"]:
            continue
        try:
            tryton.delete(bills.INVOICE, bill["id"])
        except ConnectorError as error:
            # It was posted in this moment: what is there now is seen on posting.
            if error.outcome is not Outcome.REJECTED:
                raise
    return keep


def only_one_posted(ours: list[dict]) -> dict | None:
    """Return the first of the bills under our key.

    :raise ConnectorError: ``outcome_unknown``, ambiguous, when two are in the books:
        neither is touched.
    """
    posted = [str(bill["id"]) for bill in ours if bills.is_posted(bill)]
    if len(posted) > 1:
        raise ConnectorError(
            "outcome_unknown",
            f"The bill is in the ERP twice (ids {' and '.join(posted)}).",
        )
    return bills.first(ours)


def post(tryton: Session, document: Document, bill: dict) -> dict:
    """Post a draft and return it.

    :raise ConnectorError: rejected, when the ERP refuses or leaves it a draft.
    """
    for left in reversed(range(POSTINGS)):
        posted = _press_post(tryton, document, bill, last=not left)
        if posted is None:
            # Somebody who sends the same key was quicker, or is under way.
            bill = posted = keep_one(tryton, document)
        if bills.is_posted(posted):
            return posted
        tryton.sleep(0.3)
    raise ConnectorError(
        "invalid_data", "The ERP left the bill a draft.", Outcome.REJECTED
    )


def _press_post(tryton, document, bill, *, last):
    """Return the bill as the ERP answers, ``None`` when others under our key are why
    it does not post it.

    :param last: whether then there is no other try: it is unclear what they do.
    """
    try:
        return tryton.press(bills.INVOICE, bill["id"], "post", bills.READ)
    except ConnectorError as error:
        if error.kind == "duplicate_bill":
            if _is_only_cancelled(tryton, document, bill):
                # Tryton counts cancelled ones too; a person would say: go on.
                tryton.press(bills.INVOICE, bill["id"], "post", unasked=True)
                return only_one_posted(under_key(tryton, document))
        elif error.kind not in ("already_posted", "bill_missing_in_erp"):
            raise
        if last:
            error.outcome = Outcome.AMBIGUOUS
            raise
        return None


def _is_only_cancelled(tryton, document, bill):
    """Tell whether something is similar to our bill, and all of it cancelled.

    :raise ConnectorError: ``duplicate_bill``, when somebody else's is not.
    """
    found = bills.find(tryton, document, bill["party"])
    similar = [one for one in found if one["id"] != bill["id"]]
    live = [one for one in similar if bills.is_live(one)]
    if any(not bills.has_key(document, one) for one in live):
        raise _duplicate(document)
    return bool(similar) and not live


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
