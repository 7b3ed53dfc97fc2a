import time
from unittest.mock import patch

from odoo import api, models
from odoo.fields import Command
from odoo.tools import SQL

RULES = 50
BILLS = 10_000
#: Bills made by Odoo itself, of which the others are copies.
ORIGINALS = 200
CONNECTION = "Rules"
#: Each copy is of another day: Odoo looks for bills of the same vendor, day and amount
#: whenever it shows some, and reads those that it finds.
BILL_DATES = ["date", "invoice_date", "invoice_date_due"]
LINE_DATES = ["date", "invoice_date", "date_maturity"]


class ApSyncSpeedRules(models.AbstractModel):
    """Bills with lines, rules and mappings in numbers, and what it costs to apply
    them."""

    _name = "ap.sync.speed.rules"
    _description = "AP Sync Speed Rules"

    @api.model
    def make_rules(self, vendors):
        """Make rules up to so many, beside those that ship: on bills, on vendors and on
        categories, in equal shares. They stop none of the bills made here."""
        categories = self.env["res.partner.category"].create(
            [{"name": f"Speed {number}"} for number in range(RULES)]
        )
        rest = RULES - self.env["ap.sync.rule"].search_count([])
        kinds = [
            lambda n: {
                "condition": "domain",
                "bill_domain": f"[('amount_total', '>', {10**6 + n}),"
                f" ('partner_id.name', 'ilike', 'stopped {n}')]",
            },
            lambda n: {
                "condition": "vendors",
                "partner_ids": [Command.set(vendors[n * 5 : n * 5 + 5].ids)],
            },
            lambda n: {
                "condition": "vendors",
                "category_ids": [Command.set(categories[n].ids)],
            },
        ]
        self.env["ap.sync.rule"].create(
            [
                {"name": f"Speed rule {n}", "action": "hold", **kinds[n % 3](n)}
                for n in range(rest)
            ]
        )

    @api.model
    def make_mappings(self, connections, vendors, count):
        """Make so many mappings, in equal shares: of the vendors, and for the rest of
        vendors that there are not."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO ap_sync_mapping (connection_id, company_id, record, kind,
                    local_name, erp_id, state, waiting_count, create_uid, write_uid,
                    create_date, write_date)
                SELECT connection.id, connection.company_id, 'res.partner,'
                           || coalesce((%(vendors)s)[n / %(share)s], 10000000 + n),
                       'vendor', 'Vendor ' || lpad((n / %(share)s)::text, 7, '0'),
                       'V' || n, 'confirmed', 0, 1, 1, now(), now()
                  FROM generate_series(%(share)s, %(share)s + %(count)s - 1) n
                  JOIN ap_sync_connection connection
                    ON connection.id = (%(connections)s)[1 + n %% %(share)s]
                """,
                count=count,
                vendors=vendors.ids,
                connections=connections.ids,
                share=len(connections),
            )
        )

    @api.model
    def make_bills(self, vendors):
        """Make bills with lines and their jobs, which wait, on a connection of their
        own where all that they use is mapped."""
        speed = self.env["ap.sync.speed"]
        connection = self.env["ap.sync.connection"].browse(
            speed.make_connection({"name": CONNECTION, "url": "http://127.0.0.1:9"})
        )
        moves = self.env["account.move"].browse(speed.make_bills(ORIGINALS, "RULES-00"))
        self.env.flush_all()
        for number in range(1, BILLS // ORIGINALS):
            self._copy_bills(moves, number)
        # As many vendors as in life, and none of them stopped by a rule.
        free = vendors[RULES * 5 :]
        vendor = ["partner_id", "commercial_partner_id"]
        self._spread("account_move", "id", vendor, free)
        self._spread("account_move_line", "move_id", ["partner_id"], free)
        self.env.invalidate_all()
        self.env["ap.sync.job"]._submit(moves, connection)
        self.env.flush_all()
        # Nobody sends them.
        self.env.cr.execute(
            "UPDATE ap_sync_job SET next_try_at = '2100-01-01', evaluate_at = NULL"
            " WHERE connection_id = %s",
            [connection.id],
        )
        for number in range(1, BILLS // ORIGINALS):
            self._copy_jobs(moves, number)
        self._spread("ap_sync_job", "move_id", ["partner_id"], free)

    @api.model
    def _copy_bills(self, moves, number):
        shift, text = _shift(number)
        values = {"name": f"name || {text}", "ref": f"ref || {text}"}
        bill = {"id": f"id + {shift}", **values, **_earlier(number, BILL_DATES)}
        self._copy("account_move", "id", moves, bill)
        line = {"move_id": f"move_id + {shift}", **_earlier(number, LINE_DATES)}
        self._copy("account_move_line", "move_id", moves, line)

    @api.model
    def _copy_jobs(self, moves, number):
        shift, text = _shift(number)
        values = {
            "move_id": f"move_id + {shift}",
            "reference": f"reference || {text}",
            "bill_name": f"bill_name || {text}",
            "key": f"md5(key || {text})",
            **_earlier(number, ["bill_date"]),
        }
        self._copy("ap_sync_job", "move_id", moves, values)

    @api.model
    def _copy(self, table, key, moves, changed):
        """Copy the rows of bills, with other values where given as SQL."""
        seed = self.env["ap.sync.speed.seed"]
        values = {
            name: name for name in seed._get_columns(table) if name != "id"
        } | changed
        seed._insert(
            table, values, f"{table} WHERE {key} IN {tuple(moves.ids)} ORDER BY id"
        )

    @api.model
    def _spread(self, table, key, columns, vendors):
        """Give the bills of rows vendors by turns."""
        chosen = SQL(
            "(%s::int[])[1 + %s %% %s]",
            vendors.ids,
            SQL.identifier(table, key),
            len(vendors),
        )
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE %s IN"
                " (SELECT id FROM account_move WHERE ref LIKE 'RULES-%%')",
                SQL.identifier(table),
                SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), chosen) for name in columns
                ),
                SQL.identifier(table, key),
            )
        )

    # === MEASURED === #

    @api.model
    def measure(self, count):
        """Apply all rules to so many jobs, from a cold start, and write nothing.

        :return: ``{"jobs", "seconds", "queries", "stopped"}``.
        """
        jobs = self._get_jobs(count)
        before, started = self.env.cr.sql_log_count, time.perf_counter()
        causes = self.env["ap.sync.rule"]._evaluate(jobs)
        seconds = time.perf_counter() - started
        return {
            "jobs": len(jobs),
            "seconds": seconds,
            "queries": self.env.cr.sql_log_count - before,
            "stopped": sum(map(bool, causes.values())),
        }

    @api.model
    def change_vendor(self):
        """Change a vendor of the bills that wait.

        :return: how many jobs it has that wait, how many of these and how many others
            were evaluated or marked for it, and what that cost.
        """
        Job = self.env["ap.sync.job"]
        vendor = self._get_jobs(1).partner_id
        waiting = Job.search(
            [
                ("partner_id", "=", vendor.id),
                "|",
                ("status", "in", ["on_hold", "blocked"]),
                ("phase", "in", ["queued", "retrying"]),
            ]
        )
        evaluated = Job
        evaluate = type(Job)._evaluate

        def noting(jobs, *args, **kwargs):
            nonlocal evaluated
            evaluated |= jobs
            return evaluate(jobs, *args, **kwargs)

        self.env.flush_all()
        self.env.invalidate_all()
        before, started = self.env.cr.sql_log_count, time.perf_counter()
        with patch.object(type(Job), "_evaluate", noting):
            vendor.write({"street": f"Street {time.time()}"})
            self.env.flush_all()
        seconds = time.perf_counter() - started
        evaluated |= Job.search([("evaluate_at", "!=", False)])
        return {
            "waiting": len(waiting),
            "evaluated": len(evaluated & waiting),
            "others": len(evaluated - waiting),
            "seconds": seconds,
            "queries": self.env.cr.sql_log_count - before,
        }

    @api.model
    def _get_jobs(self, count):
        self.env.flush_all()
        self.env.invalidate_all()
        connection = self.env["ap.sync.connection"].search(
            [("name", "=", CONNECTION)], limit=1
        )
        return self.env["ap.sync.job"].search(
            [("connection_id", "=", connection.id)], order="id", limit=count
        )


def _shift(number):
    """Return how far the ids of a copy are from the original's, and the end of its
    names, as SQL."""
    return number * 1000, f"'-{number:02}'"


def _earlier(number, names):
    """Return the values of a copy's dates: so many days before the original's."""
    return {name: f"{name} - {number}" for name in names}
