"""Many bills into another Odoo in a few calls: an Odoo books 20 bills in one call in
little more time than two in two.

One call is one transaction there, so what it refuses in one bill it refuses in all.
Then the batch is halved until the bad bill is alone; it goes the way of a single bill,
which knows how to refuse. All steps may be repeated, as those of a single bill.
"""

from collections.abc import Callable

from . import odoo_bill as bills
from .base import ConnectorError, Document, Outcome, Receipt
from .odoo_keys import get_or_create_many
from .odoo_rpc import Session
from .odoo_values import (
    MOVE_TYPES,
    bill_values,
    check_period,
)

#: The first Odoo whose ``web_save_multi`` writes other values into each record.
SINCE = 19

Result = Receipt | ConnectorError


def send_many(
    odoo: Session,
    documents: dict[str, Document],
    journal: int | None,
    send_one: Callable[[Document], Receipt],
) -> dict[str, Result]:
    """Send these bills; never raises ``ConnectorError``.

    :param documents: by the keys of their external ids.
    :param journal: the ERP's id of the journal, None for the default one.
    :param send_one: sends a single bill.
    :return: a receipt or an error for each key.
    """
    results: dict[str, Result] = {}
    for kind in {document.kind for document in documents.values()}:
        alike = {key: doc for key, doc in documents.items() if doc.kind == kind}
        results |= _send_alike(odoo, alike, kind, journal, send_one)
    return results


def _send_alike(odoo, documents, kind, journal, send_one):
    results, ready = {}, {}
    try:
        if len(documents) > 1:
            ready = _prepare(odoo, documents, results)
        if len(ready) > 1:
            results |= _book(odoo, documents, ready, kind, journal)
    except ConnectorError as error:
        if error.outcome is not Outcome.REJECTED and error.kind != "concurrency_limit":
            return dict.fromkeys(documents, error) | results
        # Refused, or rolled back for another transaction's sake: nothing was booked.
        keys = list(ready)
        for part in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            some = {key: documents[key] for key in part}
            results |= _send_alike(odoo, some, kind, journal, send_one)
    for key, document in documents.items():
        if key not in results:
            results[key] = try_one(send_one, document)
    return results


def _prepare(odoo, documents, results):
    """Return ``{key: values}`` of those that can go; the errors of the others are put
    into ``results``."""
    ready = {}
    for key, document in documents.items():
        try:
            check_period(odoo, document)
            ready[key] = bill_values(odoo, document)
        except ConnectorError as error:
            if error.outcome is not Outcome.REJECTED:
                results[key] = error
            # Else it goes alone: an earlier try may have come further than this one.
    entered = _find_entered(odoo, documents, ready) if ready else set()
    return {key: values for key, values in ready.items() if key not in entered}


def _find_entered(odoo, documents, ready):
    """Return the keys of bills of which the ERP has one of the same vendor and
    reference already, under whatever key: they go alone."""
    wanted = {
        (values["partner_id"], documents[key].reference): key
        for key, values in ready.items()
        if documents[key].reference
    }
    # Two of one batch that are alike: the second is the first one's duplicate.
    alike = {key for key in ready if documents[key].reference} - set(wanted.values())
    if not wanted:
        return alike
    rows = odoo.ask(
        "account.move",
        "search_read",
        domain=[
            ["move_type", "=", MOVE_TYPES[next(iter(documents.values())).kind]],
            ["company_id", "=", odoo.company],
            ["state", "!=", "cancel"],
            ["partner_id", "in", sorted({vendor for vendor, _ref in wanted})],
            ["ref", "in", sorted({reference for _vendor, reference in wanted})],
        ],
        fields=["partner_id", "ref"],
    )
    found = {(row["partner_id"][0], row["ref"]) for row in rows}
    return alike | {key for pair, key in wanted.items() if pair in found}


def _book(odoo, documents, ready, kind, journal):
    """Create, fill and post the bills; return the receipts.

    A bill that has no receipt in the end goes alone.

    :raise ConnectorError: of all bills at once; ambiguous as soon as their drafts may
        be there, unless the ERP refused them or rolled them back.
    """
    header = {"move_type": MOVE_TYPES[kind], "journal_id": journal}
    ids = get_or_create_many(odoo, "account.move", list(ready), header, odoo.do)
    bill_of = dict(zip(ready, ids, strict=True))
    try:
        return _complete(odoo, documents, ready, bill_of)
    except ConnectorError as error:
        if error.outcome is Outcome.NOT_SENT and error.kind != "concurrency_limit":
            error.outcome = Outcome.AMBIGUOUS  # the drafts are there
        raise


def _complete(odoo, documents, ready, bill_of):
    ids = list(bill_of.values())
    states = {bill["id"]: bill["state"] for bill in bills.read_all(odoo, ids)}
    # One that is posted was done by a try whose answer was lost.
    drafts = [key for key in ready if states.get(bill_of[key]) == "draft"]
    if len(drafts) < 2:
        return {}
    odoo.do(
        "account.move",
        "web_save_multi",
        ids=[bill_of[key] for key in drafts],
        vals_list=[ready[key] for key in drafts],
        specification={"id": {}},
    )
    read = {bill["id"]: bill for bill in bills.read_all(odoo, ids)}
    right = [key for key in drafts if _is_right(documents[key], read.get(bill_of[key]))]
    missing = {key: bills.attach(odoo, documents[key], bill_of[key]) for key in right}
    if odoo.options.get("post") and right:
        posted = [bill_of[key] for key in right]
        odoo.do("account.move", "action_post", ids=posted)
        read = {bill["id"]: bill for bill in bills.read_all(odoo, posted)}
    wanted = "posted" if odoo.options.get("post") else "draft"
    return {
        key: bills.receipt(odoo, bill, documents[key], missing[key])
        for key in right
        if (bill := read.get(bill_of[key])) and bill["state"] == wanted
    }


def _is_right(document, bill):
    try:
        bills.compare(document, bill)
    except (ConnectorError, TypeError):
        return False  # alone it is refused, and its draft removed
    return True


def try_one(send_one: Callable[[Document], Receipt], document: Document) -> Result:
    """Return the receipt or the error of a single bill."""
    try:
        return send_one(document)
    except ConnectorError as error:
        return error


def is_possible(odoo: Session) -> bool:
    """Tell whether the ERP can take many bills at once.

    :raise ConnectorError: not sent, when it can't be asked.
    """
    return odoo.version >= SINCE
