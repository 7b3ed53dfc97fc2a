from datetime import timedelta
from unittest.mock import patch

from odoo.tools import config

from .common import ApSyncCommon


class TestWakeUp(ApSyncCommon):
    """Odoo's scheduler wakes the dispatchers, and people are told when it does not."""

    def let_wait(self, job, minutes, **values):
        """Have a bill wait this long for a worker that does not come."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET next_try_at = now() - %s WHERE id = %s",
            [timedelta(minutes=minutes), job.id],
        )
        for name, minutes_ago in values.items():
            self.env.cr.execute(
                f"UPDATE ap_sync_connection SET {name} = now() - %s WHERE id = %s",
                [timedelta(minutes=minutes_ago), self.connection.id],
            )
        self.env.invalidate_all()

    def test_without_queue_job_it_is_the_scheduler_whatever_was_chosen_once(self):
        self.env["ir.config_parameter"].set_param("ap_sync.wake_up_engine", "queue_job")
        self.env["ir.cron.trigger"].search([]).unlink()
        job = self.submit(self.make_bill())
        self.assertEqual(self.connection.wake_up_engine, "scheduler")
        self.assertTrue(self.env["ir.cron.trigger"].search([]))
        self.dispatch()
        self.assert_status(job, "success")

    def test_the_settings_page_offers_no_choice_then(self):
        page = self.env["res.config.settings"].create({})
        self.assertFalse(page.ap_sync_queue_job_installed)
        self.assertEqual(page.ap_sync_wake_up_engine, "scheduler")

    def test_a_connection_says_who_came_last_and_when(self):
        self.assertFalse(self.connection.last_run_at)
        self.submit(self.make_bill())
        self.dispatch()
        self.assertEqual(self.connection.last_run_by, "scheduler")
        self.assertTrue(self.connection.last_run_at)

    def test_bills_that_nobody_takes_are_told_of_after_five_minutes(self):
        other = self.make_bill(lines=[{"price_unit": 70.0}])
        jobs = self.submit(self.make_bill() | other)
        for job in jobs:
            self.assert_status(job, "in_progress", "queued")
            self.let_wait(job, 4)
        self.assertFalse(self.connection.late_message)
        self.assertEqual(self.connection.health, "ok")
        self.let_wait(jobs[0], 7.5)
        self.assertRegex(
            self.connection.late_message,
            "2 bills have been waiting for 7 minutes; no worker has taken them.",
        )
        self.assertEqual(self.connection.health, "late")

    def test_what_waits_in_a_long_queue_that_is_worked_on_is_not_late(self):
        job = self.submit(self.make_bill())
        self.let_wait(job, 60, last_run_at=2)
        self.assertFalse(self.connection.late_message)
        self.let_wait(job, 60, lease_until=-1)
        self.assertFalse(self.connection.late_message)

    def test_what_waits_because_the_erp_asked_to_is_not_late(self):
        job = self.submit(self.make_bill())
        self.let_wait(job, 60, not_before=-10)
        self.assertFalse(self.connection.late_message)
        self.let_wait(job, 60, not_before=2)
        self.assertFalse(self.connection.late_message, "the wait was over just now")
        self.let_wait(job, 60, not_before=6)
        self.assertIn("6 minutes", self.connection.late_message)

    def test_bills_on_hold_are_not_late(self):
        job = self.submit(self.make_bill())
        self.connection._pause("Because")
        self.dispatch()
        self.let_wait(job, 60, last_run_at=60)
        self.assertFalse(self.connection.late_message)

    def test_what_a_crash_left_and_nobody_mended_is_told_of(self):
        job = self.submit(self.make_bill())
        self.let_wait(job, 0, last_run_at=1)
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_token = 'x', "
            "lease_until = now() - interval '4 minutes' WHERE id = %s",
            [job.id],
        )
        self.env.invalidate_all()
        self.assertFalse(self.connection.late_message, "the reaper may be about to")
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() - interval '6 minutes'"
        )
        self.env.invalidate_all()
        self.assertRegex(
            self.connection.late_message, "being sent when a server stopped.*since: 1"
        )

    def advice(self):
        self.env.invalidate_all()
        return self.connection.late_message

    def test_people_are_told_what_to_check(self):
        job = self.submit(self.make_bill())
        self.let_wait(job, 6)
        with patch.dict(config._runtime_options, {"max_cron_threads": 0}):
            self.assertIn("max_cron_threads in its odoo.conf set to 1", self.advice())
        with patch.dict(config._runtime_options, {"max_cron_threads": 1}):
            self.assertIn("Check that Odoo's scheduler runs", self.advice())
            reaper = self.env.ref("ap_sync.ir_cron_reap")
            reaper.sudo().active = False
            self.assertIn(f"Activate the scheduled action {reaper.name}", self.advice())

    def test_people_see_it_without_rights_on_scheduled_actions(self):
        job = self.submit(self.make_bill())
        self.let_wait(job, 6)
        user = self.env.ref("base.user_demo")
        user.write(
            {
                "company_ids": [(4, self.env.company.id)],
                "group_ids": [(4, self.env.ref("ap_sync.group_ap_sync_user").id)],
            }
        )
        connection = self.connection.with_user(user).with_company(self.env.company)
        self.assertIn("A bill has been waiting for 6 minutes", connection.late_message)

    def test_a_new_connection_is_not_late(self):
        connection = self.env["ap.sync.connection"].new({"name": "New"})
        self.assertFalse(connection.late_message)
        self.assertEqual(connection.health, "ok")
