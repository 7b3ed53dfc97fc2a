"""The lease on a connection: one run of its dispatcher at a time, on whatever worker or
host. Steps of the dispatcher, each a transaction of its own.

A run that died leaves its lease behind; it runs out by itself.
"""

from odoo.tools import SQL

from . import restored, schedule
from .transaction import now

#: How often an ERP whose outage holds its jobs is asked whether that is over.
PROBE_EVERY = schedule.timedelta(minutes=15)


def take_lease(env, connection_id, token, by):
    """Take the connection's lease.

    :param by: who woke the run; people see it on the connection.
    :return: None when it is taken; else a dict with ``connector`` (its code) and
        ``needs_probe``: its ERP was away for so long that it is asked first.
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


def renew_lease(env, connection_id, token):
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


def give_back_lease(env, connection_id, token):
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
