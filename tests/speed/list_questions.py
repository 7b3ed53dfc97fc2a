"""What the screens ask of a million jobs, and the same answers in SQL by hand.

The domains are those of the search view, read from Odoo as the web client does.
"""

import ast
import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass

JOB = "ap.sync.job"
ATTEMPT = "ap.sync.attempt"
BILL = "account.move"
STOPPED = ["failed", "on_hold", "blocked"]
WAITING = ["failed", "on_hold", "in_progress"]
OLDEST = "ap_sync.ap_sync_job_view_list_oldest"
BILL_VIEW = "account.view_in_invoice_bill_tree"
BILL_TYPES = ("in_invoice", "in_refund", "in_receipt")


@dataclass(frozen=True)
class Question:
    """``ask(client)`` returns the answer and what it cost; ``sql(run)`` the same by
    hand, where ``run(statement)`` returns rows. ``told`` makes of the answer what
    ``sql`` returns of it: they must be equal, or ``nearly``: as many.
    ``odoos(client, answer)`` returns what Odoo's own part of it costs, if any."""

    name: str
    ask: Callable
    sql: Callable
    told: Callable
    nearly: bool = False
    odoos: Callable | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of the database before: ids and texts to look for."""

    uid: int
    company: int
    companies: str
    today: datetime.date
    vendor: int
    connection: int
    job: dict


# -- Pages of jobs

NAMES = """
SELECT job.id, job.phase, job.status, job.error_kind, job.changed_since_sync,
       job.currency_id, job.amount_total, job.bill_date, job.reference, job.message,
       job.erp_number, job.last_attempt_at, job.synced_at, job.next_try_at,
       job.attempt_count, move.name, move.ref, move.move_type, partner.complete_name,
       connection.name, connection.connector, owner.name, company.name, currency.name
  FROM ap_sync_job job
  JOIN account_move move ON move.id = job.move_id
  JOIN ap_sync_connection connection ON connection.id = job.connection_id
  JOIN res_company company ON company.id = job.company_id
  JOIN res_currency currency ON currency.id = job.currency_id
  LEFT JOIN res_partner partner ON partner.id = job.partner_id
  LEFT JOIN res_users users ON users.id = job.user_id
  LEFT JOIN res_partner owner ON owner.id = users.partner_id
 WHERE job.id = ANY (ARRAY({rows})) ORDER BY {order}
"""
PAGE = "SELECT id FROM ap_sync_job job WHERE {where} ORDER BY {order} LIMIT {limit}"
COUNT = "SELECT count(*) FROM (SELECT FROM ap_sync_job job WHERE {where} LIMIT 10001) n"
#: For what is rare among the newest: found by its own index, then sorted.
SORTED = PAGE.replace("{order}", "id + 0 DESC")


def page(
    name,
    domain,
    where,
    facts,
    *,
    rows=PAGE,
    order="job.id DESC",
    limit=80,
    asked_order="",
    view=None,
):
    """A page of the list of jobs, with its count.

    :param where: the domain in SQL.
    :param rows: a statement that gives the ids.
    :param asked_order: what the web client says of the order: nothing if it is that of
        the model.
    """
    company = f"job.company_id IN ({facts.companies})"
    where = f"{company} AND {where}"
    inner = rows.format(where=where, order=order, limit=limit, company=company)
    count = COUNT.format(where=where)
    statement = NAMES.format(rows=inner, order=order)

    def sql(run):
        found = run(statement)
        full = len(found) == limit
        return [row[0] for row in found], run(count)[0][0] if full else len(found)

    return Question(
        name,
        lambda client: client.list_page(
            JOB, domain, limit=limit, order=asked_order, view=view
        ),
        sql,
        lambda answer: (
            [record["id"] for record in answer["records"]],
            answer["length"],
        ),
    )


def _merged(*conditions):
    """Ids of the newest of several conditions, each by its own index."""
    parts = [
        "(SELECT id FROM ap_sync_job job WHERE {company} AND "
        + condition
        + " ORDER BY id DESC LIMIT {limit})"
        for condition in conditions
    ]
    union = " UNION ".join(parts)
    return f"SELECT id FROM ({union}) n ORDER BY id DESC LIMIT {{limit}}"


def _found_by(text):
    """The jobs that a text in the field *Bill* is meant for, each by its own index."""
    return f"""job.id = ANY (ARRAY(
        SELECT id FROM ap_sync_job WHERE reference ILIKE '%%{text}%%'
        UNION SELECT id FROM ap_sync_job WHERE erp_number = '{text}'
        UNION SELECT found.id FROM account_move move
                JOIN ap_sync_job found ON found.move_id = move.id
               WHERE move.name ILIKE '%%{text}%%'))"""


def pages(filters, facts):
    """The list: as it opens, with each filter, by each search.

    :param filters: ``{name: domain}`` of the search view's filters, and
        ``{field: filter_domain}`` under ``search``.
    """

    def one(name, where, **more):
        return page(f"filter: {name}", filters[name], where, facts, **more)

    default = [
        *("|", "|"),
        *(filters["failed"] + filters["on_hold"] + filters["changed"]),
    ]
    changed = "(job.changed_since_sync IS TRUE OR job.erp_changes <> '')"
    failed, on_hold = "job.status = 'failed'", "job.status = 'on_hold'"
    yield page("the list, all jobs", [], "true", facts)
    yield page(
        "the list as it opens",
        default,
        f"({failed} OR {on_hold} OR {changed})",
        facts,
        rows=_merged(
            *(failed, on_hold),
            *("job.changed_since_sync IS TRUE", "job.erp_changes <> ''"),
        ),
    )
    yield one("mine", f"job.user_id = {facts.uid}")
    yield page(
        "filter: mine, failed",
        ["&", *filters["mine"], *filters["failed"]],
        f"job.user_id = {facts.uid} AND {failed}",
        facts,
    )
    yield one("unassigned", "job.user_id IS NULL")
    for status in (*STOPPED, "in_progress", "success"):
        yield one(status, f"job.status = '{status}'")
    yield one("marked", "job.marked_by_id IS NOT NULL")
    yield one("changed", changed)
    yield one("files_missing", "job.erp_files = 'missing'")
    yield one("erp_cancelled", "job.erp_cancelled IS TRUE")
    for phase in ("queued", "sending", "retrying", "verifying", "ready"):
        yield one(phase, f"job.phase = '{phase}'")
    for name, kind in (
        ("bills", "in_invoice"),
        ("refunds", "in_refund"),
        ("receipts", "in_receipt"),
    ):
        yield one(name, f"job.move_type = '{kind}'")
    for field in ("bill_date", "last_attempt_at", "synced_at", "create_date"):
        for when, months in (("this month", 0), ("two years ago", 24)):
            first, last = _month(facts.today, months)
            if field != "bill_date":
                first, last = f"{first} 00:00:00", f"{last} 23:59:59"
            yield page(
                f"filter: {field}, {when}",
                ["&", [field, ">=", f"{first}"], [field, "<=", f"{last}"]],
                f"job.{field} >= '{first}' AND job.{field} <= '{last}'",
                facts,
                rows=SORTED if months else PAGE,
            )
    yield from _searches(filters["search"], facts)


def _searches(search, facts):
    number = facts.job["bill"]
    texts = {
        "a reference": facts.job["reference"],
        "four digits": facts.job["reference"][-4:],
        "a bill's number": number,
        "an ERP number": facts.job["erp_number"],
        "what is nowhere": "nowhere",
    }
    for name, text in texts.items():
        domain = _fill(search["reference"], text)
        yield page(f"search: bill, {name}", domain, _found_by(text), facts)
    text = facts.job["erp_number"]
    yield page(
        "search: ERP number",
        [["erp_number", "ilike", text]],
        f"job.erp_number ILIKE '%%{text}%%'",
        facts,
    )
    for name, value in (
        ("as text", "Vendor 1500"),
        ("chosen, the largest", facts.vendor),
    ):
        match = f"id = {value}"
        if isinstance(value, str):
            match = f"complete_name ILIKE '%%{value}%%'"
        yield page(
            f"search: vendor, {name}",
            [["partner_id", "child_of", value]],
            f"job.partner_id = ANY (ARRAY(SELECT id FROM res_partner WHERE {match}))",
            facts,
        )
    yield page(
        "search: connection",
        [["connection_id", "=", facts.connection]],
        f"job.connection_id = {facts.connection}",
        facts,
    )
    yield page(
        "search: connection, blocked",
        ["&", ["connection_id", "=", facts.connection], ["status", "=", "blocked"]],
        f"job.connection_id = {facts.connection} AND job.status = 'blocked'",
        facts,
    )
    yield page(
        "search: kind",
        [["error_kind", "=", "period_closed"]],
        "job.error_kind = 'period_closed'",
        facts,
    )
    for text in ("set for 123", "nowhere"):
        yield page(
            f"search: cause, {text}",
            [["message", "ilike", text]],
            f"job.message ILIKE '%%{text}%%'",
            facts,
        )
    yield page(
        "search: stopped by",
        [["rule_id", "ilike", "Vendor not"]],
        "job.rule_id = ANY (ARRAY(SELECT id FROM ap_sync_rule"
        " WHERE name->>'en_US' ILIKE '%%Vendor not%%'))",
        facts,
    )
    yield page(
        "search: owner",
        [["user_id", "ilike", "Owner 3"]],
        "job.user_id = ANY (ARRAY(SELECT users.id FROM res_users users"
        " JOIN res_partner owner ON owner.id = users.partner_id"
        " WHERE owner.name ILIKE '%%Owner 3%%'))",
        facts,
    )


def _month(today, ago):
    months = today.year * 12 + today.month - 1 - ago
    first = datetime.date(months // 12, months % 12 + 1, 1)
    after = datetime.date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return first, after - datetime.timedelta(days=1)


def _fill(filter_domain, text):
    return [
        [*term[:2], text] if isinstance(term, tuple) and term[2] is SELF else term
        for term in filter_domain
    ]


class _Self:
    """What a search view calls `self`: the text that is looked for."""


SELF = _Self()


def read_filters(arch, uid):
    """Return the filters and search fields of a search view: what ``pages`` takes."""
    found = {"search": {}}
    for node in arch.iter("filter"):
        if node.get("domain"):
            text = re.sub(r"\buid\b", str(uid), node.get("domain"))
            found[node.get("name")] = [
                list(term) if isinstance(term, tuple) else term
                for term in ast.literal_eval(text)
            ]
    for node in arch.iter("field"):
        if node.get("filter_domain"):
            text = node.get("filter_domain").replace("self)", "'self')")
            found["search"][node.get("name")] = [
                (*term[:2], SELF) if isinstance(term, tuple) else term
                for term in ast.literal_eval(text)
            ]
    return found
