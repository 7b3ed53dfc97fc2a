"""Whether the books are right: the jobs against the ERP's own tables."""

from collections import Counter

from demo import Servers
from demo_erps import Entry

STATUSES = ["success", "failed", "in_progress", "blocked", "on_hold"]
HEADING = ("Bill", "Vendor", "Total", "To", "Status", "Cause", "In the ERP", "Check")

JOBS = """
SELECT job.id, coalesce(job.reference, '-'), partner.name,
       job.amount_total || ' ' || currency.name, connection.name, connection.connector,
       job.status, coalesce(job.error_kind, ''), coalesce(job.erp_number, ''),
       job.key, coalesce(job.erp_id, ''), job.amount_total
  FROM ap_sync_job job
  JOIN ap_sync_connection connection ON connection.id = job.connection_id
  LEFT JOIN res_partner partner ON partner.id = job.partner_id
  JOIN res_currency currency ON currency.id = job.currency_id
 ORDER BY job.id
"""


def verify(servers: Servers, all_statuses: bool) -> list[tuple[str, ...]]:
    """Compare the jobs with the ERP's own tables.

    A Success must be there exactly once, posted, with its id, number and total; what
    is no Success must not be there at all.

    :param all_statuses: the demo must show all five.
    :return: rows of a table with `HEADING` first; the last column is "ok" or what is
        wrong.
    """
    books = servers.erp.entries()
    rows, seen = [HEADING], set()
    for job in servers.main_sql(JOBS):
        key = job[9]
        seen.add(key)
        check = (
            _check_local(servers, job)
            if job[5] == "local"
            else _check_erp(job, books.get(key, []))
        )
        rows.append((*job[1:5], job[6], job[7], job[8], check))
    rows += [
        ("?", "", "", "", "", "", bill.number, f"{key} is in the ERP without a job")
        for key, bills in books.items()
        for bill in bills
        if key not in seen
    ]
    rows += _check_doubles(servers)
    if all_statuses:
        missing = set(STATUSES) - {row[4] for row in rows[1:]}
        rows += [("?", *[""] * 6, f"no bill is {status}") for status in sorted(missing)]
    return rows


def summary(rows: list[tuple[str, ...]]) -> str:
    """One line: how many bills in each status, and how many checks failed."""
    counts = Counter(row[4] for row in rows[1:])
    parts = [f"{counts[status]} {status}" for status in STATUSES if counts[status]]
    wrong = sum(row[-1] != "ok" for row in rows[1:])
    return f"{', '.join(parts) or 'no bills'}; {wrong} wrong"


def _check_erp(job: list[str], bills: list[Entry]) -> str:
    status, number, erp_id, total = job[6], job[8], job[10], job[11]
    if status != "success":
        return "ok" if not bills else f"is in the ERP although {status}"
    if len(bills) != 1:
        return f"is in the ERP {len(bills)} times"
    [bill] = bills
    if not bill.posted:
        return f"is {bill.state} in the ERP"
    if (bill.erp_id, bill.number) != (erp_id, number):
        return f"is {bill.number} ({bill.erp_id}) in the ERP"
    return "ok" if bill.total == float(total) else f"total is {bill.total}"


def _check_local(servers: Servers, job: list[str]) -> str:
    [[state]] = servers.main_sql(
        "SELECT move.state FROM account_move move"
        f" JOIN ap_sync_job job ON job.move_id = move.id WHERE job.id = {int(job[0])}"
    )
    right = state == "posted" if job[6] == "success" else state != "posted"
    return "ok" if right else f"is {state} in Odoo"


def _check_doubles(servers: Servers) -> list[tuple[str, ...]]:
    """Bills that stand in the ERP's books twice, under whatever key."""
    return [
        ("?", *[""] * 6, f"{reference} is in the ERP {count} times")
        for reference, count in servers.erp.doubles()
    ]
