"""Remove attempts that were kept for as long as their company wants them."""

import time

from odoo.tools import SQL

from .transaction import now, transact

BATCH = 1000
#: Seconds after which the rest is left to the next call.
BUDGET = 30.0


def run(registry):
    """Remove old attempts, batch by batch, each in a transaction of its own.

    :return: ``(removed, more)``: how many, and whether some may be left.
    """
    stop_at = time.monotonic() + BUDGET
    removed, last_id = 0, 0
    while last_id is not None:
        if time.monotonic() > stop_at:
            return removed, True
        count, last_id = transact(registry, _remove_batch, last_id)
        removed += count
    return removed, False


def _remove_batch(env, last_id):
    """Remove the next batch after an attempt.

    Only of jobs that ended in Success, and never the last attempt of a job: what a job
    in any other status was told is still needed, and what the ERP holds can always be
    seen. Jobs that somebody is just working with are left for the next time.

    :return: ``(removed, id of the last one or None at the end)``.
    """
    env.cr.execute(
        SQL(
            """
            SELECT attempt.id
              FROM ap_sync_attempt attempt
              JOIN res_company company ON company.id = attempt.company_id
              JOIN ap_sync_job job ON job.id = attempt.job_id
             WHERE attempt.id > %(last)s
               AND company.ap_sync_attempt_months > 0
               AND attempt.started_at
                   < %(now)s - make_interval(months => company.ap_sync_attempt_months)
               AND attempt.started_at < %(now)s - make_interval(months => (
                       SELECT min(ap_sync_attempt_months) FROM res_company
                        WHERE ap_sync_attempt_months > 0))
               AND job.status = 'success'
               AND EXISTS (
                    SELECT FROM ap_sync_attempt later
                     WHERE later.job_id = attempt.job_id
                       AND later.number > attempt.number)
          ORDER BY attempt.id
             LIMIT %(limit)s
               FOR UPDATE OF job SKIP LOCKED
            """,
            last=last_id,
            now=now(env),
            limit=BATCH,
        )
    )
    ids = [row[0] for row in env.cr.fetchall()]
    env["ap.sync.attempt"].browse(ids)._remove_old()
    return len(ids), ids[-1] if len(ids) == BATCH else None
