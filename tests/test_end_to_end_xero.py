import base64
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tests.common import release_test_lock
from odoo.tools import config

from ..connectors import make_connector
from ..engine import client, probe
from .common import ApSyncCommon
from .xero_server import CLIENT, CLIENT_SECRET, FakeXero

PDF = b"%PDF-1.4\n%%EOF\n"


@tagged("post_install", "-at_install")
class TestEndToEndXero(ApSyncCommon):
    """Bills of this Odoo in the books of a Xero of our own, whose access ends and is
    renewed as the real one's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection.mapping_ids.unlink()
        cls.connection.write(
            {"connector": "xero", "login": CLIENT, "api_key": CLIENT_SECRET}
        )
        cls._map(cls.expense, "429")
        cls._map(cls.purchase_tax, "INPUT")
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )

    def setUp(self):
        super().setUp()
        self.xero = FakeXero()
        self.enterContext(self.xero)
        self.addCleanup(lambda: self.assertEqual(self.xero.faults, []))
        self.books = self.xero.books
        self.bills = self.books.bills["Invoices"]
        self.connection.write(
            {"url": self.xero.url, "erp_company": self.books.tenant, "timeout": 5}
        )
        self.startPatcher(patch.object(client, "make_connector", make_connector))

    def renew_access(self):
        """Use a refresh token from now on, as an app that a user has connected."""
        self.xero.custom = False
        self.env["ap.sync.secret"]._store_refresh_token(
            self.connection, self.xero.refresh
        )

    def _run(self, function, *args):
        # A connector's thread asks the database for the tokens; in a test all cursors
        # are one, and the test itself would hold it.
        self.env.flush_all()
        with release_test_lock():
            return super()._run(function, *args)

    def sync(self, bills):
        jobs = self.submit(bills)
        self.dispatch()
        return jobs

    def test_a_bill_with_tax_and_discount_stands_there_with_the_same_total(self):
        bill = self.make_bill(
            lines=[
                {"tax_ids": [Command.set(self.purchase_tax.ids)], "discount": 10.0},
                {"quantity": 3, "price_unit": 19.99},
            ]
        )
        job = self.sync(bill)
        self.assert_status(job, "success")
        [row] = self.bills.values()
        self.assertEqual((row["InvoiceID"], row["Status"]), (job.erp_id, "AUTHORISED"))
        self.assertEqual(row["Total"], bill.amount_total)
        self.assertTrue(row["Url"].endswith(f"/ap_sync/bill/{job.key}"))
        self.assertTrue(job.erp_url.startswith("https://go.xero.com/"))

    def test_many_bills_with_an_access_that_ends(self):
        self.renew_access()
        bills = self.env["account.move"].union(*(self.make_bill() for _n in range(9)))
        jobs = self.sync(bills)
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.xero.expire_access()
        self.assert_status(self.sync(self.make_bill()), "success")
        self.assertEqual(len(self.bills), 10)
        self.assertEqual(len(self.xero.exchanged), 2)
        tokens = self.env["ap.sync.secret"]._read_tokens(self.connection)
        self.assertEqual(tokens.refresh, self.xero.refresh)

    def test_a_lost_refresh_token_holds_the_bills_until_a_person_connects_again(self):
        self.renew_access()
        self.xero.refresh = "another, that was lost"
        job = self.sync(self.make_bill())
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "token_expired")
        self.assertEqual(self.connection.attention_kind, "token_expired")
        self.renew_access()
        self._run(probe.check_connection, self.connection.id)
        self.assertFalse(self.connection.attention_kind)
        self.dispatch()
        self.assert_status(job, "success")

    def test_an_answer_that_is_lost_makes_no_second_bill(self):
        # After the look-up and the lock dates: the PUT, which is done, then the POST.
        def lose(sock, request, stop):
            sock.close()
            data, _status, _headers = self.xero._answer(
                request, request.path.partition("?")[0]
            )
            self.assertTrue(data)

        for number, script in enumerate(([None, None, lose], [None, lose])):
            self.xero.scripted = script
            job = self.sync(self.make_bill())
            self.make_due(job)
            self.dispatch()
            self.assert_status(job, "success")
            self.assertEqual(len(self.bills), number + 1)

    def test_a_change_follows(self):
        job = self.sync(self.make_bill())
        bill = job.move_id
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 60.0
        bill.action_post()
        self.commit()
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        [row] = self.bills.values()
        self.assertEqual((row["Total"], row["Status"]), (120.0, "AUTHORISED"))

    def test_the_vendor_and_the_file_go_along(self):
        bill = self.make_bill(post=False)
        self.env["ir.attachment"].create(
            {
                "name": "scan.pdf",
                "datas": base64.b64encode(PDF),
                "res_model": "account.move",
                "res_id": bill.id,
            }
        )
        bill.action_post()
        job = self.sync(bill)
        self.assert_status(job, "success")
        self.assertEqual(self.books.files, {(job.erp_id, "scan.pdf"): PDF})
        mapping = self.connection.mapping_ids.filtered(lambda m: m.kind == "vendor")
        self.assertIn(mapping.erp_id, self.books.contacts)

    def test_the_days_limit_makes_the_connection_wait(self):
        self.xero.day_left = 0
        job = self.sync(self.make_bill())
        self.assert_status(job, "in_progress", "retrying")
        self.assertEqual(self.connection.health, "waiting")

    def test_master_data_is_fetched(self):
        action = self._run(probe.refresh_data, self.connection.id, {})
        self.assertEqual(action["params"]["type"], "success", action)
        records = self.connection.env["ap.sync.erp.record"].search(
            [("connection_id", "=", self.connection.id)]
        )
        self.assertEqual(
            set(records.mapped("kind")),
            {"account", "vendor", "tax", "analytic", "currency"},
        )
