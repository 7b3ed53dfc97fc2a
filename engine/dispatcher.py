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
from . import effects, failpoints, live, local, probe, restored, schedule
from .claim import claim
from .client import open_client
from .record import record
from .send import Sender
from .transaction import PASSING, now, transact

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
PROBE_EVERY = schedule.timedelta(minutes=15)


def run(registry, connection_id, budget=BUDGET, by="scheduler"):
    """Serve one connection.

    :param by: who woke us; people see it on the connection.
    :return: the number of jobs served; 0 also when another dispatcher is at it.
    """
    token = uuid.uuid4().hex
    lease = transact(registry, _take_lease, connection_id, token, by)
    if lease is None:
        return 0
    served = 0
    try:
        failpoints.reach("leased")
        stop_at = time.monotonic() + budget
        while transact(registry, _evaluate_due, connection_id):
            if time.monotonic() > stop_at:
                break
        if lease["needs_probe"]:
            # The outage that held its jobs may be over.
            probe.check_connection(registry, connection_id)
        serve = _serve_local if lease["connector"] == "local" else _serve_erp
        served = serve(registry, connection_id, token, stop_at)
    finally:
        transact(registry, _give_back_lease, connection_id, token, tries=RECORD_TRIES)
    while transact(registry, effects.run) == effects.BATCH:
        pass
    return served


def _serve_local(registry, connection_id, token, stop_at):
    served = 0
    while time.monotonic() < stop_at:
        seen = transact(registry, local.post_batch, connection_id, local.BATCH)
        served += seen
        if not seen:
            break
        transact(registry, _renew_lease, connection_id, token)
    return served


def _serve_erp(registry, connection_id, token, stop_at):
    """Serve what is due, stretch by stretch."""
    if not transact(registry, _renew_lease, connection_id, token):
        return 0
    try:
        connector, concurrency = open_client(registry, connection_id)
    except ConnectorError as error:
        transact(registry, _stop, connection_id, error)
        return 0
    served, news = 0, live.News(registry)
    while time.monotonic() < stop_at:
        with Sender(connector, concurrency) as sender:
            try:
                seen = _serve_stretch(
                    registry, connection_id, token, stop_at, sender, news
                )
            finally:
                # Nothing is left here, but for a claim that failed: what is under way
                # has an outcome in a moment.
                sender.halt()
                while len(sender):
                    _record(registry, sender, news)
                news.tell()
        served += seen
        if not seen:
            break
    return served


def _serve_stretch(registry, connection_id, token, stop_at, sender, news):
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
            at_work = _record(registry, sender, news)
            failpoints.reach("recorded")
            ahead = sender.concurrency * (_get_rounds(sender) if at_work else 1)
            more = more and not sender.halted
            continue
        lease = transact(registry, _renew_lease, connection_id, token)
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
        works, seen = transact(
            registry, claim, connection_id, room, stop_at + GRACE, news=news
        )
        served += seen
        if seen:
            failpoints.reach("claimed")
        sender.put(works)
        more = seen and time.monotonic() < stop_at
    return served


def _get_rounds(sender):
    """Return how many bills to claim ahead for each thread."""
    least, most = ROUNDS
    wanted = math.ceil(AHEAD / sender.duration)
    return max(least, min(wanted, most), 2 * sender.batch)


def _record(registry, sender, news):
    """Write down what is done; return whether the ERP is at work."""
    return _record_results(registry, sender.take(), sender.connector, news)


def _record_results(registry, results, connector, news):
    """Write outcomes down; what stops one bill's (somebody's override) must not lose
    the others'. Its own is then found by the reaper, in the ERP."""
    try:
        return transact(
            registry, record, results, connector, tries=RECORD_TRIES, news=news
        )
    except PASSING:
        raise
    except Exception:
        _logger.exception("AP Sync: an outcome can't be recorded")
        if len(results) > 1:
            for result in results:
                _record_results(registry, [result], connector, news)
        return False


# === STEPS, each a transaction of its own === #


def _take_lease(env, connection_id, token, by="scheduler"):
    """Take the connection's lease, or return None when it is taken or must wait.

    A dispatcher that died leaves its lease behind; it runs out by itself.
    """
    env.cr.execute(
        SQL(
            """
            UPDATE ap_sync_connection
               SET lease_token = %s,
                   lease_until = clock_timestamp() AT TIME ZONE 'UTC' + %s,
                   last_run_at = date_trunc('second',
                                            clock_timestamp() AT TIME ZONE 'UTC'),
                   last_run_by = %s
             WHERE id = %s
               AND (lease_until IS NULL
                    OR lease_until < clock_timestamp() AT TIME ZONE 'UTC')
         RETURNING connector, database_identity, attention_kind,
                   greatest(attention_since, checked_at) AS attention_since
            """,
            token,
            schedule.LEASE,
            by,
            connection_id,
        )
    )
    row = env.cr.dictfetchone()
    if row is None:
        return None
    restored.notice(env, connection_id, row["database_identity"])
    since = row["attention_since"]
    row["needs_probe"] = (
        row["attention_kind"] == "erp_unavailable"
        and since
        and now(env) - since >= PROBE_EVERY
    )
    return row


def _renew_lease(env, connection_id, token):
    """Keep the lease; None when it was lost or the ERP asked to wait meanwhile.

    :return: a dict with ``paused``.
    """
    env.cr.execute(
        SQL(
            """
            UPDATE ap_sync_connection
               SET lease_until = clock_timestamp() AT TIME ZONE 'UTC' + %s
             WHERE id = %s
               AND lease_token = %s
               AND attention_kind IS NULL
               AND (not_before IS NULL
                    OR not_before <= clock_timestamp() AT TIME ZONE 'UTC')
         RETURNING paused
            """,
            schedule.LEASE,
            connection_id,
            token,
        )
    )
    return env.cr.dictfetchone()


def _stop(env, connection_id, error):
    """Nothing can be sent at all until a person has mended it: hold the jobs."""
    env["ap.sync.connection"].browse(connection_id)._set_attention(
        error.kind, error.message
    )


def _give_back_lease(env, connection_id, token):
    """Give the lease back and have the dispatcher woken when the next job is due."""
    env.cr.execute(
        SQL(
            """
            UPDATE ap_sync_connection SET lease_token = NULL, lease_until = NULL
             WHERE id = %s AND lease_token = %s
            """,
            connection_id,
            token,
        )
    )
    connection = env["ap.sync.connection"].browse(connection_id)
    if connection.failures and connection.not_before:
        # The breaker is open: when its pause ends, one bill tries.
        connection._bring_forward(connection.not_before, limit=1)
    env.cr.execute(
        SQL(
            """
            SELECT min(job.next_try_at), max(connection.not_before)
              FROM ap_sync_job job
              JOIN ap_sync_connection connection ON connection.id = job.connection_id
             WHERE job.connection_id = %s
               AND job.status = 'in_progress'
               AND job.lease_token IS NULL
            """,
            connection_id,
        )
    )
    due, not_before = env.cr.fetchone()
    if due and not connection.attention_kind:
        connection._wake(max(filter(None, (due, not_before, now(env)))))


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
