"""The clients for the fake ERP: plain ones, on the addon's own transport."""

import dataclasses
from datetime import date
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlencode

from odoo.addons.ap_sync.connectors import (
    CONNECTORS,
    Capability,
    ClientKey,
    ConnectorError,
    Outcome,
    Profile,
    Receipt,
)
from odoo.addons.ap_sync.connectors.base import CheckItem
from odoo.addons.ap_sync.connectors.transport import Transport


class FakeErpConnector:
    """Bills as JSON at one address, what comes back is read again and compared."""

    code: ClassVar[str]
    profile: ClassVar[Profile]
    capability: ClassVar[Capability]
    settle_seconds: float = 60.0

    def __init__(self, settings):
        self.settle_seconds = float(
            settings.options.get("settle_seconds", self.settle_seconds)
        )
        self._secret = settings.secret
        self._http = Transport(
            settings.url,
            secrets=(settings.secret,),
            allowed_hosts=settings.allowed_hosts,
            ca_file=settings.ca_file,
            timeout=settings.timeout,
        )

    def send(self, document, *, attempt, deadline):
        answer = self._call("POST", "/bills", document, attempt, deadline)
        return self._read_back(self._receipt(answer.json(), document), deadline)

    def update(self, document, erp_id, *, attempt, deadline):
        answer = self._call("PUT", f"/bills/{erp_id}", document, attempt, deadline)
        return self._receipt(answer.json(), document)

    def cancel(self, document, erp_id, *, attempt, deadline):
        raise _not_here()

    def attach(self, document, erp_id, *, attempt, deadline):
        raise _not_here()

    def read_bills(self, erp_ids, *, deadline):
        raise _not_here()

    def look_up(self, document, *, deadline, erp_id=""):
        asked = {
            "key": document.key,
            "vendor": document.vendor.local_id,
            "reference": document.reference,
            "kind": document.kind,
        }
        answer = self._call("GET", f"/bills?{urlencode(asked)}", None, "", deadline)
        found = answer.json()
        if not isinstance(found, list):
            raise _unreadable()
        return [
            dataclasses.replace(
                self._receipt(bill), ours=bill.get("key") == document.key
            )
            for bill in found
        ]

    def check(self, *, deadline):
        try:
            self._call("GET", "/bills?key=-&vendor=-&kind=-", None, "", deadline)
        except ConnectorError as error:
            if error.kind != "address_wrong":  # the one that can't be asked
                return [CheckItem("Address", False, error.message)]
        return [CheckItem("Address", True, "It answers.")]

    def fetch(self, kind, *, deadline):
        return []

    def lock_date(self, *, deadline):
        return None

    def _call(self, method, path, document, attempt, deadline):
        headers = {"Authorization": f"Bearer {self._secret}"}
        if document:
            headers |= {"Idempotency-Key": document.key, "X-Attempt-Id": attempt}
        answer = self._http.request(
            method,
            path,
            headers=headers,
            data=document and document.to_json(),
            deadline=deadline,
        )
        if 200 <= answer.status < 300:
            return answer
        error = self._http.failure(answer)
        if b'"duplicate"' in answer.body:
            error.kind = "duplicate_bill"
        raise error

    def _read_back(self, receipt, deadline):
        """An answer that names another bill is no proof of ours."""
        if self.capability == Capability.NONE:
            return receipt
        try:
            answer = self._call("GET", f"/bills/{receipt.erp_id}", None, "", deadline)
            same = self._receipt(answer.json())
        except ConnectorError as error:
            error.outcome = Outcome.AMBIGUOUS  # the write was accepted
            if error.kind == "address_wrong":
                error.kind = "answer_unreadable"
            raise
        if dataclasses.replace(receipt, number="") != dataclasses.replace(
            same, number=""
        ):
            raise _unreadable()
        return receipt

    @staticmethod
    def _receipt(bill, document=None):
        try:
            if document and bill["key"] != document.key:
                raise _unreadable()
            return Receipt(
                erp_id=bill["id"],
                number=bill["number"],
                kind=bill["kind"],
                reference=bill["reference"],
                accounting_date=date.fromisoformat(bill["accounting_date"]),
                currency=bill["currency"],
                total=Decimal(bill["total"]),
                vendor_erp_id=bill["vendor"],
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise _unreadable() from problem


def _not_here():
    return ConnectorError(
        "update_unsupported", "The fake ERP has no such call.", Outcome.REJECTED
    )


def _unreadable():
    return ConnectorError("answer_unreadable", "The ERP's answer makes no sense.")


def _profile(name, **values):
    return Profile(
        name=name,
        asks=frozenset({"api_key"}),
        master_data=("account", "tax", "vendor"),
        changes=frozenset({"update"}),
        **values,
    )


class KeysConnector(FakeErpConnector):
    code = "fake_keys"
    profile = _profile("Fake ERP that honours keys", client_key=ClientKey.PERSISTENT)
    capability = profile.capability


class LookupConnector(FakeErpConnector):
    code = "fake_lookup"
    profile = _profile("Fake ERP that can be asked", look_up=("key", "reference"))
    capability = profile.capability


class NoneConnector(FakeErpConnector):
    code = "fake_none"
    profile = _profile("Fake ERP that can do neither")
    capability = profile.capability


def set_up():
    for connector in (KeysConnector, LookupConnector, NoneConnector):
        CONNECTORS[connector.code] = connector
