"""The middle of sending one bill to Business Central: finding our own document,
creating, filling and posting it, and removing it again when the ERP refuses.

Nothing there keeps two documents with one number from being created as drafts; of
posted ones the ERP refuses the second (``PurchaseAlreadyExistsErr``). So after ours
is created all that bear our key are read: the first of them is gone on with, and the
other drafts are deleted under the e-tag they were read with. Whoever else sends the
same document at that moment comes to the same one: a deletion and a posting can't
both succeed.
"""

from . import business_central_files as files
from .base import ConnectorError, Document, Outcome, Receipt
from .business_central_api import Session, text
from .business_central_bill import (
    CANCELLED,
    bill_values,
    checked_reference,
    compare,
    entity_of,
    is_ours,
    is_posted,
    receipt,
    status,
)
from .business_central_dimensions import check_shares, set_dimensions
from .business_central_errors import is_gone
from .business_central_setup import lock_date, remember_company
from .drafts import left_there

#: How often our document may vanish or change under us before we give up.
ROUNDS = 5


def send(bc: Session, document: Document) -> Receipt:
    """Create and post the document, or go on with the one that bears our key.

    :raise ConnectorError: see ``BusinessCentralConnector.send``.
    """
    entity = entity_of(document)
    checked_reference(document)
    remember_company(bc)
    there = alike(bc, document)
    ours = ours_of(there, document)
    try:
        check_shares(document)
        values = bill_values(document)
        if not ours:
            _check_not_entered(document, there)
            bc.insert(entity.path, values)
    except ConnectorError as error:
        if error.outcome is not Outcome.REJECTED:
            raise
        # Also when creating it was refused: a draft without lines would be no less
        # there. And an earlier attempt may have come further than this one.
        return refuse(bc, document, error)
    return _complete(bc, document)


def alike(bc: Session, document: Document) -> list[dict]:
    """Return the documents with our key, and those of the same vendor, with the same
    number, with their lines. What is cancelled counts as not there."""
    entity = entity_of(document)
    found = bc.find(
        entity.path,
        filter=f"{entity.number} eq {text(document.reference)}",
        expand=entity.lines,
    )
    vendor = document.vendor.erp_id.lower()
    return [
        bill
        for bill in found
        if status(bill) != CANCELLED
        and (is_ours(bill, document) or str(bill.get("vendorId")).lower() == vendor)
    ]


def ours_of(there: list[dict], document: Document) -> list[dict]:
    """Return those with our key: one that is posted first, else the one with the
    lowest number. Everybody who looks sees them in the same order."""
    return sorted(
        (bill for bill in there if is_ours(bill, document)),
        key=lambda bill: (
            not is_posted(bill),
            str(bill.get("number") or ""),
            bill["id"],
        ),
    )


def refuse(bc: Session, document: Document, error: ConnectorError) -> Receipt:
    """Return the receipt if our document was posted after all; otherwise remove our
    drafts, so that it is surely not there, and raise the error."""
    try:
        for _round in range(ROUNDS):
            ours = ours_of(alike(bc, document), document)
            if ours and is_posted(ours[0]):
                return _posted(bc, document, ours)
            if _remove(bc, document, ours):
                break
        else:
            raise _unsettled()
    except ConnectorError as failure:
        words = "A draft of the bill may be left in the ERP."
        raise left_there(error, failure, words) from failure
    if error.kind == "period_closed":
        error.lock_date = lock_date(bc, quiet=True)
    raise error


def _complete(bc, document):
    try:
        vanished = None
        for _round in range(ROUNDS):
            ours = ours_of(alike(bc, document), document)
            if not ours:
                raise ConnectorError(
                    "edited_in_erp",
                    "The draft was deleted in the ERP before it could be posted.",
                    Outcome.REJECTED,
                )
            if is_posted(ours[0]):
                return _posted(bc, document, ours)
            if not _remove(bc, document, ours[1:]):
                continue
            try:
                return _finish(bc, document, ours[0])
            except ConnectorError as error:
                if not is_gone(error) and error.kind != "stale_version":
                    raise
                vanished = error
        raise vanished or _unsettled()
    except ConnectorError as error:
        if error.outcome is Outcome.REJECTED:
            return refuse(bc, document, error)
        error.outcome = Outcome.AMBIGUOUS  # the draft is there, or it is in the books
        raise


def _finish(bc, document, draft):
    """Fill and post a draft."""
    entity = entity_of(document)
    place = f"{entity.path}({draft['id']})"
    compare(document, draft)
    set_dimensions(bc, document, draft)
    missing = files.attach(bc, entity, draft["id"], document)
    if bc.options.get("post"):
        bc.do("POST", f"{place}/Microsoft.NAV.post")
        draft = bc.ask(place)
        if not is_posted(draft):
            raise ConnectorError(
                "invalid_data", "The ERP left the bill a draft.", Outcome.REJECTED
            )
    return receipt(bc, entity, draft, document, missing)


def _posted(bc, document, ours):
    """Return the receipt of our posted document, without drafts beside it."""
    bill, *others = ours
    try:
        compare(document, bill)
    except ConnectorError as differing:
        differing.outcome = Outcome.AMBIGUOUS  # it is in the books
        raise
    _remove(bc, document, others)
    entity = entity_of(document)
    missing = files.attach(bc, entity, bill["id"], document)
    return receipt(bc, entity, bill, document, missing)


def _remove(bc, document, drafts):
    """Delete our drafts; tell whether all are surely gone."""
    gone = True
    for draft in drafts:
        if is_posted(draft):
            continue  # never two in the books: the ERP sees to that
        place = f"{entity_of(document).path}({draft['id']})"
        try:
            bc.do("DELETE", place, etag=draft["@odata.etag"])
        except ConnectorError as error:
            if error.kind == "stale_version":
                gone = False  # somebody goes on with it
            elif not is_gone(error):
                raise
    return gone


def _check_not_entered(document, there):
    if there:
        state = "posted" if is_posted(there[0]) else "a draft"
        raise ConnectorError(
            "duplicate_bill",
            f"The ERP has a bill of this vendor with the number {document.reference}"
            f" already: {there[0].get('number')}, {state}.",
            Outcome.REJECTED,
        )


def _unsettled():
    return ConnectorError(
        "concurrency_limit", "The bill is being changed in the ERP at the same time."
    )
