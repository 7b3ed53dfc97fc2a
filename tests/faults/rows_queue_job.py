"""Rows 46 and 47, and what kills a job of OCA queue_job: it wakes, and holds no truth.

Its runner looks for dead jobs once a minute when nothing else happens, so no bill may
depend on that.
"""

import contextlib
import os
import re
import signal
import time

from case import LOOKUP
from matrix import row
from odoo_host import CHANNELS
from rows_process import MENDED_SECONDS

#: Five minutes on the bench's clock, with room for a slow machine.
TAKEN_OVER_SECONDS = 5 + 20
SLOW = {"do": "delay", "when": "after", "seconds": 1.5}


def _wake_ups(case, *states):
    """Return queue_job's jobs for this connection, all or in some states."""
    rows = case.bench.sql(
        "SELECT * FROM queue_job WHERE channel = %s ORDER BY id",
        f"root.ap_sync.connection_{case.id}",
    )
    return [row for row in rows if not states or row["state"] in states]


def _first_run(case):
    """Wait for the run of a new connection's scheduled action, which comes at once and
    must not be the one that sends."""
    case.wait(lambda: case.connection()["last_run_at"], text="The first run")


def _message(case):
    (values,) = case.bench.call(
        "ap.sync.connection", "read", ids=[case.id], fields=["late_message", "health"]
    )
    return values["late_message"] or ""


def _sent_by(case, engine):
    last = case.connection()["last_run_by"]
    case.expect(last == engine, f"sent by {engine}, not {last}")


@row(46, "OCA queue_job wakes", letter="a", queue_job=True)
def it_works(case):
    _first_run(case)
    case.submit(20)
    case.settle()
    case.expect_status("success")
    case.expect_kept(20)
    _sent_by(case, "queue_job")
    case.wait(lambda: not _wake_ups(case, "pending", "enqueued", "started"))
    case.expect(not _wake_ups(case, "failed"), "no failed job of queue_job")
    case.expect(not _message(case), "nothing to complain of")


@row(46, "OCA queue_job has no runner", letter="b", behaviours=[LOOKUP], queue_job=True)
def no_runner(case):
    _taken_over(case, "root:0", "has not come.*Its runner is not there")


@row(
    46,
    "OCA queue_job runs no job of the channel",
    letter="c",
    behaviours=[LOOKUP],
    queue_job=True,
)
def no_capacity(case):
    _taken_over(case, f"{CHANNELS}:paused", "Its runner is there.*root.ap_sync.conn")


def _taken_over(case, channels, words):
    """The scheduler takes over in time, people are told, and nothing comes twice when
    queue_job is back."""
    host = case.bench.host
    host.configure(ODOO_QUEUE_JOB_CHANNELS=channels)
    try:
        _first_run(case)
        case.submit(3)
        case.settle(TAKEN_OVER_SECONDS)
        case.expect_status("success")
        _sent_by(case, "scheduler")
        case.wait(lambda: re.search(words, _message(case)), 20, f"The words {words!r}")
    finally:
        host.configure(ODOO_QUEUE_JOB_CHANNELS=CHANNELS)
    case.wait(lambda: not _wake_ups(case, "pending", "enqueued", "started"))
    case.expect_kept(3)
    case.expect(len(case.attempts()) == 3, "one attempt for each job")
    case.expect(not _message(case), "nothing to complain of any more")


@row(
    46,
    "OCA queue_job's runner hangs",
    letter="d",
    behaviours=[LOOKUP],
    queue_job=True,
)
def runner_hangs(case):
    _first_run(case)
    with _frozen_runner(case):
        case.submit(3)
        case.settle(TAKEN_OVER_SECONDS)
        case.expect_status("success")
        _sent_by(case, "scheduler")
        case.wait(lambda: "has not come" in _message(case), 5, "A warning")
    case.wait(lambda: not _wake_ups(case, "pending", "enqueued", "started"))
    case.expect_kept(3)


@contextlib.contextmanager
def _frozen_runner(case):
    host = case.bench.host

    def runner():
        ready = r" (\d+) INFO \S+ \S*queue_job\S*: queue job runner ready"
        pids = re.findall(ready, host.log.read_text(errors="replace"))
        return int(pids[-1]) if pids and int(pids[-1]) in host.workers() else None

    pid = case.wait(runner, text="A runner")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@row(47, "OCA queue_job's jobs are ended by hand and requeued", queue_job=True)
def by_hand(case):
    bench = case.bench
    _first_run(case)
    for number in range(8):
        case.submit(bills=bench.pool[5 * number : 5 * number + 5])
        for method in ("button_done", "requeue", "button_cancelled", "requeue"):
            ids = [wake_up["id"] for wake_up in _wake_ups(case)]
            try:
                bench.call("queue.job", method, ids=ids)
            except Exception as error:
                # The runner was at the same job at the same moment.
                case.expect(re.search("concurren|serializ", str(error), re.I), error)
    case.settle()
    case.expect_status("success")
    case.expect_kept(40)
    case.expect(len(case.attempts()) == 40, "one attempt for each job")
    bench.call("queue.job", "requeue", ids=[w["id"] for w in _wake_ups(case)])
    case.wait(lambda: not _wake_ups(case, "pending", "enqueued", "started"))
    case.expect(len(case.writes()) == 40, "nothing sent again")


@row(
    47,
    "OCA queue_job's jobs are ended by hand before they run",
    letter="e",
    behaviours=[LOOKUP],
    queue_job=True,
)
def by_hand_before(case):
    """Nobody is woken any more, and the reaper comes all the same."""
    _first_run(case)
    for number, method in enumerate(("button_done", "button_cancelled")):
        with _frozen_runner(case):
            case.submit(bills=case.bench.pool[3 * number : 3 * number + 3])
            ids = [wake_up["id"] for wake_up in _wake_ups(case, "pending")]
            case.expect(ids, "a wake-up that waits")
            case.bench.call("queue.job", method, ids=ids)
        case.settle()
        case.expect_status("success")
    case.expect_kept(6)
    case.expect(len(case.attempts()) == 6, "one attempt for each job")


@row(47, "kill -9 of the worker that runs the job", letter="b", queue_job=True)
def killed(case):
    """Whichever comes first, a new wake-up or queue_job's second run of the dead job:
    the bill is in the ERP once."""
    _first_run(case)
    for number, name in enumerate(("sending", "answered")):
        case.bench.failpoint(name)
        case.submit(bills=case.bench.pool[2 * number : 2 * number + 2])
        case.wait_struck(name)
        struck = time.monotonic()
        case.expect(_wake_ups(case, "started"), "a job that died as Started")
        case.settle()
        seconds = time.monotonic() - struck
        case.expect(seconds < MENDED_SECONDS, f"mended in {MENDED_SECONDS} s")
        case.expect_synced()
        writes = len(case.writes())
        case.wait(
            lambda: not _wake_ups(case, "pending", "enqueued", "started"),
            150,
            "The end of queue_job's dead job",
        )
        case.expect(len(case.writes()) == writes, "nothing sent again")


@row(47, "PostgreSQL restarts while the job runs", letter="c", queue_job=True)
def restart_during(case):
    _restart(case, "fast")


@row(47, "PostgreSQL crashes while the job runs", letter="d", queue_job=True)
def crash_during(case):
    _restart(case, "immediate")


def _restart(case, mode):
    """queue_job's own job is lost, ours is not."""
    _first_run(case)
    case.script(SLOW, SLOW, SLOW)
    case.submit(3)
    case.wait(case.writes, text="A write")
    case.expect(_wake_ups(case, "started"), "a job that runs")
    case.bench.postgres.restart(mode)
    case.bench.host.wait_until_ready()
    case.settle()
    case.expect_synced()
    case.wait(lambda: not _wake_ups(case, "pending", "enqueued", "started"), 150)
    case.expect_synced()
