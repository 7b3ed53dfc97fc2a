"""Vendor bills in another Odoo.

A bill is created in small steps, each of which may be repeated, so that ``send`` after
a crash anywhere goes on where the last one ended and never makes a second bill:

1. what it needs is looked up (vendor, currency, lock dates): nothing is changed;
2. an empty bill is created with ``load`` under the external id
   ``__ap_sync__.bill_<key>``, which the ERP's unique index makes atomic, or the one
   that is there is found;
3. ``write`` sets everything, replacing the lines. (Lines in ``load`` would be added
   once more by every repetition.)
4. the totals are read back and compared, files are attached, it is posted, read back.

While it is a draft under our key it counts as not kept: when the ERP refuses a step
the draft is removed again.
"""

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from . import odoo_batch, odoo_send, odoo_setup, odoo_update
from . import odoo_bill as bills
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
from .odoo_keys import find_key, get_or_create
from .odoo_rpc import OdooRpc, Session, number
from .odoo_send import alike, check_not_entered, key_of
from .odoo_values import MOVE_TYPES, bill_values, check_period, known_vendor, lock_date
from .profile import ClientKey, Profile


class OdooConnector:
    """The client for another Odoo, 16 or newer. Safe for many threads.

    ``settings.company`` is the company's id there, empty for the key's own.
    ``settings.options``:

    - ``protocol``: ``json2``, ``jsonrpc`` or ``auto``, see ``OdooRpc``;
    - ``post``: post the bill, or leave it a draft;
    - ``journal_id``: id of the purchase journal, empty for the company's default;
    - ``create_vendors``: create vendors that are neither mapped nor found by VAT;
    - ``origin``: a uuid of our database, part of the keys of created vendors;
    - ``lock_policy``: ``hold`` refuses bills of a locked period, ``next_open`` lets
      Odoo book them on a later date (a note on the receipt tells);
    - ``send_attachments``: attach the files;
    - ``settle_seconds``: instead of the 60 an unclear write is left alone for.
    """

    code: ClassVar[str] = "odoo"
    profile: ClassVar[Profile] = Profile(
        name="Another Odoo",
        asks=frozenset({"erp_database", "erp_company", "login", "api_key", "protocol"}),
        master_data=(
            "account",
            "vendor",
            "tax",
            "journal",
            "payment_term",
            "analytic",
            "currency",
        ),
        client_key=ClientKey.PERSISTENT,  # the external id, unique by an index
        look_up=("key", "reference", "erp_id"),
        batch=20,
        limits="none of its own; each worker serves one call at a time",
    )
    capability: ClassVar[Capability] = profile.capability
    settle_seconds: float = profile.settle_seconds

    def __init__(self, settings: Settings):
        self.settings = settings
        self.settle_seconds = float(
            settings.options.get("settle_seconds", self.settle_seconds)
        )
        self._rpc = OdooRpc(settings)

    def send(self, document: Document, *, attempt: str, deadline: float) -> Receipt:
        """See ``Connector.send``.

        The outcome of an error is that of the whole: *not sent* only before the bill
        was created, ambiguous from then on, *rejected* once it is removed again. An
        earlier attempt is not taken into account: after an unclear one, *not sent*
        says nothing about the bill.
        """
        odoo = self._session(deadline, attempt)
        try:
            check_period(odoo, document)
            values = bill_values(odoo, document)
            check_not_entered(odoo, document, values["partner_id"])
        except ConnectorError as error:
            if error.outcome is not Outcome.REJECTED:
                raise
            # An earlier attempt may have come further than this one.
            bill_id = find_key(odoo, key_of(document))
            if bill_id is None:
                raise
            return odoo_send.refuse(odoo, document, bill_id, error)
        bill_id = get_or_create(
            odoo, "account.move", key_of(document), self._header(document), odoo.do
        )
        return odoo_send.complete(odoo, document, bill_id, values)

    def send_many(
        self, documents: list[Document], *, attempts: list[str], deadline: float
    ) -> list[Receipt | ConnectorError]:
        """See ``Connector.send_many``. Odoo 18 and older get them one by one."""
        by_key = {key_of(document): document for document in documents}
        attempt_of = dict(zip(by_key, attempts, strict=True))

        def send_one(document):
            return self.send(
                document, attempt=attempt_of[key_of(document)], deadline=deadline
            )

        odoo = self._session(deadline, attempts[0])
        if odoo_batch.is_possible(odoo):
            results = odoo_batch.send_many(odoo, by_key, self._journal(), send_one)
        else:
            results = {
                key: odoo_batch.try_one(send_one, document)
                for key, document in by_key.items()
            }
        return [results[key] for key in by_key]

    def update(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.update``. The bill is reset to draft, rewritten and posted
        again; when the ERP refuses the new contents, the old ones are put back.

        :raise ConnectorError: ``bill_paid_in_erp``, ``period_closed_update``,
            ``bill_missing_in_erp``, ``edited_in_erp``; or as ``send``.
        """
        odoo = self._session(deadline, attempt)
        bill_id = number(erp_id, "bill_missing_in_erp")
        return odoo_update.amend(odoo, document, bill_id)

    def cancel(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.cancel``.

        :raise ConnectorError: ``bill_paid_in_erp``, ``period_closed_update``.
        """
        odoo = self._session(deadline, attempt)
        bill_id = number(erp_id, "bill_missing_in_erp")
        return odoo_update.cancel(odoo, document, bill_id)

    def attach(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.attach``.

        :raise ConnectorError: ``bill_missing_in_erp``, ``edited_in_erp``.
        """
        odoo = self._session(deadline, attempt)
        bill_id = number(erp_id, "bill_missing_in_erp")
        return odoo_update.attach(odoo, document, bill_id)

    def look_up(
        self, document: Document, *, deadline: float, erp_id: str = ""
    ) -> list[Receipt]:
        """See ``Connector.look_up``. A cancelled bill counts as not there.

        A draft under our key has ``posted`` false: unless bills are to stay drafts,
        it is a ``send`` that was cut off, and the same ``send`` completes it.
        """
        odoo = self._session(deadline)
        ids = [find_key(odoo, key_of(document))]
        if erp_id:
            ids.append(number(erp_id, "bill_missing_in_erp"))
        for bill_id in filter(None, ids):
            bill = bills.read(odoo, bill_id)
            if bill and bill["state"] != "cancel":
                return [bills.receipt(odoo, bill)]
        if document.cancelled:
            return []  # asked about this one bill, not about others like it
        vendor = document.reference and known_vendor(odoo, document.vendor)
        if not vendor:
            return []  # another vendor's bill of that number is none of ours
        found = odoo.ask(
            "account.move",
            "search_read",
            domain=alike(odoo, document, vendor),
            fields=list(bills.READ),
            limit=20,
        )
        return [
            dataclasses.replace(bills.receipt(odoo, bill), ours=False) for bill in found
        ]

    def read_bills(self, erp_ids: list[str], *, deadline: float) -> dict[str, Receipt]:
        """See ``Connector.read_bills``."""
        odoo = self._session(deadline)
        ids = [number(erp_id) for erp_id in erp_ids]
        found = bills.read_all(odoo, ids)
        return {str(bill["id"]): bills.receipt(odoo, bill) for bill in found}

    def check(self, *, deadline: float) -> list[CheckItem]:
        """See ``Connector.check``. Items after one that makes them impossible are
        left out."""
        return odoo_setup.check(self._session(deadline))

    def fetch(self, kind: str, *, deadline: float) -> Iterator[ErpRecord]:
        """See ``Connector.fetch``; archived records come with ``active`` false."""
        return odoo_setup.fetch(self._session(deadline), kind)

    def lock_date(self, *, deadline: float) -> date | None:
        """See ``Connector.lock_date``. The lock of the tax return is left out: it
        concerns bills with taxes only, and ``send`` looks at it for those."""
        return lock_date(self._session(deadline), seconds=0)

    def _header(self, document):
        return {
            "move_type": MOVE_TYPES[document.kind],
            "ref": document.reference,
            "journal_id": self._journal(),
        }

    def _journal(self):
        journal = str(self.settings.options.get("journal_id") or "")
        return number(journal) if journal else None

    def _session(self, deadline, attempt=""):
        return Session(self._rpc, self.settings, deadline, attempt)
