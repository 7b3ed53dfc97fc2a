"""Bills per second: AP Sync, the ceiling, and the ways in which most addons send."""

import json
import subprocess
import sys
import time
from pathlib import Path

from stage import LIMIT

import shell

CEILING = Path(__file__).parent / "ceiling.py"
DONE = """
SELECT NOT EXISTS (
    SELECT FROM ap_sync_job WHERE connection_id = %s AND status = 'in_progress')
"""
PEERS_DONE = """
SELECT NOT EXISTS (SELECT FROM ap_sync_speed_peer WHERE state = 'to_send')
"""


def run(stage, options):
    """Return ``[{peer: seconds}]``, one for each run.

    :raise AssertionError: when a bill was not kept, or kept twice, or without an
        attempt on record: then the time means nothing.
    """
    bills = stage.pool[: options.bills]
    peers = options.peers.split(",")
    runs = []
    for _ in range(options.runs):
        connection, seconds = ap_sync(stage, bills)
        times = {"ap_sync": seconds}
        if "ceiling" in peers:
            times["ceiling"] = ceiling(stage, connection, len(bills))
        if "queue_job" in peers:
            times["queue_job"] = queue_job(stage, bills)
        if "one_by_one" in peers:
            times["one_by_one"] = one_by_one(stage, bills)
        print(
            "   "
            + ", ".join(
                f"{name} {seconds:.2f} s = {len(bills) / seconds:.1f} bills/s"
                for name, seconds in times.items()
            ),
            flush=True,
        )
        runs.append(times)
    return runs


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
    stage.sql("SELECT 1")
    started = time.perf_counter()
    stage.call("ap.sync.speed.peer", "enqueue_jobs", ids=peers)
    stage.until(PEERS_DONE)
    seconds = time.perf_counter() - started
    _expect_kept(stage, len(bills))
    return seconds


def one_by_one(stage, bills):
    """Return the seconds of one scheduled action that sends bill after bill."""
    _enqueue(stage, bills)
    started = time.perf_counter()
    stage.wake(
        "SELECT res_id FROM ir_model_data"
        " WHERE module = 'ap_sync_speed' AND name = 'ir_cron_send'"
    )
    stage.until(PEERS_DONE)
    seconds = time.perf_counter() - started
    _expect_kept(stage, len(bills))
    return seconds


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
