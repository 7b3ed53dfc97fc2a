"""Transactions of the engine's own, and the clock they use."""

import logging
import random
import time

import psycopg2
import psycopg2.errors

from odoo import SUPERUSER_ID, api
from odoo.exceptions import ConcurrencyError, LockError
from odoo.sql_db import PoolError

from . import live

_logger = logging.getLogger(__name__)

#: What may pass if the same transaction is tried again: somebody else's change came
#: first, or the database was away for a moment.
PASSING = (
    psycopg2.OperationalError,
    psycopg2.errors.UniqueViolation,
    psycopg2.InterfaceError,
    PoolError,
    LockError,
    ConcurrencyError,
)


def transact(registry, step, *args, tries=5, lang=None, news=None):
    """Run ``step(env, *args)`` in a transaction of its own and commit it.

    The step must change nothing but the database: it may run several times.

    :param tries: how often, with growing pauses of up to 2 s, a passing failure of
        the database is tried again; each time on a new connection.
    :param news: a ``live.News`` that tells open screens of it, with other changes.
    :return: what the step returned in the run that was committed.
    :raise: the last failure when it did not pass, any other at once.
    """
    for number in range(1, tries + 1):
        try:
            with registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {"lang": lang} if lang else {})
                result = step(env, *args)
                env.flush_all()
                changes = live.take(env)
        except Exception as error:
            if number == tries or not _is_passing(error):
                raise
            _logger.info(
                "AP Sync: %s is tried again (%s): %s",
                step.__name__,
                number,
                type(error).__name__,
            )
            time.sleep(min(2.0, 0.05 * 2**number) * random.uniform(0.5, 1.0))
        else:
            if news:
                news.add(changes)
            else:
                live.announce(registry, changes)
            return result


def _is_passing(error):
    # A server that dies under a query shows as psycopg2's own base class at times.
    return isinstance(error, PASSING) or type(error) is psycopg2.DatabaseError


def now(env):
    """Return PostgreSQL's time of this transaction, UTC, whole seconds: the one clock
    of all leases and retries, whatever the hosts' own clocks say."""
    return env.cr.now().replace(microsecond=0)
