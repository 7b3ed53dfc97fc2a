"""New bills into Xero: one or many, by the same steps.

A bill is created as a draft, compared, and only then authorised: what Xero computes
otherwise never gets into the books, and no journal has to be reversed for it. That
costs a second call, but both take many bills at once (20 bills: one look-up, one PUT,
one POST), so the limit of 60 calls a minute is far.

All may be repeated. Xero forgets an ``Idempotency-Key`` after minutes [M], so each try
looks first for a bill of this vendor and number; ``Url``, a link with the document's
key, tells ours from others.
"""

from .base import ConnectorError, Document, Outcome, Receipt
from .drafts import left_there
from .kinds import KINDS
from .xero_api import Session
from .xero_bill import (
    ALIVE,
    POSTED,
    attach,
    contact_of,
    find,
    fix_rounding,
    is_ours,
    read,
    receipt,
    set_status,
    write,
)
from .xero_contacts import create_contact, known_contact
from .xero_setup import check_period
from .xero_values import BILL, CREDIT_NOTE, Shape, shape_of, values

Result = Receipt | ConnectorError


def send_many(xero: Session, documents: dict[str, Document]) -> dict[str, Result]:
    """Send these bills; never raises ``ConnectorError``.

    :param documents: by their keys.
    :return: a receipt or an error for each key.
    """
    results: dict[str, Result] = {}
    for shape in (BILL, CREDIT_NOTE):
        alike = {
            key: document
            for key, document in documents.items()
            if shape_of(document) is shape
        }
        while alike:
            sending = _Sending(xero, shape, alike)
            results |= sending.run()
            # Two that have a number and vendor in common go one after the other, so
            # that the second is seen to be the first one's duplicate.
            alike = sending.later
    return results


class _Sending:
    """Bills of one kind on their way. ``results`` has those that are through."""

    def __init__(self, xero, shape, documents):
        self.xero = xero
        self.shape: Shape = shape
        self.documents = documents
        self.results: dict[str, Result] = {}
        self.later: dict[str, Document] = {}

    def run(self):
        try:
            drafts = self._create(self._look())
        except ConnectorError as error:
            # Of a question, before anything was created.
            rest = self.documents.keys() - self.results.keys() - self.later.keys()
            return self.results | dict.fromkeys(rest, error)
        self._finish(drafts)
        return self.results

    # -- Before anything is there

    def _look(self):
        """Return ``(new, begun)``: the values of bills that are to be created, and
        drafts of earlier tries with the values they are to have."""
        contacts = self._contacts()
        there = find(
            self.xero,
            self.shape,
            set(contacts.values()) - {""},
            {self.documents[key].reference for key in contacts},
        )
        new, begun, seen = {}, {}, set()
        for key, contact in contacts.items():
            document = self.documents[key]
            alike = [
                bill
                for bill in there
                if contact_of(bill) == contact
                and bill[self.shape.number] == document.reference
            ]
            ours = [
                bill for bill in alike if is_ours(bill, document, self.xero.options)
            ]
            if ours and ours[0]["Status"] in POSTED:
                self.results[key] = _booked(document, ours[0])
            elif ours:
                self._prepare(key, contact, begun, ours[0])
            elif alike:
                self.results[key] = _duplicate(document)
            elif (document.vendor, document.reference) in seen:
                self.later[key] = document
            else:
                self._prepare(key, contact, new)
            seen.add((document.vendor, document.reference))
        return new, begun

    def _contacts(self):
        """Return ``{key: Xero's id of the vendor}``, empty for one to be created."""
        known, found = {}, {}
        for key, document in self.documents.items():
            vendor = document.vendor
            try:
                if vendor not in known:
                    known[vendor] = known_contact(self.xero, vendor)
                found[key] = known[vendor]
            except ConnectorError as error:
                if error.outcome is not Outcome.REJECTED or KINDS[error.kind].person:
                    raise
                self.results[key] = error
        return found

    def _prepare(self, key, contact, ready, draft=None):
        """Put the bill's values into ``ready``, or why it can't go into ``results``."""
        document = self.documents[key]
        try:
            check_period(self.xero, document)
            # Once with a vendor that is not there, to create none for a bill that is
            # refused for another reason.
            values(document, contact, self.xero.options)
            contact = contact or create_contact(self.xero, document.vendor)
            found = values(document, contact, self.xero.options)
        except ConnectorError as error:
            if error.outcome is not Outcome.REJECTED or KINDS[error.kind].person:
                raise
            self._refuse(key, error, draft)
            return
        if draft:
            found[self.shape.id] = draft[self.shape.id]
        ready[key] = found

    # -- Drafts

    def _create(self, looked):
        """Return ``{key: draft}`` of all that are in Xero now."""
        new, begun = looked
        # The key of a creation is the document's alone: whatever else has changed,
        # the same document must not become two bills.
        drafts = self._write("PUT", new, "create")
        for key, bill in begun.items():
            drafts |= self._write("POST", {key: bill}, "fill", bill)
        return drafts

    def _write(self, method, rows, operation, *parts):
        """Send the rows and return ``{key: bill}`` of those that Xero took."""
        if not rows:
            return {}
        is_new = method == "PUT"
        try:
            written = write(
                self.xero,
                self.shape,
                method,
                list(rows.values()),
                operation,
                sorted(rows),
                *parts,
            )
        except ConnectorError as error:
            plain = error.outcome is Outcome.REJECTED and not KINDS[error.kind].person
            if plain and len(rows) > 1:
                # The whole was refused: nothing of it is there. Each alone, then.
                found = {}
                for key, row in rows.items():
                    found |= self._write(method, {key: row}, operation, *parts)
                return found
            if not is_new and not plain:
                error.outcome = Outcome.AMBIGUOUS  # the draft is there
            written = [error] * len(rows)
        found = {}
        for (key, row), result in zip(rows.items(), written, strict=True):
            if not isinstance(result, ConnectorError):
                found[key] = result
            elif result.outcome is Outcome.REJECTED and not is_new:
                self._refuse(key, result, row)
            else:
                self.results[key] = result
        return found

    # -- Into the books

    def _finish(self, drafts):
        ready, files = {}, {}
        status = "AUTHORISED" if self.xero.options.get("post") else "DRAFT"
        for key, draft in drafts.items():
            document = self.documents[key]
            if draft.get("Status") not in ALIVE:
                # The key's answer of an earlier try: somebody has removed it since.
                self.results[key] = _removed(draft[self.shape.id])
                continue
            try:
                lines = fix_rounding(document, draft)
            except ConnectorError as error:
                self._refuse(key, error, draft)
                continue
            files[key] = attach(self.xero, document, draft)
            ready[key] = {self.shape.id: draft[self.shape.id], "Status": status}
            if lines:
                ready[key]["LineItems"] = lines
        # Also of what stays a draft: the answer to a creation may be the one that Xero
        # remembers of an earlier try.
        done = self._write("POST", ready, "post", list(ready.values()))
        for key, bill in done.items():
            if bill.get("Status") not in (POSTED if status == POSTED[0] else ALIVE):
                message = "Xero left the bill a draft."
                error = ConnectorError("invalid_data", message, Outcome.REJECTED)
                self._refuse(key, error, bill)
            else:
                self.results[key] = _booked(self.documents[key], bill, files[key])

    def _refuse(self, key, error, draft):
        """Remove our draft, if there is one, so that it is surely not there; if it was
        authorised meanwhile, it is there and right."""
        self.results[key] = error
        if not draft:
            return
        document = self.documents[key]
        bill_id = str(draft[self.shape.id])
        try:
            erp_id = receipt({"Type": self.shape.type, self.shape.id: bill_id}).erp_id
            bill = read(self.xero, erp_id)
            if bill and bill.get("Status") in POSTED:
                self.results[key] = _booked(document, bill)
            elif bill and bill.get("Status") in ALIVE:
                set_status(self.xero, self.shape, bill_id, "DELETED")
        except ConnectorError as failure:
            words = f"A draft with the id {bill_id} was left in Xero."
            self.results[key] = left_there(error, failure, words)


def _booked(document, bill, files=None):
    """Return the receipt of a bill that is in the books, or the error when its amounts
    are not the document's."""
    try:
        if not fix_rounding(document, bill):
            return receipt(bill, document, files=files)
        message = "Xero has rounded the tax otherwise than it was told."
        error = ConnectorError("totals_differ", message)
    except ConnectorError as differing:
        error = differing
    error.outcome = Outcome.AMBIGUOUS  # it is in the books
    return error


def _duplicate(document):
    return ConnectorError(
        "duplicate_bill",
        f"Xero has a bill of this vendor with the number {document.reference} already.",
        Outcome.REJECTED,
    )


def _removed(bill_id):
    return ConnectorError(
        "edited_in_erp",
        f"The bill was voided or deleted in Xero (id {bill_id}).",
        Outcome.REJECTED,
    )
