"""T1 to T3 for Odoo's own ledger: one database transaction, since the books and the
job stand in one database. No outcome is ever unclear here."""

import logging
import time

import psycopg2.errors

from ..connectors import Capability, ConnectorError, Outcome
from . import claim as claims
from . import failpoints
from . import record as records
from .claim import Work
from .send import Result
from .transaction import PASSING

_logger = logging.getLogger(__name__)

#: Posting locks the journal's numbering, so a batch is short.
BATCH = 20


class LocalLedger:
    """Stands for the connector where outcomes are recorded."""

    capability = Capability.LOOKUP
    settle_seconds = 0.0


def post_batch(env, connection_id, limit):
    """Claim, post and record up to ``limit`` draft bills.

    A crash leaves everything as it was before. A bill that can't be posted is rolled
    back alone.

    :return: how many jobs were looked at; 0 means nothing is due.
    """
    works, seen = claims.claim(env, connection_id, limit)
    results = [_post(env, work) for work in works]
    if results:
        # The claims are in the database of this transaction only; record() finds
        # them by their tokens.
        env.flush_all()
        records.record(env, results, LocalLedger())
        failpoints.reach("posted")
    return seen


def _post(env, work: Work):
    started = time.monotonic()
    move = env["ap.sync.job"].browse(work.job_id).move_id
    receipts, error = (), None
    try:
        with env.cr.savepoint():
            receipts = (move._ap_sync_post_in_ledger(),)
    except ConnectorError as problem:
        error = problem
    except psycopg2.errors.UniqueViolation:
        error = ConnectorError(
            "invalid_data",
            env._("Its number, or another value that must be unique, is taken."),
            Outcome.REJECTED,
        )
    except PASSING:
        raise  # the whole batch is tried again
    except Exception:
        # A bug in somebody's extension of posting fails this bill, not its neighbours.
        # The savepoint is rolled back, so it is surely not posted.
        _logger.exception("AP Sync: bill %s can't be posted", move.id)
        error = ConnectorError(
            "internal", env._("Posting stopped with an error."), Outcome.REJECTED
        )
    return Result(work, receipts, error, time.monotonic() - started)
