from threading import Event

from ..engine import effects
from ..engine.claim import claim
from ..engine.record import record
from ..engine.send import perform
from ..engine.transaction import transact
from .common import ApSyncCommon

FEW, MANY = 10, 100
#: What a step may cost for each further bill: ORM batches of a thousand leave nothing,
#: the rest is room for a query that grows with the size of what it reads.
QUERIES_EACH = 0.1


class TestCost(ApSyncCommon):
    """Each step of a sync costs queries by the batch, not by the bill."""

    def count(self, step, *args):
        """Return what a step returned, and its queries from a cold start."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        result = step(*args)
        self.env.flush_all()
        return result, self.env.cr.sql_log_count - before

    def step(self, function, *args):
        return self.count(self._run, lambda reg: transact(reg, function, *args))

    def queries_of(self, bills):
        """Return ``{step: queries}`` for bills that go from Sync to their effects."""
        queries = {}
        jobs, queries["submit"] = self.count(self.submit, bills)
        _found, queries["evaluate"] = self.count(jobs._evaluate)
        (works, _seen), queries["claim"] = self.step(
            claim, self.connection.id, len(bills)
        )
        self.assertEqual(len(works), len(bills))
        results = [perform(self.erp, work, Event()) for work in works]
        _at_work, queries["record"] = self.step(record, results, self.erp)
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        done, queries["effects"] = self.step(effects.run)
        self.assertEqual(done, len(bills))
        return queries

    def test_no_step_costs_a_query_for_each_bill(self):
        bills = self.env["account.move"].union(
            *(self.make_bill() for _number in range(FEW + FEW + MANY))
        )
        # Whatever is read once for all is read by these.
        self.queries_of(bills[:FEW])
        few = self.queries_of(bills[FEW : 2 * FEW])
        many = self.queries_of(bills[2 * FEW :])
        each = {step: (many[step] - few[step]) / (MANY - FEW) for step in few}
        for step, queries in each.items():
            with self.subTest(step, few=few[step], many=many[step]):
                self.assertLess(queries, QUERIES_EACH)
