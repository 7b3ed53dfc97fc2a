from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..connectors import Outcome
from .common import ApSyncCommon, error

USER = "ap_sync.group_ap_sync_user,account.group_account_invoice"


@tagged("post_install", "-at_install")
class TestOwner(ApSyncCommon):
    """Failures find the one who can mend them, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.make_user("clerk")
        cls.buyer = cls.make_user("buyer")
        cls.stranger = cls.make_user("no_role", groups="base.group_user")

    @classmethod
    def make_user(cls, login, groups=USER, companies=None):
        companies = companies or cls.env.company
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            email=f"{login}@example.com",
            company_id=companies[:1].id,
            company_ids=[(6, 0, companies.ids)],
        )

    def fail_with(self, kind, count=1, **values):
        self.erp.script = [error(kind, Outcome.REJECTED)] * count
        bills = [self.make_bill(**values) for _number in range(count)]
        jobs = self.submit(self.env["account.move"].union(*bills))
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"failed"})
        return jobs

    def mails(self, user):
        return self.env["mail.mail"].search([("email_to", "ilike", user.email)])

    # -- Who

    def test_the_owner_is_responsible_for_the_bill_or_its_vendor_or_submits_it(self):
        submitted = self.submit(self.make_bill())
        self.assertEqual(submitted.user_id, self.env.user)
        self.partner_a.user_id = self.buyer
        self.assertEqual(self.submit(self.make_bill()).user_id, self.buyer)
        bill = self.make_bill(invoice_user_id=self.clerk.id)
        self.assertEqual(self.submit(bill).user_id, self.clerk)

    def test_nobody_owns_what_they_may_not_see(self):
        other = self.setup_other_company(name="Other company")["company"]
        elsewhere = self.make_user("elsewhere", companies=other)
        gone = self.make_user("gone")
        gone.active = False
        for user in (self.stranger, elsewhere, gone):
            with self.subTest(user.login):
                bill = self.make_bill(invoice_user_id=user.id)
                self.assertEqual(self.submit(bill).user_id, self.env.user)

    def test_bills_are_given_to_another_with_what_is_to_do_for_them(self):
        jobs = self.fail_with("vendor_inactive", 2)
        activities = jobs.activity_ids
        self.assertEqual(activities.user_id, self.env.user)
        wizard = self.env["ap.sync.assign"].with_user(self.clerk)
        opened = jobs.with_user(self.clerk).action_assign()
        wizard = wizard.browse(opened["res_id"])
        self.assertEqual((wizard.job_count, wizard.user_id), (2, self.clerk))
        wizard.action_apply()
        self.assertEqual(jobs.user_id, self.clerk)
        self.assertEqual(jobs.activity_ids, activities)
        self.assertEqual(activities.user_id, self.clerk)
        self.assertFalse(self.mails(self.clerk))

    def test_bills_are_not_given_to_who_may_not_see_them(self):
        job = self.submit(self.make_bill())
        with self.assert_refused(AccessError, "may not see"):
            job._assign(self.stranger)
        with self.assertRaises(AccessError):
            job.with_user(self.stranger).action_assign()
        self.assertEqual(job.user_id, self.env.user)

    # -- One activity for what needs a person

    def test_a_bill_has_one_activity_while_it_needs_its_owner_and_none_after(self):
        job = self.fail_with("vendor_inactive", invoice_user_id=self.clerk.id)
        activity = job.activity_ids
        self.assertEqual(activity.user_id, self.clerk)
        self.assertEqual(activity.summary, "Vendor inactive in the ERP")
        self.erp.script = [error("period_closed", Outcome.REJECTED)]
        job.action_sync()
        self.dispatch()
        self.assertEqual(job.activity_ids, activity)
        self.assertEqual(activity.summary, "Period closed")
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertFalse(job.activity_ids)

    def test_what_the_owner_mends_on_a_held_bill_is_an_activity_too(self):
        bill = self.make_bill(ref=False, invoice_user_id=self.clerk.id)
        job = self.submit(bill)
        self.assert_status(job, "on_hold")
        self.dispatch()
        self.assertEqual(job.activity_ids.user_id, self.clerk)
        self.assertEqual(job.activity_ids.summary, "Bill reference missing")
        bill.ref = "R-1"
        self.commit()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertFalse(job.activity_ids)

    def test_what_many_bills_wait_for_is_no_activity_of_each(self):
        unmapped = self.expense.copy({"name": "Unmapped"})
        bill = self.make_bill()
        bill.invoice_line_ids.account_id = unmapped
        job = self.submit(bill)
        self.assert_status(job, "on_hold")
        self.dispatch()
        self.assertFalse(job.activity_ids)

    def test_a_held_bill_that_turns_into_a_matter_of_others_needs_its_owner_no_more(
        self,
    ):
        job = self.submit(self.make_bill(ref=False))
        self.dispatch()
        self.assertTrue(job.activity_ids)
        job.partner_id.write({"ap_sync_blocked": True, "ap_sync_block_reason": "No"})
        self.commit()
        self.dispatch()
        self.assert_status(job, "blocked")
        self.assertFalse(job.activity_ids)

    def test_what_concerns_the_connection_is_one_activity_for_its_responsible(self):
        admin = self.make_user(
            "admin2", groups="ap_sync.group_ap_sync_administrator,base.group_user"
        )
        self.connection.user_id = admin
        self.connection.concurrency = 1
        jobs = self.submit(self.make_bill() | self.make_bill())
        self.erp.script = [error("credentials_wrong", Outcome.REJECTED)]
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"on_hold"})
        self.assertFalse(jobs.activity_ids)
        self.assertEqual(self.connection.activity_ids.user_id, admin)
        self.assertEqual(len(self.connection.activity_ids), 1)

    def test_what_only_an_administrator_can_decide_goes_to_the_responsible(self):
        self.connection.user_id = self.env.user
        job = self.fail_with("outcome_unknown", invoice_user_id=self.clerk.id)
        self.assertEqual(job.user_id, self.clerk)
        self.assertEqual(job.activity_ids.user_id, self.env.user)

    def test_a_responsible_who_left_is_replaced_by_an_administrator(self):
        gone = self.make_user("gone", groups="ap_sync.group_ap_sync_administrator")
        self.connection.user_id = gone
        gone.active = False
        responsible = self.connection._get_responsible()
        self.assertNotEqual(responsible, gone)
        self.assertTrue(responsible.has_group("ap_sync.group_ap_sync_administrator"))

    def test_a_persons_own_activity_stays(self):
        job = self.fail_with("vendor_inactive")
        own = job.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.clerk.id, automated=False
        )
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.activity_ids, own)

    def test_the_bill_hears_of_outcomes_only(self):
        """Tries that are made again by themselves are no news."""
        bill = self.make_bill()
        job = self.submit(bill)
        before = bill.message_ids
        self.erp.script = [error("erp_unavailable")] * 2
        for _try in range(2):
            self.dispatch()
            self.make_due(job)
        self.assertEqual(bill.message_ids, before)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(bill.message_ids - before), 1)

    # -- Mails

    def test_nobody_gets_a_mail_at_once_who_did_not_ask_for_it(self):
        self.fail_with("vendor_inactive", invoice_user_id=self.clerk.id)
        self.assertFalse(self.mails(self.clerk))

    def test_one_mail_tells_of_all_bills_that_failed_in_a_round(self):
        self.clerk.ap_sync_mail_at_once = True
        jobs = self.fail_with("vendor_inactive", 3, invoice_user_id=self.clerk.id)
        mail = self.mails(self.clerk)
        self.assertEqual(len(mail), 1)
        for job in jobs:
            self.assertIn(f"/odoo/ap-sync-jobs/{job.id}", mail.body_html)
        self.assertIn("Reactivate the vendor", mail.body_html)
        jobs.action_sync()
        self.erp.script = [error("vendor_inactive", Outcome.REJECTED)] * 3
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"failed"})
        self.assertEqual(self.mails(self.clerk), mail, "known to its reader")

    def test_a_hundred_failures_cost_few_queries_each(self):
        counts = []
        for count in (5, 25):
            self.erp.script = [error("vendor_inactive", Outcome.REJECTED)] * count
            bills = [self.make_bill() for _number in range(count)]
            jobs = self.submit(self.env["account.move"].union(*bills))
            before = self.env.cr.sql_log_count
            self.dispatch()
            counts.append((self.env.cr.sql_log_count - before) / count)
            self.assertEqual(set(jobs.mapped("status")), {"failed"})
        self.assertLess(counts[1], counts[0])
