"""Every minute, whatever wakes the dispatchers: mend what a crash left behind, and
wake what nobody woke. So no job stays In Progress longer than its lease and a minute.
"""

import logging

from odoo.tools import SQL

from ..connectors import CONNECTORS, ConnectorError, Outcome
from . import effects, schedule
from .outcome import doubt
from .transaction import PASSING, now, transact

_logger = logging.getLogger(__name__)

BATCH = 500


def run(registry):
    """Mend and wake; each step alone, so that one can't stop the others."""
    for step in (_mend, _end_pauses, _wake, _apply_effects):
        try:
            step(registry)
        except Exception:
            # Next minute again; what it left is still there.
            _logger.exception("AP Sync: %s failed", step.__name__)


def _mend(registry):
    while transact(registry, _end_leases) == BATCH:
        pass


def _end_pauses(registry):
    transact(registry, _resume_due)


def _wake(registry):
    transact(registry, _wake_due)


def _apply_effects(registry):
    while transact(registry, effects.run) == effects.BATCH:
        pass


def _end_leases(env):
    """Jobs whose lease ran out: whoever had claimed them is gone, and may have sent
    the bill or not. Their attempts are unclear, the ERP is asked.

    :return: the number of jobs mended.
    """
    env.cr.execute(
        SQL(
            """
            SELECT id FROM ap_sync_job
             WHERE lease_until < clock_timestamp() AT TIME ZONE 'UTC'
          ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED
            """,
            BATCH,
        )
    )
    jobs = env["ap.sync.job"].browse(row[0] for row in env.cr.fetchall())
    for job in jobs:
        _logger.warning("AP Sync: job %s was left behind; the ERP is asked", job.id)
        try:
            with env.cr.savepoint():
                _end_lease(env, job)
        except PASSING:
            raise  # all of them are tried again
        except Exception:
            # Somebody's override. It must not stop the others, now or by always being
            # the first in the batch: this one comes again when they are done.
            _logger.exception("AP Sync: job %s can't be mended", job.id)
            job.write({"lease_until": now(env) + schedule.LEASE})
    return len(jobs)


def _end_lease(env, job):
    message = env._("The server stopped while the bill was being sent.")
    job.attempt_ids._set_outcome(
        {
            "outcome": "ambiguous",
            "error_kind": "no_answer",
            "message": message,
            "ended_at": now(env),
        }
    )
    if job.phase == "sending":
        connector = CONNECTORS[job.connection_id.connector]  # never the local ledger
        error = ConnectorError("no_answer", message, Outcome.AMBIGUOUS)
        settle = job.connection_id._get_settle_seconds(connector)
        doubt(job, error, connector, settle)
    else:
        # A look-up that was cut off: it changed nothing and is done again.
        job.write({"lease_token": False, "lease_until": False})


def _resume_due(env):
    """Resume the connections whose pause has come to its end: each alone, so that one
    can't keep the others paused."""
    env.cr.execute(
        SQL(
            """
            SELECT id FROM ap_sync_connection
             WHERE paused AND paused_until <= clock_timestamp() AT TIME ZONE 'UTC'
          ORDER BY id FOR UPDATE SKIP LOCKED
            """
        )
    )
    for (connection_id,) in env.cr.fetchall():
        try:
            with env.cr.savepoint():
                env["ap.sync.connection"].browse(connection_id)._end_pause()
        except PASSING:
            raise  # all of them are tried again
        except Exception:
            # Next minute again; people can press Resume meanwhile.
            _logger.exception("AP Sync: connection %s can't be resumed", connection_id)


def _wake_due(env):
    """Wake the connections that have something due, a mark to evaluate, or an outage
    that may be over."""
    env.cr.execute(
        SQL(
            """
            SELECT id FROM ap_sync_connection connection
             WHERE (not_before IS NULL
                    OR not_before <= clock_timestamp() AT TIME ZONE 'UTC')
               AND (lease_until IS NULL
                    OR lease_until < clock_timestamp() AT TIME ZONE 'UTC')
               AND (
                    attention_kind = 'erp_unavailable'
                    OR EXISTS (
                        SELECT FROM ap_sync_job
                         WHERE connection_id = connection.id
                           AND status = 'in_progress'
                           AND lease_token IS NULL
                           AND next_try_at <= clock_timestamp() AT TIME ZONE 'UTC')
                    OR EXISTS (
                        SELECT FROM ap_sync_job
                         WHERE connection_id = connection.id
                           AND evaluate_at <= clock_timestamp() AT TIME ZONE 'UTC')
               )
            """
        )
    )
    connections = env["ap.sync.connection"].browse(row[0] for row in env.cr.fetchall())
    # Odoo switches a scheduled action off when it failed for a week. Ours must not
    # stay off while bills wait for it.
    connections.cron_id.filtered(lambda cron: not cron.active).active = True
    connections._wake()
    connections._wake_late()
