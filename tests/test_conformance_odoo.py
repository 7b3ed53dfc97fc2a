"""The conformance suite against a real second Odoo."""

from decimal import Decimal
from urllib.parse import urlsplit

from ..connectors import Settings
from .conformance import Conformance
from .test_connector_odoo_real import RealOdooCase


class TestConformanceOdoo(Conformance, RealOdooCase):
    code = "odoo"
    creating = "/account.move/load"
    posting = "/account.move/action_post"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        address = urlsplit(cls.url)
        cls.target = (address.hostname, address.port)
        cls.account, cls.tax, cls.vendor = map(str, (cls.account, cls.tax, cls.vendor))
        cls.erp_settings = Settings(
            url=cls.url,
            secret=cls.key,
            database=cls.database,
            allowed_hosts=("127.0.0.1",),
            options={"protocol": "json2", "post": True},
        )

    # The case and the suite both have these two: here the suite's.
    document = Conformance.document
    send = Conformance.send

    def books(self, document):
        return [
            (Decimal(str(bill["amount_total"])), bill["state"] == "posted")
            for bill in self.bills(document)
            if bill["state"] != "cancel"
        ]

    def files(self, receipt):
        rows = self.ask(
            "ir.attachment",
            "search_read",
            domain=[
                ["res_model", "=", "account.move"],
                ["res_id", "=", int(receipt.erp_id)],
            ],
            fields=["name"],
        )
        return [row["name"] for row in rows]

    def close_period(self):
        closed = self.locked_until(str(self.closed_day))
        closed.__enter__()
        self.addCleanup(closed.__exit__, None, None, None)
