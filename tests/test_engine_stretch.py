import sys
import time
from contextlib import suppress
from unittest.mock import patch

from odoo.tools import mute_logger

from ..engine import dispatcher, failpoints, switching
from .common import ApSyncCommon


class TestEngineStretch(ApSyncCommon):
    """While bills are under way the next are claimed and the last recorded."""

    def setUp(self):
        super().setUp()
        self.connection.concurrency = 2
        self.seen = []
        self.startPatcher(patch.object(failpoints, "reach", self.reach))

    def reach(self, name):
        if name in ("claimed", "recorded"):
            self.seen.append(name)
            if step := self.steps.get((name, self.seen.count(name))):
                step()

    def sync_many(self, count, **steps):
        """Sync so many bills with an ERP that takes a moment.

        :param steps: what to do at the first ``claimed`` or ``recorded``.
        """
        self.steps = {(name, 1): step for name, step in steps.items()}
        jobs = self.submit(
            self.env["account.move"].union(*(self.make_bill() for _ in range(count)))
        )
        send = self.erp.send

        def slowly(*args, **options):
            time.sleep(0.02)
            return send(*args, **options)

        with patch.object(self.erp, "send", slowly):
            self.dispatch()
        return jobs

    def test_the_next_are_claimed_before_the_last_are_recorded(self):
        jobs = self.sync_many(14)
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.erp.writes), 14)
        # One bill for each thread at first; then, claimed while others are under way,
        # enough that no thread waits for the next claim.
        self.assertEqual(
            self.seen[:4], ["claimed", "recorded", "claimed", "claimed"], self.seen
        )

    def test_python_changes_threads_more_often_while_bills_are_sent(self):
        before, seen = sys.getswitchinterval(), []
        self.sync_many(2, claimed=lambda: seen.append(sys.getswitchinterval()))
        self.assertEqual(seen, [switching.INTERVAL])
        self.assertEqual(sys.getswitchinterval(), before)
        with switching.quick_switching():
            with switching.quick_switching():
                pass
            self.assertEqual(sys.getswitchinterval(), switching.INTERVAL)
        self.assertEqual(sys.getswitchinterval(), before)

    def test_a_pause_stops_what_is_claimed_and_not_begun(self):
        def pause():
            self.env.cr.execute("UPDATE ap_sync_connection SET paused = true")

        jobs = self.sync_many(14, recorded=pause)
        sent = len(self.erp.writes)
        self.assertLess(sent, 14)
        done = jobs.filtered(lambda job: job.status == "success")
        self.assertEqual(len(done), sent, "all that was sent is recorded")
        self.assertEqual(set((jobs - done).mapped("status")), {"on_hold"})
        self.assertEqual(set((jobs - done).mapped("retry_count")), {0})

    @mute_logger("odoo.addons.ap_sync.engine.transaction")
    def test_what_is_under_way_is_recorded_when_a_claim_fails(self):
        claim = dispatcher.claim
        claims = []

        def breaks(*args):
            claims.append(args)
            if len(claims) == 3:
                raise ZeroDivisionError
            return claim(*args)

        breaks.__name__ = "claim"
        # Not assertRaises(): that of Odoo takes back what the engine has committed.
        with patch.object(dispatcher, "claim", breaks), suppress(ZeroDivisionError):
            self.sync_many(14)
            self.fail("The claim did not fail.")
        self.env.invalidate_all()
        jobs = self.env["ap.sync.job"].search([])
        sent = jobs.filtered(lambda job: job.status == "success")
        self.assertEqual(len(sent), len(self.erp.writes), "all that was sent is known")
        self.assertNotIn("sending", jobs.mapped("phase"))
        self.assertFalse(self.connection.lease_until, "the next run can begin")
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.erp.writes), 14, "each once")
