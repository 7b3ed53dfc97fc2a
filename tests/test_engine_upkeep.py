from unittest.mock import patch

import psycopg2

from odoo.tools import mute_logger

from ..connectors.kinds import CHECK, KINDS, NO
from ..engine import lease, reaper
from ..engine.transaction import transact
from ..models.ap_sync_guidance import GUIDANCE
from .common import ApSyncCommon, error


class TestEngineUpkeep(ApSyncCommon):
    """One dispatcher for each connection, and the reaper that mends and wakes."""

    def take_lease(self, token):
        return self._run(
            lambda registry: transact(
                registry, lease.take_lease, self.connection.id, token, "scheduler"
            )
        )

    def triggers(self):
        return self.env["ir.cron.trigger"].search_count(
            [("cron_id", "=", self.connection.cron_id.id)]
        )

    def try_with(self, *failures):
        """Run a step that fails so often; return how often it ran."""
        left, runs = list(failures), []

        def step(env):
            runs.append(env)
            if left:
                raise left.pop(0)

        self._run(lambda registry: transact(registry, step))
        return len(runs)

    def test_a_step_is_tried_again_when_the_database_was_away(self):
        away = psycopg2.DatabaseError("server closed the connection unexpectedly")
        self.assertEqual(self.try_with(away, psycopg2.OperationalError()), 3)

    def test_a_step_with_a_fault_of_its_own_is_not_tried_again(self):
        with self.assertRaises(psycopg2.ProgrammingError):
            self.try_with(psycopg2.ProgrammingError(), psycopg2.ProgrammingError())

    def test_while_one_dispatcher_serves_a_connection_no_other_does(self):
        job = self.submit(self.make_bill())
        self.assertTrue(self.take_lease("first"))
        self.assertIsNone(self.take_lease("second"))
        self.dispatch()
        self.assertFalse(self.erp.writes)
        self.assert_status(job, "in_progress", "queued")

    def test_the_lease_of_a_dead_dispatcher_runs_out(self):
        job = self.submit(self.make_bill())
        self.take_lease("dead")
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET lease_until = now() - interval '1 minute'"
        )
        self.env.invalidate_all()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertFalse(self.connection.lease_token, "and it was given back")

    def test_submitting_a_bill_wakes_its_connection(self):
        before = self.triggers()
        self.submit(self.make_bill())
        self.assertGreater(self.triggers(), before)

    def test_the_reaper_wakes_what_nobody_woke(self):
        job = self.submit(self.make_bill())
        self.env["ir.cron.trigger"].search([]).unlink()
        self.connection.cron_id.active = False
        self.make_due(job)
        self.reap()
        self.assertEqual(self.triggers(), 1)
        self.assertTrue(self.connection.cron_id.active, "Odoo had switched it off")

    def test_the_reaper_wakes_nobody_when_nothing_is_due(self):
        self.submit(self.make_bill())
        self.dispatch()
        self.env["ir.cron.trigger"].search([]).unlink()
        self.reap()
        self.assertEqual(self.triggers(), 0)

    @mute_logger("odoo.addons.ap_sync.engine.reaper")
    def test_one_failing_step_of_the_reaper_does_not_stop_the_others(self):
        job = self.submit(self.make_bill())
        self.env["ir.cron.trigger"].search([]).unlink()
        self.make_due(job)

        def broken(env):
            raise ValueError("broken")

        with patch.object(reaper, "_end_leases", broken):
            self.reap()
        self.assertEqual(self.triggers(), 1)

    def test_an_outage_of_a_day_holds_the_bills_until_the_erp_answers_again(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")] * 2
        self.dispatch()
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET failing_since = now() - interval '25 hours',"
            " not_before = NULL"
        )
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "on_hold")
        self.assertEqual(self.connection.attention_kind, "erp_unavailable")
        self.dispatch()
        self.assert_status(job, "on_hold")
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET attention_since = now() - interval '1 hour',"
            " checked_at = NULL"
        )
        self.env.invalidate_all()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.connection.health, "ok")

    @mute_logger("odoo.addons.ap_sync.engine.effects")
    def test_a_failing_effect_leaves_the_outcome_alone(self):
        job = self.submit(self.make_bill())

        def broken(job):
            raise ValueError("somebody's override of the chatter")

        with patch.object(type(job), "_apply_effects", broken):
            self.dispatch()
        self.assert_status(job, "success")

    def test_the_server_actions_do_what_the_buttons_do(self):
        bill = self.make_bill()
        self.env.company.ap_sync_connection_id = self.connection
        context = {"active_model": "account.move", "active_ids": bill.ids}
        sync = self.env.ref("ap_sync.action_bill_sync").with_context(**context)
        action = sync.run()
        self.assertEqual(action["tag"], "display_notification")
        job = bill.ap_sync_job_ids
        self.assert_status(job, "in_progress", "queued")
        self.env.ref("ap_sync.rule_zero_total").write(
            {"condition": "vendors", "partner_ids": self.partner_a.ids}
        )
        self.env.ref("ap_sync.action_bill_evaluate").with_context(**context).run()
        self.assert_status(job, "on_hold")
        context = {"active_model": "ap.sync.job", "active_ids": job.ids}
        self.env.ref("ap_sync.rule_zero_total").active = False
        self.env.ref("ap_sync.action_job_evaluate").with_context(**context).run()
        self.assert_status(job, "in_progress", "queued")
        self.env.ref("ap_sync.action_job_sync").with_context(**context).run()
        self.dispatch()
        self.assert_status(job, "success")

    def test_what_needs_a_decision_does_not_tell_people_to_press_sync(self):
        for code, kind in KINDS.items():
            with self.subTest(code):
                if kind.retry in {CHECK, NO}:
                    self.assertNotIn("then Sync", str(GUIDANCE[code][1]))
