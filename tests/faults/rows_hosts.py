"""Row 31, letters h and i: Odoo hosts that share one database and its connections."""

import contextlib
import random
import time
from collections import Counter

from bench import TICK_SECONDS
from case import LOOKUP
from matrix import row

CONNECTIONS = 5
JOBS = 150
#: A write is over when it is answered; the ERP notes that a moment later.
NOTED_SECONDS = 0.05


@row(31, "Two Odoo hosts on one database share 150 jobs", letter="h")
def two_hosts(case):
    """Each has its own port and workers. They know nothing of each other but what is
    in the database: which connection is being served, which job is being sent."""
    bench = case.bench
    cases = [case, *(case.beside() for _ in range(CONNECTIONS - 1))]
    each = JOBS // CONNECTIONS
    with _second_host(case) as hosts:
        before = len(bench.struck())
        bench.note("answered")
        try:
            for number, one in enumerate(cases):
                bills = bench.pool[each * number : each * (number + 1)]
                one.submit(bills=bills, host=hosts[number % len(hosts)])
            for one in cases:
                one.settle()
        finally:
            bench.note("")
        workers = {pid: host.name for host in hosts for pid in host.workers()}
        sent = Counter(workers.get(s["pid"], "gone") for s in bench.struck()[before:])
    for one in cases:
        _expect_once(one, each)
    both = all(sent[host.name] for host in hosts)
    case.expect(both, f"bills sent by both hosts, not {dict(sent)}")


@row(
    31,
    "OCA queue_job and the schedulers of two hosts race for the same jobs",
    letter="i",
    behaviours=[LOOKUP],
    queue_job=True,
)
def all_engines(case):
    """Whoever is first serves the connection, the others find it taken: the ERP gets no
    more bills at once than it may."""
    bench = case.bench
    case.write(concurrency=1)
    case.script(*[{"do": "delay", "when": "after", "seconds": 0.2}] * 40)
    dice = random.Random(31)
    seen = set()
    with _second_host(case) as hosts:
        for start in range(0, 40, 4):
            bench.sql(
                "INSERT INTO ir_cron_trigger (cron_id, call_at)"
                " VALUES (%s, now() AT TIME ZONE 'UTC')",
                case.connection()["cron_id"],
            )
            # The schedulers look twice a second; queue_job comes for what is submitted.
            time.sleep(dice.uniform(0, TICK_SECONDS))
            case.submit(bills=bench.pool[start : start + 4], host=hosts[start // 4 % 2])
            for _ in range(12):
                time.sleep(0.1)
                seen.add(case.connection()["last_run_by"])
        case.settle()
    _expect_once(case, 40)
    case.expect(seen >= {"scheduler", "queue_job"}, f"both engines, not {seen}")
    case.expect(_at_once(case) == 1, f"one bill at once, not {_at_once(case)}")


@contextlib.contextmanager
def _second_host(case):
    """Yield the bench's host and a second one, which is there meanwhile."""
    with case.bench.make_host(f"second-{case.name}") as second:
        yield [case.bench.host, second]


def _expect_once(case, count):
    case.expect_status("success")
    case.expect_kept(count)
    case.expect(len(case.attempts()) == count, f"{count} attempts: one for each job")
    case.expect(len(case.writes()) == count, f"{count} writes: one for each job")


def _at_once(case):
    """Return how many writes the ERP was at, at most, at the same moment."""
    moments = [(event["time"] + NOTED_SECONDS, 1) for event in case.writes()]
    moments += [(event["time"], -1) for event in case.events("done")]
    most = now = 0
    for _moment, change in sorted(moments):
        now += change
        most = max(most, now)
    return most
