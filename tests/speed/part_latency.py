"""How long people wait: from Sync to Success on the screen, and from the end of an
outage of the ERP to the first bill that it accepts."""

import contextlib
import select
import statistics
import time

from front_door import FrontDoor
from report import spread, table
from sync_page import open_page

#: Bills synced in the browser, and wake-ups of the scheduler, for each run.
EACH = 4
#: Seconds that a bill may take beyond what Odoo's scheduler takes to wake up.
BEYOND = 1.0
#: Seconds that the first bill may go after the ERP was left alone: that is planned in
#: whole seconds, rounded up.
LATE = 2.0
#: Outages at the most: each takes a minute.
MOST_OUTAGES = 5
#: Bills that wait when the outage begins; at once are sent: what a new connection has.
WAITING, AT_ONCE = 40, 4
PATIENCE = 60


def run(stage, options):
    """Return ``{"wake_up", "sent", "sync", "planned", "outage"}``, each a list of
    seconds; what was planned is how long the connection was to be left alone."""
    stage.slow_erp.set(latency=0, down=False)
    wake_ups, sent, synced = [], [], []
    bills = stage.pool[: EACH * options.runs + 1]
    with FrontDoor(stage.host) as door, open_page(door.url) as page:
        # The first page builds the assets, the first bill fills caches.
        for number, job in enumerate(_make_jobs(stage, bills)):
            clicked_at, seconds = page.sync(job)
            wake_up = _wake_up(stage)
            if number:
                sent.append(stage.slow_erp.stats()["last_at"] - clicked_at)
                synced.append(seconds)
                wake_ups.append(wake_up)
    print(f"   synced in the browser: {spread(synced, 2)} s", flush=True)
    ended, planned = [], []
    for number in range(min(options.runs, MOST_OUTAGES)):
        first = number * WAITING
        took, pause = _outage(stage, stage.pool[first : first + WAITING])
        ended.append(took)
        planned.append(pause)
        print(f"   outage {number + 1}: {took:.0f} s after its end", flush=True)
    return {
        "wake_up": wake_ups,
        "sent": sent,
        "sync": synced,
        "planned": planned,
        "outage": ended,
    }


def report(measured):
    """Return the table of what ``run`` returned, and which goals were missed."""
    wake_up, sync = (statistics.median(measured[key]) for key in ("wake_up", "sync"))
    goal = wake_up + BEYOND
    late = statistics.median(
        took - pause
        for took, pause in zip(measured["outage"], measured["planned"], strict=True)
    )
    rows = [
        ["from waking a scheduled action to its start", measured["wake_up"], ""],
        ["from Sync to the bill in the ERP", measured["sent"], ""],
        ["from Sync to Success on the screen", measured["sync"], f"{goal:.2f}"],
        ["the circuit breaker leaves the ERP alone", measured["planned"], ""],
        [
            "from an outage's end to the first bill accepted",
            measured["outage"],
            f"{statistics.median(measured['planned']) + LATE:.2f}",
        ],
    ]
    lines = table(
        ["", "times", "seconds", "goal"],
        [[name, len(times), spread(times, 2), goal] for name, times, goal in rows],
    )
    missed = []
    if sync > goal:
        missed.append(f"{sync:.2f} s from Sync to Success, {wake_up:.2f} s to wake up")
    if late > LATE:
        missed.append(f"the first bill {late:.1f} s after the ERP was left alone")
    return lines, missed


def _make_jobs(stage, bills):
    """Return the ids of jobs that wait for somebody to press Sync: what stopped them is
    mended, and their connection leaves the rest to people."""
    connection = stage.connect_erp(auto_resume=False)
    pause = {"connection_id": connection, "reason": "Bench"}
    ids = stage.call("ap.sync.pause", "create", vals_list=[pause])
    stage.call("ap.sync.pause", "action_pause", ids=ids)
    stage.submit(connection, bills)
    stage.call("ap.sync.connection", "action_resume", ids=[connection])
    stage.sql(
        "UPDATE ap_sync_connection SET not_before = NULL WHERE id = %s", connection
    )
    rows = stage.sql(
        "SELECT id FROM ap_sync_job WHERE connection_id = %s AND phase = 'ready'"
        " ORDER BY id",
        connection,
    )
    assert len(rows) == len(bills), f"{len(rows)} of {len(bills)} jobs are ready"
    return [row["id"] for row in rows]


def _wake_up(stage):
    """Return the seconds from `_trigger` of a scheduled action to its start."""
    with contextlib.closing(stage.connect()) as connection:
        connection.cursor().execute("LISTEN ap_sync_speed")
        called_at = stage.call("ap.sync.speed", "trigger")
        end = time.monotonic() + PATIENCE
        while not connection.notifies and time.monotonic() < end:
            select.select([connection], [], [], 1)
            connection.poll()
        return float(connection.notifies[0].payload) - called_at


def _outage(stage, bills):
    """Return the seconds from the end of an outage that the circuit breaker has noticed
    to the first bill accepted, and those that the breaker stays open."""
    connection = stage.connect_erp(concurrency=AT_ONCE)
    stage.submit(connection, bills)
    stage.slow_erp.set(reset=True, down=True)
    stage.go(connection)
    stage.until(
        "SELECT not_before IS NOT NULL AND lease_token IS NULL"
        " FROM ap_sync_connection WHERE id = %s",
        connection,
    )
    (row,) = stage.sql(
        """
        SELECT extract(epoch FROM not_before - now() AT TIME ZONE 'UTC')::float AS pause
          FROM ap_sync_connection WHERE id = %s
        """,
        connection,
    )
    stage.slow_erp.set(down=False)
    ended_at = time.time()
    stage.until(
        "SELECT EXISTS (SELECT FROM ap_sync_job"
        " WHERE connection_id = %s AND status = 'success')",
        connection,
    )
    took = time.time() - ended_at
    stage.until(
        "SELECT lease_token IS NULL FROM ap_sync_connection WHERE id = %s", connection
    )
    stage.park(connection)
    return took, row["pause"]
