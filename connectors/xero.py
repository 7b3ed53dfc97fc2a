"""Vendor bills in Xero, by its Accounting API 2.0.

How a bill gets there: ``xero_send``; what is marked [M] in these files is not in
Xero's OpenAPI description and was not tried with Xero itself.
"""

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from . import xero_bill as bills
from . import xero_send, xero_setup, xero_update
from .base import (
    Capability,
    CheckItem,
    ConnectorError,
    Document,
    ErpRecord,
    Receipt,
    Settings,
)
from .profile import ClientKey, Profile
from .tokens import Tokens
from .xero_api import ADDRESS, Session, XeroApi
from .xero_contacts import known_contact
from .xero_values import shape_of

#: Ids of one call that reads bills: they stand in the address.
READ_AT_ONCE = 40


class XeroConnector:
    """The client for Xero. Safe for many threads.

    ``settings.login`` is the client id, ``secret`` the client secret, ``company`` the
    organisation's (tenant) id, empty when the login has one alone. ``tokens`` keeps
    what a user's consent gave; without, the app is a Custom Connection.
    ``settings.options``:

    - ``post``: authorise the bill, or leave it a draft;
    - ``bill_url``: the address of a bill here, to which its key is added; it becomes
      the bill's link in Xero, and tells our bills from others. Without, a draft that
      a crash left half done needs a person;
    - ``create_vendors``: create vendors that are neither mapped nor found by tax
      number or name;
    - ``origin``: a uuid of our database, part of the numbers of created contacts;
    - ``send_attachments``: attach the files;
    - ``settle_seconds``: instead of the 60 an unclear write is left alone for.
    """

    code: ClassVar[str] = "xero"
    profile: ClassVar[Profile] = Profile(
        name="Xero",
        asks=frozenset({"login", "api_key", "refresh_token", "erp_company"}),
        master_data=("account", "vendor", "tax", "analytic", "currency"),
        address=ADDRESS,
        client_key=ClientKey.EXPIRING,
        key_seconds=300.0,  # [M]: minutes, say others; nothing rests on it
        look_up=("reference", "erp_id"),
        required=("reference",),
        concurrency=4,
        most_at_once=5,  # calls at once, for each organisation
        batch=20,
        consent=True,
        hint="Login: the client id of your app at Xero; API Key: its secret; Refresh"
        " Token: stays empty, Connect to Xero fills it in. A Custom Connection needs"
        " none. ERP Company ID: the tenant's, empty where the app sees one"
        " organisation.",
        limits="for each organisation 5 calls at once, 60 a minute, 5000 a day (by"
        " the developer's plan); 20 bills take 3 of them",
    )
    capability: ClassVar[Capability] = profile.capability
    settle_seconds: float = profile.settle_seconds

    def __init__(self, settings: Settings):
        self.settings = settings
        self.settle_seconds = float(
            settings.options.get("settle_seconds", self.settle_seconds)
        )
        self._api = XeroApi(settings)

    def send(self, document: Document, *, attempt: str, deadline: float) -> Receipt:
        """See ``Connector.send``.

        The outcome of an error is that of the whole: *not sent* only before the draft
        was created, ambiguous from then on, *rejected* once it is removed again.
        """
        xero = self._session(deadline, attempt)
        [result] = xero_send.send_many(xero, {document.key: document}).values()
        if isinstance(result, ConnectorError):
            raise result
        return result

    def send_many(
        self, documents: list[Document], *, attempts: list[str], deadline: float
    ) -> list[Receipt | ConnectorError]:
        """See ``Connector.send_many``. The calls have the first attempt's id."""
        xero = self._session(deadline, attempts[0])
        by_key = {document.key: document for document in documents}
        results = xero_send.send_many(xero, by_key)
        return [results[document.key] for document in documents]

    def update(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.update``. An authorised bill is changed as it is, which Xero
        allows while nothing is paid; when the amounts then differ, the old contents
        are put back.

        :raise ConnectorError: ``bill_paid_in_erp``, ``period_closed_update``,
            ``bill_missing_in_erp``, ``edited_in_erp``; or as ``send``.
        """
        return xero_update.amend(self._session(deadline, attempt), document, erp_id)

    def cancel(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.cancel``.

        :raise ConnectorError: ``bill_paid_in_erp``, ``period_closed_update``.
        """
        return xero_update.cancel(self._session(deadline, attempt), document, erp_id)

    def attach(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.attach``.

        :raise ConnectorError: ``bill_missing_in_erp``, ``edited_in_erp``.
        """
        return xero_update.attach(self._session(deadline, attempt), document, erp_id)

    def look_up(
        self, document: Document, *, deadline: float, erp_id: str = ""
    ) -> list[Receipt]:
        """See ``Connector.look_up``. Xero does not find a bill by our key, but has it
        in the bill's link: of the bills with the vendor and number, the one with our
        link is ours."""
        xero = self._session(deadline)
        if erp_id:
            bill = bills.read(xero, erp_id)
            if bill and bill.get("Status") in bills.ALIVE:
                return [bills.receipt(bill, document)]
        if document.cancelled or not document.reference:
            return []  # asked about this one bill, not about others like it
        contact = known_contact(xero, document.vendor)
        found = bills.find(
            xero, shape_of(document), {contact} - {""}, {document.reference}
        )
        ours = [bill for bill in found if bills.is_ours(bill, document, xero.options)]
        receipts = [bills.receipt(bill, document) for bill in ours or found]
        if ours:
            return receipts[:1]
        return [dataclasses.replace(receipt, ours=False) for receipt in receipts]

    def read_bills(self, erp_ids: list[str], *, deadline: float) -> dict[str, Receipt]:
        """See ``Connector.read_bills``. Credit notes are read one by one: Xero gives
        no list of them by id."""
        xero = self._session(deadline)
        found, plain = [], []
        for erp_id in erp_ids:
            shape, bill_id = bills.place(erp_id)
            if shape is bills.BILL:
                plain.append(bill_id)
            else:
                found.append(bills.read(xero, erp_id))
        for first in range(0, len(plain), READ_AT_ONCE):
            query = {
                "IDs": ",".join(plain[first : first + READ_AT_ONCE]),
                "Statuses": ",".join(bills.ALIVE),
                "page": 1,
                "pageSize": bills.PAGE,
                "unitdp": 4,
            }
            found += xero.ask("/Invoices", query)["Invoices"]
        receipts = [
            bills.receipt(bill)
            for bill in found
            if bill and bill.get("Status") in bills.ALIVE
        ]
        return {receipt.erp_id: receipt for receipt in receipts}

    def check(self, *, deadline: float) -> list[CheckItem]:
        """See ``Connector.check``. Items after one that makes them impossible are
        left out."""
        return xero_setup.check(self._session(deadline))

    def fetch(self, kind: str, *, deadline: float) -> Iterator[ErpRecord]:
        """See ``Connector.fetch``; archived records come with ``active`` false. Of
        payment terms Xero has no records: the due date goes with each bill."""
        return xero_setup.fetch(self._session(deadline), kind)

    def lock_date(self, *, deadline: float) -> date | None:
        """See ``Connector.lock_date``: the later of the organisation's two."""
        return xero_setup.lock_date(self._session(deadline), seconds=0)

    def consent_address(self, redirect_uri: str, state: str) -> str:
        """See ``Connector.consent_address``."""
        return self._api.identity.consent_address(redirect_uri, state)

    def redeem(self, code: str, *, redirect_uri: str, deadline: float) -> Tokens:
        """See ``Connector.redeem``."""
        return self._api.identity.redeem(code, redirect_uri, deadline)

    def _session(self, deadline, attempt=""):
        return Session(self._api, self.settings, deadline, attempt)
