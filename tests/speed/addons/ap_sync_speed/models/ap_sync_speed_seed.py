from contextlib import contextmanager

from odoo import api, models
from odoo.fields import Command
from odoo.tools import SQL

VENDORS = 2000
OWNERS = 10
#: The user that the bench logs in as: an ordinary one, of both companies.
LOGIN = "speed_user"
#: How many of a hundred bills go to each connection; the last is of company two.
SHARES = [50, 20, 10, 20]

#: One row for each bill: what is drawn for it. The draws are hashes of its number, so
#: that every database is the same; vendors are drawn as in life, a few for most bills.
#: The newest two in a hundred are what is In Progress, half of them.
DRAW = """
CREATE TEMP TABLE speed_bill AS
SELECT n, %(first)s + n AS move_id, vendor_id, user_id, connection_id, company_id,
       CASE WHEN d6 %% 10 = 0 THEN %(foreign)s ELSE currency_id END AS currency_id,
       currency_id AS company_currency_id, amount,
       CASE WHEN d6 %% 10 = 0 THEN round(amount * 1.25, 2) ELSE amount
        END * CASE WHEN d5 %% 20 = 0 THEN -1 ELSE 1 END AS amount_company,
       CASE WHEN d5 %% 20 = 0 THEN 'in_refund' WHEN d5 %% 100 = 1 THEN 'in_receipt'
            ELSE 'in_invoice' END AS move_type,
       created, created::date - (d6 %% 20)::int AS bill_date,
       to_char(created, '"BILL/"YYYY/MM/') || lpad(n::text, 7, '0') AS name,
       'INV-' || lpad(((n::bigint * 7919) %% 10000019)::text, 8, '0') AS reference,
       status, d5, d6,
       CASE status WHEN 'in_progress' THEN (ARRAY['queued', 'queued', 'queued',
                        'queued', 'queued', 'queued', 'retrying', 'retrying',
                        'verifying', 'queued'])[1 + d5 %% 10]
                   WHEN 'on_hold' THEN CASE WHEN d5 %% 10 = 0 THEN 'ready' END
        END AS phase,
       CASE status
            WHEN 'failed' THEN (ARRAY['invalid_data', 'gl_account_inactive',
                    'period_closed', 'duplicate_bill',
                    'outcome_unknown'])[1 + d5 %% 5]
            WHEN 'on_hold' THEN (ARRAY['gl_account_unmapped', 'vendor_unmapped',
                    'tax_unmapped', 'dimension_invalid', 'attachment_missing',
                    'possible_duplicate'])[1 + d5 %% 6]
            WHEN 'blocked' THEN (ARRAY['vendor_blocked', 'rule'])[1 + d5 %% 2]
        END AS kind
  FROM (SELECT *,
               CASE WHEN n > %(count)s * 0.98 AND n %% 2 = 0 THEN 'in_progress'
                    WHEN d1 < 909 THEN 'success'
                    WHEN d1 < 949 THEN 'failed'
                    WHEN d1 < 979 THEN 'on_hold'
                    ELSE 'blocked'
                END AS status,
               (%(vendors)s)[1 + d2 * d2 / 1000000 * cardinality(%(vendors)s) / 1000000]
                    AS vendor_id,
               (%(owners)s)[1 + d3 %% (cardinality(%(owners)s) + 1)] AS user_id,
               round(10 + d5 %% 9000 + (d6 %% 100) / 100.0, 2) AS amount,
               date_trunc('second', now() AT TIME ZONE 'UTC')
                   - (%(count)s - n) * (interval '1095 days' / %(count)s) AS created
          FROM (SELECT n::int, abs(hashint8extended(n, 1) %% 1000) AS d1,
                       abs(hashint8extended(n, 2) %% 1000000) AS d2,
                       abs(hashint8extended(n, 3) %% 1000000) AS d3,
                       abs(hashint8extended(n, 4) %% 100) AS d4,
                       abs(hashint8extended(n, 5) %% 1000000) AS d5,
                       abs(hashint8extended(n, 6) %% 1000000) AS d6
                  FROM generate_series(1, %(count)s) n) draw) drawn
  JOIN (VALUES %(connections)s)
       AS target (low, high, connection_id, company_id, currency_id)
    ON d4 >= low AND d4 < high
"""

JOBS = {
    "move_id": "bill.move_id",
    "connection_id": "bill.connection_id",
    "company_id": "bill.company_id",
    "partner_id": "bill.vendor_id",
    "user_id": "bill.user_id",
    "reference": "bill.reference",
    "bill_name": "bill.name",
    "move_type": "bill.move_type",
    "bill_date": "bill.bill_date",
    "currency_id": "bill.currency_id",
    "company_currency_id": "bill.company_currency_id",
    "amount_total": "bill.amount",
    "amount_company": "bill.amount_company",
    "status": "bill.status",
    "phase": "bill.phase",
    "error_kind": "bill.kind",
    "cause_kinds": "CASE WHEN bill.status IN ('on_hold', 'blocked')"
    " THEN ',' || bill.kind || ',' END",
    "message": "CASE WHEN bill.kind IS NOT NULL THEN"
    " 'No counterpart in the ERP is set for ' || (bill.d6 % 500) END",
    "guidance": "CASE WHEN bill.kind IS NOT NULL THEN 'Supply it.' END",
    "rule_id": "CASE WHEN bill.status IN ('on_hold', 'blocked')"
    " THEN (%(rules)s)[1 + bill.d5 %% cardinality(%(rules)s)] END",
    "key": "md5(bill.n::text)",
    "revision": "1",
    "retry_count": "0",
    "attempt_count": "CASE WHEN bill.status IN ('success', 'failed')"
    " THEN 1 + (bill.d6 % 20 = 0)::int ELSE 0 END",
    "next_try_at": "CASE WHEN bill.status = 'in_progress' THEN timestamp '2100-01-01'"
    " END",
    "last_attempt_at": "CASE WHEN bill.status IN ('success', 'failed')"
    " THEN bill.created + interval '3 minutes' END",
    "synced_at": "CASE WHEN bill.status = 'success'"
    " THEN bill.created + interval '3 minutes' END",
    "time_to_sync": "CASE WHEN bill.status = 'success' THEN 0.05 END",
    "erp_id": "CASE WHEN bill.status = 'success' THEN bill.n::text END",
    "erp_number": "CASE WHEN bill.status = 'success'"
    " THEN 'ERP/' || lpad(bill.n::text, 8, '0') END",
    "erp_url": "CASE WHEN bill.status = 'success'"
    " THEN 'https://erp.example.com/bills/' || bill.n END",
    "changed_since_sync": "bill.status = 'success' AND bill.d6 % 500 = 0",
    "erp_cancelled": "bill.status = 'success' AND bill.d6 % 500 = 1",
    "erp_files": "CASE WHEN bill.status = 'success' AND bill.d6 % 500 = 2"
    " THEN 'missing' END",
    "erp_changes": "CASE WHEN bill.status = 'success' AND bill.d6 % 500 = 3"
    " THEN 'Total: 100.00 → 120.00' END",
    "effects_due": "false",
    "create_uid": "1",
    "write_uid": "1",
    "create_date": "bill.created",
    "write_date": "bill.created + interval '3 minutes'",
}

ATTEMPTS = {
    "job_id": "job.id",
    "connection_id": "job.connection_id",
    "company_id": "job.company_id",
    "number": "try",
    "revision": "1",
    "operation": "'send'",
    "uuid": "md5(job.id || '-' || try)",
    "key": "job.key",
    "outcome": "CASE WHEN try < job.attempt_count THEN 'not_sent'"
    " WHEN job.status = 'success' THEN 'accepted' ELSE 'rejected' END",
    "error_kind": "CASE WHEN try < job.attempt_count THEN 'no_answer'"
    " ELSE job.error_kind END",
    "http_status": "CASE WHEN job.status = 'success' THEN 200 ELSE 422 END",
    "message": "job.message",
    "erp_id": "job.erp_id",
    "erp_number": "job.erp_number",
    "document": "jsonb_build_object('reference', job.reference, 'total',"
    " job.amount_total, 'lines', repeat('A position as sent. ', 40))",
    "duration": "0.12",
    "started_at": "job.last_attempt_at",
    "ended_at": "job.last_attempt_at + interval '1 second'",
    "create_uid": "1",
    "write_uid": "1",
    "create_date": "job.last_attempt_at",
    "write_date": "job.last_attempt_at",
}


class ApSyncSpeedSeed(models.AbstractModel):
    """A database at size: bills of three years, their jobs and attempts, by SQL."""

    _name = "ap.sync.speed.seed"
    _description = "AP Sync Speed Seed"

    @api.model
    def make(self, count):
        """Make so many bills, each with a job and the attempts of that. The caller
        commits, and has PostgreSQL look at the new tables."""
        vendors, connections = self._make_vendors(), self._make_connections()
        owners = self._make_users()
        speed_rules = self.env["ap.sync.speed.rules"]
        speed_rules.make_rules(vendors)
        rules = self.env["ap.sync.rule"].search([])
        foreign = self._get_foreign_currency()
        prototype = self._make_prototypes(connections)
        self.env.flush_all()
        cr = self.env.cr
        # No foreign key is checked a million times.
        cr.execute("SET session_replication_role = replica")
        speed_rules.make_mappings(connections, vendors, count)
        speed_rules.make_bills(vendors)
        with self._without_indexes("account_move", "ap_sync_job", "ap_sync_attempt"):
            (first,) = self.env.execute_query(
                SQL("SELECT coalesce(max(id), 0) FROM account_move")
            )[0]
            highs = [sum(SHARES[: n + 1]) for n in range(len(SHARES))]
            rows = [
                f"({high - share}, {high}, {connection.id}, {company.id},"
                f" {company.currency_id.id})"
                for connection, share, high in zip(
                    connections, SHARES, highs, strict=True
                )
                for company in connection.company_id
            ]
            draw = DRAW % {
                "first": first,
                "count": count,
                "vendors": _array(vendors),
                "owners": _array(owners),
                "foreign": foreign.id,
                "connections": ", ".join(rows),
            }
            cr.execute(draw)
            self._make_bills(prototype)
            jobs = {
                name: value % {"rules": _array(rules)} if name == "rule_id" else value
                for name, value in JOBS.items()
            }
            self._insert("ap_sync_job", jobs, "speed_bill bill ORDER BY bill.n")
            self._insert(
                "ap_sync_attempt",
                ATTEMPTS,
                "ap_sync_job job, generate_series(1, job.attempt_count) try"
                " ORDER BY job.id, try",
            )
            cr.execute("DROP TABLE speed_bill")
        cr.execute("SET session_replication_role = DEFAULT")

    @api.model
    def _make_vendors(self):
        return self.env["res.partner"].create(
            [
                {"name": f"Vendor {n:04}", "ref": f"SPEED-{n}", "is_company": True}
                for n in range(VENDORS)
            ]
        )

    @api.model
    def _make_connections(self):
        """Return the connections, in the order of ``SHARES``."""
        self.env["ap.sync.connection"].search([]).write({"active": False})
        companies = self._get_companies()
        return self.env["ap.sync.connection"].create(
            [
                {
                    "name": f"ERP {n + 1}",
                    "connector": "speed",
                    "trigger": "manual",
                    "url": "http://127.0.0.1:9",
                    "company_id": companies[n == len(SHARES) - 1].id,
                }
                for n in range(len(SHARES))
            ]
        )

    @api.model
    def _get_companies(self):
        """Return both companies: the one of the demo data, and another with books."""
        other = self.env["account.journal"].search(
            [("type", "=", "purchase"), ("company_id", "!=", self.env.company.id)],
            limit=1,
        )
        return self.env.company | other.company_id

    @api.model
    def _get_foreign_currency(self):
        """Return another currency than that of either company, with a rate."""
        own = self._get_companies().currency_id
        Currency = self.env["res.currency"].with_context(active_test=False)
        foreign = Currency.search([("id", "not in", own.ids)], limit=1)
        foreign.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": foreign.id, "name": "2020-01-01", "rate": 0.8}
        )
        return foreign

    @api.model
    def _make_users(self):
        """Return the owners; the first is who the bench logs in as."""
        companies = self._get_companies()
        groups = self.env.ref("account.group_account_invoice") | self.env.ref(
            "ap_sync.group_ap_sync_user"
        )
        return (
            self.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                [
                    {
                        "name": f"Speed Owner {n}",
                        "login": LOGIN if not n else f"{LOGIN}_{n}",
                        "password": LOGIN,
                        "company_id": companies[0].id,
                        "company_ids": [Command.set(companies.ids)],
                        "group_ids": [Command.link(group.id) for group in groups],
                    }
                    for n in range(OWNERS)
                ]
            )
        )

    @api.model
    def _make_prototypes(self, connections):
        """Return ``{company: a posted bill}``, which the others are copies of."""
        speed = self.env["ap.sync.speed"]
        return {
            company: speed.with_company(company).make_bills(1, f"PROTO-{company.id}")[0]
            for company in connections.company_id
        }

    @api.model
    def _make_bills(self, prototype):
        values = {
            "id": "bill.move_id",
            "name": "bill.name",
            "move_type": "bill.move_type",
            "currency_id": "bill.currency_id",
            "ref": "bill.reference",
            "payment_reference": "NULL",
            "partner_id": "bill.vendor_id",
            "commercial_partner_id": "bill.vendor_id",
            "invoice_date": "bill.bill_date",
            "date": "bill.bill_date",
            "invoice_date_due": "bill.bill_date + 30",
            "create_date": "bill.created",
            "invoice_user_id": "bill.user_id",
            "sequence_prefix": "left(bill.name, 13)",
            "sequence_number": "bill.n",
            "amount_total": "bill.amount",
            "amount_residual": "bill.amount",
            "amount_untaxed": "bill.amount",
            "amount_total_signed": "-bill.amount_company",
            "amount_residual_signed": "-bill.amount",
            "amount_total_in_currency_signed": "-bill.amount",
            "amount_untaxed_signed": "-bill.amount",
        }
        for company, move_id in prototype.items():
            columns = {
                name: f"proto.{name}" for name in self._get_columns("account_move")
            }
            self._insert(
                "account_move",
                columns | values,
                f"speed_bill bill JOIN account_move proto ON proto.id = {move_id}"
                f" WHERE bill.company_id = {company.id} ORDER BY bill.n",
            )
        self.env.cr.execute(
            "SELECT setval('account_move_id_seq', (SELECT max(id) FROM account_move))"
        )

    # === SQL === #

    @api.model
    def _get_columns(self, table):
        return [
            name
            for (name,) in self.env.execute_query(
                SQL(
                    "SELECT column_name FROM information_schema.columns"
                    " WHERE table_name = %s ORDER BY ordinal_position",
                    table,
                )
            )
        ]

    @api.model
    def _insert(self, table, values, source):
        """Insert rows of expressions ``{column: SQL}`` out of what follows a FROM."""
        # The texts are all of this file; no value comes from outside.
        names = ", ".join(values)
        expressions = ", ".join(values.values())
        self.env.cr.execute(
            f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {source}"
        )

    @contextmanager
    def _without_indexes(self, *tables):
        """Have no indexes but the primary keys while much is inserted."""
        cr = self.env.cr
        indexes = self.env.execute_query(
            SQL(
                "SELECT indexname, indexdef FROM pg_indexes"
                " WHERE tablename IN %s AND indexname NOT LIKE '%%_pkey'",
                tables,
            )
        )
        for name, _definition in indexes:
            cr.execute(f'DROP INDEX "{name}"')
        yield
        for _name, definition in indexes:
            cr.execute(definition)


def _array(records):
    return f"ARRAY{records.ids}::int[]"
