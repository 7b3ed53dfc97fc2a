from dataclasses import replace
from threading import Event
from unittest.mock import patch

from odoo.tools import mute_logger

from ..connectors import Outcome
from ..engine.claim import claim
from ..engine.record import record
from ..engine.send import perform
from ..engine.transaction import transact
from .common import ApSyncCommon, error

UNCLEAR = error("no_answer", Outcome.AMBIGUOUS)


class TestRecordMany(ApSyncCommon):
    """Outcomes that came in together are written down together, at the price of one,
    and each stays its own bill's."""

    def submit_many(self, count):
        return self.submit(
            self.env["account.move"].union(*(self.make_bill() for _n in range(count)))
        )

    def serve(self, count):
        """Claim what is due and ask the ERP; return the results, not yet recorded."""
        works, _seen = self._run(
            lambda registry: transact(registry, claim, self.connection.id, count)
        )
        self.assertEqual(len(works), count)
        return [perform(self.erp, work, Event()) for work in works]

    def record(self, results):
        """Record results together; return how many queries that took."""
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self._run(lambda registry: transact(registry, record, results, self.erp))
        return self.env.cr.sql_log_count - before

    def begin_again(self):
        """Forget what these outcomes made of the connection; leave no bill due."""
        Job = self.env["ap.sync.job"].sudo()
        waiting = Job.search([("status", "=", "in_progress")])
        waiting.write({"next_try_at": "2099-01-01"})
        connection = self.connection.sudo()
        connection.write(connection._prepare_mended_values())

    def assert_constant(self, measure, status):
        """Expect that 20 outcomes cost what 2 do."""
        counts = {}
        for count in (1, 2, 9, 20):  # the first fills what Odoo caches once
            jobs = self.submit_many(count)
            counts[count] = measure(jobs)
            self.assertEqual(set(jobs.mapped("status")), {status})
            self.begin_again()
        self.assertLessEqual(counts[9], counts[2] + 2, counts)
        self.assertLessEqual(counts[20], counts[2] + 2, counts)

    # -- The price

    def test_accepted_bills_cost_the_same_queries_for_few_and_for_many(self):
        self.assert_constant(
            lambda jobs: self.record(self.serve(len(jobs))), status="success"
        )

    def test_so_do_refused_ones(self):
        def refuse(jobs):
            refusal = error("gl_account_inactive", Outcome.REJECTED)
            self.erp.script = [refusal] * len(jobs)
            return self.record(self.serve(len(jobs)))

        self.assert_constant(refuse, status="failed")

    def test_so_do_those_that_were_not_sent_and_those_in_doubt(self):
        for trouble in (error("erp_unavailable"), UNCLEAR):

            def fail(jobs, trouble=trouble):
                self.erp.script = [trouble] * len(jobs)
                return self.record(self.serve(len(jobs)))

            self.assert_constant(fail, status="in_progress")

    def test_so_do_those_found_in_the_erp(self):
        def find(jobs):
            self.erp.script = [("after", UNCLEAR)] * len(jobs)
            self.record(self.serve(len(jobs)))
            self.make_due(jobs)
            return self.record(self.serve(len(jobs)))

        self.assert_constant(find, status="success")

    # -- Each its own

    def test_an_edited_bill_is_flagged_and_its_neighbours_are_not(self):
        jobs = self.submit_many(3)
        results = self.serve(3)
        edited = jobs[1].move_id
        edited.button_draft()
        edited.invoice_line_ids.price_unit = 60.0
        edited.action_post()
        self.commit()
        self.record(results)
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(jobs.filtered("changed_since_sync"), jobs[1])

    @mute_logger("odoo.addons.ap_sync.engine.record")
    def test_a_bill_that_can_not_be_read_counts_as_changed_alone(self):
        jobs = self.submit_many(3)
        results = self.serve(3)
        # Written on meanwhile, or nobody would look at them again.
        self.env.cr.execute(
            "UPDATE account_move SET ref = ref WHERE id IN %s",
            [tuple(jobs.move_id.ids)],
        )
        is_changed = type(jobs)._is_bill_changed

        def broken(job):
            if job == jobs[1]:
                raise ValueError("somebody's override")
            return is_changed(job)

        with patch.object(type(jobs), "_is_bill_changed", broken):
            self.record(results)
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(jobs.filtered("changed_since_sync"), jobs[1])

    def test_two_bills_that_find_the_same_one_together_do_not_share_it(self):
        jobs = self.submit_many(2)
        self.erp.script = [("after", UNCLEAR)] * 2
        self.record(self.serve(2))
        self.make_due(jobs)
        for key, receipt in self.erp.ledger.items():
            self.erp.ledger[key] = replace(receipt, erp_id="9", number="ERP/9")
        self.record(self.serve(2))
        self.assertEqual(sorted(jobs.mapped("status")), ["failed", "success"])
        adopted = jobs.filtered(lambda job: job.status == "success")
        refused = jobs - adopted
        self.assertEqual((adopted.erp_id, refused.erp_id), ("9", False))
        self.assertEqual(refused.error_kind, "duplicate_bill")
        self.assertIn(adopted.display_name, refused.message)
