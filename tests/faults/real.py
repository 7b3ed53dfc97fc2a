"""The soak against a real second Odoo: what the fake ERP is told to do wrong, a proxy
on the way does here; all else is the same, and the ERP's own tables are what counts."""

from urllib.parse import urlsplit

import psycopg2
from lossy_proxy import LossyProxy

from case import LOOKUP, Case
from chaos import Chaos

JOBS = 30
#: How often, each time something is broken, an answer of the ERP is lost.
LOSSES = 4


class RealCase(Case):
    """A connection to the second Odoo, through a proxy that loses answers."""

    def __init__(self, bench):
        erp = bench.given.erp
        address = urlsplit(erp["url"])
        self.proxy = LossyProxy(address.hostname, address.port)
        self.erp_db = psycopg2.connect(erp["dsn"])
        self.erp_db.autocommit = True
        account = self._erp(
            "SELECT id FROM account_account WHERE account_type = 'expense'"
            " AND active ORDER BY id LIMIT 1"
        )[0][0]
        self.bills = bench.make_bills(JOBS)
        super().__init__(
            bench,
            LOOKUP,
            connector="odoo",
            url=self.proxy.url,
            erp_database=erp["database"],
            api_key=erp["key"],
            timeout=30,
        )
        bench.sql(
            "UPDATE ap_sync_mapping SET erp_id = %s WHERE connection_id = %s",
            str(account),
            self.id,
        )

    def kept(self):
        """Return the ERP's bills with the references of ours, read in its tables."""
        rows = self._erp(
            """
            SELECT move.id, move.ref, move.state, data.name
              FROM account_move move
              LEFT JOIN ir_model_data data ON data.model = 'account.move'
                    AND data.res_id = move.id AND data.module = '__ap_sync__'
             WHERE move.ref = ANY(%s) AND move.state != 'cancel'
            """,
            [job["reference"] for job in self.jobs()],
        )
        return [
            {
                "id": str(number),
                "reference": reference,
                "key": (name or "").removeprefix("bill_").replace("_", "-"),
                "state": state,
            }
            for number, reference, state, name in rows
        ]

    def events(self, *kinds):
        """What is kept is all that a real ERP tells."""
        if "kept" in kinds:
            return [{"event": "kept", "bill": bill} for bill in self.kept()]
        return []

    def _erp(self, query, *values):
        with self.erp_db.cursor() as cr:
            cr.execute(query, values)
            return cr.fetchall()


class RealChaos(Chaos):
    """One seed against the second Odoo."""

    jobs_each = JOBS

    def make_cases(self):
        return [RealCase(self.bench)]

    def bills_of(self, case):
        return case.bills

    def acts(self):
        return [*super().acts(), (self._lose_answers, 6)]

    def summary(self):
        (case,) = self.cases
        return f"{case.proxy.lost} answers lost, {super().summary()}"

    def _lose_answers(self, dice):
        (case,) = self.cases
        for _ in range(dice.randint(1, LOSSES)):
            case.proxy.lose(dice.choice(["account.move", "load", "action_post"]))
