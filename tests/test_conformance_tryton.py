"""The conformance suite against a real Tryton."""

from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from odoo.tests import BaseCase

from .common_tryton import RealTryton
from .conformance import Conformance


class TestConformanceTryton(Conformance, BaseCase):
    code = "tryton"
    creating = "POST /erp_tryton/rest/model/account.invoice?"
    posting = "/post?"
    rate = Decimal(10)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.erp = RealTryton()
        facts = cls.erp.facts
        address = urlsplit(cls.erp.url)
        cls.target = (address.hostname, address.port)
        cls.account = str(facts["accounts"]["600000"])
        cls.tax = str(facts["taxes"]["10"])
        cls.vendor = str(facts["vendor"])
        # Its fiscal years are those around today.
        cls.today = date.today()
        cls.closed_day = date.fromisoformat(facts["closed_period"]["until"])
        cls.erp_settings = cls.erp.connector().settings

    def books(self, document):
        """A draft's total is computed when it is asked for, and in no table."""
        return [
            (self.erp.total(invoice) if total is None else total, state == "posted")
            for invoice, state, _number, total in self.erp.find(document)
            if state != "cancelled"
        ]

    def files(self, receipt):
        return list(self.erp.files(int(receipt.erp_id)))
