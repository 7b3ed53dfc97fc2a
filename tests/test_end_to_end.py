import base64

from odoo.fields import Command
from odoo.tools import mute_logger

from ..engine import probe
from .common_erp import RealErpCommon

PDF = b"%PDF-1.4\n%%EOF\n"


class TestEndToEnd(RealErpCommon):
    """Bills of this Odoo in the books of a real second one, checked in its tables."""

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

    def test_a_garbled_answer_after_the_erp_kept_the_bill_leaves_one_bill(self):
        page = b"<html><body>Please log in</body></html>"
        answers = {
            "HTML instead of JSON": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(page), page),
            "a truncated answer": b"HTTP/1.1 200 OK\r\nContent-Type: "
            b"application/json\r\nContent-Length: 900\r\n\r\n{",
            "a huge answer": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: 12000000\r\n\r\n" + b"1" * 12_000_000,
        }
        for name, answer in answers.items():
            with self.subTest(name):
                self.proxy.lost = 0
                self.proxy.lose("account.move/action_post", answer)
                job = self.sync(self.make_bill())
                self.assertEqual(self.proxy.lost, 1, "the fault happened")
                for _try in range(3):
                    if job.status == "in_progress":
                        self.make_due(job)
                        self.dispatch()
                self.assert_status(job, "success")
                self.assertEqual(job.attempt_ids[-1:].outcome, "ambiguous")
                self.assertEqual(len(self.books(job)), 1)

    def test_a_bill_in_a_foreign_currency_keeps_its_currency_and_amount(self):
        currency = self.env.ref("base.SEK")
        currency.active = True
        self.erp_query("UPDATE res_currency SET active = true WHERE name = 'SEK'")
        job = self.sync(self.make_bill(currency_id=currency.id))
        self.assert_status(job, "success")
        [[name, total]] = self.erp_query(
            "SELECT currency.name, move.amount_total::float FROM account_move move "
            "JOIN res_currency currency ON currency.id = move.currency_id "
            "WHERE move.id = %s",
            int(job.erp_id),
        )
        self.assertEqual((name, total), ("SEK", 100.0))

    def test_refreshed_data_proposes_mappings_by_code(self):
        Account = self.env["account.account"]
        account = Account.search([("code", "=", "612000")]) or Account.create(
            {"code": "612000", "name": "Rent here", "account_type": "expense"}
        )
        self._run(probe.refresh_data, self.connection.id, {})
        mapping = self.connection.mapping_ids.filtered(lambda m: m.record == account)
        self.assertEqual(mapping.state, "proposed")
        self.assertEqual(mapping.erp_record_id.code, "612000")
