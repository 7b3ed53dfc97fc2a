"""Vendor bills in Tryton 8.0 and newer, as supplier invoices.

Tryton has no place for a client's key that is unique, so ``send`` keeps bills single by
looking: our key stands in the invoice's comment.

1. What the bill needs is looked up (period, vendor, currency). The invoices under our
   key, and those of this vendor and reference, are asked for: one of ours is gone on
   with, somebody else's is a duplicate.
2. The draft is created with its lines, in one transaction.
3. The invoices under our key are asked for again: of several that were created in the
   same moment all who look keep the same one, and the others are deleted.
4. A cent of tax that only rounding explains is set right (``tryton_tax``). Its totals
   are compared, files are attached, it is posted. Tryton itself refuses to
   post one that is similar to another (``Invoice._check_similar``), drafts included.

While it is a draft under our key it counts as not kept: when the ERP refuses a step the
draft is removed again.
"""

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from . import tryton_bill as bills
from . import tryton_change, tryton_setup, tryton_values
from . import tryton_single as single
from .base import (
    Capability,
    CheckItem,
    ConnectorError,
    Document,
    ErpRecord,
    Outcome,
    Receipt,
    Settings,
)
from .drafts import left_there
from .profile import Profile
from .tryton_rest import TrytonRest
from .tryton_session import Session, number
from .tryton_tax import settle_rounding
from .tryton_vendor import find_or_create, known


class TrytonConnector:
    """The client for Tryton. Safe for many threads.

    ``settings.database`` is the name of the database, ``settings.secret`` the key of a
    user application (REST), ``settings.company`` the company's id, empty where there is
    one alone. ``settings.options``:

    - ``post``: post the bill, or leave it a draft;
    - ``journal_id``: id of the expense journal, empty for the first one;
    - ``create_vendors``: create vendors that are neither mapped nor found by VAT;
    - ``origin``: a uuid of our database, part of the keys of created vendors;
    - ``lock_policy``: ``hold`` refuses bills of a closed period, ``next_open`` books
      them in the next open one (a note on the receipt tells);
    - ``send_attachments``: attach the files;
    - ``settle_seconds``: instead of the 60 an unclear write is left alone for.
    """

    code: ClassVar[str] = "tryton"
    profile: ClassVar[Profile] = Profile(
        name="Tryton",
        asks=frozenset({"erp_database", "erp_company", "api_key"}),
        master_data=tryton_setup.KINDS,
        look_up=("key", "reference", "erp_id"),
        # A posted invoice can't be changed, by nobody.
        changes=frozenset({"cancel", "attach"}),
        mapped=frozenset({"account", "tax"}),
        # Bookings wait for each other: more at once are no faster.
        concurrency=1,
        most_at_once=4,
        hint="The key is that of a user application for REST, which the user makes"
        " under Preferences; the company's ID may stay empty where there is one alone.",
        limits="about one bill a second; requests over 2 MB only where [request]"
        " max_size in trytond.conf allows them; no analytic accounts, no discount (the"
        " price is reduced)",
    )
    capability: ClassVar[Capability] = profile.capability
    settle_seconds: float = profile.settle_seconds

    def __init__(self, settings: Settings):
        self.settings = settings
        self.settle_seconds = float(
            settings.options.get("settle_seconds", self.settle_seconds)
        )
        self._rest = TrytonRest(settings)

    def send(self, document: Document, *, attempt: str, deadline: float) -> Receipt:
        """See ``Connector.send``.

        The outcome of an error is that of the whole: *not sent* only before the bill
        was created, ambiguous from then on, *rejected* once it is removed again. An
        earlier attempt is not taken into account: after an unclear one, *not sent*
        says nothing about the bill.
        """
        tryton = self._session(deadline, attempt)
        try:
            booked = tryton_values.booking_date(tryton, document)
            lines = tryton_values.lines(tryton, document)
            vendor = find_or_create(tryton, document.vendor)
            values = tryton_values.invoice_values(tryton, document, vendor, booked)
            bill = single.find_ours(tryton, document, vendor["id"])
        except ConnectorError as error:
            if error.outcome is not Outcome.REJECTED:
                raise
            # An earlier attempt may have come further than this one.
            ours = bills.first(single.under_key(tryton, document))
            if ours is None:
                raise
            return self._refused(tryton, document, ours["id"], error)
        if bill is None:
            new = {**values, "lines": [["create", lines]]}
            bill = tryton.insert(bills.INVOICE, new, bills.READ)
            return self._complete(tryton, document, bill, None)
        removed = [["delete", bill["lines"]]] if bill["lines"] else []
        values["lines"] = [*removed, ["create", lines]]
        return self._complete(tryton, document, bill, values)

    def update(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """Refuse: a posted invoice can't be changed in Tryton, and to cancel and make
        another one is a decision about the books that a person takes.

        :raise ConnectorError: ``update_unsupported``, rejected; nothing is called.
        """
        raise ConnectorError(
            "update_unsupported",
            "A bill that is posted in Tryton can't be changed there: cancel it, or"
            " enter the difference as a credit note.",
            Outcome.REJECTED,
        )

    def cancel(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.cancel``.

        :raise ConnectorError: ``bill_paid_in_erp``, ``period_closed_update``.
        """
        tryton = self._session(deadline, attempt)
        bill_id = number(erp_id, "bill_missing_in_erp")
        return tryton_change.cancel(tryton, document, bill_id)

    def attach(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.attach``.

        :raise ConnectorError: ``bill_missing_in_erp``, ``edited_in_erp``.
        """
        tryton = self._session(deadline, attempt)
        bill_id = number(erp_id, "bill_missing_in_erp")
        return tryton_change.attach(tryton, document, bill_id)

    def look_up(
        self, document: Document, *, deadline: float, erp_id: str = ""
    ) -> list[Receipt]:
        """See ``Connector.look_up``. A cancelled bill counts as not there.

        A draft under our key has ``posted`` false: unless bills are to stay drafts,
        it is a ``send`` that was cut off, and the same ``send`` completes it. Several
        are returned only where several are in the books.
        """
        tryton = self._session(deadline)
        ours = single.under_key(tryton, document)
        posted = [bill for bill in ours if bills.is_posted(bill)]
        if found := posted or ours:
            kept = found if posted else [bills.first(found)]
            return [bills.receipt(tryton, bill) for bill in kept]
        if erp_id:
            bill = bills.read(tryton, number(erp_id, "bill_missing_in_erp"))
            if bill and bills.is_live(bill):
                return [bills.receipt(tryton, bill)]
        if document.cancelled:
            return []  # asked about this one bill, not about others like it
        vendor = document.reference and known(tryton, document.vendor)
        if not vendor:
            return []  # another vendor's bill of that number is none of ours
        alike = filter(bills.is_live, bills.find(tryton, document, vendor))
        found = [bills.receipt(tryton, bill, ours=False) for bill in alike]
        # A credit note of the same number is listed when nothing else is there: with
        # it Tryton refuses the bill.
        return [one for one in found if one.kind == document.kind] or found

    def read_bills(self, erp_ids: list[str], *, deadline: float) -> dict[str, Receipt]:
        """See ``Connector.read_bills``."""
        tryton = self._session(deadline)
        found = bills.read_all(tryton, [number(erp_id) for erp_id in erp_ids])
        return {str(bill["id"]): bills.receipt(tryton, bill) for bill in found}

    def check(self, *, deadline: float) -> list[CheckItem]:
        """See ``Connector.check``. Items after one that makes them impossible are
        left out."""
        return tryton_setup.check(self._session(deadline))

    def fetch(self, kind: str, *, deadline: float) -> Iterator[ErpRecord]:
        """See ``Connector.fetch``; archived records, and accounts that have ended, come
        with ``active`` false."""
        return tryton_setup.fetch(self._session(deadline), kind)

    def lock_date(self, *, deadline: float) -> date | None:
        """See ``Connector.lock_date``: the end of the closed periods that no open one
        precedes. One closed on its own is left to ``send``."""
        return tryton_values.lock_date(self._session(deadline), seconds=0)

    # -- Inside send --

    def _complete(self, tryton, document, bill, values):
        """Bring a bill under our key to its end.

        :param values: what a draft of an earlier attempt is to say; ``None`` for one
            that was just created.
        """
        bill_id = bill["id"]
        try:
            if values is None:
                bill = single.keep_one(tryton, document)
            elif bill["state"] == "draft":
                bill = tryton.change(bills.INVOICE, bill_id, values, bills.READ)
            bill_id = bill["id"]
            bill, notes = settle_rounding(tryton, document, bill)
            single.compare(document, bill)
            missing = bills.attach(tryton, document, bill_id)
            if tryton.options.get("post") and not bills.is_posted(bill):
                bill = single.post(tryton, document, bill)
        except ConnectorError as error:
            if error.outcome is Outcome.REJECTED:
                return self._refused(tryton, document, bill_id, error)
            error.outcome = Outcome.AMBIGUOUS  # the draft is there
            raise
        receipt = bills.receipt(tryton, bill, document, missing)
        return dataclasses.replace(receipt, notes=(*notes, *receipt.notes))

    def _refused(self, tryton, document, bill_id, error):
        """Return the receipt if an earlier attempt had posted the bill already;
        otherwise remove our drafts, so that it is surely not there, and raise."""
        try:
            found = single.under_key(tryton, document)
            gone = bill_id not in [bill["id"] for bill in found]
            # The draft that was to be kept instead of ours may be the one.
            gone = gone or "that don't exist" in error.message
            if gone and error.kind not in ("edited_in_erp", "duplicate_bill"):
                # What is no longer there can't be posted or read: somebody else is at
                # work under our key, and may make it anew.
                error.outcome = Outcome.AMBIGUOUS
            for bill in found:
                if not bills.is_posted(bill):
                    bill_id = bill["id"]
                    tryton.delete(bills.INVOICE, bill_id)
            left = single.under_key(tryton, document)
        except ConnectorError as failure:
            words = f"A draft with the id {bill_id} was left in the ERP."
            raise left_there(error, failure, words) from failure
        if not left:
            raise error
        bill = single.only_one_posted(left)
        single.compare(document, bill)
        return bills.receipt(tryton, bill, document)

    def _session(self, deadline, attempt=""):
        return Session(self._rest, self.settings, deadline, attempt)
