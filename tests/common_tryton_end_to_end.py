"""What tests share that send bills of this Odoo to a real Tryton."""

import uuid
from datetime import date
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.tests import tagged
from odoo.tools import config

from ..connectors import make_connector
from ..engine import client
from .common import ApSyncCommon
from .common_tryton import RealTryton
from .lossy_proxy import LossyProxy


@tagged("post_install", "-at_install")
class EndToEndTryton(ApSyncCommon):
    """``real`` is the running Tryton, an instance of ``erp_class``."""

    erp_class = RealTryton

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.real = cls.erp_class()
        facts = cls.real.facts
        address = urlsplit(cls.real.url)
        cls.proxy = LossyProxy(address.hostname, address.port)
        cls.addClassCleanup(cls.proxy.close)
        cls.connection.mapping_ids.unlink()
        cls.connection.write(
            {
                "connector": "tryton",
                "url": cls.proxy.url,
                "erp_database": cls.real.database,
                "erp_company": str(facts["company"]),
                "api_key": cls.real.key,
            }
        )
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )
        cls._map(cls.expense, str(facts["accounts"]["600000"]))
        cls._map(cls.purchase_tax, str(facts["taxes"]["15"]))
        cls.unique = uuid.uuid4().hex[:8]
        cls.partner_a.name = f"Vendor {cls.unique}"

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(client, "make_connector", make_connector))

    def make_bill(self, **values):
        values.setdefault("ref", f"E2E-{self.unique}-{next(self.numbers)}")
        # Its fiscal years are those around today.
        values.setdefault("invoice_date", date.today())
        return super().make_bill(**values)

    def sync(self, bill):
        job = self.submit(bill)
        self.dispatch()
        return job

    def books(self, job):
        """Return Tryton's invoices with this job's reference, but cancelled ones."""
        found = self.real.invoices(job.reference)
        return [row for row in found if row[1] != "cancelled"]

    def assert_booked(self, job, total):
        self.assert_status(job, "success")
        [(invoice, state, number, found)] = self.books(job)
        self.assertEqual((str(invoice), number), (job.erp_id, job.erp_number))
        self.assertEqual((state, float(found)), ("posted", total))
        return invoice
