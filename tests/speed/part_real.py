"""Bills per second into a real second Odoo: AP Sync, and its client for Odoo in a bare
thread pool, bill by bill and many in a call. All wait for that Odoo; AP Sync is not to
add to it."""

import statistics
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg2

from part_throughput import DONE
from report import spread, table

# The clients know nothing of Odoo's own server, so they run here as they are.
sys.path.append(str(Path(__file__).parents[2]))
from connectors.base import Document, Settings  # noqa: E402
from connectors.odoo import OdooConnector  # noqa: E402

BILLS = 120
#: As many as a new connection sends.
AT_ONCE = 4
GOAL = 0.9
#: How many bills each call of a bare pool takes, and what the table says of it.
POOLS = {
    "single": (1, "The same client in a bare thread pool, bill by bill, nothing kept"),
    "batch": (15, "The same, 15 bills in a call"),
}


def run(stage, options):
    """Return ``{"bills", "seconds": [{"ap_sync", "single", "batch"}]}``, one for each
    run.

    :raise AssertionError: when a bill is not there, posted, exactly once.
    """
    erp = stage.given.erp
    connection = stage.connect_erp(
        connector="odoo",
        url=erp["url"],
        erp_database=erp["database"],
        api_key=erp["key"],
        concurrency=AT_ONCE,
    )
    database = psycopg2.connect(erp["dsn"])
    database.autocommit = True
    ((account,),) = _ask(
        database,
        "SELECT id FROM account_account WHERE account_type = 'expense' AND active"
        " ORDER BY id LIMIT 1",
    )
    stage.sql(
        "UPDATE ap_sync_mapping SET erp_id = %s WHERE connection_id = %s",
        str(account),
        connection,
    )
    count, runs = min(BILLS, options.bills), []
    # The first is not counted: it makes the vendors.
    for number in range(options.runs + 1):
        stage.park(connection)
        stage.submit(connection, stage.pool[count * number : count * (number + 1)])
        started = time.perf_counter()
        stage.go(connection)
        stage.until(DONE, connection)
        times = {"ap_sync": time.perf_counter() - started}
        documents = _sent(stage, connection, count)
        _expect_kept(database, documents)
        for name, (size, _label) in POOLS.items():
            # To the ERP these are other bills, of the same work.
            others = [
                replace(one, key=str(uuid.uuid4()), reference=f"{one.reference}-{name}")
                for one in documents
            ]
            times[name] = _pool(erp, others, size)
            _expect_kept(database, others)
        if number:
            runs.append(times)
    database.close()
    return {"bills": count, "seconds": runs}


def report(measured):
    """Return the table of what ``run`` returned, and which goals were missed."""
    bills, runs = measured["bills"], measured["seconds"]
    rows = [["AP Sync", spread([bills / times["ap_sync"] for times in runs]), "", ""]]
    missed = []
    for name, (_size, label) in POOLS.items():
        ratios = [times[name] / times["ap_sync"] for times in runs]
        speeds = [bills / times[name] for times in runs]
        rows.append([label, spread(speeds), spread(ratios, 2), GOAL])
        if statistics.median(ratios) < GOAL:
            missed.append(f"{label}: {statistics.median(ratios):.2f} times, not {GOAL}")
    head = ["", "bills/s", "AP Sync is so many times as fast", "goal"]
    return table(head, rows), missed


def _sent(stage, connection, count):
    """Return the documents of the newest attempts."""
    rows = stage.sql(
        "SELECT document FROM ap_sync_attempt WHERE connection_id = %s"
        " ORDER BY id DESC LIMIT %s",
        connection,
        count,
    )
    return [Document.from_json(row["document"]) for row in rows]


def _pool(erp, documents, size):
    """Return the seconds in which a bare pool sends the documents, so many a call."""
    client = OdooConnector(
        Settings(
            url=erp["url"],
            secret=erp["key"],
            database=erp["database"],
            allowed_hosts=("127.0.0.1",),
            options={
                "post": True,
                "create_vendors": True,
                "origin": str(uuid.uuid4()),
            },
        )
    )

    def send(group):
        return client.send_many(
            group,
            attempts=[uuid.uuid4().hex for _document in group],
            deadline=time.monotonic() + 300,
        )

    groups = [
        documents[first : first + size] for first in range(0, len(documents), size)
    ]
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, groups))
    return time.perf_counter() - started


def _expect_kept(database, documents):
    references = [document.reference for document in documents]
    ((rows, bills, posted),) = _ask(
        database,
        "SELECT count(*), count(DISTINCT ref), count(*) FILTER (WHERE state = 'posted')"
        "  FROM account_move WHERE ref = ANY(%s)",
        references,
    )
    assert (rows, bills, posted) == (len(references),) * 3, (rows, bills, posted)


def _ask(database, query, *values):
    with database.cursor() as cr:
        cr.execute(query, values)
        return cr.fetchall()
