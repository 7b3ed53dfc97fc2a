from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..connectors import Outcome
from ..connectors.kinds import CHECK, KINDS, NO
from ..models import ap_sync_job_bulk
from .common import ApSyncCommon, error


class TestRetry(ApSyncCommon):
    """*Retry* on the connection: all that failed for one cause, once it is mended."""

    def make_failed(self, kind, count=1):
        jobs = self.submit(
            self.env["account.move"].union(*(self.make_bill() for _n in range(count)))
        )
        self.erp.script = [error(kind, Outcome.REJECTED)] * count
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"failed"})
        return jobs

    def open_retry(self):
        action = self.connection.action_open_retry()
        return self.env[action["res_model"]].browse(action["res_id"])

    def retry(self, kind):
        line = self.open_retry().line_ids.filtered(lambda li: li.error_kind == kind)
        return line.action_retry()

    def test_the_causes_are_counted_and_what_needs_a_decision_is_apart(self):
        self.make_failed("vendor_inactive", 2)
        self.make_failed("period_closed")
        self.make_failed("outcome_unknown")
        retry = self.open_retry()
        self.assertEqual(
            {line.error_kind: line.job_count for line in retry.line_ids},
            {"vendor_inactive": 2, "period_closed": 1},
        )
        self.assertTrue(all(line.guidance for line in retry.line_ids))
        self.assertEqual(retry.decide_count, 1)
        self.assertEqual(self.connection.failed_count, 4)
        jobs = self.env["ap.sync.job"].search(retry.action_open_decide()["domain"])
        self.assertEqual(jobs.mapped("error_kind"), ["outcome_unknown"])

    def test_all_that_failed_for_one_cause_go_again_and_no_others(self):
        inactive = self.make_failed("vendor_inactive", 2)
        closed = self.make_failed("period_closed")
        keys = set(inactive.mapped("key"))
        action = self.retry("vendor_inactive")
        self.assertIn("2 queued", action["params"]["message"])
        self.assertEqual(set(inactive.mapped("phase")), {"queued"})
        self.assertFalse(keys & set(inactive.mapped("key")), "corrected: a new key")
        self.assert_status(closed, "failed")
        self.dispatch()
        self.assertEqual(set(inactive.mapped("status")), {"success"})
        self.assert_status(closed, "failed")

    def test_many_are_marked_and_sent_by_the_dispatcher(self):
        jobs = self.make_failed("vendor_inactive", 3)
        other = self.make_failed("period_closed")
        with patch.object(ap_sync_job_bulk, "EVALUATE_AT_ONCE", 2):
            with patch.object(type(self.connection), "_wake") as wake:
                action = self.retry("vendor_inactive")
        self.assertIn("3 being looked at", action["params"]["message"])
        self.assertTrue(wake.called)
        self.assertEqual(set(jobs.mapped("status")), {"failed"}, "not done while asked")
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertFalse(jobs.filtered("evaluate_at"))
        self.assertEqual(len(self.erp.ledger), 3)
        self.assert_status(other, "failed")

    def test_a_marked_bill_whose_outcome_got_unknown_is_not_sent(self):
        jobs = self.make_failed("vendor_inactive", 2)
        jobs.write({"evaluate_at": self.env.cr.now(), "sync_requested": True})
        jobs[0].error_kind = "outcome_unknown"
        sent = len(self.erp.writes)
        self.dispatch()
        self.assert_status(jobs[0], "failed")
        self.assert_status(jobs[1], "success")
        self.assertEqual(len(self.erp.writes), sent + 1)
        self.assertFalse(jobs.filtered("evaluate_at"))

    def test_bills_whose_connection_is_paused_are_held(self):
        jobs = self.make_failed("vendor_inactive", 2)
        self.connection._pause("Because")
        action = self.retry("vendor_inactive")
        self.assertIn("2 on hold", action["params"]["message"])
        self.assertEqual(set(jobs.mapped("status")), {"on_hold"})

    def test_what_needs_a_look_into_the_erp_is_never_retried(self):
        job = self.make_failed("outcome_unknown")
        for code, kind in KINDS.items():
            if kind.retry in {CHECK, NO}:
                with self.subTest(code):
                    with self.assert_refused(UserError, "one by one"):
                        self.connection._retry(code)
        for code in (False, "never heard of"):
            with self.assert_refused(UserError, "one by one"):
                self.connection._retry(code)
        self.assert_status(job, "failed")

    def test_who_pressed_it_is_kept_on_the_connection(self):
        self.make_failed("vendor_inactive")
        manager = new_test_user(
            self.env,
            "a_manager",
            groups="ap_sync.group_ap_sync_manager,account.group_account_invoice",
        )
        self.connection.with_user(manager)._retry("vendor_inactive")
        message = self.connection.message_ids[0]
        self.assertEqual(message.author_id, manager.partner_id)
        self.assertIn("1 bills", message.body)

    def test_only_a_manager_retries_and_only_in_own_companies(self):
        job = self.make_failed("vendor_inactive")
        groups = "ap_sync.group_ap_sync_manager,account.group_account_invoice"
        other = self.setup_other_company(name="Other company")["company"]
        strangers = [
            new_test_user(self.env, "a_user", groups="account.group_account_invoice"),
            new_test_user(
                self.env,
                "another_company",
                groups=groups,
                company_id=other.id,
                company_ids=other.ids,
            ),
        ]
        for user in strangers:
            connection = self.connection.with_user(user)
            for press in (
                connection.action_open_retry,
                lambda c=connection: c._retry("vendor_inactive"),
            ):
                with self.subTest(user.login), self.assertRaises(AccessError):
                    press()
        self.assert_status(job, "failed")
