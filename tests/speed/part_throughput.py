"""Bills per second: AP Sync, the ceiling, and the ways in which most addons send."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import shell
from report import spread, table
from stage import LIMIT

CEILING = Path(__file__).parent / "ceiling.py"
DONE = """
SELECT NOT EXISTS (
    SELECT FROM ap_sync_job WHERE connection_id = %s AND status = 'in_progress')
"""
PEERS_DONE = """
SELECT NOT EXISTS (SELECT FROM ap_sync_speed_peer WHERE state = 'to_send')
"""

#: How many bills go one by one.
ONE_BY_ONE = 400
#: How many times as fast as each peer AP Sync is to be.
GOALS = {"ceiling": 0.9, "queue_job": 6.0, "one_by_one": 12.0}
TITLES = {
    "ap_sync": "AP Sync",
    "ceiling": "A bare thread pool: bodies made before, nothing kept",
    "queue_job": "One OCA queue_job for each bill, the call inside",
    "one_by_one": "One scheduled action, bill after bill, as Odoo's EDI",
}


def run(stage, options):
    """Return ``[{peer: seconds}]``, one for each run.

    :raise AssertionError: when a bill was not kept, or kept twice, or without an
        attempt on record: then the time means nothing.
    """
    bills = stage.pool[: options.bills]
    runs = []
    for number in range(1, options.runs + 1):
        connection, seconds = ap_sync(stage, bills)
        times = {"ap_sync": seconds}
        if "ceiling" in options.peers:
            times["ceiling"] = ceiling(stage, connection, len(bills))
        if "queue_job" in options.peers:
            times["queue_job"] = queue_job(stage, bills)
        if "one_by_one" in options.peers:
            times["one_by_one"] = one_by_one(stage, bills)
        took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items())
        print(f"   run {number}: {took}", flush=True)
        runs.append(times)
    return {"bills": len(bills), "seconds": runs}


def report(measured):
    """Return the table of what ``run`` returned, and which goals were missed."""
    bills, runs = measured["bills"], measured["seconds"]
    rows, missed = [], []
    for peer in runs[0]:
        rates = [bills / times[peer] for times in runs]
        ratios = [times[peer] / times["ap_sync"] for times in runs]
        goal = GOALS.get(peer)
        rows.append(
            [TITLES[peer], spread(rates), spread(ratios, 2) if goal else "", goal or ""]
        )
        if goal and statistics.median(ratios) < goal:
            missed.append(f"{statistics.median(ratios):.2f} times {peer}, not {goal}")
    head = ["", "bills/s", "AP Sync is so many times as fast", "goal"]
    return table(head, rows), missed


def ap_sync(stage, bills):
    """Return the connection and the seconds from its being woken until the last
    outcome is committed."""
    connection = stage.connect_erp()
    stage.submit(connection, bills)
    stage.slow_erp.set(reset=True)
    started = time.perf_counter()
    stage.go(connection)
    stage.until(DONE, connection)
    seconds = time.perf_counter() - started
    _expect_kept(stage, len(bills))
    (row,) = stage.sql(
        """
        SELECT count(*) AS jobs,
               count(*) FILTER (WHERE job.status = 'success') AS success,
               count(*) FILTER (WHERE attempt.outcome = 'accepted') AS accepted
          FROM ap_sync_job job LEFT JOIN ap_sync_attempt attempt
               ON attempt.job_id = job.id
         WHERE job.connection_id = %s
        """,
        connection,
    )
    expected = {name: len(bills) for name in row}
    assert row == expected, f"one attempt and one success for each bill: {row}"
    return connection, seconds


def ceiling(stage, connection, count):
    """Return the seconds of a bare thread pool with the bodies that were sent."""
    bodies = stage.folder / "bodies.jsonl"
    with open(bodies, "w", encoding="utf-8") as lines:
        for row in stage.sql(
            "SELECT document FROM ap_sync_attempt WHERE connection_id = %s", connection
        ):
            lines.write(json.dumps(row["document"]) + "\n")
    stage.slow_erp.set(reset=True)
    seconds = subprocess.run(
        [sys.executable, str(CEILING), str(bodies), stage.slow_erp.url, str(LIMIT)],
        env=shell.clean_env(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    _expect_kept(stage, count)
    return float(seconds)


def queue_job(stage, bills):
    """Return the seconds of one OCA queue_job for each bill."""
    peers = _enqueue(stage, bills)
    # Making the jobs is not counted, as AP Sync's are not.
    stage.call("ap.sync.speed.peer", "enqueue_jobs", ids=peers)
    started = time.perf_counter()
    stage.until(PEERS_DONE)
    seconds = time.perf_counter() - started
    _expect_kept(stage, len(bills))
    return seconds


def one_by_one(stage, bills):
    """Return the seconds of one scheduled action that sends bill after bill.

    Odoo ends an action that takes longer than 120 s, so it sends as many as fit in; the
    seconds are those of all bills at that speed.
    """
    some = bills[:ONE_BY_ONE]
    _enqueue(stage, some)
    started = time.perf_counter()
    stage.wake(
        "SELECT res_id FROM ir_model_data"
        " WHERE module = 'ap_sync_speed' AND name = 'ir_cron_send'"
    )
    stage.until(PEERS_DONE)
    seconds = time.perf_counter() - started
    _expect_kept(stage, len(some))
    return seconds * len(bills) / len(some)


def _enqueue(stage, bills):
    stage.sql("TRUNCATE ap_sync_speed_peer")
    stage.slow_erp.set(reset=True)
    return stage.call(
        "ap.sync.speed.peer", "enqueue", url=stage.slow_erp.url, move_ids=bills
    )


def _expect_kept(stage, count):
    stats = stage.slow_erp.stats()
    assert stats["kept"] == count, f"{count} bills in the ERP: {stats}"
    assert not stats["refused"], f"never more at once than allowed: {stats}"
