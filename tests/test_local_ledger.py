from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form
from odoo.tools import mute_logger

from .common import ApSyncCommon


class TestLocalLedger(ApSyncCommon):
    """Odoo's own ledger as a target: drafts are posted by the dispatcher."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ledger = cls._make_connection("Ledger", connector="local", url=False)
        # Nothing but Odoo itself shall refuse: the refusals are what is tested.
        cls.env["ap.sync.rule"].search([]).active = False

    def send(self, **values):
        """Return the job of a draft, after the dispatcher tried to post it."""
        job = self.submit(self.make_bill(post=False, **values), self.ledger)
        self.assert_status(job, "in_progress", "queued")
        self.dispatch(self.ledger)
        return job

    def assert_refused_as(self, job, kind, message):
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, kind)
        self.assertRegex(job.message, message)
        self.assertEqual(job.move_id.state, "draft")
        self.assertEqual(job.attempt_ids.outcome, "rejected")

    def test_it_can_not_wait_for_bills_to_be_posted(self):
        dialog = Form(self.env["ap.sync.connection"])
        dialog.name = "Another"
        dialog.connector = "local"
        self.assertEqual(dialog.save().trigger, "manual")
        with self.assert_refused(ValidationError, "can't wait to be posted"):
            self.ledger.trigger = "posted"

    def test_a_draft_is_posted_by_the_dispatcher_and_not_before(self):
        bill = self.make_bill(post=False)
        job = self.submit(bill, self.ledger)
        self.assertEqual(bill.state, "draft")
        self.dispatch(self.ledger)
        self.assertEqual(bill.state, "posted")
        self.assert_status(job, "success")
        self.assertEqual(job.erp_number, bill.name)
        self.assertTrue(job.synced_at)
        self.assertFalse(job.changed_since_sync)
        self.assertEqual(job.attempt_ids.outcome, "accepted")
        self.assertFalse(self.erp.writes, "no ERP was called")

    def test_its_link_opens_the_bill_itself(self):
        job = self.send()
        action = job.action_open_erp()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("account.move", job.move_id.id)
        )

    def test_a_posted_bill_has_nothing_left_to_post(self):
        job = self.submit(self.make_bill(), self.ledger)
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "already_posted")

    def test_a_bill_without_vendor_is_refused(self):
        self.assert_refused_as(self.send(partner_id=False), "vendor_missing", "vendor")

    def test_a_bill_without_date_is_refused(self):
        self.assert_refused_as(self.send(invoice_date=False), "date_missing", "date")

    def test_a_bill_without_lines_is_refused(self):
        self.assert_refused_as(self.send(lines=[]), "no_lines", "no lines")

    def test_an_archived_account_is_refused_by_name(self):
        account = self.expense.copy({"name": "Old rent"})
        bill = self.make_bill(post=False, lines=[{"account_id": account.id}])
        account.active = False
        job = self.submit(bill, self.ledger)
        self.dispatch(self.ledger)
        self.assert_refused_as(job, "gl_account_inactive", "Old rent")

    def test_an_inactive_currency_is_refused_by_name(self):
        currency = self.setup_other_currency("EUR")
        bill = self.make_bill(post=False, currency_id=currency.id)
        currency.active = False
        job = self.submit(bill, self.ledger)
        self.dispatch(self.ledger)
        self.assert_refused_as(job, "currency_not_enabled", "EUR")

    def test_a_negative_total_is_refused(self):
        job = self.send(lines=[{"price_unit": -5.0}])
        self.assert_refused_as(job, "negative_total", "below zero")

    def test_any_other_refusal_of_odoo_is_told_in_its_own_words(self):
        job = self.submit(self.make_bill(post=False), self.ledger)
        refusal = UserError("The stars are not right.")
        with patch.object(type(job.move_id), "_post", side_effect=refusal):
            self.dispatch(self.ledger)
        self.assert_refused_as(job, "invalid_data", "The stars are not right")

    def test_a_mended_bill_is_posted_after_sync(self):
        job = self.send(partner_id=False)
        job.move_id.partner_id = self.partner_a
        job.action_sync()
        self.dispatch(self.ledger)
        self.assert_status(job, "success")

    @mute_logger("odoo.addons.ap_sync.engine.local")
    def test_one_bad_bill_does_not_stop_the_others(self):
        bills = self.make_bill(post=False) | self.make_bill(post=False)
        bad = self.make_bill(post=False, partner_id=False)
        jobs = self.submit(bills | bad, self.ledger)
        self.dispatch(self.ledger)
        self.assertEqual(
            {job.move_id: job.status for job in jobs},
            {bills[0]: "success", bills[1]: "success", bad: "failed"},
        )

    # -- Locked periods

    def test_a_locked_period_holds_by_default(self):
        self.env.ref("ap_sync.rule_period_locked").active = True
        bill = self.make_bill(post=False)
        self.env.company.purchase_lock_date = bill.invoice_date
        job = self.submit(bill, self.ledger)
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "period_locked")
        self.dispatch(self.ledger)
        self.assertEqual(bill.state, "draft")

    def test_the_next_open_date_is_used_where_chosen_and_the_job_says_so(self):
        self.env.ref("ap_sync.rule_period_locked").active = True
        self.ledger.lock_policy = "next_open"
        bill = self.make_bill(post=False)
        lock = bill.invoice_date
        self.env.company.purchase_lock_date = lock
        job = self.submit(bill, self.ledger)
        self.dispatch(self.ledger)
        self.assert_status(job, "success")
        self.assertGreaterEqual(bill.date, lock + timedelta(days=1))
        self.assertRegex(job.notes, "Booked on .* instead of .*locked up to")

    def test_a_date_that_odoo_moved_before_the_period_opened_again_is_told(self):
        company = self.env.company
        company.purchase_lock_date = "2026-11-30"
        bill = self.make_bill(post=False)
        self.assertGreater(bill.date, bill.invoice_date, "Odoo moves it at once")
        company.purchase_lock_date = False
        job = self.submit(bill, self.ledger)
        self.dispatch(self.ledger)
        self.assert_status(job, "success")
        self.assertRegex(job.notes, "Booked on .*; the bill is dated")

    # -- What follows

    def test_a_bill_posted_here_goes_on_to_the_erp(self):
        self.connection.trigger = "posted"
        bill = self.make_bill(post=False)
        self.submit(bill, self.ledger)
        self.assertEqual(bill.ap_sync_job_ids.connection_id, self.ledger)
        self.dispatch(self.ledger)
        follower = bill.ap_sync_job_ids.filtered(
            lambda job: job.connection_id == self.connection
        )
        self.assert_status(follower, "in_progress", "queued")
        self.dispatch()
        self.assert_status(follower, "success")

    def test_a_bill_that_is_a_draft_again_is_flagged_and_posted_by_sync(self):
        job = self.send()
        job.move_id.button_draft()
        self.commit()
        self.assert_status(job, "success")
        self.assertTrue(job.changed_since_sync)
        job.action_sync()
        self.dispatch(self.ledger)
        self.assertEqual(job.move_id.state, "posted")
        self.assertFalse(job.changed_since_sync)

    def test_a_credit_note_and_a_receipt_are_posted_too(self):
        self.ledger.include_receipts = True
        for move_type in ("in_refund", "in_receipt"):
            self.assert_status(self.send(move_type=move_type), "success")

    def test_no_mapping_is_asked_for(self):
        self.env["ap.sync.rule"].with_context(active_test=False).search(
            []
        ).active = True
        self.env.ref("ap_sync.rule_attachment_missing").active = False
        account = self.expense.copy()
        line = {
            "account_id": account.id,
            "tax_ids": [Command.set(self.tax_purchase_b.ids)],
        }
        self.assert_status(self.send(lines=[line]), "success")

    def test_there_is_nothing_to_verify(self):
        job = self.send(partner_id=False)
        with self.assert_refused(UserError, "never sent"):
            job._verify_again()
