from odoo.tools import mute_logger

from ..connectors import Capability, Outcome
from .common import ApSyncCommon, FakeErp, error


class TestEngine(ApSyncCommon):
    """The way of a job through claim, send, record and resolve."""

    def test_a_posted_bill_reaches_the_erp_once(self):
        job = self.submit(self.make_bill())
        self.assert_status(job, "in_progress", "queued")
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_number, "ERP/0001")
        self.assertEqual(len(self.erp.ledger), 1)
        self.assertEqual(job.attempt_ids.mapped("outcome"), ["accepted"])
        self.assertEqual(job.attempt_ids.document["reference"], job.reference)

    def test_a_second_dispatch_sends_nothing_more(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1)
        self.assertEqual(job.attempt_count, 1)

    def test_what_surely_was_not_sent_waits_for_its_retry(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        self.assertEqual(job.attempt_ids.outcome, "not_sent")
        self.assertTrue(job.next_try_at)
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.attempt_count, 2)
        self.assertEqual({doc.key for _a, doc in self.erp.writes}, {job.key})

    def test_a_refused_bill_fails_with_cause_and_guidance(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("gl_account_inactive", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "gl_account_inactive")
        self.assertIn("gl_account_inactive", job.message)
        self.assertIn("Reactivate", job.guidance)

    def test_sync_after_a_refusal_begins_a_new_revision_with_a_new_key(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("gl_account_inactive", Outcome.REJECTED)]
        self.dispatch()
        old_key = job.key
        job.action_sync()
        self.assert_status(job, "in_progress", "queued")
        self.assertNotEqual(job.key, old_key)
        self.assertEqual(job.revision, 2)
        self.dispatch()
        self.assert_status(job, "success")

    def test_an_answer_lost_after_commit_is_adopted_not_sent_again(self):
        job = self.submit(self.make_bill())
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.ledger), 1)
        self.assertEqual(len(self.erp.writes), 1)
        self.assertEqual(job.erp_id, "1")
        self.assertEqual(job.attempt_ids.outcome, "ambiguous")

    def test_an_answer_lost_before_commit_is_sent_again_under_the_same_key(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("no_answer", Outcome.AMBIGUOUS)]
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.ledger), 1)
        self.assertEqual(len(self.erp.writes), 2)
        self.assertEqual(self.erp.lookups, 1)
        self.assertEqual({doc.key for _a, doc in self.erp.writes}, {job.key})

    def test_an_unclear_answer_is_left_alone_until_the_erp_has_settled(self):
        self.erp.settle_seconds = 60.0
        job = self.submit(self.make_bill())
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        self.assertEqual(self.erp.lookups, 0)
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")

    def test_an_unclear_answer_of_an_erp_that_can_not_be_asked_needs_a_person(self):
        self.erp = FakeErp(Capability.NONE)
        job = self.submit(self.make_bill())
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")
        job.action_sync()
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1, "Sync must not send it unattended")

    def test_a_refused_key_holds_all_jobs_and_a_good_test_lets_them_go(self):
        jobs = self.submit(self.make_bill() | self.make_bill() | self.make_bill())
        self.connection.concurrency = 1
        self.erp.script = [error("credentials_wrong", Outcome.REJECTED)]
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"on_hold", "in_progress"} & set(jobs.mapped("status")))
        self.assertEqual(self.connection.attention_kind, "credentials_wrong")
        held = jobs.filtered(lambda job: job.status == "on_hold")
        self.assertTrue(held)
        self.assertEqual(set(held.mapped("error_kind")), {"credentials_wrong"})

    @mute_logger("odoo.addons.ap_sync.engine.reaper")
    def test_a_crash_after_the_claim_is_found_and_resolved(self):
        job = self.submit(self.make_bill())
        self.env.cr.precommit.run()
        self.env.flush_all()
        from ..engine.claim import claim
        from ..engine.transaction import transact

        works, _seen = transact(self.registry, claim, self.connection.id, 10)
        self.assertEqual(len(works), 1)
        self.env.invalidate_all()
        self.assert_status(job, "in_progress", "sending")
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() - interval '1 minute'"
        )
        self.env.invalidate_all()
        self.reap()
        self.assert_status(job, "in_progress", "verifying")
        self.assertEqual(job.attempt_ids.outcome, "ambiguous")
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.ledger), 1)
