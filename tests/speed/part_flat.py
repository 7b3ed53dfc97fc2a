"""Whether it stays as fast and as small over many jobs, and what a connection to a dead
ERP costs another one."""

import contextlib
import os
import statistics
import time
from pathlib import Path

import copied_bills
import part_throughput
from hung_erp import HungErp
from odoo_host import CRON_WORKERS
from report import spread, table
from servers import free_port
from stage import LATENCY, PATIENCE

TENTHS = 10
#: The last tenth may take so many times the second's time, and its memory.
FLAT = 1.2
#: How much of its speed a connection keeps beside dead ones.
BESIDE = 0.9
#: Bills that wait on each dead connection.
DEAD_BILLS = 200
#: More ERPs that hang than there are workers to wait for them.
HUNG = CRON_WORKERS + 1
TICKS = os.sysconf("SC_CLK_TCK")
IDLE = """
SELECT NOT EXISTS (
    SELECT FROM ap_sync_connection WHERE id = ANY(%s) AND lease_token IS NOT NULL)
"""
TRIED = "SELECT EXISTS (SELECT FROM ap_sync_attempt WHERE connection_id = %s)"
SCENES = {
    "alone": "alone",
    "beside": "beside one whose ERP hangs and one whose ERP refuses",
    "hung": f"beside {HUNG} whose ERPs hang, with {CRON_WORKERS} cron workers",
}


def run(stage, options):
    """Return ``{"jobs": how many in a row, "in_a_row": [{"seconds": [...], "mb":
    [...]}], of each tenth, "bills": how many beside dead ones, "times": {scene:
    [seconds]}}``.

    :raise AssertionError: when a bill was not kept: then the time means nothing.
    """
    bills = stage.pool[: options.bills]
    stage.slow_erp.set(latency=LATENCY, down=False)
    times = {scene: [] for scene in SCENES}
    part_throughput.ap_sync(stage, bills[:100])  # to warm up
    for number in range(1, options.runs + 1):
        times["alone"].append(part_throughput.ap_sync(stage, bills)[1])
        with _dead(stage, hanging=1, refusing=1):
            times["beside"].append(part_throughput.ap_sync(stage, bills)[1])
        with _dead(stage, hanging=HUNG):
            times["hung"].append(part_throughput.ap_sync(stage, bills)[1])
        print(
            f"   run {number}: {times['alone'][-1]:.1f} s alone,"
            f" {times['beside'][-1]:.1f} s beside dead ones,"
            f" {times['hung'][-1]:.1f} s beside {HUNG} that hang",
            flush=True,
        )
    in_a_row = []
    for number in range(1, options.runs + 1):
        print(f"   {options.flat} jobs in a row, run {number}:", flush=True)
        in_a_row.append(_tenths(stage, options.flat))
    return {
        "jobs": options.flat,
        "in_a_row": in_a_row,
        "bills": len(bills),
        "times": times,
    }


def report(measured):
    """Return the tables of what ``run`` returned, and which goals were missed."""
    missed = []
    tenth = measured["jobs"] / TENTHS
    each = [[1000 * t / tenth for t in one["seconds"]] for one in measured["in_a_row"]]
    memory = [one["mb"] for one in measured["in_a_row"]]
    lines = [
        f"{measured['jobs']} jobs in a row on one connection, the ERP takes no time,"
        f" {len(each)} runs:",
        *table(
            ["tenth", "ms for each job", "MB of the worker"],
            [
                [
                    number + 1,
                    spread([values[number] for values in each]),
                    spread([values[number] for values in memory], 0),
                ]
                for number in range(TENTHS)
            ],
        ),
    ]
    for name, runs in (("the time for each job", each), ("the memory", memory)):
        growth = statistics.median(values[-1] / values[1] for values in runs)
        if growth > FLAT:
            missed.append(f"{name} of the last tenth is {growth:.2f} of the second's")
    times, bills = measured["times"], measured["bills"]
    rates = {scene: [bills / seconds for seconds in times[scene]] for scene in SCENES}
    alone = statistics.median(rates["alone"])
    rows = []
    for scene, title in SCENES.items():
        share = statistics.median(rates[scene]) / alone
        goal = "" if scene == "alone" else BESIDE
        rows.append([title, spread(rates[scene]), f"{share:.2f}", goal])
        if goal and share < goal:
            missed.append(f"{share:.2f} of its speed {title}, not {goal}")
    lines += table([f"{bills} bills", "bills/s", "of alone", "goal"], rows)
    return lines, missed


# -- Over many jobs


def _tenths(stage, count):
    """Return the seconds of each tenth of so many jobs, and the memory of the worker
    that sent them, in MB, at its end."""
    with stage.on_host("flat", cron_workers=1) as host:
        stage.slow_erp.set(latency=0)
        connection = stage.connect_erp()
        copied_bills.submit(stage, connection, count)
        stage.slow_erp.set(reset=True)
        found = {"jobs": count, "seconds": [], "mb": []}
        cpu, started = _workers(host), time.monotonic()
        stage.go(connection)
        for tenth in range(1, TENTHS + 1):
            _until_kept(stage, count * tenth // TENTHS)
            ended, workers = time.monotonic(), _workers(host)
            # It is the one that worked most since.
            sender = max(
                workers, key=lambda pid: workers[pid][0] - cpu.get(pid, (0, 0))[0]
            )
            found["seconds"].append(ended - started)
            found["mb"].append(workers[sender][1])
            print(
                f"   tenth {tenth}: {ended - started:.1f} s, {workers[sender][1]:.0f}"
                f" MB in worker {sender}",
                flush=True,
            )
            cpu, started = workers, ended
        stage.until(part_throughput.DONE, connection)
        rows = stage.sql(
            "SELECT count(*) FILTER (WHERE status = 'success') AS done"
            " FROM ap_sync_job WHERE connection_id = %s",
            connection,
        )
        assert rows[0]["done"] == count, f"{rows[0]['done']} of {count} bills are there"
    return found


def _until_kept(stage, count):
    """Wait until the ERP has so many bills.

    :raise TimeoutError: when nothing came for long.
    """
    kept, end = -1, 0
    while kept < count:
        found = stage.slow_erp.stats()["kept"]
        if found > kept:
            kept, end = found, time.monotonic() + PATIENCE
        elif time.monotonic() > end:
            raise TimeoutError(f"the ERP has {kept} bills, not {count}")
        time.sleep(0.1)


def _workers(host):
    """Return ``{pid: (CPU seconds, MB)}`` of each worker."""
    found = {}
    for pid in host.workers():
        with contextlib.suppress(OSError):
            # The name of the program before it may hold anything, even a bracket.
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks, pages = int(stat[11]) + int(stat[12]), int(stat[21])
            mb = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            found[pid] = (ticks / TICKS, mb)
    return found


# -- Beside dead ones


@contextlib.contextmanager
def _dead(stage, hanging=0, refusing=0):
    """Have so many connections to ERPs that are not at work, each tried already and
    with bills that wait."""
    with HungErp() as erp:
        # Nobody listens on a free port.
        urls = [erp.url] * hanging + [f"http://127.0.0.1:{free_port()}"] * refusing
        dead = [stage.connect_erp(url=url) for url in urls]
        for connection in dead:
            stage.submit(connection, stage.pool[-DEAD_BILLS:])
        for connection in dead:
            stage.go(connection)
        for connection in dead:
            stage.until(TRIED, connection)
        yield
    stage.until(IDLE, dead)
    # Never again.
    stage.sql(
        "UPDATE ir_cron SET active = false WHERE id IN"
        " (SELECT cron_id FROM ap_sync_connection WHERE id = ANY(%s))",
        dead,
    )
