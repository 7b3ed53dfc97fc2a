from datetime import timedelta
from unittest.mock import patch

from odoo.tools import mute_logger

from odoo.addons.queue_job.controllers.main import RunJobController
from odoo.addons.queue_job.job import Job

from ... import engine
from ...engine import dispatcher, worker
from ..common import ApSyncCommon, Outcome, error
from ..common_scheduler import call_here


class QueueJobCommon(ApSyncCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.choose("queue_job")
        cls.startClassPatcher(patch.object(worker, "lend", call_here))

    @classmethod
    def get_default_groups(cls):
        """Override of `account`: this user may do what people do to its jobs."""
        manager = cls.quick_ref("queue_job.group_queue_job_manager")
        return super().get_default_groups() | manager

    @classmethod
    def choose(cls, name):
        cls.env["ir.config_parameter"].set_param("ap_sync.wake_up_engine", name)

    def wake_ups(self, connection=None):
        """Return the jobs of queue_job that are to wake this connection."""
        channel = (connection or self.connection)._get_queue_channel()
        return self.env["queue.job"].search([("channel", "=", channel)], order="id")

    def triggers(self):
        return self.env["ir.cron.trigger"].search_count(
            [("cron_id", "=", self.connection.cron_id.id)]
        )

    def forget_wake_ups(self):
        self.wake_ups().sudo().unlink()
        self.env["ir.cron.trigger"].search([]).unlink()

    def run_wake_up(self, wake_up):
        """Run a job as queue_job's controller does, which forbids commits."""
        wake_up.state = "enqueued"
        self.env.flush_all()
        job = Job.load(self.env, wake_up.uuid)
        RunJobController._runjob(self.env, job)
        self.env.invalidate_all()

    def age(self, wake_ups, **since):
        """Have wake-ups been asked for this long ago."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE queue_job SET date_created = date_created - %s WHERE id IN %s",
            [timedelta(**since), tuple(wake_ups.ids)],
        )
        self.env.invalidate_all()

    def let_wait(self, job, minutes):
        """Have a bill wait this long for a worker that does not come."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET next_try_at = now() - %s WHERE id = %s",
            [timedelta(minutes=minutes), job.id],
        )
        self.env.invalidate_all()


class TestQueueJob(QueueJobCommon):
    """OCA queue_job wakes the dispatcher where it is chosen, and only wakes it."""

    def test_not_chosen_it_is_left_alone(self):
        self.choose("scheduler")
        self.submit(self.make_bill())
        self.assertFalse(self.wake_ups())
        self.assertEqual(self.triggers(), 1)
        self.assertEqual(self.connection.wake_up_engine, "scheduler")

    def test_a_queued_bill_asks_for_one_run_on_the_connection_s_own_channel(self):
        self.submit(self.make_bill())
        [wake_up] = self.wake_ups()
        self.assertEqual(wake_up.state, "pending")
        self.assertEqual(
            wake_up.channel, f"root.ap_sync.connection_{self.connection.id}"
        )
        self.assertEqual(self.triggers(), 0, "the scheduler has nothing to do")
        self.assertEqual(self.connection.wake_up_engine, "queue_job")

    def test_many_bills_ask_for_one_run(self):
        for _number in range(3):
            self.submit(self.make_bill())
        self.assertEqual(len(self.wake_ups()), 1)

    def test_each_connection_is_asked_for_by_itself(self):
        other = self._make_connection("Other ERP")
        self._map(self.expense, "600", other)
        self.submit(self.make_bill())
        self.submit(self.make_bill(), other)
        self.assertEqual(len(self.wake_ups()), 1)
        self.assertEqual(len(self.wake_ups(other)), 1)

    def test_it_runs_as_the_scheduled_action_does_whoever_posted_the_bill(self):
        self.submit(self.make_bill())
        [wake_up] = self.wake_ups()
        self.assertEqual(wake_up.user_id, self.env.ref("base.user_root"))
        self.assertEqual(wake_up.company_id, self.connection.company_id)
        records = wake_up.records
        self.assertEqual(records, self.connection)
        self.assertTrue(records.env.su)

    def test_its_job_sends_the_bill_and_commits_nothing_on_its_own_cursor(self):
        job = self.submit(self.make_bill())
        [wake_up] = self.wake_ups()
        self.run_wake_up(wake_up)
        self.assert_status(job, "success")
        self.assertEqual(wake_up.state, "done")
        self.assertEqual(self.connection.last_run_by, "queue_job")

    def test_a_bill_that_comes_while_a_run_is_on_asks_for_another(self):
        self.submit(self.make_bill())
        self.wake_ups().state = "started"
        self.submit(self.make_bill())
        self.assertEqual(
            self.wake_ups().mapped("state"),
            ["started", "pending"],
        )

    def test_a_retry_is_asked_for_at_its_time(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.run_wake_up(self.wake_ups())
        self.assert_status(job, "in_progress", "retrying")
        later = self.wake_ups()[-1]
        self.assertEqual(later.state, "pending")
        self.assertEqual(later.eta, job.next_try_at)

    def test_the_same_time_is_asked_for_once(self):
        job = self.submit(self.make_bill())
        self.forget_wake_ups()
        at = job.next_try_at + timedelta(minutes=5)
        for _number in range(2):
            self.connection._wake(at)
        self.assertEqual(len(self.wake_ups()), 1)
        self.connection._wake(at + timedelta(minutes=5))
        self.assertEqual(len(self.wake_ups()), 2)

    def test_what_the_erp_refuses_does_not_fail_queue_job_s_job(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.run_wake_up(self.wake_ups()[0])
        self.assert_status(job, "failed")
        self.assertEqual(self.wake_ups().mapped("state"), ["done"])

    @mute_logger("odoo.addons.ap_sync.engine")
    def test_a_bug_in_a_run_does_not_fail_queue_job_s_job(self):
        job = self.submit(self.make_bill())
        with patch.object(dispatcher, "run", side_effect=ValueError("a bug")):
            self.run_wake_up(self.wake_ups())
        self.assert_status(job, "in_progress", "queued")
        self.assertEqual(self.wake_ups().state, "done")

    def test_a_job_done_or_cancelled_by_hand_and_requeued_twice_changes_nothing(self):
        job = self.submit(self.make_bill())
        [wake_up] = self.wake_ups()
        for end in (wake_up.button_done, wake_up.button_cancelled):
            end()
            self.assert_status(job, "in_progress", "queued")
            wake_up.requeue()
        self.run_wake_up(wake_up)
        self.assert_status(job, "success")
        wake_up.requeue()
        self.run_wake_up(wake_up)
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.writes), 1)

    def test_the_reaper_asks_again_for_what_was_cancelled_by_hand(self):
        job = self.submit(self.make_bill())
        self.wake_ups().button_cancelled()
        self.make_due(job)
        self.reap()
        self.assertEqual(self.wake_ups().mapped("state"), ["cancelled", "pending"])

    def test_nothing_in_the_caller_s_context_makes_it_run_on_the_spot(self):
        bill = self.make_bill()
        connection = self.connection.with_context(queue_job__no_delay=True)
        job = self.env["ap.sync.job"]._submit(bill, connection)
        connection._wake()
        self.assertFalse(self.erp.writes)
        self.assert_status(job, "in_progress", "queued")
        self.assertEqual(len(self.wake_ups()), 1)

    def test_nor_does_its_environment_variable(self):
        with patch.dict("os.environ", {"QUEUE_JOB__NO_DELAY": "1"}):
            job = self.submit(self.make_bill())
        self.assertFalse(self.erp.writes)
        self.assert_status(job, "in_progress", "queued")
        self.assertEqual(self.triggers(), 1, "the scheduler does it")

    def test_a_job_whose_connection_is_gone_does_nothing(self):
        connection = self._make_connection("Short-lived")
        connection._wake()
        [wake_up] = self.wake_ups(connection)
        connection.unlink()
        self.run_wake_up(wake_up)
        self.assertEqual(wake_up.state, "done")


class TestQueueJobAbsent(QueueJobCommon):
    """Where queue_job does not come, the scheduler takes over and people are told."""

    def test_a_bill_that_waits_for_minutes_wakes_the_scheduler(self):
        job = self.submit(self.make_bill())
        self.let_wait(job, 4)
        self.reap()
        self.assertEqual(self.triggers(), 0, "not yet")
        self.let_wait(job, 6)
        self.reap()
        self.assertEqual(self.triggers(), 1)
        engine.dispatcher.run(self.registry, self.connection.id)
        self.env.invalidate_all()
        self.assert_status(job, "success")
        self.assertEqual(self.connection.last_run_by, "scheduler")

    def test_while_its_wake_up_lies_there_the_scheduler_comes_every_minute(self):
        self.submit(self.make_bill())
        self.age(self.wake_ups(), minutes=6)
        self.dispatch()
        job = self.submit(self.make_bill())
        self.make_due(job)
        self.reap()
        self.assertEqual(self.triggers(), 1)

    def test_people_are_told_that_it_does_not_come_and_what_to_check(self):
        self.submit(self.make_bill())
        self.assertFalse(self.connection.late_message)
        self.age(self.wake_ups(), minutes=7, seconds=10)
        self.assertRegex(
            self.connection.late_message,
            "queue_job has not come for 7 minutes.*scheduler sends.*server_wide_mod",
        )
        self.assertEqual(self.connection.health, "late")

    def test_with_its_runner_there_the_channel_is_named(self):
        self.submit(self.make_bill())
        self.age(self.wake_ups(), minutes=7)
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s)", [2293787760715711918])
        self.env.invalidate_all()
        self.assertRegex(
            self.connection.late_message,
            f"runner is there.*channel root.ap_sync.connection_{self.connection.id}",
        )

    def test_a_wake_up_for_later_is_not_late(self):
        job = self.submit(self.make_bill())
        self.forget_wake_ups()
        self.connection._wake(job.next_try_at + timedelta(hours=1))
        self.age(self.wake_ups(), minutes=7)
        self.assertFalse(self.connection.late_message)

    def test_the_settings_page_offers_it(self):
        page = self.env["res.config.settings"].create({})
        self.assertTrue(page.ap_sync_queue_job_installed)
        self.assertEqual(page.ap_sync_wake_up_engine, "queue_job")
        page.ap_sync_wake_up_engine = "scheduler"
        page.set_values()
        self.assertEqual(self.connection._get_wake_up_engine(), "scheduler")
