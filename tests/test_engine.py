from datetime import timedelta
from threading import Event
from unittest.mock import patch

from odoo.tests.test_cursor import TestCursor
from odoo.tools import mute_logger

from ..connectors import Capability, Outcome
from ..engine import dispatcher, probe
from ..engine.claim import claim
from ..engine.record import record
from ..engine.schedule import BREAKER_AFTER
from ..engine.send import perform
from ..engine.transaction import transact
from .common import ApSyncCommon, FakeErp, error


class TestEngine(ApSyncCommon):
    """The way of a job through claim, send, record and resolve."""

    def claim(self):
        """Claim what is due, as a process that dies right afterwards."""
        works, _seen = self._run(
            lambda registry: transact(registry, claim, self.connection.id, 10)
        )
        self.assertTrue(works)
        return works

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

    def test_the_erp_gets_all_of_the_time_to_settle_also_at_the_end_of_a_second(self):
        """Times are stored in whole seconds; what is cut off must not be missing."""
        self.erp.settle_seconds = 60.0
        job = self.submit(self.make_bill())
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        moment = self.env.cr.now().replace(microsecond=999_999)
        with patch.object(TestCursor, "now", lambda cr: moment):
            self.dispatch()
        settled = moment + timedelta(seconds=60)
        self.assertGreaterEqual(job.next_try_at, settled)
        with patch.object(type(self.connection), "_get_settle_seconds", lambda *a: 60):
            self.assertGreaterEqual(job._get_settled_at(), settled)

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
        self.assertEqual(set(jobs.mapped("status")), {"on_hold"})
        self.assertEqual(set(jobs.mapped("error_kind")), {"credentials_wrong"})
        self.assertEqual(len(self.erp.writes), 1, "the round was stopped")
        self.assertEqual(self.connection.health, "attention")
        self._run(probe.check_connection, self.connection.id)
        self.assertEqual(set(jobs.mapped("phase")), {"queued"})
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})

    def test_an_erp_that_asks_to_wait_is_left_alone_and_no_try_is_used_up(self):
        jobs = self.submit(self.make_bill() | self.make_bill())
        self.connection.concurrency = 1
        self.erp.script = [error("rate_limited", retry_after=120.0)]
        self.dispatch()
        self.assertEqual(set(jobs.mapped("phase")), {"retrying", "queued"})
        self.assertEqual(set(jobs.mapped("retry_count")), {0})
        self.assertEqual(self.connection.health, "waiting")
        self.make_due(jobs)
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1, "nothing is sent before its time")

    def test_one_that_asks_for_a_moment_for_ever_is_called_no_more_than_in_an_outage(
        self,
    ):
        job, waits = self.submit(self.make_bill()), []
        for _round in range(BREAKER_AFTER + 2):
            self.erp.script = [error("rate_limited", retry_after=1.0)]
            self.make_due(job)
            self.env.cr.execute("UPDATE ap_sync_connection SET not_before = NULL")
            self.env.invalidate_all()
            self.dispatch()
            self.cr.execute(
                "SELECT extract(epoch FROM not_before - clock_timestamp()"
                " AT TIME ZONE 'UTC') FROM ap_sync_connection WHERE id = %s",
                [self.connection.id],
            )
            waits += self.cr.fetchone()
        self.assertLess(max(waits[:BREAKER_AFTER]), 3, "as it asks at first")
        self.assertGreater(min(waits[BREAKER_AFTER:]), 20)
        self.assertEqual(job.retry_count, 0)

    def test_the_retry_window_ends_in_failed(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")] * 2
        self.dispatch()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET retry_since = now() - interval '73 hours'"
        )
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "erp_unavailable")

    def test_five_failures_in_a_row_open_the_breaker(self):
        jobs = self.submit(
            self.env["account.move"].union(*(self.make_bill() for _n in range(12)))
        )
        self.connection.concurrency = 2
        self.erp.script = [error("erp_unavailable")] * 12
        self.dispatch()
        self.assertLess(len(self.erp.writes), 12)
        self.assertEqual(self.connection.health, "waiting")
        self.assertEqual(set(jobs.mapped("status")), {"in_progress"})

    def test_bills_that_fail_together_open_the_breaker_by_one_step(self):
        self.submit(
            self.env["account.move"].union(*(self.make_bill() for _n in range(20)))
        )
        self.connection.concurrency = 20
        self.erp.script = [error("erp_unavailable")] * 20
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 20)
        self.assertEqual(self.connection.failures, 5)
        left = self.connection.not_before - self.env.cr.now()
        self.assertLess(left, timedelta(seconds=45))

    def test_a_late_answer_never_overwrites_what_is_known(self):
        job = self.submit(self.make_bill())
        works = self.claim()
        self.env.cr.execute("UPDATE ap_sync_job SET lease_token = 'another'")
        self.env.invalidate_all()
        with mute_logger("odoo.addons.ap_sync.engine.record"):
            self._run(
                lambda registry: transact(
                    registry,
                    record,
                    [perform(self.erp, work, Event()) for work in works],
                    self.erp,
                )
            )
        self.assert_status(job, "in_progress", "sending")
        self.assertEqual(job.attempt_ids.outcome, "accepted")

    def test_a_bill_edited_while_under_way_is_flagged_as_changed(self):
        bill = self.make_bill()
        job = self.submit(bill)
        works = self.claim()
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 60.0
        bill.action_post()
        self._run(
            lambda registry: transact(
                registry,
                record,
                [perform(self.erp, work, Event()) for work in works],
                self.erp,
            )
        )
        self.assert_status(job, "success")
        self.assertTrue(job.changed_since_sync)
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertFalse(job.changed_since_sync)
        self.assertEqual(self.erp.ledger[job.key].total, 120)
        self.assertEqual(job.erp_id, "1", "the ERP's bill was updated, not doubled")

    def test_a_poison_bill_fails_alone(self):
        good, bad = self.make_bill(), self.make_bill()
        jobs = self.submit(good | bad)
        prepare = type(bad)._prepare_ap_sync_document

        def poison(move, job, **options):
            if move == bad:
                raise ValueError("poison")
            return prepare(move, job, **options)

        with (
            patch.object(type(bad), "_prepare_ap_sync_document", poison),
            mute_logger("odoo.addons.ap_sync.engine.claim"),
        ):
            self.dispatch()
        self.assertEqual(
            dict(zip(jobs.move_id, jobs.mapped("status"), strict=True)),
            {good: "success", bad: "failed"},
        )

    def test_claiming_costs_the_same_queries_for_few_bills_and_for_many(self):
        def queries(count):
            jobs = self.submit(
                self.env["account.move"].union(
                    *(self.make_bill() for _n in range(count))
                )
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(self.claim()), count)
            self.assertEqual(set(jobs.mapped("phase")), {"sending"})
            return self.env.cr.sql_log_count - before

        queries(1)  # fills what Odoo caches once
        few, many = queries(2), queries(9)
        self.assertLessEqual(many, few + 3)

    def test_a_hold_set_after_queueing_stops_the_claim(self):
        job = self.submit(self.make_bill())
        self.connection.sudo().write({"paused": True})
        self.dispatch()
        self.assertFalse(self.erp.writes)
        self.assert_status(job, "on_hold")

    def test_effects_come_once_even_if_the_process_died_before_them(self):
        job = self.submit(self.make_bill())
        with patch.object(dispatcher.effects, "run", lambda env: 0):
            self.dispatch()
        self.assert_status(job, "success")
        self.assertTrue(job.effects_due)
        self.reap()
        self.reap()
        self.assertFalse(job.effects_due)
        posts = job.move_id.message_ids.filtered(lambda m: "ERP/0001" in (m.body or ""))
        self.assertEqual(len(posts), 1)

    @mute_logger("odoo.addons.ap_sync.engine.reaper")
    def test_a_crash_after_the_claim_is_found_and_resolved(self):
        job = self.submit(self.make_bill())
        self.claim()
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
