from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..connectors import Outcome
from ..models import ap_sync_job_decide_many
from .common import ApSyncCommon, error


class TestDecideMany(ApSyncCommon):
    """Release and marks for what was selected in the list, beyond the first page."""

    def open(self, jobs, user=None):
        """Choose the action in the list; return the wizard as that user."""
        action = self.env.ref("ap_sync.action_job_resolve")
        if user:
            action = action.with_user(user)
        context = {"active_model": "ap.sync.job", "active_ids": jobs.ids}
        opened = action.with_context(**context).run()
        wizard = self.env[opened["res_model"]].browse(opened["res_id"])
        return wizard.with_user(user or self.env.user)

    def make_held(self, count, **values):
        """Return jobs that are held as their bills have no reference."""
        bills = [self.make_bill(ref=False, **values) for _number in range(count)]
        return self.submit(self.env["account.move"].union(*bills))

    def failed(self):
        self.erp.script = [error("period_closed", Outcome.REJECTED)]
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assert_status(job, "failed")
        return job

    def test_what_may_be_released_goes_and_the_rest_stays_as_it_is(self):
        held, failed = self.make_held(2), self.failed()
        wizard = self.open(held | failed)
        self.assertEqual((wizard.job_count, wizard.decision), (3, "release"))
        wizard.reason = "The vendor gives none"
        action = wizard.action_apply()
        message = action["params"]["message"]
        self.assertIn("2 queued", message)
        self.assertIn("1 left as they are", message)
        self.assertEqual(action["params"]["next"]["tag"], "ap_sync.progress")
        for job in held:
            self.assertIn("The vendor gives none", job.message_ids[0].body)
            self.assertEqual(
                job.message_ids[0].author_id, self.env.user.partner_id, job.id
            )
        self.assert_status(failed, "failed")
        self.assertNotIn("The vendor gives none", failed.message_ids[:1].body or "")
        self.dispatch()
        self.assertEqual(set(held.mapped("status")), {"success"})

    def test_many_are_left_to_the_dispatcher(self):
        self.patch(ap_sync_job_decide_many, "EVALUATE_AT_ONCE", 2)
        held = self.make_held(3)
        wizard = self.open(held)
        wizard.reason = "All of them"
        message = wizard.action_apply()["params"]["message"]
        self.assertIn("3 being looked at", message)
        self.assertEqual(set(held.mapped("status")), {"on_hold"})
        self.dispatch()
        self.assertEqual(set(held.mapped("status")), {"success"})

    def test_a_rule_that_allows_no_release_keeps_its_bills(self):
        held = self.make_held(2)
        held.rule_id.allow_release = False
        wizard = self.open(held)
        self.assertEqual(wizard.decision, "mark_synced")
        wizard.write({"decision": "release", "reason": "I insist"})
        message = wizard.action_apply()["params"]["message"]
        self.assertIn("2 left as they are", message)
        self.assertEqual(set(held.mapped("status")), {"on_hold"})

    def test_one_number_is_the_proof_of_many_marks(self):
        held, failed, done = self.make_held(2), self.failed(), None
        done = self.submit(self.make_bill())
        self.dispatch()
        number = done.erp_number
        wizard = self.open(held | failed | done)
        wizard.write({"decision": "mark_synced", "reason": "Imported at the start"})
        with self.assert_refused(UserError, "as proof"):
            wizard.action_apply()
        wizard.erp_number = "IMPORT-2026-11"
        message = wizard.action_apply()["params"]["message"]
        self.assertIn("3 marked as synced", message)
        self.assertIn("1 left as they are", message)
        for job in held | failed:
            self.assert_status(job, "success")
            self.assertEqual(job.erp_number, "IMPORT-2026-11")
            self.assertEqual(job.marked_by_id, self.env.user)
            self.assertFalse(job._is_bill_changed())
        self.assertEqual(done.erp_number, number)
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 2, "the refused one and the synced one")

    def test_a_decision_costs_the_same_queries_for_few_and_for_many(self):
        self.patch(ap_sync_job_decide_many, "EVALUATE_AT_ONCE", 1)
        held = self.make_held(16)
        for decision in ("release", "mark_synced"):
            counts = []
            for some in (held[:2], held[2:6], held[6:]):
                wizard = self.open(some)
                wizard.write(
                    {"decision": decision, "reason": "Agreed", "erp_number": "IMPORT-7"}
                )
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                wizard.action_apply()
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - before)
            with self.subTest(decision=decision):
                # The first of all also fills Odoo's caches
                self.assertLessEqual(counts[2], counts[1] + 2, counts)

    def test_what_is_decided_bill_by_bill_is_not_for_many(self):
        failed = self.failed() | self.failed()
        wizard = self.open(failed)
        for decision in ("verify", "resend", "abort"):
            wizard.write({"decision": decision, "reason": "All the same"})
            with self.assert_refused(UserError, "one bill at a time"):
                wizard.action_apply()

    def test_only_managers_and_only_bills_they_may_see(self):
        held = self.make_held(2)
        user = new_test_user(self.env, "lisa", groups="ap_sync.group_ap_sync_user")
        with self.assertRaises(AccessError):
            held.with_user(user).action_open_resolve()
        other = self.setup_other_company(name="Other company")["company"]
        manager = new_test_user(
            self.env,
            "otto",
            groups="ap_sync.group_ap_sync_manager,account.group_account_invoice",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            held.with_user(manager).action_open_resolve()
        Wizard = self.env["ap.sync.job.resolve"].with_user(manager)
        with self.assertRaises(AccessError):
            Wizard.create({"job_ids": [(6, 0, held.ids)], "decision": "release"})
