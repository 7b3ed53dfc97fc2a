from odoo.exceptions import UserError

from ..connectors import Outcome
from .common import ApSyncCommon, error


class TestResolve(ApSyncCommon):
    """What only a person can decide, and what is kept of the decision."""

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
