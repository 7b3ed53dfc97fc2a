from datetime import timedelta

from odoo.fields import Command, Datetime

from .common import ApSyncCommon


class TestLockExceptions(ApSyncCommon):
    """Locked periods of Odoo's own ledger, and the exceptions people make of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ledger = cls._make_connection("Ledger", connector="local", url=False)
        cls.env.company.purchase_lock_date = "2026-11-30"

    def hold(self):
        """Return the job of a draft whose period is locked."""
        job = self.submit(self.make_bill(post=False), self.ledger)
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "period_locked")
        return job

    def make_exception(self, **values):
        return (
            self.env["account.lock_exception"]
            .sudo()
            .create(
                {
                    "company_id": self.env.company.id,
                    "user_id": False,
                    "purchase_lock_date": False,
                    **values,
                }
            )
        )

    def test_an_exception_for_all_frees_the_bills_of_its_company_and_posts_them(self):
        job = self.hold()
        self.make_exception()
        self.assert_status(job, "in_progress", "queued")
        self.dispatch(self.ledger)
        self.assert_status(job, "success")
        self.assertEqual(job.move_id.state, "posted")

    def test_an_exception_up_to_a_later_date_frees_nothing_before_it_is_changed(self):
        job = self.hold()
        exception = self.make_exception(purchase_lock_date="2026-11-15")
        self.assert_status(job, "on_hold")
        exception.lock_date = "2026-10-31"
        self.assert_status(job, "in_progress", "queued")

    def test_an_exception_for_one_person_is_none_for_the_engine_that_books(self):
        job = self.hold()
        self.make_exception(user_id=self.env.uid)
        self.assert_status(job, "on_hold")

    def test_an_exception_of_another_company_frees_nothing(self):
        job = self.hold()
        self.make_exception(company_id=self.setup_other_company()["company"].id)
        self.assert_status(job, "on_hold")

    def test_a_revoked_exception_holds_what_was_not_posted_yet(self):
        job = self.hold()
        exception = self.make_exception()
        self.assert_status(job, "in_progress", "queued")
        exception.action_revoke()
        self.dispatch(self.ledger)
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "period_locked")
        self.assertEqual(job.move_id.state, "draft")

    def test_an_exception_that_ran_out_holds_again(self):
        job = self.hold()
        exception = self.make_exception(
            end_datetime=Datetime.now() + timedelta(hours=1)
        )
        self.assert_status(job, "in_progress", "queued")
        self.env.cr.execute(
            "UPDATE account_lock_exception SET end_datetime = now() - interval '1 day' "
            "WHERE id = %s",
            [exception.id],
        )
        self.env.invalidate_all()
        self.dispatch(self.ledger)
        self.assert_status(job, "on_hold")

    def test_looking_at_lock_dates_costs_the_same_queries_for_few_and_for_many(self):
        self.env.company.tax_lock_date = "2026-11-05"
        taxes = [[], [Command.set(self.purchase_tax.ids)]]
        bills = self.env["account.move"]
        for number in range(30):
            bills |= self.make_bill(
                post=False,
                invoice_date=f"2026-{10 + number % 3:02}-{1 + number % 7:02}",
                lines=[{"tax_ids": taxes[number % 2]}] * 2,
            )
        jobs = self.submit(bills, self.ledger)
        self.assertEqual(len(jobs.filtered("causes")), 20)
        rule = self.env.ref("ap_sync.rule_period_locked").sudo()

        def count(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            rule._find_period_locked(some)
            return self.env.cr.sql_log_count - before

        few, many = count(jobs[:2]), count(jobs)
        self.assertLessEqual(many, few)
