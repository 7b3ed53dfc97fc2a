"""The external ERPs that `dev run` knows: how the demo reaches into each, and what its
own tables say."""

import re
import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import templates
from odoo_client import OdooClient, enable_currency
from servers import OdooServer, Server
from tryton import TrytonServer
from workspace import Workspace


@dataclass(frozen=True)
class Entry:
    """A bill in an ERP's tables, whatever its state."""

    erp_id: str
    number: str
    posted: bool
    state: str
    total: float


class Erp(Protocol):
    """An external ERP that runs on this machine."""

    server: Server
    #: How people get in, for the last lines of `dev run`.
    invitation: str

    def connection(self) -> dict:
        """The values of a connection to it, once it is started."""

    def refuse(self, code: str) -> None:
        """Let it refuse bills on the account with this code from now on."""

    def enable_currency(self, code: str) -> None:
        """Let it know a currency from now on."""

    def entries(self) -> dict[str, list[Entry]]:
        """What it holds under our keys, read from its tables: no API between."""

    def doubles(self) -> list[tuple[str, int]]:
        """References of bills that stand in its books more than once, whatever their
        key, and how often."""


def make(name: str, workspace: Workspace) -> Erp:
    """The ERP of that name, not started yet."""
    return ERPS[name](workspace)


class OdooErp:
    """A second Odoo with the generic chart of accounts."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        database, self.key = templates.erp_database(workspace, "erp")
        self.server = OdooServer(workspace, "erp", database, demo=False)

    @property
    def invitation(self) -> str:
        return f"{self.server.url}/odoo   login admin, password admin"

    @property
    def client(self) -> OdooClient:
        """Calls it by its API."""
        return OdooClient(self.server.url, self.server.database, self.key)

    def connection(self) -> dict:
        return {
            "url": self.server.url,
            "erp_database": self.server.database,
            "api_key": self.key,
        }

    def refuse(self, code: str) -> None:
        client = self.client
        ids = client.call("account.account", "search", domain=[["code", "=", code]])
        client.call("account.account", "write", ids=ids, vals={"active": False})

    def enable_currency(self, code: str) -> None:
        enable_currency(self.client, code)

    def entries(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for name, erp_id, number, state, total in self.sql(
            "SELECT data.name, move.id, move.name, move.state, move.amount_total"
            " FROM ir_model_data data JOIN account_move move ON move.id = data.res_id"
            " WHERE data.module = '__ap_sync__' AND data.model = 'account.move'"
        ):
            key = name.removeprefix("bill_").replace("_", "-")
            entry = Entry(erp_id, number, state == "posted", state, float(total))
            found.setdefault(key, []).append(entry)
        return found

    def doubles(self) -> list[tuple[str, int]]:
        rows = self.sql(
            "SELECT ref, count(*) FROM account_move"
            " WHERE move_type LIKE 'in_%' AND state = 'posted' AND ref IS NOT NULL"
            " GROUP BY partner_id, ref, move_type, amount_total, invoice_date"
            " HAVING count(*) > 1"
        )
        return [(reference, int(count)) for reference, count in rows]

    def sql(self, query: str) -> list[list[str]]:
        """Read its tables, as text."""
        return self._workspace.postgres.sql(query, self.server.database)


class TrytonErp:
    """A Tryton, with what `tryton_set_up.py` made in it."""

    def __init__(self, workspace: Workspace):
        self.server = TrytonServer(workspace, web=True)

    @property
    def invitation(self) -> str:
        facts = self.server.facts
        return (
            f"{self.server.url}   database {self.server.database},"
            f" login {facts['login']}, password {facts['password']}"
        )

    def connection(self) -> dict:
        return {
            "connector": "tryton",
            "url": self.server.url,
            "erp_database": self.server.database,
            "erp_company": str(self.server.facts["company"]),
            "api_key": self.server.facts["bot_key"],
        }

    def refuse(self, code: str) -> None:
        year = date.today().year - 1
        first, last = {"month": 1, "day": 1}, {"month": 12, "day": 31}
        account = self.server.facts["accounts"][code]
        self.server.change(
            f"account.account/{account}",
            {
                "start_date": {"__class__": "date", "year": year, **first},
                "end_date": {"__class__": "date", "year": year, **last},
            },
        )

    def enable_currency(self, code: str) -> None:
        if self._rows(f"SELECT id FROM currency_currency WHERE code = '{code}'"):
            return
        rate = {"__class__": "Decimal", "decimal": "1"}
        first = {"__class__": "date", "year": 2000, "month": 1, "day": 1}
        values = {
            "name": code,
            "code": code,
            "rounding": {"__class__": "Decimal", "decimal": "0.01"},
            "rates": [["create", [{"date": first, "rate": rate}]]],
        }
        self.server.change("currency.currency", values, "POST")

    def entries(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for invoice, number, state, total, comment in self._rows(
            "SELECT id, number, state, total_amount_cache, comment FROM account_invoice"
            " WHERE type = 'in' AND comment LIKE '%[ap_sync:%'"
        ):
            [key] = re.findall(r"\[ap_sync:([^]]+)\]", comment)
            # A credit note is a negative invoice; here all totals are positive.
            total = abs(float(total or 0))
            entry = Entry(str(invoice), number or "", state == "posted", state, total)
            found.setdefault(key, []).append(entry)
        return found

    def doubles(self) -> list[tuple[str, int]]:
        return self._rows(
            "SELECT reference, count(*) FROM account_invoice"
            " WHERE type = 'in' AND state IN ('posted', 'paid')"
            " AND reference IS NOT NULL"
            " GROUP BY party, reference HAVING count(*) > 1"
        )

    def _rows(self, query):
        address = f"file:{self.server.file}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=30)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


ERPS = {"odoo": OdooErp, "tryton": TrytonErp}
