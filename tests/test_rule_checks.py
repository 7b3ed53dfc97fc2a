from datetime import timedelta

from odoo.fields import Command
from odoo.tools import format_date

from .common import ApSyncCommon


class TestRuleChecks(ApSyncCommon):
    """Each shipped check: what it stops, what it says, and where it leads."""

    def assert_stopped(self, bill, kind, message, fix, status="on_hold", **values):
        """A new job of this bill is stopped by this kind first.

        :param message: a pattern of the message.
        :param fix: the record that its link opens, or the model of a new one.
        """
        job = self.submit(bill, **values)
        self.assert_status(job, status)
        self.assertEqual(job.error_kind, kind)
        self.assertRegex(job.message, message)
        self.assertTrue(job.guidance)
        link = job.causes[0]["fixes"][0]
        if isinstance(fix, str):
            self.assertEqual((link["model"], link["res_id"]), (fix, False))
        else:
            self.assertEqual((link["model"], link["res_id"]), (fix._name, fix.id))
        return job

    def assert_goes(self, job):
        """This job goes once it is evaluated again."""
        self.commit()
        job.action_sync()
        self.assert_status(job, "in_progress", "queued")
        self.assertFalse(job.causes)
        self.assertFalse(job.message)

    def test_a_complete_bill_is_stopped_by_no_check(self):
        bill = self.make_bill(lines=[{"tax_ids": [self.purchase_tax.id]}])
        self.assert_status(self.submit(bill), "in_progress", "queued")

    def test_a_blocked_vendor_blocks_with_its_reason(self):
        self.partner_a.write(
            {"ap_sync_blocked": True, "ap_sync_block_reason": "In dispute."}
        )
        job = self.assert_stopped(
            self.make_bill(),
            "vendor_blocked",
            "partner_a are not synced: In dispute.$",
            self.partner_a,
            status="blocked",
        )
        self.partner_a.ap_sync_blocked = False
        self.assert_status(job, "in_progress", "queued")

    def test_a_blocked_vendor_blocks_the_bills_of_its_contacts(self):
        self.partner_a.ap_sync_blocked = True
        contact = self.env["res.partner"].create(
            {"name": "Billing", "parent_id": self.partner_a.id, "type": "invoice"}
        )
        self.assert_stopped(
            self.make_bill(partner_id=contact.id),
            "vendor_blocked",
            "no reason given",
            self.partner_a,
            status="blocked",
        )

    def test_a_bill_without_vendor_is_held(self):
        bill = self.make_bill(post=False, partner_id=False)
        job = self.assert_stopped(bill, "vendor_missing", "no vendor", bill)
        bill.partner_id = self.partner_a
        self.assert_goes(job)

    def test_a_bill_without_reference_is_held(self):
        for ref in (False, "   "):
            bill = self.make_bill(ref=ref)
            job = self.assert_stopped(bill, "reference_missing", "reference", bill)
        bill.ref = "NOW THERE"
        self.assert_goes(job)

    def test_a_bill_without_date_is_held(self):
        bill = self.make_bill(post=False, invoice_date=False)
        job = self.assert_stopped(bill, "date_missing", "no date", bill)
        bill.invoice_date = "2026-11-10"
        self.assert_goes(job)

    def test_a_bill_without_lines_is_held_for_that_and_not_for_its_total(self):
        note = {"display_type": "line_note", "name": "Only a note"}
        bill = self.make_bill(
            post=False, lines=[], invoice_line_ids=[Command.create(note)]
        )
        job = self.assert_stopped(bill, "no_lines", "no lines", bill)
        self.assertEqual([cause["kind"] for cause in job.causes], ["no_lines"])

    def test_a_total_of_zero_is_held(self):
        bill = self.make_bill(post=False, lines=[{"price_unit": 0.0}])
        job = self.assert_stopped(bill, "zero_total", "total is zero", bill)
        bill.invoice_line_ids.price_unit = 0.01
        self.assert_goes(job)

    def test_the_bill_entered_second_is_held_and_names_the_first(self):
        first = self.make_bill(ref="RE-1")
        earlier = self.submit(first)
        second = self.make_bill(post=False, ref=" re-1 ")
        job = self.assert_stopped(
            second, "possible_duplicate", f"re-1 .*before: {first.name} .*100", first
        )
        earlier.action_evaluate()
        self.assert_status(earlier, "in_progress", "queued")
        second.ref = "RE-2"
        self.assert_goes(job)

    def test_another_vendor_kind_or_a_cancelled_bill_is_no_duplicate(self):
        first = self.make_bill(ref="RE-1")
        others = self.make_bill(post=False, ref="RE-1", partner_id=self.partner_b.id)
        others |= self.make_bill(post=False, ref="RE-1", move_type="in_refund")
        for job in self.submit(others):
            self.assert_status(job, "in_progress", "queued")
        first.button_draft()
        first.button_cancel()
        job = self.submit(self.make_bill(post=False, ref="RE-1"))
        self.assert_status(job, "in_progress", "queued")

    def test_a_locked_period_of_the_erp_holds(self):
        bill = self.make_bill()
        self.connection.sudo().erp_lock_date = bill.date
        day = format_date(self.env, bill.date)
        job = self.assert_stopped(
            bill,
            "period_locked",
            f"booked on {day}, and ERP is locked up to {day}",
            bill,
        )
        self.connection.sudo().erp_lock_date = bill.date - timedelta(days=1)
        self.assert_goes(job)

    def test_a_locked_period_is_no_hold_where_the_next_open_date_is_used(self):
        bill = self.make_bill()
        self.connection.sudo().erp_lock_date = bill.date
        self.connection.lock_policy = "next_open"
        self.assert_status(self.submit(bill), "in_progress", "queued")

    def test_a_currency_the_erp_has_not_is_held(self):
        self.env["ap.sync.erp.record"].sudo().create(
            {
                "connection_id": self.connection.id,
                "kind": "currency",
                "erp_id": "1",
                "name": "US Dollar",
                "code": "USD",
            }
        )
        self.assert_status(self.submit(self.make_bill()), "in_progress", "queued")
        currency = self.setup_other_currency("EUR")
        self.assert_stopped(
            self.make_bill(currency_id=currency.id),
            "currency_not_enabled",
            "EUR is not active in ERP",
            self.connection,
        )

    def test_a_currency_archived_here_is_held(self):
        currency = self.setup_other_currency("EUR")
        bill = self.make_bill(post=False, currency_id=currency.id)
        currency.active = False
        self.assert_stopped(
            bill, "currency_not_enabled", "EUR is not active in Odoo", currency
        )

    def test_accounts_without_mapping_are_all_named(self):
        accounts = self.expense.copy({"code": "600901", "name": "Rent"})
        accounts |= self.expense.copy({"code": "600902", "name": "Power"})
        bill = self.make_bill(
            lines=[{"account_id": account.id} for account in accounts]
        )
        job = self.assert_stopped(
            bill,
            "gl_account_unmapped",
            "600901 Rent.*600902 Power",
            "ap.sync.map",
        )
        self.assertEqual(
            [fix["context"] for fix in job.causes[0]["fixes"]],
            [
                {
                    "default_connection_id": self.connection.id,
                    "default_record": f"account.account,{account.id}",
                }
                for account in accounts
            ],
        )
        for account in accounts:
            self._map(account, account.code)
        self.assert_goes(job)

    def test_a_mapping_that_waits_for_confirmation_holds_its_bills(self):
        account = self.expense.copy({"code": "600901", "name": "Rent"})
        mapping = self._map(account, "601", state="proposed")
        bill = self.make_bill(lines=[{"account_id": account.id}])
        job = self.assert_stopped(bill, "gl_account_unmapped", "Rent", "ap.sync.map")
        mapping.action_confirm()
        self.assert_status(job, "in_progress", "queued")

    def test_a_tax_without_mapping_is_held(self):
        tax = self.purchase_tax.copy({"name": "Import 7%"})
        bill = self.make_bill(lines=[{"tax_ids": [tax.id, self.purchase_tax.id]}])
        job = self.assert_stopped(
            bill, "tax_unmapped", "set for .*Import 7%", "ap.sync.map"
        )
        self._map(tax, "7")
        self.assert_goes(job)

    def test_a_vendor_without_mapping_is_held_where_none_is_created(self):
        self.assert_status(self.submit(self.make_bill()), "in_progress", "queued")
        self.connection.create_vendors = False
        job = self.assert_stopped(
            self.make_bill(), "vendor_unmapped", "partner_a", "ap.sync.map"
        )
        self._map(self.partner_a, "5")
        self.assert_goes(job)

    def test_a_missing_document_is_held_only_if_that_check_is_on(self):
        self.assert_status(self.submit(self.make_bill()), "in_progress", "queued")
        self.env.ref("ap_sync.rule_attachment_missing").active = True
        bill = self.make_bill()
        job = self.assert_stopped(bill, "attachment_missing", "No document", bill)
        self.env["ir.attachment"].create(
            {
                "name": "bill.pdf",
                "raw": b"%PDF",
                "res_model": bill._name,
                "res_id": bill.id,
            }
        )
        self.assert_goes(job)

    def test_a_paused_connection_holds(self):
        self.connection._pause("Because")
        job = self.assert_stopped(
            self.make_bill(), "connection_paused", "ERP is paused", self.connection
        )
        self.connection.action_resume()
        self.assert_status(job, "in_progress", "queued")

    def test_an_archived_connection_holds(self):
        job = self.submit(self.make_bill())
        self.connection.active = False
        self.assert_status(job, "on_hold")
        self.assertIn("archived", job.message)
