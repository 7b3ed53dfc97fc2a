"""The soak against a real Tryton: an ERP without a client's key and with one bill at a
time. A proxy loses its answers; its own tables are what counts."""

import re
import sqlite3
from urllib.parse import urlsplit

from lossy_proxy import LossyProxy

from case import LOOKUP, Case
from chaos import Chaos

#: It books about one bill a second.
JOBS = 20
#: How often, each time something is broken, an answer of the ERP is lost.
LOSSES = 3
KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TrytonCase(Case):
    """A connection to Tryton, through a proxy that loses answers."""

    def __init__(self, bench):
        erp = bench.given.tryton
        address = urlsplit(erp["url"])
        self.proxy = LossyProxy(address.hostname, address.port)
        self._file = erp["file"]
        self.bills = bench.make_bills(JOBS)
        super().__init__(
            bench,
            LOOKUP,
            connector="tryton",
            url=self.proxy.url,
            erp_database=erp["database"],
            erp_company=str(erp["facts"]["company"]),
            api_key=erp["key"],
            timeout=30,
        )
        bench.sql(
            "UPDATE ap_sync_mapping SET erp_id = %s WHERE connection_id = %s",
            str(erp["facts"]["accounts"]["600000"]),
            self.id,
        )

    def kept(self):
        """Return Tryton's invoices with the references of ours, read in its tables."""
        references = [job["reference"] for job in self.jobs()]
        marks = ", ".join("?" * len(references))
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30) as erp:
            rows = erp.execute(
                "SELECT id, reference, comment, state FROM account_invoice"
                f" WHERE reference IN ({marks}) AND state != 'cancelled'",
                references,
            ).fetchall()
        return [
            {
                "id": str(number),
                "reference": reference,
                "key": (KEY.findall(comment or "") or [""])[0],
                "state": state,
            }
            for number, reference, comment, state in rows
        ]

    def events(self, *kinds):
        """What is kept is all that a real ERP tells."""
        if "kept" in kinds:
            return [{"event": "kept", "bill": bill} for bill in self.kept()]
        return []


class TrytonChaos(Chaos):
    """One seed against Tryton."""

    jobs_each = JOBS

    def make_cases(self):
        return [TrytonCase(self.bench)]

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
            case.proxy.lose(dice.choice(["/account.invoice", "/post", "GET"]))
