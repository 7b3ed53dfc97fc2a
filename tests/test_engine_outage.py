"""The end of an outage: the bills that it kept waiting go at once, not each at its own
next try, which after some hours is hours away."""

from datetime import timedelta

from odoo.tests import tagged

from .common import ApSyncCommon, error

SIZE = 6


@tagged("post_install", "-at_install")
class TestEngineOutage(ApSyncCommon):
    def setUp(self):
        super().setUp()
        self.connection.concurrency = SIZE
        self.jobs = self.submit(
            self.env["account.move"].union(*(self.make_bill() for _n in range(SIZE)))
        )
        self.erp.script = [error("erp_unavailable")] * SIZE
        self.dispatch()
        self.assertEqual(self.connection.health, "waiting")
        # As after hours: no bill is due for a long time.
        self.env.cr.execute(
            "UPDATE ap_sync_job SET next_try_at = now() + interval '4 hours'"
        )
        self.env.invalidate_all()

    def end_pause(self):
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET not_before = now() - interval '1 second'"
        )
        self.env.invalidate_all()

    def test_one_bill_tries_when_the_pause_ends(self):
        self.dispatch()
        self.assertEqual(len(self.erp.writes), SIZE, "the pause lasts still")
        pause = self.connection.not_before
        due = self.jobs.filtered(lambda job: job.next_try_at <= pause)
        self.assertEqual(len(due), 1)
        woken = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.connection.cron_id.id)]
        )
        self.assertIn(pause, woken.mapped("call_at"))

    def test_while_the_outage_lasts_the_others_are_left_alone(self):
        self.dispatch()
        self.end_pause()
        self.make_due(self.jobs[:1])
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.assertEqual(len(self.erp.writes), SIZE + 1)
        far = self.env.cr.now() + timedelta(hours=3)
        waiting = self.jobs.filtered(lambda job: job.next_try_at > far)
        self.assertGreaterEqual(len(waiting), SIZE - 2)

    def test_once_it_is_over_all_go(self):
        self.end_pause()
        self.make_due(self.jobs[:1])
        self.dispatch()
        self.assertEqual(set(self.jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.erp.ledger), SIZE)

    def test_what_waits_for_another_reason_is_left_alone(self):
        other = self.jobs[-1]
        self.env.cr.execute(
            "UPDATE ap_sync_job SET error_kind = 'concurrency_limit' WHERE id = %s",
            [other.id],
        )
        self.end_pause()
        self.make_due(self.jobs[:1])
        self.dispatch()
        self.assert_status(other, "in_progress", "retrying")
        self.assertEqual(len(self.erp.ledger), SIZE - 1)

    def test_after_test_connection_they_go_as_well(self):
        triggers = self.env["ir.cron.trigger"].search_count([])
        self.connection.sudo()._set_mended()
        self.assertFalse(self.connection.not_before)
        self.assertGreater(self.env["ir.cron.trigger"].search_count([]), triggers)
        self.assertTrue(all(job.next_try_at <= self.env.cr.now() for job in self.jobs))
