from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..connectors import Outcome
from ..engine import claim, record
from ..engine.send import Result
from ..engine.transaction import transact
from .common import ApSyncCommon, error


class TestResolve(ApSyncCommon):
    """What only a person can decide, and what is kept of the decision."""

    def setUp(self):
        super().setUp()
        # The test's clock stands still, so what was sent is settled only in its past.
        self.startPatcher(
            patch.object(
                type(self.connection), "_get_settle_seconds", lambda *a: -3600.0
            )
        )

    def unknown(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("outcome_unknown", Outcome.REJECTED)]
        self.dispatch()
        self.commit()  # what a person decides is a transaction of its own
        self.assert_status(job, "failed")
        return job

    def decide(self, job, decision, **values):
        wizard = self.env["ap.sync.job.resolve"].with_context(default_job_id=job.id)
        wizard.create({"decision": decision, **values}).action_apply()

    def assert_kept(self, job, *texts):
        message = job.message_ids[0]
        self.assertEqual(message.author_id, self.env.user.partner_id)
        for text in texts:
            self.assertIn(text, message.body)

    def test_asking_the_erp_again_needs_no_reason(self):
        job = self.unknown()
        self.decide(job, "verify")
        self.assert_status(job, "in_progress", "verifying")
        self.dispatch()
        self.assertEqual(self.erp.lookups, 1)
        self.assert_status(job, "success")

    def test_every_other_decision_needs_a_reason(self):
        job = self.unknown()
        for decision in ("mark_synced", "resend", "release"):
            for reason in (False, "   "):
                with self.subTest(decision):
                    with self.assert_refused(UserError, "Give the reason"):
                        self.decide(job, decision, reason=reason, erp_number="1")
        self.assert_status(job, "failed")

    def test_marking_as_synced_needs_the_erp_s_number_and_keeps_it(self):
        job = self.unknown()
        with self.assert_refused(UserError, "number in the ERP as proof"):
            self.decide(job, "mark_synced", reason="Seen there")
        self.decide(job, "mark_synced", reason="Seen there", erp_number=" X/7 ")
        self.assert_status(job, "success")
        self.assertEqual(job.erp_number, "X/7")
        self.assertFalse(job.message)
        self.assert_kept(job, "Marked as synced", "X/7", "Seen there")

    def test_the_mark_keeps_who_made_it_and_a_link_that_a_browser_may_open(self):
        job = self.unknown()
        for bad in ("javascript:alert(1)", "see the other list"):
            with self.assert_refused(UserError, "address of a page"):
                self.decide(
                    job, "mark_synced", reason="Seen", erp_number="7", erp_url=bad
                )
        link = "https://erp.example.com/odoo/7"
        self.decide(job, "mark_synced", reason="Seen", erp_number="7", erp_url=link)
        self.assertEqual(job.erp_url, link)
        self.assertEqual(job.marked_by_id, self.env.user)

    def test_no_automatic_result_overrides_a_mark(self):
        job = self.submit(self.make_bill())
        claimed, _count = self._run(
            lambda registry: transact(registry, claim.claim, self.connection.id, 5)
        )
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() - interval '1 minute'"
        )
        self.env.invalidate_all()
        with mute_logger("odoo.addons.ap_sync.engine.reaper"):
            self.reap()
        job._abort("It hangs")
        self.decide(job, "mark_synced", reason="Seen there", erp_number="X/7")
        late = Result(claimed[0], error=error("vendor_inactive", Outcome.REJECTED))
        with mute_logger("odoo.addons.ap_sync.engine.record"):
            record.record(self.env, [late], self.erp)
        self.connection._pause("Close")
        self.connection.action_resume()
        self.make_rule_on_all()
        job.action_evaluate()
        self.connection._retry("vendor_inactive")
        self.commit()
        self.reap()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_number, "X/7")
        self.assertTrue(job.marked_by_id)
        self.assertFalse(self.erp.writes)

    def make_rule_on_all(self):
        self.env["ap.sync.rule"].create(
            {"name": "All", "bill_domain": "[('amount_total', '>', 1)]"}
        )

    def test_another_number_than_the_known_one_forgets_which_record_it_was(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assertTrue(job.erp_id)
        job.move_id.ref = "CHANGED"
        self.commit()
        self.erp.script = [error("vendor_inactive", Outcome.REJECTED)]
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "failed")
        self.decide(job, "mark_synced", reason="Entered anew", erp_number="X/8")
        self.assertFalse(job.erp_id, "a later change would go to the wrong bill")
        self.assertFalse(job.erp_url)

    def test_a_rule_that_lets_no_bill_go_says_so(self):
        rule = self.env.ref("ap_sync.rule_reference_missing")
        job = self.submit(self.make_bill(ref=False))
        self.assertTrue(job.can_release)
        rule.allow_release = False
        job.invalidate_recordset(["can_release"])
        self.assertFalse(job.can_release)
        page = self.env["ap.sync.job.resolve"].with_context(default_job_id=job.id)
        self.assertEqual(
            page.default_get(["decision", "job_id"])["decision"], "mark_synced"
        )
        with self.assert_refused(UserError, f"released from {rule.name}"):
            self.decide(job, "release", reason="Please")
        self.assert_status(job, "on_hold")
        rule.allow_release = True
        job.invalidate_recordset(["can_release"])
        self.decide(job, "release", reason="The vendor gives no numbers")
        self.assert_status(job, "in_progress", "queued")

    def test_who_was_released_before_a_rule_became_firm_stays_so(self):
        job = self.submit(self.make_bill(ref=False))
        self.decide(job, "release", reason="The vendor gives no numbers")
        self.env.ref("ap_sync.rule_reference_missing").allow_release = False
        job.action_evaluate()
        self.assert_status(job, "in_progress", "queued")

    def test_sending_again_uses_a_new_key_and_keeps_the_reason(self):
        job = self.unknown()
        key = job.key
        self.decide(job, "resend", reason="It is not there")
        self.assert_status(job, "in_progress", "queued")
        self.assertNotEqual(job.key, key)
        self.assertEqual(job.revision, 2)
        self.assert_kept(job, "Sent again", "It is not there")
        self.dispatch()
        self.assert_status(job, "success")

    def test_only_a_failed_bill_is_sent_again(self):
        job = self.submit(self.make_bill())
        with self.assert_refused(UserError, "Only a failed bill"):
            self.decide(job, "resend", reason="Hurry")

    def test_a_release_lets_a_held_bill_go_and_keeps_the_reason(self):
        job = self.submit(self.make_bill(ref=False))
        page = self.env["ap.sync.job.resolve"].with_context(default_job_id=job.id)
        self.assertEqual(
            page.default_get(["decision", "job_id"])["decision"], "release"
        )
        self.decide(job, "release", reason="The vendor gives no numbers")
        self.assert_status(job, "in_progress", "queued")
        self.assert_kept(job, "Released", "The vendor gives no numbers")
        self.dispatch()
        self.assert_status(job, "success")

    def test_a_decision_that_does_not_fit_the_status_changes_nothing(self):
        job = self.submit(self.make_bill())
        for decision in ("verify", "mark_synced", "resend", "release"):
            with self.subTest(decision), self.assertRaises(UserError):
                self.decide(job, decision, reason="Because", erp_number="1")
        self.assert_status(job, "in_progress", "queued")
