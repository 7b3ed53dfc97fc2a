import base64
from datetime import date, timedelta

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import probe
from .common_tryton_end_to_end import EndToEndTryton

PDF = b"%PDF-1.4\n%%EOF\n"


@tagged("post_install", "-at_install")
class TestEndToEndTryton(EndToEndTryton):
    """Bills of this Odoo in the books of a real Tryton, checked in its tables."""

    def test_a_bill_with_tax_and_discount_stands_there_with_the_same_total(self):
        bill = self.make_bill(
            lines=[
                {"tax_ids": [Command.set(self.purchase_tax.ids)], "discount": 10.0},
                {"quantity": 3, "price_unit": 19.99},
            ]
        )
        job = self.sync(bill)
        self.assert_booked(job, bill.amount_total)
        self.assertTrue(job.erp_url.startswith(f"{self.proxy.url}/#"))

    def test_a_mapped_vendor_and_term_are_used(self):
        facts = self.real.facts
        term = self.env["account.payment.term"].create(
            {"name": "Thirty", "line_ids": [Command.create({"nb_days": 30})]}
        )
        self._map(term, str(facts["term"]))
        self._map(self.partner_a, str(facts["vendor"]))
        job = self.sync(self.make_bill(invoice_payment_term_id=term.id))
        invoice = self.assert_booked(job, 100.0)
        [row] = self.real.query(
            "SELECT party, payment_term FROM account_invoice WHERE id = ?", invoice
        )
        self.assertEqual(row, (facts["vendor"], facts["term"]))

    def test_a_credit_note_stands_there_as_a_negative_invoice(self):
        job = self.sync(self.make_bill(move_type="in_refund"))
        self.assert_booked(job, -100.0)

    def test_the_vendor_is_made_once_and_mapped(self):
        first, second = self.sync(self.make_bill()), self.sync(self.make_bill())
        self.assert_booked(first, 100.0)
        self.assert_booked(second, 100.0)
        [[vendor]] = self.real.query(
            "SELECT id FROM party_party WHERE name = ?", self.partner_a.name
        )
        mapping = self.connection.mapping_ids.filtered(lambda m: m.kind == "vendor")
        self.assertEqual(mapping.erp_id, str(vendor))

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
        invoice = self.assert_booked(self.sync(bill), 100.0)
        self.assertIn("scan.pdf", self.real.files(invoice))

    def test_an_ended_account_there_fails_the_bill_and_leaves_nothing(self):
        mapping = self.connection.mapping_ids.filtered(
            lambda m: m.record == self.expense
        )
        facts = self.real.facts
        mapping.erp_id = str(facts["accounts"][facts["ended_account"]])
        job = self.sync(self.make_bill())
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "gl_account_inactive")
        self.assertEqual(self.real.invoices(job.reference), [])
        mapping.erp_id = str(facts["accounts"]["600000"])
        job.action_sync()
        self.dispatch()
        self.assert_booked(job, 100.0)

    def test_a_closed_period_there_refuses_the_bill_and_then_holds_the_next(self):
        until = date.fromisoformat(self.real.facts["closed_period"]["until"])
        job = self.sync(self.make_bill(invoice_date=until, date=until))
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "period_closed")
        self.assertEqual(self.real.invoices(job.reference), [])
        held = self.sync(self.make_bill(invoice_date=until, date=until))
        self.assert_status(held, "on_hold")

    def test_a_closed_period_there_may_be_left_for_the_next_open_date(self):
        until = date.fromisoformat(self.real.facts["closed_period"]["until"])
        self.connection.lock_policy = "next_open"
        job = self.sync(self.make_bill(invoice_date=until, date=until))
        invoice = self.assert_booked(job, 100.0)
        day, _state, _debit = self.real.booked(invoice)
        self.assertEqual(day, until + timedelta(days=1))
        self.assertIn("instead of", job.notes)

    def test_a_bill_without_a_fiscal_year_there_fails(self):
        day = date(2001, 2, 3)
        job = self.sync(self.make_bill(invoice_date=day, date=day))
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "no_period")

    def test_a_bill_that_another_entered_with_other_amounts_is_a_duplicate(self):
        first = self.sync(self.make_bill())
        self.assert_booked(first, 100.0)
        again = self._make_connection(
            "Same ERP, other connection",
            connector="tryton",
            url=self.proxy.url,
            erp_database=self.connection.erp_database,
            erp_company=self.connection.erp_company,
            api_key=self.real.key,
        )
        for mapping in self.connection.mapping_ids:
            self._map(mapping.record, mapping.erp_id, again)
        # The same bill is adopted, another one with its number is not.
        same = self.submit(first.move_id, again)
        other = self.submit(self.make_bill(ref=first.reference, lines=[{}, {}]), again)
        for _time in range(3):
            self.dispatch(again)
            self.make_due(same | other)
        self.assert_status(same, "success")
        self.assertEqual(same.erp_number, first.erp_number)
        self.assertNotEqual(other.status, "success")
        self.assertEqual(len(self.books(first)), 1)

    def test_a_wrong_key_holds_the_bill_and_the_right_one_lets_it_go(self):
        self.connection.api_key = "0" * 128
        job = self.sync(self.make_bill())
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "credentials_wrong")
        self.assertEqual(self.real.invoices(job.reference), [])
        self.connection.api_key = self.real.key
        self._run(probe.check_connection, self.connection.id)
        self.assertTrue(all(item["ok"] for item in self.connection.check_result))
        self.dispatch()
        self.assert_booked(job, 100.0)

    @mute_logger("odoo.addons.ap_sync.engine.record")
    def test_an_answer_lost_at_any_step_leaves_one_posted_bill(self):
        steps = [
            "POST /erp_tryton/rest/model/account.invoice?",
            "/post?",
            "POST /erp_tryton/rest/model/party.party?",
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
                self.assert_booked(job, 100.0)
                vendors = self.real.query(
                    "SELECT id FROM party_party WHERE name = ?", vendor.name
                )
                self.assertEqual(len(vendors), 1)

    def test_a_bill_cancelled_here_is_cancelled_there(self):
        bill = self.make_bill()
        job = self.sync(bill)
        self.assert_booked(job, 100.0)
        bill.button_cancel()
        self.commit()
        job.action_sync()
        self.dispatch()
        self.assertEqual(self.books(job), [])
        [(_invoice, state, *_rest)] = self.real.invoices(job.reference)
        self.assertEqual(state, "cancelled")

    def test_a_corrected_bill_cannot_be_changed_there_and_says_so(self):
        bill = self.make_bill()
        job = self.sync(bill)
        self.assert_booked(job, 100.0)
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 75.0
        bill.action_post()
        self.commit()
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "update_unsupported")
        [(_invoice, state, _number, total)] = self.books(job)
        self.assertEqual((state, total), ("posted", 100))

    def test_refreshed_data_proposes_mappings(self):
        Account = self.env["account.account"]
        account = Account.search([("code", "=", "612000")]) or Account.create(
            {"code": "612000", "name": "Rent here", "account_type": "expense"}
        )
        self._run(probe.refresh_data, self.connection.id, {})
        mapping = self.connection.mapping_ids.filtered(lambda m: m.record == account)
        self.assertEqual(mapping.state, "proposed")
        self.assertEqual(mapping.erp_record_id.code, "612000")
