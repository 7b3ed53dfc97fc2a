"""The client for the ERP of a set speed: one POST for one bill, on the addon's own
transport."""

from datetime import date
from decimal import Decimal

from odoo.addons.ap_sync.connectors import CONNECTORS, ClientKey, Profile, Receipt
from odoo.addons.ap_sync.connectors.base import CheckItem
from odoo.addons.ap_sync.connectors.transport import Transport


class SpeedConnector:
    code = "speed"
    profile = Profile(
        name="ERP of a set speed",
        asks=frozenset({"api_key"}),
        master_data=("account", "tax", "vendor"),
        client_key=ClientKey.PERSISTENT,
    )
    capability = profile.capability
    settle_seconds = profile.settle_seconds

    def __init__(self, settings):
        self._http = Transport(
            settings.url,
            secrets=(settings.secret,),
            allowed_hosts=settings.allowed_hosts,
            ca_file=settings.ca_file,
            timeout=settings.timeout,
        )

    def send(self, document, *, attempt, deadline):
        answer = self._http.request(
            "POST",
            "/bills",
            headers={"Idempotency-Key": document.key},
            data=document.to_json(),
            deadline=deadline,
        )
        if answer.status != 200:
            raise self._http.failure(answer)
        bill = answer.json()
        return Receipt(
            erp_id=bill["id"],
            number=bill["number"],
            kind=document.kind,
            reference=bill["reference"],
            accounting_date=date.fromisoformat(bill["accounting_date"]),
            currency=bill["currency"],
            total=Decimal(bill["total"]),
            vendor_erp_id=bill["vendor"],
        )

    def update(self, document, erp_id, *, attempt, deadline):
        return self.send(document, attempt=attempt, deadline=deadline)

    def cancel(self, document, erp_id, *, attempt, deadline):
        return self.send(document, attempt=attempt, deadline=deadline)

    def attach(self, document, erp_id, *, attempt, deadline):
        return self.send(document, attempt=attempt, deadline=deadline)

    def read_bills(self, erp_ids, *, deadline):
        return {}

    def look_up(self, document, *, deadline, erp_id=""):
        return []

    def check(self, *, deadline):
        answer = self._http.request("GET", "/stats", deadline=deadline)
        return [CheckItem("Address", answer.status == 200, "It answers.")]

    def fetch(self, kind, *, deadline):
        return []

    def lock_date(self, *, deadline):
        return None


def set_up():
    CONNECTORS[SpeedConnector.code] = SpeedConnector
