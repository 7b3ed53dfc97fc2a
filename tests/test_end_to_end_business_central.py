import dataclasses
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import config

from ..connectors import make_connector
from ..engine import client, probe
from . import business_central_books as made
from .business_central_server import (
    CLIENT,
    ENVIRONMENT,
    SECRET,
    TENANT,
    FakeBusinessCentral,
)
from .common import ApSyncCommon


@tagged("post_install", "-at_install")
class TestEndToEndBusinessCentral(ApSyncCommon):
    """Bills of this Odoo in the books of a Business Central of our own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection.mapping_ids.unlink()
        cls.connection.write(
            {
                "connector": "business_central",
                "login": CLIENT,
                "api_key": SECRET,
                "erp_database": f"{TENANT}/{ENVIRONMENT}",
                "erp_company": made.COMPANY,
            }
        )
        cls._map(cls.expense, made.ACCOUNT)
        cls._map(cls.purchase_tax, "VAT15")
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )

    def setUp(self):
        super().setUp()
        self.server = FakeBusinessCentral()
        self.enterContext(self.server)
        self.addCleanup(lambda: self.assertEqual(self.server.problems, []))
        self.connection.url = self.server.url
        self.startPatcher(patch.object(client, "make_connector", self.make_connector))

    def make_connector(self, code, settings):
        # Tokens come from Microsoft's own host; here from the same fake.
        options = {**settings.options, "authority": self.server.url}
        return make_connector(code, dataclasses.replace(settings, options=options))

    def sync(self, bills):
        jobs = self.submit(bills)
        self.dispatch()
        return jobs

    def map_vendor(self):
        self._map(self.partner_a, made.VENDOR)

    def documents(self):
        return [one["fields"] for one in self.server.books.documents.values()]

    def test_a_bill_with_tax_stands_there_with_the_same_total(self):
        self.map_vendor()
        tax = {"tax_ids": [Command.set(self.purchase_tax.ids)]}
        bill = self.make_bill(lines=[tax, {"quantity": 3, "price_unit": 19.99}])
        job = self.sync(bill)
        self.assert_status(job, "success")
        [row] = self.documents()
        self.assertEqual(float(row["totalAmountIncludingTax"]), bill.amount_total)
        self.assertEqual(row["vendorInvoiceNumber"], bill.ref)
        self.assertEqual(row["status"], "Open")
        self.assertTrue(job.erp_url.startswith("https://businesscentral.dynamics.com/"))

    def test_a_vendor_has_to_be_mapped(self):
        job = self.sync(self.make_bill())
        self.assert_status(job, "on_hold")
        self.assertEqual([c["kind"] for c in job.causes], ["vendor_unmapped"])
        self.assertFalse(self.documents())

    def test_many_bills_go_at_once(self):
        self.map_vendor()
        bills = self.env["account.move"].union(*(self.make_bill() for _n in range(12)))
        jobs = self.sync(bills)
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.documents()), 12)

    def test_a_closed_period_is_told_as_one_and_nothing_is_left(self):
        self.map_vendor()
        self.server.books.first_day = "2027-01-01"
        job = self.sync(self.make_bill())
        self.assertIn(job.status, {"failed", "on_hold"})
        self.assertIn(job.error_kind, {"period_closed", "date_outside_period"})
        self.assertFalse(self.documents())

    def test_a_refused_secret_holds_the_bills_until_another_is_entered(self):
        self.map_vendor()
        self.connection.api_key = "another"
        job = self.sync(self.make_bill())
        self.assert_status(job, "on_hold")
        self.assertEqual(self.connection.attention_kind, "credentials_wrong")
        self.connection.api_key = SECRET
        self._run(probe.check_connection, self.connection.id)
        self.assertFalse(self.connection.attention_kind)
        self.dispatch()
        self.assert_status(job, "success")

    def test_a_change_of_a_posted_bill_needs_a_decision(self):
        self.map_vendor()
        job = self.sync(self.make_bill())
        job.move_id.ref = "CORRECTED"
        self.commit()
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "update_unsupported")
        self.assertEqual(len(self.documents()), 1)

    def test_master_data_is_fetched(self):
        action = self._run(probe.refresh_data, self.connection.id, {})
        self.assertEqual(action["params"]["type"], "success", action)
        kinds = self.env["ap.sync.erp.record"].search(
            [("connection_id", "=", self.connection.id)]
        )
        wanted = set(self.connection._get_profile().master_data)
        self.assertLessEqual(set(kinds.mapped("kind")), wanted)
        self.assertIn("vendor", kinds.mapped("kind"))
