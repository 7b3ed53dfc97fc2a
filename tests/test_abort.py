from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..connectors import CONNECTORS, Capability, Outcome
from ..engine.claim import claim
from ..engine.transaction import transact
from .common import ApSyncCommon, FakeErp, error


class TestAbort(ApSyncCommon):
    """A manager stops a bill that is In Progress, with a reason."""

    def abort(self, job, reason="Entered twice", user=None):
        wizard = self.env["ap.sync.job.resolve"].with_context(default_job_id=job.id)
        wizard = wizard.with_user(user or self.env.user)
        decision = wizard.default_get(["decision", "job_id"])["decision"]
        self.assertEqual(decision, "abort")
        wizard.create({"decision": decision, "reason": reason}).action_apply()

    def in_doubt(self):
        job = self.submit(self.make_bill())
        self.erp.settle_seconds = 60.0
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        return job

    def assert_kept(self, job, reason="Entered twice"):
        message = job.message_ids[0]
        self.assertEqual(message.author_id, self.env.user.partner_id)
        self.assertIn("Aborted", message.body)
        self.assertIn(reason, message.body)

    def test_a_queued_bill_is_failed_with_who_and_why_and_is_not_sent(self):
        job = self.submit(self.make_bill())
        self.abort(job)
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "aborted")
        self.assertIn(self.env.user.name, job.message)
        self.assertIn("Entered twice", job.message)
        self.assertFalse(job.next_try_at)
        self.assert_kept(job)
        self.dispatch()
        self.reap()
        self.assertFalse(self.erp.writes)
        self.assert_status(job, "failed")

    def test_a_bill_that_waits_for_its_retry_is_stopped_as_well(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        self.abort(job)
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "aborted")

    def test_sync_starts_an_aborted_bill_again(self):
        job = self.submit(self.make_bill())
        self.abort(job)
        job.action_sync()
        self.assert_status(job, "in_progress", "queued")
        self.dispatch()
        self.assert_status(job, "success")

    def test_an_aborted_bill_that_was_to_be_evaluated_does_not_go_by_itself(self):
        job = self.submit(self.make_bill())
        job.evaluate_at = self.env.cr.now()
        self.abort(job)
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertFalse(self.erp.writes)

    def test_a_bill_in_doubt_is_never_said_to_be_surely_not_there(self):
        job = self.in_doubt()
        self.abort(job)
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")
        self.assertIn("Entered twice", job.message)
        self.assertTrue(job.needs_decision)
        self.assertTrue(job.effects_due, "whoever submitted it is told")
        self.assert_kept(job)
        job.action_sync()
        self.make_due(job)
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1, "only a decision goes on")
        job._verify_again()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.ledger), 1)

    def test_an_erp_that_may_be_writing_still_is_left_alone_after_an_abort_too(self):
        def settle(connection, connector):
            return 60.0

        with patch.object(type(self.connection), "_get_settle_seconds", settle):
            job = self.in_doubt()
            self.abort(job)
            with self.assert_refused(UserError, "still be writing"):
                job._resend("Not there")
            job._verify_again()
            self.assertGreater(job.next_try_at, job._now())
            self.dispatch()
            self.assert_status(job, "in_progress", "verifying")

    def test_a_bill_repeated_under_one_key_is_in_doubt_too(self):
        self.erp = FakeErp(Capability.IDEMPOTENT)
        honours = type("Erp", (FakeErp,), {"capability": Capability.IDEMPOTENT})
        self.startPatcher(patch.dict(CONNECTORS, {"odoo": honours}))
        job = self.in_doubt_by_key()
        self.abort(job)
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")

    def in_doubt_by_key(self):
        job = self.submit(self.make_bill())
        self.erp.settle_seconds = 60.0
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        return job

    def test_what_is_being_sent_can_not_be_called_back(self):
        job = self.submit(self.make_bill())
        self._run(lambda registry: transact(registry, claim, self.connection.id, 10))
        self.assert_status(job, "in_progress", "sending")
        with self.assert_refused(UserError, "on its way to the ERP"):
            self.abort(job)
        self.assert_status(job, "in_progress", "sending")
        self.assertTrue(job.lease_token)

    def test_what_has_ended_can_not_be_aborted(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        with self.assert_refused(UserError, "is Success by now"):
            job._abort("Too late")
        self.assert_status(job, "success")

    def test_a_reason_is_needed(self):
        job = self.submit(self.make_bill())
        with self.assert_refused(UserError, "Give the reason"):
            self.abort(job, reason="  ")
        self.assert_status(job, "in_progress", "queued")

    def test_only_a_manager_aborts(self):
        job = self.submit(self.make_bill())
        user = new_test_user(self.env, "a_user", groups="account.group_account_invoice")
        with self.assert_refused(AccessError, "Only AP Sync managers"):
            job.with_user(user)._abort("Please")
        self.assert_status(job, "in_progress", "queued")
