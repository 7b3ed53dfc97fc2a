import base64
import os
import uuid
from unittest.mock import patch
from urllib.parse import urlsplit

import psycopg2

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..connectors import make_connector
from ..engine import dispatcher, probe
from .common import ApSyncCommon
from .lossy_proxy import LossyProxy

PDF = b"%PDF-1.4\n%%EOF\n"


@tagged("post_install", "-at_install")
class TestEndToEnd(ApSyncCommon):
    """Bills of this Odoo in the books of a real second one, checked in its tables."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ["URL", "DB", "KEY", "DSN"]
        values = [os.environ.get(f"AP_SYNC_TEST_ERP_{name}") for name in names]
        if not all(values):
            raise RuntimeError(
                "These tests need a real second Odoo: run them with "
                "`python3 dev test`, which starts one."
            )
        url, database, cls.erp_key, dsn = values
        cls.erp_db = psycopg2.connect(dsn)
        cls.erp_db.autocommit = True
        cls.addClassCleanup(cls.erp_db.close)
        address = urlsplit(url)
        cls.proxy = LossyProxy(address.hostname, address.port)
        cls.addClassCleanup(cls.proxy.close)
        cls.connection.write(
            {
                "url": cls.proxy.url,
                "erp_database": database,
                "api_key": cls.erp_key,
            }
        )
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )
        [[account]] = cls.erp_query(
            "SELECT id FROM account_account WHERE account_type = 'expense' "
            "AND active ORDER BY id LIMIT 1"
        )
        [[tax]] = cls.erp_query(
            "SELECT id FROM account_tax WHERE type_tax_use = 'purchase' AND amount = 15 "
            "AND active ORDER BY id LIMIT 1"
        )
        cls.connection.mapping_ids.unlink()
        cls._map(cls.expense, str(account))
        cls._map(cls.purchase_tax, str(tax))
        cls.erp_account = account
        cls.unique = uuid.uuid4().hex[:8]
        cls.partner_a.name = f"Vendor {cls.unique}"

    def setUp(self):
        super().setUp()
        for module in (dispatcher, probe):
            self.startPatcher(patch.object(module, "make_connector", make_connector))

    @classmethod
    def erp_query(cls, query, *values):
        with cls.erp_db.cursor() as cr:
            cr.execute(query, values)
            return cr.fetchall() if cr.description else None

    def books(self, job):
        """Return the ERP's bills with this job's reference, whatever their key."""
        return self.erp_query(
            "SELECT name, state, amount_total::float, move_type, date::text, id "
            "FROM account_move WHERE ref = %s AND state != 'cancel'",
            job.reference,
        )

    def make_bill(self, **values):
        values.setdefault("ref", f"E2E-{self.unique}-{next(self.numbers)}")
        return super().make_bill(**values)

    def sync(self, bill):
        job = self.submit(bill)
        self.dispatch()
        return job

    def test_a_bill_with_tax_and_discount_stands_there_posted_with_the_same_total(self):
        bill = self.make_bill(
            lines=[
                {"tax_ids": [Command.set(self.purchase_tax.ids)], "discount": 10.0},
                {"quantity": 3, "price_unit": 19.99},
            ]
        )
        job = self.sync(bill)
        self.assert_status(job, "success")
        [[number, state, total, _type, _date, erp_id]] = self.books(job)
        self.assertEqual((number, state), (job.erp_number, "posted"))
        self.assertEqual(str(erp_id), job.erp_id)
        self.assertAlmostEqual(total, bill.amount_total)
        self.assertTrue(job.erp_url.startswith(self.proxy.url))

    def test_a_credit_note_stands_there_as_a_credit_note(self):
        job = self.sync(self.make_bill(move_type="in_refund"))
        self.assert_status(job, "success")
        [[_number, state, _total, move_type, *_rest]] = self.books(job)
        self.assertEqual((state, move_type), ("posted", "in_refund"))

    def test_the_vendor_is_made_once_and_mapped(self):
        first, second = self.sync(self.make_bill()), self.sync(self.make_bill())
        self.assert_status(first, "success")
        self.assert_status(second, "success")
        vendors = self.erp_query(
            "SELECT id FROM res_partner WHERE name = %s", self.partner_a.name
        )
        self.assertEqual(len(vendors), 1)
        mapping = self.connection.mapping_ids.filtered(lambda m: m.kind == "vendor")
        self.assertEqual(mapping.erp_id, str(vendors[0][0]))

    def test_the_vendors_document_goes_along(self):
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
        files = self.erp_query(
            "SELECT name FROM ir_attachment WHERE res_model = 'account.move' "
            "AND res_id = %s AND res_field IS NULL",
            int(job.erp_id),
        )
        self.assertIn(("scan.pdf",), files)

    def test_a_bill_already_there_is_adopted_when_it_is_the_same(self):
        bill = self.make_bill()
        first = self.sync(bill)
        self.assert_status(first, "success")
        again = self._make_connection(
            "Same ERP, other connection",
            url=self.proxy.url,
            erp_database=self.connection.erp_database,
            api_key=self.erp_key,
        )
        for mapping in self.connection.mapping_ids:
            self._map(mapping.record, mapping.erp_id, again)
        second = self.submit(bill, again)
        self.dispatch(again)
        self.dispatch(again)
        self.assert_status(second, "success")
        self.assertEqual(second.erp_number, first.erp_number)
        self.assertEqual(len(self.books(first)), 1)

    def test_a_closed_period_there_refuses_the_bill_and_then_holds_the_next(self):
        with self.locked_until("2026-10-31"):
            job = self.sync(
                self.make_bill(invoice_date="2026-10-15", date="2026-10-15")
            )
            self.assert_status(job, "failed")
            self.assertEqual(job.error_kind, "period_closed")
            self.assertFalse(self.books(job))
            held = self.sync(
                self.make_bill(invoice_date="2026-10-16", date="2026-10-16")
            )
            self.assert_status(held, "on_hold")

    def test_a_closed_period_there_may_be_left_for_the_next_open_date(self):
        self.connection.lock_policy = "next_open"
        with self.locked_until("2026-10-31"):
            job = self.sync(
                self.make_bill(invoice_date="2026-10-15", date="2026-10-15")
            )
        self.assert_status(job, "success")
        [[*_some, date, _id]] = self.books(job)
        self.assertGreater(date, "2026-10-31")
        self.assertIn("instead of", job.notes)

    def test_a_wrong_key_holds_the_bill_and_the_right_one_lets_it_go(self):
        self.connection.api_key = "0" * 40
        job = self.sync(self.make_bill())
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "credentials_wrong")
        self.assertFalse(self.books(job))
        self.connection.api_key = self.erp_key
        self._run(probe.check_connection, self.connection.id)
        self.assertTrue(all(item["ok"] for item in self.connection.check_result))
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.books(job)), 1)

    def test_an_erp_that_is_down_gets_the_bill_when_it_is_up_again(self):
        url = self.connection.url
        self.connection.url = "http://127.0.0.1:9"
        job = self.sync(self.make_bill())
        self.assert_status(job, "in_progress", "retrying")
        self.connection.url = url
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.books(job)), 1)

    def test_an_archived_account_there_fails_the_bill_and_leaves_nothing(self):
        self.erp_query(
            "UPDATE account_account SET active = false WHERE id = %s", self.erp_account
        )
        try:
            job = self.sync(self.make_bill())
        finally:
            self.erp_query(
                "UPDATE account_account SET active = true WHERE id = %s",
                self.erp_account,
            )
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "gl_account_inactive")
        self.assertFalse(self.books(job))
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.books(job)), 1)

    def test_a_corrected_bill_updates_the_one_there(self):
        bill = self.make_bill()
        job = self.sync(bill)
        number = job.erp_number
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 75.0
        bill.action_post()
        self.commit()
        self.assertTrue(job.changed_since_sync)
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        [[found, state, total, *_rest]] = self.books(job)
        self.assertEqual((found, state, total), (number, "posted", 150.0))

    @mute_logger("odoo.addons.ap_sync.engine.record")
    def test_an_answer_lost_at_any_step_leaves_one_posted_bill(self):
        steps = [
            "account.move/load",
            "account.move/write",
            "account.move/action_post",
            "res.partner/load",
        ]
        for number, step in enumerate(steps):
            with self.subTest(step):
                self.partner_a.copy()
                vendor = self.env["res.partner"].create(
                    {"name": f"Lost {self.unique} {number}"}
                )
                self.proxy.lost = 0
                self.proxy.lose(step)
                job = self.sync(self.make_bill(partner_id=vendor.id))
                for _try in range(4):
                    if job.status == "success":
                        break
                    self.make_due(job)
                    self.dispatch()
                self.assertEqual(self.proxy.lost, 1, "the fault happened")
                self.assert_status(job, "success")
                [[found, state, total, *_rest]] = self.books(job)
                self.assertEqual((found, state), (job.erp_number, "posted"))
                self.assertEqual(total, 100.0)
                vendors = self.erp_query(
                    "SELECT id FROM res_partner WHERE name = %s", vendor.name
                )
                self.assertEqual(len(vendors), 1)

    def test_refreshed_data_proposes_mappings_by_code(self):
        account = (
            self.env["account.account"].create(
                {"code": "612000", "name": "Rent here", "account_type": "expense"}
            )
            if not self.env["account.account"].search([("code", "=", "612000")])
            else (
                self.env["account.account"].search([("code", "=", "612000")], limit=1)
            )
        )
        self._run(probe.refresh_data, self.connection.id, {})
        mapping = self.connection.mapping_ids.filtered(lambda m: m.record == account)
        self.assertEqual(mapping.state, "proposed")
        self.assertEqual(mapping.erp_record_id.code, "612000")

    def locked_until(self, date):
        """Lock the ERP's purchases up to a date, for a while."""
        test = self

        class Lock:
            def __enter__(self):
                test.erp_query("UPDATE res_company SET purchase_lock_date = %s", date)

            def __exit__(self, *_error):
                test.erp_query("UPDATE res_company SET purchase_lock_date = NULL")

        return Lock()
