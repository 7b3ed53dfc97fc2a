import threading
from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from ..engine import dispatcher, send, worker
from ..engine.worker import Worker
from .common import ApSyncCommon

LOGGER = "odoo.addons.ap_sync.engine.worker"
SECONDS = 10


@tagged("post_install", "-at_install")
class TestLend(BaseCase):
    """Odoo's worker waits for a run as long as there is work to do."""

    def setUp(self):
        super().setUp()
        self.answer = threading.Event()
        self.addCleanup(self.answer.set)

    def hang(self, lent):
        """A run that waits for its ERP."""
        lent.let_go()
        self.assertTrue(self.answer.wait(SECONDS))

    def test_a_worker_waits_until_the_run_is_done(self):
        done = []

        def run(lent):
            self.assertFalse(self.answer.wait(0.1))
            done.append(threading.current_thread())

        worker.lend(run)
        self.assertNotIn(threading.current_thread(), done)
        self.assertEqual(len(done), 1)

    def test_what_a_run_raises_reaches_its_worker(self):
        with self.assertRaises(ZeroDivisionError):
            worker.lend(lambda lent: 1 / 0)

    def test_a_worker_goes_while_the_run_waits_for_its_erp(self):
        done = threading.Event()

        def run(lent):
            self.hang(lent)
            done.set()

        worker.lend(run)
        self.assertFalse(done.is_set())
        self.answer.set()
        self.assertTrue(done.wait(SECONDS))

    def test_what_a_run_raises_when_its_worker_has_left_is_logged(self):
        def run(lent):
            self.hang(lent)
            raise ZeroDivisionError

        with self.assertLogs(LOGGER, "ERROR") as logs:
            worker.lend(run)
            self.answer.set()
            for thread in threading.enumerate():
                if thread.name.startswith("ap_sync_run"):
                    thread.join(SECONDS)
        self.assertIn("ZeroDivisionError", logs.output[0])

    def test_only_so_many_runs_go_on_alone_and_the_next_keeps_its_worker(self):
        with patch.object(worker, "_alone", threading.BoundedSemaphore(1)):
            worker.lend(self.hang)
            threading.Timer(0.1, self.answer.set).start()
            worker.lend(self.hang)
            self.assertTrue(self.answer.is_set(), "it was waited for")

    def test_a_run_knows_that_its_worker_has_ended(self):
        workers = []
        thread = threading.Thread(target=lambda: workers.append(Worker()))
        thread.start()
        thread.join(SECONDS)
        self.assertTrue(workers[0].ended)
        self.assertFalse(Worker().ended)


class TestRunOfAWorker(ApSyncCommon):
    """A run lets its worker go when the ERP keeps it waiting, and serves on."""

    class Lent(Worker):
        """A worker that does something when it is let go, or ends at some time."""

        ended = False

        def __init__(self, then=lambda: None):
            super().__init__()
            self.then = then

        def let_go(self):
            """Do it each time."""
            Worker.let_go(self)
            self.then()

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(send, "PATIENCE", 0.05))
        self.connection.concurrency = 2
        self.answer = threading.Event()
        self.addCleanup(self.answer.set)
        self.hanging = 1
        self.keep = self.erp.send
        self.startPatcher(patch.object(self.erp, "send", self.hang_at_first))

    def hang_at_first(self, *args, **options):
        """Keep a bill; the first calls are only answered when the test wants it."""
        self.hanging -= 1
        if self.hanging >= 0:
            self.assertTrue(self.answer.wait(SECONDS))
        return self.keep(*args, **options)

    def assert_all(self, jobs, *statuses):
        self.assertEqual(sorted(jobs.mapped("status")), sorted(statuses * len(jobs)))

    def serve(self, lent):
        self._run(
            lambda registry: dispatcher.run(registry, self.connection.id, worker=lent)
        )

    def test_a_worker_is_let_go_before_a_slow_erp_has_answered(self):
        job = self.submit(self.make_bill())
        self.serve(self.Lent(self.answer.set))
        self.assert_status(job, "success")
        self.assertEqual(job.attempt_count, 1)

    def test_what_becomes_due_meanwhile_is_sent_beside_the_bill_that_hangs(self):
        first = self.submit(self.make_bill())
        later = []

        def submit_one_more():
            if not later:
                later.append(self.submit(self.make_bill()))
                self.env.flush_all()
            else:
                later[0].invalidate_recordset()
                if later[0].status == "success":
                    self.answer.set()

        self.serve(self.Lent(submit_one_more))
        self.assertTrue(self.answer.is_set(), "it did not wait for the first")
        self.assert_all(first | later[0], "success")

    def test_a_run_whose_worker_has_ended_claims_nothing_more(self):
        self.hanging = 2
        jobs = self.submit(self.make_bill() | self.make_bill() | self.make_bill())
        lent = self.Lent()

        def end():
            lent.ended = True
            self.answer.set()

        lent.then = end
        self.serve(lent)
        left = jobs.filtered(lambda job: job.status != "success")
        self.assert_status(left, "in_progress", "queued")
        self.assertFalse(self.connection.lease_token)
        self.dispatch()
        self.assert_all(jobs, "success")

    def test_the_worker_is_let_go_before_an_erp_is_probed(self):
        self.connection.sudo()._set_attention("erp_unavailable", "It is away.")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET attention_since = now() - interval '1 day'"
        )
        free = []

        def check(*, deadline):
            free.append(lent.free)
            return []

        lent = self.Lent()
        with patch.object(self.erp, "check", check):
            self.serve(lent)
        self.assertEqual(free, [True])
