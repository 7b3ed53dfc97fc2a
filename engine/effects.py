"""T4: what people get to see of an outcome besides the job itself.

The outcome is committed before this; an extension that fails here, or a crash, loses
nothing. The flag ``effects_due`` is cleared in the same transaction, so the effects
happen once, at the latest when the reaper comes by.
"""

import logging

from odoo.tools import SQL

from . import failpoints
from .transaction import PASSING

_logger = logging.getLogger(__name__)

BATCH = 100


def run(env):
    """Apply the effects of finished jobs.

    :return: the number of jobs served; fewer than ``BATCH`` means that none is left.
    """
    env.cr.execute(
        SQL(
            "SELECT id FROM ap_sync_job WHERE effects_due ORDER BY id LIMIT %s "
            "FOR UPDATE SKIP LOCKED",
            BATCH,
        )
    )
    jobs = env["ap.sync.job"].browse(row[0] for row in env.cr.fetchall())
    news = _apply(jobs)
    try:
        with env.cr.savepoint():
            news._mail_at_once()
    except PASSING:
        raise
    except Exception:
        _logger.exception("AP Sync: mails about jobs %s failed", news.ids)
    if jobs:
        jobs.write({"effects_due": False})
        failpoints.reach("effects")
    return len(jobs)


def _apply(jobs):
    """Apply the effects of all at once, or, where one's fail, of each alone; return
    those with which somebody has something to do who had not before."""
    try:
        with jobs.env.cr.savepoint():
            return jobs._apply_effects()
    except PASSING:
        raise  # all of them are tried again
    except Exception:
        if len(jobs) > 1:
            return jobs.browse().union(*map(_apply, jobs))
        # Somebody's override of chatter or activities: the sync itself is done. Not
        # tried again, which would fill the log every minute.
        _logger.exception("AP Sync: effects of job %s failed", jobs.id)
        return jobs.browse()
