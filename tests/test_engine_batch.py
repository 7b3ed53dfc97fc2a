"""Bills that go in one call, where the ERP takes many."""

from dataclasses import replace
from types import SimpleNamespace

from odoo.tests import tagged

from ..connectors import ConnectorError, Outcome
from ..engine.claim import SEND, VERIFY
from ..engine.send import Sender
from .common import ApSyncCommon, FakeErp, error


class BatchErp(FakeErp):
    """An ERP that takes up to four bills in a call; its own script plays for each."""

    profile = replace(FakeErp.profile, batch=4)

    def __init__(self):
        super().__init__()
        self.calls = []

    def send_many(self, documents, *, attempts, deadline):
        self.calls.append(len(documents))
        answers = []
        for document, attempt in zip(documents, attempts, strict=True):
            try:
                answers.append(self.send(document, attempt=attempt, deadline=deadline))
            except ConnectorError as refused:
                answers.append(refused)
        return answers


@tagged("post_install", "-at_install")
class TestEngineBatch(ApSyncCommon):
    def setUp(self):
        super().setUp()
        self.erp = BatchErp()
        self.connection.concurrency = 1

    def submit_many(self, count):
        bills = self.env["account.move"].union(
            *(self.make_bill() for _number in range(count))
        )
        return self.submit(bills)

    def test_one_bill_goes_first_and_then_as_many_in_a_call_as_the_erp_takes(self):
        jobs = self.submit_many(9)
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(self.erp.calls, [4, 4])
        self.assertEqual(len(self.erp.ledger), 9)
        self.assertEqual(len(set(jobs.mapped("erp_id"))), 9)

    def test_no_thread_is_left_without_a_call(self):
        """Five calls of four would keep one of two threads waiting for the other."""
        works = [SimpleNamespace(mode=SEND) for _number in range(18)]
        look_up = SimpleNamespace(mode=VERIFY)

        def sizes(count):
            with Sender(self.erp, 2) as sender:
                *groups, last = sender._group([look_up, *works[:count]])
            if len(groups) == count:
                return [1] * count
            self.assertEqual(last, [look_up])
            self.assertEqual(sum(groups, []), works[:count])
            return [len(group) for group in groups]

        self.assertEqual(sizes(2), [1, 1])
        self.assertEqual(sizes(3), [1, 2])
        self.assertEqual(sizes(8), [4, 4])
        self.assertEqual(sizes(9), [2, 2, 2, 3])
        self.assertEqual(sizes(18), [3] * 6)

    def test_each_bill_has_its_own_attempt_and_key(self):
        jobs = self.submit_many(5)
        self.dispatch()
        sent = {attempt: document.key for attempt, document in self.erp.writes}
        self.assertEqual(
            {attempt.uuid: attempt.key for attempt in jobs.attempt_ids}, sent
        )

    def test_a_refused_bill_costs_the_others_nothing(self):
        jobs = self.submit_many(5)
        refused = error("gl_account_inactive", Outcome.REJECTED)
        self.erp.script = ["accept", "accept", refused]
        self.dispatch()
        self.assertEqual(sorted(jobs.mapped("status")), ["failed", *["success"] * 4])
        failed = jobs.filtered(lambda job: job.status == "failed")
        self.assertEqual(failed.error_kind, "gl_account_inactive")

    def test_a_lost_answer_of_a_call_is_asked_about_bill_by_bill(self):
        jobs = self.submit_many(5)

        def lose(*args, **options):
            BatchErp.send_many(self.erp, *args, **options)
            raise error("no_answer", Outcome.AMBIGUOUS)

        self.erp.send_many = lose
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.erp.ledger), 5)
        self.assertEqual(self.erp.lookups, 4)

    def test_fewer_answers_than_bills_count_as_none(self):
        jobs = self.submit_many(5)
        whole = self.erp.send_many
        self.erp.send_many = lambda *args, **options: whole(*args, **options)[:-1]
        with self.assertLogs("odoo.addons.ap_sync.engine.send", "ERROR"):
            self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.erp.ledger), 5)
        self.assertEqual(self.erp.lookups, 4)

    def test_an_erp_that_asks_to_wait_gets_no_further_call(self):
        self.submit_many(9)
        wait = error("rate_limited", Outcome.NOT_SENT, retry_after=30.0)
        self.erp.script = ["accept", "accept", wait]
        self.dispatch()
        self.assertEqual(self.erp.calls, [4])

    def test_changes_go_one_by_one(self):
        jobs = self.submit_many(5)
        self.dispatch()
        for job in jobs:
            job.move_id.ref += " corrected"
        self.commit()
        self.erp.calls.clear()
        jobs.action_sync()
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertFalse(self.erp.calls)
        self.assertFalse(jobs.filtered("changed_since_sync"))
