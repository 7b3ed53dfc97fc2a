"""The list at size: what each screen costs, beside the same answer in SQL by hand."""

import itertools
import statistics
import time

from list_groups import groupings, others, overview
from list_questions import JOB, Facts, pages, read_filters
from report import table

#: How many times the time of the SQL by hand the SQL of a screen may take.
RATIO = 1.5
#: Nobody waits for more than this, unless the SQL by hand takes longer, too.
PATIENCE = 0.1


def run(stage, options):
    """Return ``[{"name", "rpc", "sql", "queries", "by_hand"}]``, all in seconds, each
    a list of as many runs. Of a list of Odoo's own, ``"odoos"`` is what the page takes
    without our columns.

    :raise AssertionError: when a screen and the SQL by hand tell not the same.
    """
    facts = learn(stage)
    filters = read_filters(stage.client.search_view(JOB), stage.client.uid)
    questions = [
        question
        for question in itertools.chain(
            pages(filters, facts), groupings(facts), overview(facts), others(facts)
        )
        if not options.only or options.only in question.name
    ]
    measured = [{"name": question.name} for question in questions]
    connection = stage.connect()
    # One run of all, then the next: a bad minute of the machine falls on one run of
    # each screen, and not on all runs of one.
    for _number in range(options.runs):
        for question, found in zip(questions, measured, strict=True):
            _measure(stage.client, connection, question)  # to warm up
            for name, value in _measure(stage.client, connection, question).items():
                found.setdefault(name, []).append(value)
    connection.close()
    (row,) = stage.sql("SELECT count(*) AS jobs FROM ap_sync_job")
    return {**row, "screens": measured}


def _measure(client, connection, question):
    """Return what a question costs once: ``rpc``, ``sql`` and ``queries`` of a screen,
    ``by_hand``, and ``odoos`` if any."""
    answer, cost = question.ask(client)
    rows, seconds = _by_hand(connection, question)
    _compare(question, question.told(answer), rows)
    if not question.odoos:
        return {**cost, "by_hand": seconds}
    odoos = question.odoos(client, answer)
    return {**cost, "by_hand": seconds + odoos["sql"], "odoos": odoos["rpc"]}


def report(measured):
    """Return the table of what ``run`` returned, and which goals were missed."""
    rows, missed = [], []
    for screen in measured["screens"]:
        by_hand, sql, rpc = (
            statistics.median(screen[name]) for name in ("by_hand", "sql", "rpc")
        )
        name, ratio = screen["name"], sql / by_hand
        odoos = ""
        if "odoos" in screen:
            odoos = f"{1000 * statistics.median(screen['odoos']):.0f}"
        times = [f"{1000 * seconds:.0f}" for seconds in (by_hand, sql, rpc)]
        short = []
        if ratio > RATIO:
            short.append(f"{name}: {ratio:.1f} times the SQL by hand, not {RATIO}")
        if rpc > PATIENCE >= by_hand:
            short.append(f"{name}: {times[2]} ms, and {times[0]} ms by hand")
        mark = "missed" if short else ""
        rows.append([name, *times, odoos, f"{ratio:.1f}", max(screen["queries"]), mark])
        missed += short
    head = ["", "by hand, ms", "SQL, ms", "whole call, ms", "a page of Odoo's own, ms"]
    head += ["ratio", "queries", ""]
    return [f"{measured['jobs']} jobs", *table(head, rows)], missed


def learn(stage):
    """Return ``Facts`` of the database."""
    (job,) = stage.sql(
        """
        SELECT job.reference, job.erp_number, move.name AS bill, job.connection_id
          FROM ap_sync_job job JOIN account_move move ON move.id = job.move_id
         WHERE job.status = 'success' ORDER BY job.id
        OFFSET (SELECT count(*) FROM ap_sync_job) / 3 LIMIT 1
        """
    )
    (vendor,) = stage.sql(
        "SELECT partner_id AS id FROM ap_sync_job GROUP BY 1 ORDER BY count(*) DESC"
        " LIMIT 1"
    )
    (now,) = stage.sql("SELECT (now() AT TIME ZONE 'UTC')::date AS today")
    context = stage.client.context
    return Facts(
        uid=stage.client.uid,
        company=context["allowed_company_ids"][0],
        companies=", ".join(map(str, context["allowed_company_ids"])),
        today=now["today"],
        vendor=vendor["id"],
        connection=job["connection_id"],
        job=job,
    )


def _compare(question, told, rows):
    if question.nearly:
        told, rows = len(told), len(rows)
    assert told == rows, f"{question.name}: {told} but {rows}"


def _by_hand(connection, question):
    """Return the answer in SQL and the seconds it took."""

    def execute(statement):
        cr.execute(statement.replace("%%", "%"))
        return cr.fetchall()

    with connection.cursor() as cr:
        started = time.perf_counter()
        rows = question.sql(execute)
        return rows, time.perf_counter() - started
