"""Does the ERP still have what was synced? Asked once a day, and only asked."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from ..connectors import Capability, ConnectorError
from .client import open_client
from .transaction import now, transact

_logger = logging.getLogger(__name__)

#: Bills synced longer ago are not looked at any more: their periods are closed.
SINCE = timedelta(days=90)
#: A round that is complete is not begun again before; a little less than a day.
PAUSE = timedelta(hours=20)
#: Bills in one question.
BATCH = 200
#: A scheduled action is killed after 120 s by default; see the dispatcher's.
BUDGET = 40.0
CALL_SECONDS = 30
#: Connections that are compared at once.
AT_ONCE = 32


def run(registry):
    """Compare the bills of all connections, as far as the time allows.

    Each in a thread of its own, so that an ERP that hangs keeps no other from being
    asked. A crash loses nothing: each connection knows how far its round has come.

    :return: whether some are left for another run.
    """
    stop_at = time.monotonic() + BUDGET
    connection_ids = transact(registry, _find_connections)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ap_sync_compare") as pool:
        left = pool.map(lambda id_: _compare(registry, id_, stop_at), connection_ids)
        return any(list(left))


def _compare(registry, connection_id, stop_at):
    """Compare the bills of a connection until none is left, which returns False."""
    more = True
    while more and time.monotonic() < stop_at:
        more = _compare_batch(registry, connection_id)
    return more


def _compare_batch(registry, connection_id):
    """Compare the next bills of a connection; return whether more may be left."""
    try:
        connector, _concurrency = open_client(registry, connection_id)
        if connector.capability == Capability.NONE:
            return False
        asked = transact(registry, _find_bills, connection_id)
        found = {}
        if asked:
            deadline = time.monotonic() + CALL_SECONDS
            found = connector.read_bills(list(asked.values()), deadline=deadline)
    except ConnectorError as error:
        # Sending finds out what is wrong and tells; here it is enough to wait a day.
        _logger.info(
            "AP Sync: connection %s was not compared (%s)", connection_id, error.kind
        )
        return False
    transact(registry, _note, connection_id, asked, found)
    return bool(asked)


def _find_connections(env):
    """Return the ids of the connections whose round is due."""
    return (
        env["ap.sync.connection"]
        .search(
            [
                ("connector", "!=", "local"),
                ("paused", "=", False),
                ("attention_kind", "=", False),
                # Its ERP has not asked to be left alone.
                "|",
                ("not_before", "=", False),
                ("not_before", "<=", now(env)),
                "|",
                ("compared_at", "=", False),
                ("compared_at", "<", now(env) - PAUSE),
            ]
        )
        .ids
    )


def _find_bills(env, connection_id):
    """Return ``{job id: ERP id}`` of the next bills of this round, newest first."""
    connection = env["ap.sync.connection"].browse(connection_id)
    domain = [
        ("connection_id", "=", connection_id),
        ("status", "=", "success"),
        ("erp_id", "!=", False),
        ("synced_at", ">=", now(env) - SINCE),
        # Somebody has said which number it is there, and that all is well.
        ("marked_by_id", "=", False),
    ]
    if connection.compared_to_id:
        domain.append(("id", "<", connection.compared_to_id))
    jobs = env["ap.sync.job"].search(domain, limit=BATCH, order="id DESC")
    return {job.id: job.erp_id for job in jobs}


def _note(env, connection_id, asked, found):
    """Write down what the ERP has otherwise, and how far the round has come."""
    jobs = env["ap.sync.job"].browse(asked)
    # Synced again meanwhile? Then the answer may be from before.
    same = jobs.filtered(
        lambda job: job.status == "success" and job.erp_id == asked[job.id]
    )
    same._note_erp_changes(found)
    env["ap.sync.connection"].browse(connection_id).write(
        {"compared_to_id": min(asked)}
        if asked
        else {"compared_to_id": 0, "compared_at": now(env)}
    )
