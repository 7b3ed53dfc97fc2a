from unittest.mock import patch

import psycopg2.errors

from odoo.tools import mute_logger

from ..connectors import Capability, Outcome
from ..engine import reaper
from ..engine.claim import claim
from ..engine.transaction import transact
from ..models.ap_sync_states import MOVES
from .common import ApSyncCommon, FakeErp, error

#: Where a crash while sending leads, by what the ERP is able to tell.
AFTER_CRASH = {
    Capability.LOOKUP: ("in_progress", "verifying"),
    Capability.IDEMPOTENT: ("in_progress", "retrying"),
    Capability.NONE: ("failed", False),
}


class TestStuck(ApSyncCommon):
    """Nothing stays In Progress for ever: the reaper comes every minute, and the
    database refuses a job that has no time at which it moves."""

    def setUp(self):
        super().setUp()
        self.enterContext(mute_logger("odoo.addons.ap_sync.engine.reaper"))

    def use(self, capability):
        """Let the connection's ERP be of another kind."""
        self.erp = FakeErp(capability)
        behaviour = type("Erp", (FakeErp,), {"capability": capability})
        self.startPatcher(patch.dict(reaper.CONNECTORS, {"odoo": behaviour}))

    def crash(self, jobs):
        """Claim these jobs as a process that dies; let their leases run out."""
        works, _seen = self._run(
            lambda registry: transact(registry, claim, self.connection.id, 10)
        )
        self.assertEqual({work.job_id for work in works}, set(jobs.ids))
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() - interval '1 second' "
            "WHERE id IN %s",
            [tuple(jobs.ids)],
        )
        self.env.invalidate_all()

    def test_the_reaper_comes_every_minute(self):
        cron = self.env.ref("ap_sync.ir_cron_reap")
        self.assertTrue(cron.active)
        self.assertEqual((cron.interval_number, cron.interval_type), (1, "minutes"))

    def test_a_job_past_its_lease_moves_whatever_its_erp_can_tell(self):
        for capability, state in AFTER_CRASH.items():
            with self.subTest(capability):
                self.use(capability)
                job = self.submit(self.make_bill())
                self.crash(job)
                self.reap()
                self.assert_status(job, *state)
                self.assertEqual(job.attempt_ids.outcome, "ambiguous")
                self.assertFalse(job.lease_token)
                if job.status == "in_progress":
                    self.make_due(job)
                    self.dispatch()
                    self.assert_status(job, "success")
                    self.assertEqual(len(self.erp.ledger), 1)
                else:
                    self.assertEqual(job.error_kind, "outcome_unknown")
                    self.assertTrue(job.needs_decision)

    def test_a_job_whose_lease_still_runs_is_left_to_whoever_has_it(self):
        job = self.submit(self.make_bill())
        self.crash(job)
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() + interval '1 minute'"
        )
        self.env.invalidate_all()
        self.reap()
        self.assert_status(job, "in_progress", "sending")
        self.assertEqual(job.attempt_ids.outcome, "sending")

    def test_a_look_up_that_was_cut_off_is_done_again(self):
        job = self.submit(self.make_bill())
        self.erp.settle_seconds = 60.0
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.make_due(job)
        self.crash(job)
        self.assertTrue(job.lease_token)
        self.reap()
        self.assert_status(job, "in_progress", "verifying")
        self.assertFalse(job.lease_token)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.writes), 1)

    def test_a_job_that_can_not_be_mended_stops_no_other_and_comes_again(self):
        good, bad = self.make_bill(), self.make_bill()
        jobs = self.submit(good | bad)
        poisoned = jobs.filtered(lambda job: job.move_id == bad)
        self.crash(jobs)
        update = type(jobs)._update_status

        def broken(job, event, **values):
            if job == poisoned:
                raise ValueError("somebody's override")
            return update(job, event, **values)

        with patch.object(type(jobs), "_update_status", broken):
            self.reap()
        self.assert_status(jobs - poisoned, "in_progress", "verifying")
        self.assert_status(poisoned, "in_progress", "sending")
        self.assertGreater(poisoned.lease_until, poisoned._now(), "others come first")
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() - interval '1 second' "
            "WHERE phase = 'sending'"
        )
        self.env.invalidate_all()
        self.reap()
        self.assert_status(poisoned, "in_progress", "verifying")

    def test_from_every_state_that_can_be_reached_every_status_can_be_reached(self):
        def reachable(state):
            seen, todo = set(), {state}
            while todo:
                state = todo.pop()
                seen.add(state)
                todo |= {m.target for m in MOVES.values() if state in m.sources} - seen
            return seen

        states = reachable("new")
        for state in states:
            with self.subTest(state):
                self.assertEqual(reachable(state), states - {"new"} | {state})

    def test_the_database_refuses_a_job_that_would_be_stuck(self):
        job = self.submit(self.make_bill())
        self.env.flush_all()
        for values, constraint in (
            ("next_try_at = NULL", "moves_by_itself"),
            ("phase = 'sending'", "sending_is_leased"),
            ("lease_token = 'for ever'", "lease_ends"),
            ("phase = NULL", "phase_of_status"),
            ("phase = 'ready'", "phase_of_status"),
            ("status = 'failed'", "phase_of_status"),
            ("status = 'on_hold'", "phase_of_status"),
            ("status = 'blocked', phase = 'ready'", "phase_of_status"),
            ("status = 'success', phase = 'verifying'", "phase_of_status"),
        ):
            with self.subTest(values):
                with (
                    mute_logger("odoo.sql_db"),
                    self.assertRaises(psycopg2.errors.CheckViolation) as caught,
                    self.env.cr.savepoint(),
                ):
                    self.env.cr.execute(
                        f"UPDATE ap_sync_job SET {values} WHERE id = %s", [job.id]
                    )
                name = caught.exception.diag.constraint_name
                self.assertEqual(name, f"ap_sync_job_{constraint}")
