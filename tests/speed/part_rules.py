"""Rules at size: what it costs to apply them to few jobs and to many, and how many jobs
a changed vendor has looked at again."""

import statistics

from report import spread, table

COUNTS = (100, 1_000, 10_000)
#: Each of many jobs may cost so many times what each of few costs.
FLAT = 1.2


def run(stage, options):
    """Return ``{"costs": [[of each count]], "vendor": [of each run]}``, one for each
    run; see ``ap.sync.speed.rules`` for what they hold."""
    measure = ("ap.sync.speed.rules", "measure")
    stage.call(*measure, count=COUNTS[0])  # to warm up
    (numbers,) = stage.sql(
        """
        SELECT (SELECT count(*) FROM ap_sync_rule WHERE active) AS rules,
               (SELECT count(*) FROM ap_sync_mapping) AS mappings,
               (SELECT count(*) FROM ap_sync_job) AS jobs
        """
    )
    costs, vendor = [], []
    for _number in range(options.runs):
        costs.append([stage.call(*measure, count=count) for count in COUNTS])
        vendor.append(stage.call(measure[0], "change_vendor"))
    return {**numbers, "costs": costs, "vendor": vendor}


def report(measured):
    """Return the table of what ``run`` returned, and which goals were missed."""
    rows, missed, each = [], [], []
    for costs in zip(*measured["costs"], strict=True):
        jobs, queries = costs[0]["jobs"], costs[0]["queries"]
        times = [1000 * cost["seconds"] / jobs for cost in costs]
        stopped = costs[0]["stopped"]
        each.append(statistics.median(times))
        rows.append([jobs, spread(times, 2), queries, f"{queries / jobs:.2f}", stopped])
    for count, time in zip(COUNTS[1:], each[1:], strict=True):
        if time > FLAT * each[0]:
            missed.append(
                f"{time:.2f} ms for each of {count} jobs, {each[0]:.2f} for each of"
                f" {COUNTS[0]}"
            )
    found = measured["vendor"][0]
    seconds = [1000 * vendor["seconds"] for vendor in measured["vendor"]]
    if found["others"] or found["evaluated"] != found["waiting"]:
        missed.append(f"a changed vendor: {found}")
    return [
        f"{measured['rules']} rules, {measured['mappings']} mappings,"
        f" {measured['jobs']} jobs",
        *table(["jobs", "ms for each", "queries", "for each", "stopped"], rows),
        f"a changed vendor has {found['waiting']} jobs that wait: {found['evaluated']}"
        f" of them and {found['others']} others are looked at, in"
        f" {spread(seconds, 0)} ms and {found['queries']} queries",
    ], missed
