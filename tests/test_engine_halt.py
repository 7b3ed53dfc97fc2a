from unittest.mock import patch

from ..engine import dispatcher, send
from .common import ApSyncCommon, Outcome, error


class TestEngineHalt(ApSyncCommon):
    """Once the ERP says that nothing more may go, the rest of the round stays here."""

    def setUp(self):
        super().setUp()
        self.connection.concurrency = 1
        # One bill after the other, so that it is known which was the last to go.
        self.startPatcher(patch.object(dispatcher, "ROUNDS", (5, 5)))
        self.jobs = self.submit(
            self.env["account.move"].union(*(self.make_bill() for _ in range(5)))
        )

    def record_one_by_one(self):
        """Have each outcome recorded alone, as when the answers come slowly."""
        self.startPatcher(patch.object(send, "GATHER", 0))

    def test_after_a_429_no_bill_of_the_round_is_sent(self):
        self.erp.script = [
            "accept",
            error("rate_limited", Outcome.NOT_SENT, retry_after=30),
        ]
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 2)
        waiting = self.jobs.filtered(lambda job: job.status != "success")
        self.assertEqual(set(waiting.mapped("phase")), {"retrying"})
        self.assertEqual(sum(waiting.mapped("retry_count")), 0, "no try used up")

    def test_after_a_refused_key_no_bill_of_the_round_is_sent_and_all_are_held(self):
        self.erp.script = [error("credentials_wrong", Outcome.REJECTED)]
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1)
        self.assertEqual(set(self.jobs.mapped("status")), {"on_hold"})

    def test_bills_that_come_back_after_the_stop_are_held_too(self):
        self.record_one_by_one()
        self.erp.script = [error("credentials_wrong", Outcome.REJECTED)]
        self.dispatch()
        self.assertEqual(set(self.jobs.mapped("status")), {"on_hold"})
        self.connection.action_resume()
        self.dispatch()
        self.assertEqual(set(self.jobs.mapped("status")), {"success"})
