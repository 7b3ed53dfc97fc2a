"""Vendor bills in Microsoft Dynamics 365 Business Central, by its API v2.0.

A bill is created in steps, each of which may be repeated, so that ``send`` after a
crash anywhere goes on where the last one ended:

1. documents with the bill's number are read, with their lines. One that bears our key
   is gone on with; one of the same vendor that does not is a duplicate;
2. else it is created as a draft, lines and all in one call. The last line is a comment
   with our key, *AP Sync <key>*: there is no field for it and no idempotency header;
3. it is read back, its totals are compared, dimensions and files are added, it is
   posted, and read back again.

While it is a draft under our key it counts as not kept: when the ERP refuses a step
the draft is deleted, under the e-tag it was read with.

Facts are from Microsoft's documentation (MicrosoftDocs/dynamics365smb-devitpro-pb),
its published description of API v1.0 (BCOAS1.0.yaml), and the published source of the
API's pages (*APIV2 - Purchase Invoices* and others). No tenant was at hand.
"""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from . import business_central_files as files
from . import business_central_setup
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
from .business_central_api import BusinessCentral, Session
from .business_central_bill import (
    CANCELLED,
    INVOICE,
    MEMO,
    entity_of,
    from_erp_id,
    receipt,
    status,
)
from .business_central_send import alike, ours_of, send
from .business_central_token import AUTHORITY
from .profile import ClientKey, Posting, Profile

#: Documents to one question by their ids; the address may not grow without end.
CHUNK = 20


class BusinessCentralConnector:
    """The client for one company of Business Central online. Safe for many threads.

    ``settings.login`` and ``secret`` are the client id and secret of an app in
    Microsoft Entra, ``settings.database`` is ``<tenant>/<environment>``, and
    ``settings.company`` the company's id. ``settings.options``:

    - ``post``: post the bill, or leave it a draft;
    - ``send_attachments``: attach the files;
    - ``authority``: where tokens come from, in a national cloud
      (learn.microsoft.com, *Microsoft Graph national cloud deployments*);
    - ``settle_seconds``: instead of the ten minutes an unclear write is left alone
      for.

    A locked period is never passed over: Business Central refuses to post, whatever
    ``lock_policy`` is.
    """

    code: ClassVar[str] = "business_central"
    profile: ClassVar[Profile] = Profile(
        name="Dynamics 365 Business Central",
        asks=frozenset(
            {"erp_database", "erp_company", "login", "api_key", "authority"}
        ),
        master_data=business_central_setup.KINDS,
        address="https://api.businesscentral.dynamics.com",
        authority=AUTHORITY,
        posting=Posting.DRAFT,
        client_key=ClientKey.NONE,
        look_up=("key", "reference", "erp_id"),  # the key by a comment line
        changes=frozenset({"attach"}),  # what is posted can't be changed otherwise
        required=("reference",),
        mapped=frozenset({"account", "tax", "analytic"}),
        creates_vendors=False,
        attachments=True,
        deep_link=True,
        concurrency=5,
        most_at_once=5,
        batch=1,
        # A request is ended after ten minutes (dynamics-rate-limits.md).
        settle_seconds=600.0,
        hint="Database: <tenant>/<environment>, as contoso.com/production; Login: the"
        " client id of your app in Microsoft Entra; API Key: its secret; ERP Company"
        " ID: the company's, which Test connection lists when it is empty; Sign-In"
        " Address: stays as it is, but for a national cloud, such as"
        " https://login.microsoftonline.us.",
        limits="for each user, and an app is one: 5 requests at once, 95 more wait;"
        " 6,000 requests in five minutes; a request of at most 350 MB and ten minutes;"
        " beyond that 429, without a time to wait",
    )
    capability: ClassVar[Capability] = profile.capability
    settle_seconds: float = profile.settle_seconds

    def __init__(self, settings: Settings):
        self.settings = settings
        self.settle_seconds = float(
            settings.options.get("settle_seconds", self.settle_seconds)
        )
        self._erp = BusinessCentral(settings)

    def send(self, document: Document, *, attempt: str, deadline: float) -> Receipt:
        """See ``Connector.send``.

        The outcome of an error is that of the whole: *not sent* only before the bill
        was created, ambiguous from then on, *rejected* once its draft is removed
        again. An earlier attempt is not taken into account by *not sent*.
        """
        return send(self._session(deadline, attempt), document)

    def update(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """Refuse: what is posted there can't be changed.

        :raise ConnectorError: ``update_unsupported``, rejected.
        """
        raise ConnectorError(
            "update_unsupported",
            "Business Central changes no posted bill: cancel it there, then send the"
            " corrected one.",
            Outcome.REJECTED,
        )

    def cancel(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """Refuse. Of posted invoices the API has no action but ``post``; that of credit
        memos, ``Microsoft.NAV.cancel``, is for those that correct an invoice.

        :raise ConnectorError: ``update_unsupported``, rejected.
        """
        raise ConnectorError(
            "update_unsupported",
            "Business Central's API cancels no posted bill: cancel it there, which"
            " makes a corrective credit memo.",
            Outcome.REJECTED,
        )

    def attach(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """See ``Connector.attach``.

        :raise ConnectorError: ``bill_missing_in_erp``, ``edited_in_erp``.
        """
        bc = self._session(deadline, attempt)
        entity, bill_id = from_erp_id(erp_id)
        bill = bc.one(entity.path, bill_id)
        if not bill:
            raise ConnectorError(
                "bill_missing_in_erp",
                f"The ERP has no bill with the id {erp_id}.",
                Outcome.REJECTED,
            )
        if status(bill) == CANCELLED:
            raise ConnectorError(
                "edited_in_erp",
                f"The bill {bill.get('number')} was cancelled in the ERP.",
                Outcome.REJECTED,
            )
        missing = files.attach(bc, entity, bill_id, document)
        return receipt(bc, entity, bill, document, missing)

    def look_up(
        self, document: Document, *, deadline: float, erp_id: str = ""
    ) -> list[Receipt]:
        """See ``Connector.look_up``. A cancelled bill counts as not there.

        A draft under our key has ``posted`` false: unless bills are to stay drafts,
        it is a ``send`` that was cut off, and the same ``send`` completes it.
        """
        bc = self._session(deadline)
        entity = entity_of(document)
        if erp_id:
            place, bill_id = from_erp_id(erp_id)
            bill = bc.one(place.path, bill_id)
            if bill and status(bill) != CANCELLED:
                return [receipt(bc, place, bill, document)]
        if not document.reference:
            return []  # it can't have been sent
        there = alike(bc, document)
        ours = ours_of(there, document)
        if ours:
            return [receipt(bc, entity, ours[0], document)]
        if document.cancelled:
            return []  # asked about this one bill, not about others like it
        return [receipt(bc, entity, bill, document, ours=False) for bill in there]

    def read_bills(self, erp_ids: list[str], *, deadline: float) -> dict[str, Receipt]:
        """See ``Connector.read_bills``."""
        bc = self._session(deadline)
        found = {}
        for entity in (INVOICE, MEMO):
            wanted = [from_erp_id(erp_id) for erp_id in erp_ids]
            ids = [bill_id for place, bill_id in wanted if place is entity]
            for start in range(0, len(ids), CHUNK):
                part = ids[start : start + CHUNK]
                test = " or ".join(f"id eq {bill_id}" for bill_id in part)
                for bill in bc.find(entity.path, filter=test):
                    if status(bill) != CANCELLED:
                        one = receipt(bc, entity, bill)
                        found[one.erp_id] = one
        return found

    def check(self, *, deadline: float) -> list[CheckItem]:
        """See ``Connector.check``. Items after one that makes them impossible are
        left out."""
        return business_central_setup.check(self._session(deadline))

    def fetch(self, kind: str, *, deadline: float) -> Iterator[ErpRecord]:
        """See ``Connector.fetch``; blocked records come with ``active`` false."""
        return business_central_setup.fetch(self._session(deadline), kind)

    def lock_date(self, *, deadline: float) -> date | None:
        """See ``Connector.lock_date`` and ``business_central_setup.lock_date``."""
        return business_central_setup.lock_date(self._session(deadline))

    def _session(self, deadline, attempt=""):
        return Session(self._erp, deadline, attempt)
