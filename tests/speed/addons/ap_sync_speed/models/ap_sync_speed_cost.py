import threading
import time
from contextlib import contextmanager

from odoo import api, models

from odoo.addons.ap_sync.engine import client, dispatcher, effects, live
from odoo.addons.ap_sync.engine.claim import claim
from odoo.addons.ap_sync.engine.record import record
from odoo.addons.ap_sync.engine.send import perform
from odoo.addons.ap_sync.engine.transaction import transact

#: How many outcomes are recorded at a time: the mean of whole runs of the part
#: throughput (2,000 bills, 20 at once, 100 ms).
RECORDED = 28


class ApSyncSpeedCost(models.AbstractModel):
    """What each step of a sync costs, called as the dispatcher calls it: in
    transactions and batches of the same size. A cost is ``{"queries", "cpu",
    "seconds"}``: of all cursors, of this process alone, and by the clock."""

    _name = "ap.sync.speed.cost"
    _description = "AP Sync Speed Cost"

    @api.model
    def submit(self, connection_id, move_ids):
        """Press Sync on all bills at once; returns ``{"submit": cost}``."""
        with _measure() as cost:
            self.env["ap.sync.speed"].submit(connection_id, move_ids)
            self.env.flush_all()
        return {"submit": cost}

    @api.model
    def evaluate(self, connection_id):
        """Apply the rules to all jobs, marked for it before; returns ``{"evaluate":
        cost}``."""
        with _measure() as cost:
            while transact(self.env.registry, dispatcher._evaluate_due, connection_id):
                pass
        return {"evaluate": cost}

    @api.model
    def serve(self, connection_id, limit):
        """Claim, send and record up to so many jobs. What sending costs is not in it.

        :return: ``{"claim": cost, "record": cost, "jobs": how many}``.
        """
        registry = self.env.registry
        connector, at_once = client.open_client(registry, connection_id)
        costs = {"claim": _nothing(), "record": _nothing()}
        news, halt, jobs = live.News(registry), threading.Event(), 0
        # Once the sender is full, the dispatcher claims when half of it is free.
        room = at_once * dispatcher.ROUNDS[1] // 2
        while jobs < limit:
            with _measure(costs["claim"]):
                works, _seen = transact(registry, claim, connection_id, room, news=news)
            if not works:
                break
            results = [perform(connector, work, halt) for work in works]
            jobs += len(results)
            for first in range(0, len(results), RECORDED):
                with _measure(costs["record"]):
                    transact(
                        registry,
                        record,
                        results[first : first + RECORDED],
                        connector,
                        news=news,
                    )
        with _measure(costs["record"]):
            news.tell()
        return {**costs, "jobs": jobs}

    @api.model
    def effects(self, limit):
        """Apply the effects of up to so many jobs; returns ``{"effects": cost, "jobs":
        how many}``."""
        jobs, found = 0, effects.BATCH
        with _measure() as cost:
            while found == effects.BATCH and jobs < limit:
                found = transact(self.env.registry, effects.run)
                jobs += found
        return {"effects": cost, "jobs": jobs}


def _nothing():
    return {"queries": 0, "cpu": 0.0, "seconds": 0.0}


@contextmanager
def _measure(cost=None):
    """Yield a cost, to which what is done meanwhile is added."""
    cost = _nothing() if cost is None else cost
    # Odoo counts here what any cursor of this request was asked.
    thread = threading.current_thread()
    queries, cpu, started = thread.query_count, time.process_time(), time.perf_counter()
    yield cost
    cost["queries"] += thread.query_count - queries
    cost["cpu"] += time.process_time() - cpu
    cost["seconds"] += time.perf_counter() - started
