"""What the tests against a real Tryton share: where it is, and its tables.

``python3 dev test`` starts it. The tables are read from its file, so that what is seen
there did not come through the API.
"""

import json
import os
import sqlite3
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg2

from ..connectors.base import Document, Settings
from ..connectors.tryton import TrytonConnector
from ..connectors.tryton_session import Session


class RealTryton:
    """The running Tryton, for tests.

    ``facts`` are ids of what ``dev/tryton_set_up.py`` made in it.
    """

    prefix = "AP_SYNC_TEST_TRYTON"
    #: Where its tables are.
    tables = "FILE"

    def __init__(self):
        variables = ("URL", "DB", "KEY", "FACTS", self.tables)
        names = [f"{self.prefix}_{name}" for name in variables]
        missing = [name for name in names if not os.environ.get(name)]
        if missing:
            raise RuntimeError(
                "These tests need a real Tryton: run them with `python3 dev test`"
                f" (missing: {', '.join(missing)})."
            )
        values = [os.environ[name] for name in names]
        self.url, self.database, self.key, facts, self.tables = values
        self.facts = json.loads(facts)

    def connector(self, **options):
        """Return a connector; the key by ``key``, options by their names."""
        settings = Settings(
            url=self.url,
            secret=options.pop("key", self.key),
            database=self.database,
            company=str(self.facts["company"]),
            allowed_hosts=("127.0.0.1",),
            options={"post": True, **options},
        )
        return TrytonConnector(settings)

    def administrator(self):
        """Return a session that may do what a bookkeeper may not."""
        connector = self.connector(key=self.facts["admin_key"])
        return Session(connector._rest, connector.settings, time.monotonic() + 60)

    def query(self, query, *values):
        """Return rows of its tables."""
        connection = sqlite3.connect(
            f"file:{self.tables}?mode=ro", uri=True, timeout=30
        )
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def invoices(self, reference):
        """Return ``(id, state, number, total)`` of all invoices with a reference,
        cancelled ones too."""
        rows = self.query(
            "SELECT id, state, number, total_amount_cache FROM account_invoice"
            " WHERE reference = ? ORDER BY id",
            reference,
        )
        return [
            (number, state, name, _decimal(total))
            for number, state, name, total in rows
        ]

    def booked(self, invoice):
        """Return ``(date, state, sum of debits)`` of an invoice's booking."""
        [[day, state, debit]] = self.query(
            "SELECT move.date, move.state, sum(CAST(line.debit AS REAL))"
            " FROM account_invoice invoice"
            " JOIN account_move move ON move.id = invoice.move"
            " JOIN account_move_line line ON line.move = move.id"
            " WHERE invoice.id = ?",
            invoice,
        )
        return date.fromisoformat(day), state, _decimal(debit)

    def total(self, invoice):
        """Return the sum of a draft's lines and taxes."""
        [[lines]] = self.query(
            "SELECT sum(round(quantity * CAST(unit_price AS REAL), 2))"
            " FROM account_invoice_line WHERE invoice = ?",
            invoice,
        )
        [[taxes]] = self.query(
            "SELECT coalesce(sum(CAST(amount AS REAL)), 0) FROM account_invoice_tax"
            " WHERE invoice = ?",
            invoice,
        )
        return _decimal(round(lines + taxes, 2)).quantize(Decimal("0.01"))

    def files(self, invoice):
        """Return ``{name: content}`` of an invoice's files."""
        rows = self.query(
            "SELECT name, file_id FROM ir_attachment WHERE resource = ?",
            f"account.invoice,{invoice}",
        )
        store = Path(self.tables).parent / self.database
        return {
            name: (store / key[:2] / key[2:4] / key).read_bytes() for name, key in rows
        }

    def find(self, document: Document):
        """Return the invoices with a document's reference; see ``invoices``."""
        return self.invoices(document.reference)


class RealTrytonOnPostgres(RealTryton):
    """The one on PostgreSQL. It understands the same questions."""

    prefix = "AP_SYNC_TEST_TRYTON_POSTGRES"
    tables = "DSN"

    def query(self, query, *values):
        """Return rows of its tables."""
        query = query.replace("?", "%s").replace("AS REAL", "AS double precision")
        connection = psycopg2.connect(self.tables)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall()
        finally:
            connection.close()


def _decimal(value):
    """Return an amount: SQLite has them as text in bytes, sums as floats."""
    if value is None or isinstance(value, Decimal):
        return value
    return Decimal(value.decode() if isinstance(value, bytes) else str(value))
