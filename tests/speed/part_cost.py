"""What each step of a sync costs in queries and CPU, for one job and for many."""

import statistics

import copied_bills
from report import spread, table

STEPS = ("submit", "evaluate", "claim", "record", "effects")
FEW, MANY = 1, 100
#: Queries for each job, where there are most of them.
QUERIES_EACH = 0.5
#: Each of most jobs may take so many times the CPU of each of many.
FLAT = 1.2
#: Jobs served in one request: it must end before Odoo ends it.
SLICE = 1000
MODEL = "ap.sync.speed.cost"
SUCCESS = """
SELECT count(*) FILTER (WHERE status = 'success' AND NOT effects_due) AS done
  FROM ap_sync_job WHERE connection_id = %s
"""


def run(stage, options):
    """Return ``{count of jobs: [{step: cost}]}``, one for each run; see the addon for
    what a cost holds.

    :raise AssertionError: when a job did not become Success, with its effects: then the
        cost means nothing.
    """
    stage.slow_erp.set(latency=0)
    bills = copied_bills.have(stage, options.most)
    # Without schedulers, which would serve the same jobs.
    with stage.on_host("cost", http_workers=1, cron_workers=0):
        return _measure_each(stage, bills, options)


def _measure_each(stage, bills, options):
    _measure(stage, bills[:MANY])  # to warm up
    costs = {}
    for count in dict.fromkeys((FEW, MANY, options.most)):
        costs[count] = []
        for number in range(1, options.runs + 1):
            costs[count].append(_measure(stage, bills[:count]))
            took = sum(cost["seconds"] for cost in costs[count][-1].values())
            print(f"   {count} jobs, run {number}: {took:.1f} s", flush=True)
    return {str(count): found for count, found in costs.items()}


def report(measured):
    """Return the table of what ``run`` returned, and which goals were missed."""
    rows, missed = [], []
    for step in STEPS:
        each = {}
        for count, runs in measured.items():
            costs, jobs = [found[step] for found in runs], int(count)
            queries = statistics.median(cost["queries"] for cost in costs)
            cpu = [1000 * cost["cpu"] / jobs for cost in costs]
            seconds = [1000 * cost["seconds"] / jobs for cost in costs]
            each[jobs] = queries / jobs, statistics.median(cpu)
            row = [step, jobs, len(runs), f"{queries:.0f}", f"{queries / jobs:.2f}"]
            rows.append([*row, spread(cpu, 2), spread(seconds, 2)])
        most = max(each)
        if each[most][0] >= QUERIES_EACH:
            missed.append(
                f"{step}: {each[most][0]:.2f} queries for each of {most} jobs, not less"
                f" than {QUERIES_EACH}"
            )
        if each[most][1] > FLAT * each[MANY][1]:
            missed.append(
                f"{step}: {each[most][1]:.2f} ms of CPU for each of {most} jobs,"
                f" {each[MANY][1]:.2f} for each of {MANY}"
            )
    head = ["step", "jobs", "runs", "queries", "for each", "ms of CPU for each"]
    return table([*head, "ms by the clock for each"], rows), missed


def _measure(stage, bills):
    """Return ``{step: cost}`` of bills that go from Sync to their effects."""
    connection = stage.connect_erp()
    stage.slow_erp.set(reset=True)
    costs = stage.call(MODEL, "submit", connection_id=connection, move_ids=bills)
    stage.sql(
        "UPDATE ap_sync_job SET evaluate_at = now() AT TIME ZONE 'UTC'"
        " WHERE connection_id = %s",
        connection,
    )
    costs |= stage.call(MODEL, "evaluate", connection_id=connection)
    serve = {"method": "serve", "connection_id": connection, "limit": SLICE}
    for step in (serve, {"method": "effects", "limit": SLICE}):
        done = 0
        while done < len(bills):
            found = stage.call(MODEL, **step)
            assert found["jobs"], f"{step['method']}: {done} of {len(bills)} jobs"
            done += found.pop("jobs")
            for name, cost in found.items():
                total = costs.setdefault(name, dict.fromkeys(cost, 0))
                costs[name] = {key: total[key] + cost[key] for key in cost}
    (row,) = stage.sql(SUCCESS, connection)
    assert row["done"] == len(bills), f"a Success for each of {len(bills)}: {row}"
    return costs
