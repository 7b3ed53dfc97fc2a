"""The conformance suite against a Business Central that is made up: it keeps books,
and every request and answer is checked against Microsoft's description."""

import uuid
from decimal import Decimal
from urllib.parse import urlsplit

from odoo.tests import BaseCase

from ..connectors import Settings
from . import business_central_books as made
from .business_central_server import (
    CLIENT,
    ENVIRONMENT,
    SECRET,
    TENANT,
    FakeBusinessCentral,
)
from .conformance import Conformance


class TestConformanceBusinessCentral(Conformance, BaseCase):
    code = "business_central"
    account, vendor, tax = made.ACCOUNT, made.VENDOR, "VAT15"
    creating = "POST /v2.0/contoso.com/production/api/v2.0/companies("
    posting = "/Microsoft.NAV.post"

    def setUp(self):
        self.server = FakeBusinessCentral()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        address = urlsplit(self.server.url)
        self.target = (address.hostname, address.port)
        self.erp_settings = Settings(
            url=self.server.url,
            secret=SECRET,
            login=CLIENT,
            database=f"{TENANT}/{ENVIRONMENT}",
            company=made.COMPANY,
            allowed_hosts=("127.0.0.1",),
            options={"post": True, "authority": self.server.url},
        )
        super().setUp()
        self.addCleanup(lambda: self.assertEqual(self.server.problems, []))

    def books(self, document):
        name = (
            "purchaseCreditMemos" if document.kind == "refund" else "purchaseInvoices"
        )
        number = made.KINDS[name][1]
        return [
            (
                Decimal(str(one["fields"]["totalAmountIncludingTax"])),
                one["fields"]["status"] == "Open",
            )
            for one in self.server.books.documents.values()
            if one["fields"].get(number) == document.reference
        ]

    def files(self, receipt):
        rows = self.server.books.files_of(receipt.erp_id)
        return [row["fileName"] for row in rows]

    def close_period(self):
        self.server.books.first_day = "2026-01-01"

    def unknown_account(self):
        return str(uuid.uuid4())
