"""The conformance suite against the fake Xero, which holds every request against what
Xero has published."""

from decimal import Decimal

from odoo.tests import BaseCase

from ..connectors import Settings
from .conformance import Conformance
from .xero_server import CLIENT, CLIENT_SECRET, FakeXero


class TestConformanceXero(Conformance, BaseCase):
    code = "xero"
    creating = "PUT /api.xro/2.0/Invoices"
    posting = "POST /api.xro/2.0/Invoices"
    account, tax = "429", "INPUT"

    def setUp(self):
        self.xero = FakeXero()
        self.enterContext(self.xero)
        self.addCleanup(lambda: self.assertEqual(self.xero.faults, []))
        self.target = ("127.0.0.1", self.xero.port)
        self.vendor = self.xero.books.vendor
        self.erp_settings = Settings(
            url=self.xero.url,
            secret=CLIENT_SECRET,
            login=CLIENT,
            company=self.xero.books.tenant,
            allowed_hosts=("127.0.0.1",),
            options={"post": True, "bill_url": "https://odoo.example.com/bill/"},
        )
        super().setUp()

    def books(self, document):
        kind, number = (
            ("CreditNotes", "CreditNoteNumber")
            if document.kind == "refund"
            else ("Invoices", "InvoiceNumber")
        )
        return [
            (Decimal(str(bill["Total"])), bill["Status"] in ("AUTHORISED", "PAID"))
            for bill in self.xero.books.bills[kind].values()
            if bill[number] == document.reference
            and bill["Status"] not in ("VOIDED", "DELETED")
        ]

    def files(self, receipt):
        return [
            name for owner, name in self.xero.books.files if owner == receipt.erp_id
        ]

    def close_period(self):
        self.xero.books.period_lock = self.closed_day
