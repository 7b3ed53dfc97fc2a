"""What groupings, tiles and graphs ask of a million jobs, and the same in SQL."""

from list_questions import (
    ATTEMPT,
    BILL,
    BILL_TYPES,
    BILL_VIEW,
    JOB,
    OLDEST,
    STOPPED,
    WAITING,
    Question,
    page,
)

#: As many as `static/src/overview/overview.js` shows.
VENDORS = 10
#: What the tiles of `static/src/overview/tiles.js` add up.
AMOUNT = "amount_company:sum_currency"
RATE = """
LEFT JOIN (SELECT DISTINCT ON (currency_id) currency_id, rate FROM res_currency_rate
            WHERE company_id IS NULL OR company_id = {company}
            ORDER BY currency_id, company_id, name DESC) rate
       ON rate.currency_id = found.{currency}
"""
#: By currency first, so that there is nothing to convert or sort for each row.
GROUPS = """
SELECT found.key, label, sum(found.n)::int, sum(attempts), sum(amount),
       array_agg(found.currency_id), sum(amount / coalesce(rate.rate, 1))
  FROM (SELECT {key} AS key, currency_id, count(*) AS n,
               sum(attempt_count) AS attempts, sum(amount_total) AS amount
          FROM ap_sync_job job WHERE {where} GROUP BY 1, 2) found
  {label} {rate}
 GROUP BY 1, 2 ORDER BY 2, 1 LIMIT 80
"""
COUNTS = "SELECT {key}, count(*) FROM {table} job WHERE {where} GROUP BY {by}"
#: The labels of what is grouped by.
LABELS = {
    "partner_id": ("complete_name", "res_partner"),
    "connection_id": ("name", "ap_sync_connection"),
    "rule_id": ("sequence", "ap_sync_rule"),
    "company_id": ("name", "res_company"),
}
OWNER = """
LEFT JOIN (SELECT users.id, owner.name AS label FROM res_users users
             JOIN res_partner owner ON owner.id = users.partner_id) label
       ON label.id = found.key
"""


def _counts(rows):
    """Return the numbers of groups' records, whatever the groups are called."""
    return sorted(rows)


def groupings(facts):
    """The list grouped by each choice of the search view."""
    keys = [
        *("status", "error_kind", "partner_id", "user_id", "connection_id", "rule_id"),
        *("company_id", "bill_date", "last_attempt_at", "create_date"),
    ]
    for key in keys:
        by, expression = key, f"job.{key}"
        label = "CROSS JOIN (SELECT NULL AS label) label"
        if key in LABELS:
            column, table = LABELS[key]
            label = (
                f"LEFT JOIN (SELECT id, {column} AS label FROM {table}) label"
                " ON label.id = found.key"
            )
        elif key == "user_id":
            label = OWNER
        elif key.endswith(("_date", "_at")):
            by, expression = f"{key}:month", f"date_trunc('month', job.{key})"
        statement = GROUPS.format(
            key=expression,
            where=f"job.company_id IN ({facts.companies})",
            label=label,
            rate=RATE.format(company=facts.company, currency="currency_id"),
        )
        yield Question(
            f"grouped by {key}",
            lambda client, by=by: client.list_groups(JOB, [], by),
            lambda run, statement=statement: _counts(row[2] for row in run(statement)),
            lambda answer: _counts(
                group["__count"] for group in answer["groups"] if group["__count"]
            ),
        )


def overview(facts):
    """The tiles and each panel of `static/src/overview/overview.js`."""
    own = f"job.company_id IN ({facts.companies})"
    # Its weeks begin on Sundays, PostgreSQL's on Mondays.
    week = "date_trunc('week', job.{} + interval '1 day')"
    since = "(now() AT TIME ZONE 'UTC' - interval '90 days')"
    yield Question(
        "tiles",
        lambda client: client.groups(JOB, [], ["status"], ["__count", AMOUNT]),
        lambda run: _counts(
            row[1]
            for row in run(
                f"""
                SELECT status, sum(n)::int, sum(amount / coalesce(rate.rate, 1))
                  FROM (SELECT status, company_currency_id, count(*) AS n,
                               sum(amount_company) AS amount
                          FROM ap_sync_job job WHERE {own} GROUP BY 1, 2) found
                  {RATE.format(company=facts.company, currency="company_currency_id")}
                 GROUP BY 1
                """
            )
        ),
        _told_groups,
    )
    yield _graph(
        "bills sent, by week",
        [["started_at", ">=", "-90d"]],
        ["started_at:week", "outcome"],
        ["__count", "job_id:count_distinct"],
        ATTEMPT,
        f"""
        SELECT {week.format("started_at")}, outcome, count(*), count(DISTINCT job_id)
          FROM ap_sync_attempt job WHERE {own} AND started_at >= {since} GROUP BY 1, 2
        """,
    )
    for name, keys, statuses in (
        ("what stops bills now", ["error_kind", "status"], STOPPED),
        ("all bills, by connection", ["connection_id", "status"], None),
    ):
        where, domain = own, []
        if statuses:
            where += f" AND status IN {tuple(statuses)}"
            domain = [["status", "in", statuses]]
        statement = f"""
            SELECT {", ".join(keys)}, count(*) FROM ap_sync_job job
             WHERE {where} GROUP BY 1, 2
            """
        yield _graph(name, domain, keys, ["__count"], JOB, statement)
    yield _vendors(own)
    yield _graph(
        "hours from submission to success",
        [["synced_at", ">=", "-90d"]],
        ["synced_at:week"],
        ["__count", "time_to_sync:avg"],
        JOB,
        f"""
        SELECT {week.format("synced_at")}, '', count(*), avg(time_to_sync)
          FROM ap_sync_job job WHERE {own} AND synced_at >= {since} GROUP BY 1
        """,
    )
    order = "create_date ASC, id ASC"
    yield page(
        "waiting longest",
        [["status", "in", WAITING]],
        f"job.status IN {tuple(WAITING)}",
        facts,
        order="job.create_date, job.id",
        limit=8,
        asked_order=order,
        view=OLDEST,
    )


def _vendors(own):
    """The vendors with the most bills that wait or failed, then the graph of those."""
    domain = [["status", "in", WAITING]]

    def ask(client):
        groups, first = client.groups(
            *(JOB, domain, ["partner_id"], ["__count"]),
            order="__count DESC",
            limit=VENDORS,
        )
        chosen = ["partner_id", "in", [group["partner_id"][0] for group in groups]]
        keys = ["partner_id", "status"]
        answer, cost = client.groups(JOB, [*domain, chosen], keys, ["__count"], True)
        return answer, {name: first[name] + cost[name] for name in cost}

    where = f"{own} AND status IN {tuple(WAITING)}"
    statement = f"""
        WITH most AS (
            SELECT partner_id FROM ap_sync_job job WHERE {where}
             GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {VENDORS})
        SELECT complete_name, status, count(*) FROM ap_sync_job job
          JOIN res_partner ON res_partner.id = job.partner_id
         WHERE {where} AND job.partner_id IN (SELECT partner_id FROM most)
         GROUP BY 1, 2 ORDER BY 1
        """
    return Question(
        "overview: waiting or failed, by vendor",
        ask,
        lambda run: _counts(row[2] for row in run(statement)),
        _told_groups,
    )


def _graph(name, domain, keys, aggregates, model, statement):
    return Question(
        f"overview: {name}",
        lambda client: client.groups(model, domain, keys, aggregates, True),
        lambda run: _counts(row[2] for row in run(statement)),
        _told_groups,
        # What is ninety days old is another minute later.
        nearly=any("-90d" in term for term in domain),
    )


def _told_groups(groups):
    return _counts(group["__count"] for group in groups if group["__count"])


# -- Other lists

PLAIN = "SELECT * FROM {table} WHERE {where} ORDER BY {order} LIMIT 80"
#: With the names of other records, and whether ours are there and may be read.
NAMED = f"""
SELECT found.*,
       (SELECT name FROM ap_sync_connection WHERE id = connection_id),
       (SELECT concat_ws(' ', code, name, detail) FROM ap_sync_erp_record
         WHERE id = erp_record_id),
       CASE kind
       WHEN 'account' THEN EXISTS (
            SELECT FROM account_account_res_company_rel
             WHERE account_account_id = our_id AND res_company_id IN ({{companies}}))
       WHEN 'vendor' THEN EXISTS (
            SELECT FROM res_partner partner
             WHERE id = our_id AND (partner.company_id IN ({{companies}})
                   OR partner.company_id IS NULL OR partner_share IS NOT TRUE))
       WHEN 'tax' THEN EXISTS (SELECT FROM account_tax WHERE id = our_id)
       WHEN 'payment_term' THEN EXISTS (
            SELECT FROM account_payment_term WHERE id = our_id)
       ELSE EXISTS (SELECT FROM account_analytic_account WHERE id = our_id)
       END
  FROM (SELECT *, split_part(record, ',', 2)::int AS our_id FROM ({PLAIN}) page) found
"""
#: A bill's job that speaks for it, as the badge does: what needs a person goes first.
BADGES = """
SELECT job.*, move.* FROM (
    SELECT move.* FROM account_move move WHERE {where}
     ORDER BY move.date DESC, move.name DESC, move.invoice_date DESC, move.id DESC
     LIMIT 80) move
  LEFT JOIN LATERAL (
    SELECT job.status, job.message, job.erp_number, job.erp_url FROM ap_sync_job job
     WHERE job.move_id = move.id AND job.company_id IN ({companies})
     ORDER BY array_position(ARRAY['failed', 'on_hold', 'blocked', 'in_progress',
                                   'success'], job.status::text) LIMIT 1) job ON true
"""


def others(facts):
    """The lists of attempts, mappings and bills."""
    by_waiting = "waiting_count DESC, state, kind, local_name, id"
    for model, order, rows in (
        (ATTEMPT, "id DESC", PLAIN),
        ("ap.sync.mapping", by_waiting, NAMED),
    ):
        table, own = model.replace(".", "_"), f"company_id IN ({facts.companies})"
        statement = rows.format(
            table=table, where=own, order=order, companies=facts.companies
        )
        count = f"SELECT count(*) FROM (SELECT FROM {table} WHERE {own} LIMIT 10001) n"
        yield Question(
            f"the list of {model}",
            lambda client, model=model: client.list_page(model, []),
            lambda run, statement=statement, count=count: (
                [row[0] for row in run(statement)],
                run(count)[0][0],
            ),
            lambda answer: (
                [record["id"] for record in answer["records"]],
                answer["length"],
            ),
        )
    job = "EXISTS (SELECT FROM ap_sync_job job WHERE job.move_id = move.id"
    yield _bills("bills", [], "true", facts)
    for status in ("failed", "on_hold", "blocked", "in_progress", "success"):
        yield _bills(
            f"bills: {status}",
            [["ap_sync_status", "=", status]],
            f"{job} AND job.status = '{status}')",
            facts,
            "" if status == "success" else status,
        )
    yield _bills(
        "bills: not submitted",
        [["ap_sync_status", "=", False]],
        f"NOT {job})",
        facts,
    )
    yield _bills(
        "bills: ERP number",
        [["ap_sync_erp_number", "ilike", facts.job["erp_number"]]],
        f"{job} AND job.erp_number ILIKE '%%{facts.job['erp_number']}%%')",
        facts,
    )


def _bills(name, domain, where, facts, few=""):
    """A page of bills and their number.

    :param few: a status that few bills have: their jobs are where to begin counting.
    """
    types = ["move_type", "in", list(BILL_TYPES)]
    own = f"move.company_id IN ({facts.companies}) AND move.move_type IN {BILL_TYPES}"
    where = f"{own} AND {where}"
    statement = BADGES.format(where=where, companies=facts.companies)
    if few:
        where = f"""
            {own} AND move.id = ANY(ARRAY(
                SELECT move_id FROM ap_sync_job job
                 WHERE job.status = '{few}' AND job.company_id IN ({facts.companies})
                 ORDER BY job.id))
            """
    count = f"""
        SELECT count(*) FROM (
            SELECT FROM account_move move WHERE {where} LIMIT 10001) n
        """

    def sql(run):
        found = len(run(statement))
        return found, run(count)[0][0] if found == 80 else found

    return Question(
        name,
        lambda client: client.list_page(
            BILL, ["&", types, *domain] if domain else [types], view=BILL_VIEW
        ),
        sql,
        lambda answer: (len(answer["records"]), answer["length"]),
        odoos=_read_without_badges,
    )


def _read_without_badges(client, answer):
    """What Odoo's own columns cost of a page of bills."""
    domain = [["id", "in", [record["id"] for record in answer["records"]]]]
    _page, cost = client.list_page(BILL, domain, view=BILL_VIEW, without="ap_sync_")
    return cost
