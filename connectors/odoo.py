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

from . import odoo_bill as bills
from . import odoo_setup, odoo_update
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
from .odoo_rpc import OdooRpc, Session, number
from .odoo_values import (
    MOVE_TYPES,
    NAMESPACE,
    bill_values,
    check_period,
    find_key,
    get_or_create,
    known_vendor,
    lock_date,
)
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
            self._check_not_entered(odoo, document, values["partner_id"])
        except ConnectorError as error:
            if error.outcome is not Outcome.REJECTED:
                raise
            # An earlier attempt may have come further than this one.
            bill_id = find_key(odoo, _key(document))
            if bill_id is None:
                raise
            return self._refused(odoo, document, bill_id, error)
        bill_id = get_or_create(
            odoo, "account.move", _key(document), self._header(document), odoo.do
        )
        return self._complete(odoo, document, bill_id, values)

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
        ids = [find_key(odoo, _key(document))]
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
        alike = odoo.ask(
            "account.move",
            "search_read",
            domain=_alike(odoo, document, vendor),
            fields=list(bills.READ),
            limit=20,
        )
        found = [bills.receipt(odoo, bill) for bill in alike]
        return [dataclasses.replace(receipt, ours=False) for receipt in found]

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

    # -- Inside send --

    def _complete(self, odoo, document, bill_id, values):
        try:
            bill, missing = bills.fill(odoo, document, bill_id, values)
            if bill and odoo.options.get("post") and bill["state"] == "draft":
                bill = bills.post(odoo, document, bill_id)
            if not bill or bill["state"] == "cancel":
                raise _cancelled(bill_id)
        except ConnectorError as error:
            if error.outcome is Outcome.REJECTED:
                return self._refused(odoo, document, bill_id, error)
            error.outcome = Outcome.AMBIGUOUS  # the draft is there
            raise
        return bills.receipt(odoo, bill, document, missing)

    def _refused(self, odoo, document, bill_id, error):
        """Return the receipt if an earlier attempt had posted the bill already;
        otherwise remove our draft, so that it is surely not there, and raise."""
        try:
            bill = bills.read(odoo, bill_id)
            if bill and bill["state"] == "draft":
                odoo.do("account.move", "unlink", ids=[bill_id])
        except ConnectorError as failure:
            # It is there: a new key would make a second one, so a person decides.
            refused = failure.outcome is Outcome.REJECTED
            raise ConnectorError(
                "outcome_unknown" if refused else error.kind,
                f"{error.message} A draft with the id {bill_id} was left in the ERP.",
                Outcome.REJECTED if refused else Outcome.AMBIGUOUS,
                status=error.status,
                excerpt=error.excerpt,
            ) from failure
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

    def _header(self, document):
        journal = str(self.settings.options.get("journal_id") or "")
        return {
            "move_type": MOVE_TYPES[document.kind],
            "ref": document.reference,
            "journal_id": number(journal) if journal else None,
        }

    def _check_not_entered(self, odoo, document, vendor):
        """Refuse a bill that somebody else entered there: Odoo itself only warns.

        :raise ConnectorError: ``duplicate_bill``; the caller looks it up and compares.
        """
        if not document.reference:
            return
        domain = _alike(odoo, document, vendor)
        rows = odoo.ask(
            "account.move", "search_read", domain=domain, fields=["ref"], limit=20
        )
        ids = [row["id"] for row in rows]
        if not ids:
            return
        names = odoo.ask("account.move", "get_external_id", ids=ids)
        if f"{NAMESPACE}.{_key(document)}" not in names.values():
            raise ConnectorError(
                "duplicate_bill",
                f"The ERP has a bill of this vendor with the reference"
                f" {document.reference} already.",
                Outcome.REJECTED,
            )

    def _session(self, deadline, attempt=""):
        return Session(self._rpc, self.settings, deadline, attempt)


def _alike(odoo, document, vendor):
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


def _key(document):
    return "bill_" + document.key.replace("-", "_")
