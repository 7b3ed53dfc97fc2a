"""One run of the dispatcher of one connection: claim, send, record, until nothing is
due or the time is up.

A lease on the connection lets one dispatcher at a time serve it, on whatever worker
or host, so that its rate, concurrency and circuit breaker hold in one place.
"""

import logging
import math
import time
import uuid

from odoo.tools import SQL

from ..connectors import ConnectorError
from . import effects, failpoints, live, local, probe
from .claim import claim
from .client import open_client
from .lease import give_back_lease, renew_lease, take_lease
from .record import record
from .send import Sender
from .switching import quick_switching
from .transaction import PASSING, transact
from .worker import Worker

_logger = logging.getLogger(__name__)

#: A scheduled action is killed after 120 s by default (limit_time_real); a run stops
#: claiming well before that and leaves the rest to the next.
BUDGET = 40.0
#: Seconds after the last claim until which what was claimed may be sent, whatever the
#: lease still allows; what did not get its turn is claimed again by the next run.
GRACE = 60.0
#: Jobs are claimed ahead for each bill that may be sent at once: as many as go in so
#: many seconds, within limits. Then the threads are busy while the next are claimed and
#: recorded; but no rule stops any more what is claimed.
AHEAD = 1.0
ROUNDS = (4, 10)
EVALUATE_BATCH = 500
#: Losing an outcome costs a look-up; trying to write it down is cheaper.
RECORD_TRIES = 12


def run(registry, connection_id, by="scheduler", worker=None):
    """Serve one connection.

    :param by: who woke us; people see it on the connection.
    :param worker: the ``Worker`` that waits for this; None: the caller's own thread.
    :return: the number of jobs served; 0 also when another dispatcher is at it.
    """
    token = uuid.uuid4().hex
    lease = transact(registry, take_lease, connection_id, token, by)
    if lease is None:
        return 0
    this = _Run(registry, connection_id, token, worker or Worker())
    served = 0
    try:
        failpoints.reach("leased")
        while transact(registry, _evaluate_due, connection_id):
            if this.over:
                break
        if lease["needs_probe"]:
            # The outage that held its jobs may be over; if not, it may hang.
            this.worker.let_go()
            probe.check_connection(registry, connection_id)
        serve = _serve_local if lease["connector"] == "local" else _serve_erp
        served = serve(this)
    finally:
        transact(registry, give_back_lease, connection_id, token, tries=RECORD_TRIES)
    while transact(registry, effects.run) == effects.BATCH:
        pass
    return served


class _Run:
    """What all parts of a run share."""

    def __init__(self, registry, connection_id, token, worker):
        self.registry = registry
        self.connection_id = connection_id
        self.token = token
        self.worker = worker
        self.news = live.News(registry)
        self._stop_at = time.monotonic() + BUDGET
        #: Nothing is sent after this moment.
        self.hard_end = self._stop_at + GRACE

    @property
    def over(self):
        """Whether to leave the rest to the next run."""
        return time.monotonic() > self._stop_at or self.worker.ended

    def transact(self, step, *args, **options):
        """Run a step for the connection in a transaction of its own."""
        return transact(self.registry, step, self.connection_id, *args, **options)


def _serve_local(run):
    served = 0
    while not run.over:
        seen = run.transact(local.post_batch, local.BATCH)
        served += seen
        if not seen:
            break
        run.transact(renew_lease, run.token)
    return served


def _serve_erp(run):
    """Serve what is due, stretch by stretch."""
    if not run.transact(renew_lease, run.token):
        return 0
    try:
        connector, concurrency = open_client(run.registry, run.connection_id)
    except ConnectorError as error:
        run.transact(_stop, error)
        return 0
    served = 0
    while not run.over:
        with quick_switching(), Sender(connector, concurrency) as sender:
            try:
                seen = _serve_stretch(run, sender)
            finally:
                # Nothing is left here, but for a claim that failed: what is under way
                # has an outcome in a moment.
                sender.halt()
                while len(sender):
                    _record(run, sender)
                run.news.tell()
        served += seen
        if not seen:
            break
    return served


def _serve_stretch(run, sender):
    """Claim, send and record side by side, until nothing is due or nothing may go.

    While this claims and records, the sender's threads go on, so there is always
    something claimed ahead for them.

    :return: how many jobs were looked at.
    """
    # No more than a bill for each thread before it is known that the ERP is at work: in
    # an outage each bill that is tried loses one of its tries.
    ahead = sender.concurrency
    served, more, paused = 0, True, None
    while more or len(sender):
        if not more or len(sender) > ahead // 2:
            at_work = _record(run, sender)
            if at_work is None:
                # Nothing came. The threads that hang, if not all, may serve what has
                # become due meanwhile; no more than that is claimed.
                more = not (run.over or sender.halted)
            else:
                failpoints.reach("recorded")
                more = more and not sender.halted
            ahead = sender.concurrency * (_get_rounds(sender) if at_work else 1)
            continue
        lease = run.transact(renew_lease, run.token)
        if not lease or lease["paused"] and paused is False:
            # It counts for what is claimed already, too. Once that is back, the next
            # stretch holds all that a pause stops.
            sender.halt()
            more = False
            continue
        paused = lease["paused"]
        # While these are claimed the threads live on what they have.
        ready = max(len(sender), 2 * sender.concurrency)
        room = min(ahead - len(sender), ready * sender.batch)
        works, seen = run.transact(claim, room, run.hard_end, news=run.news)
        served += seen
        if seen:
            failpoints.reach("claimed")
        sender.put(works)
        more = seen and not run.over
    return served


def _get_rounds(sender):
    """Return how many bills to claim ahead for each thread."""
    least, most = ROUNDS
    wanted = math.ceil(AHEAD / sender.duration)
    return max(least, min(wanted, most), 2 * sender.batch)


def _record(run, sender):
    """Write down what is done; when nothing is for a while, let the worker go.

    :return: whether the ERP is at work; None when nothing came.
    """
    results = sender.take()
    if not results:
        run.worker.let_go()
        return None
    return _record_results(run, results, sender.connector)


def _record_results(run, results, connector):
    """Write outcomes down; what stops one bill's (somebody's override) must not lose
    the others'. Its own is then found by the reaper, in the ERP."""
    try:
        return transact(
            run.registry, record, results, connector, tries=RECORD_TRIES, news=run.news
        )
    except PASSING:
        raise
    except Exception:
        _logger.exception("AP Sync: an outcome can't be recorded")
        if len(results) > 1:
            for result in results:
                _record_results(run, [result], connector)
        return False


# === STEPS, each a transaction of its own === #


def _stop(env, connection_id, error):
    """Nothing can be sent at all until a person has mended it: hold the jobs."""
    env["ap.sync.connection"].browse(connection_id)._set_attention(
        error.kind, error.message
    )


def _evaluate_due(env, connection_id):
    """Evaluate a batch of the jobs that a change of rules, or Retry, marked, or that
    were stopped a while ago; True: more left."""
    env.cr.execute(
        SQL(
            """
            SELECT id FROM ap_sync_job
             WHERE connection_id = %s
               AND evaluate_at <= clock_timestamp() AT TIME ZONE 'UTC'
          ORDER BY evaluate_at, id LIMIT %s FOR UPDATE SKIP LOCKED
            """,
            connection_id,
            EVALUATE_BATCH,
        )
    )
    jobs = env["ap.sync.job"].browse(row[0] for row in env.cr.fetchall())
    jobs._evaluate_marked()
    return len(jobs) == EVALUATE_BATCH
