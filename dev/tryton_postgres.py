"""A real Tryton on our PostgreSQL, for what SQLite has not: many writers at once."""

import json
from urllib.parse import quote

import tryton
from postgres import PORT, USER
from templates import make
from ui import step
from workspace import Workspace

KEEP = 2
# In the database itself, so that a copy of the template has them.
FACTS_TABLE = "ap_sync_dev_facts"


class TrytonOnPostgres(tryton.TrytonServer):
    """Like `TrytonServer`, on a copy of a template database."""

    prefix = "AP_SYNC_TEST_TRYTON_POSTGRES"

    def __init__(self, workspace: Workspace):
        # A folder where libpq looks for a host is the socket's.
        host = quote(str(workspace.postgres.socket), safe="")
        self.uri = f"postgresql://{USER}@{host}:{PORT}"
        super().__init__(workspace, "tryton_postgres")

    def _name_database(self, workspace: Workspace) -> str:
        return workspace.database("tryton")

    def _tell_tables(self) -> dict[str, str]:
        return {"DSN": self.workspace.postgres.dsn(self.database)}

    def _prepare(self) -> dict:
        key = tryton.digest(self._python)
        make(self.workspace, "tpl_tryton_", key, self._fill, KEEP, self.database)
        query = f"SELECT facts FROM {FACTS_TABLE}"
        [[facts]] = self.workspace.postgres.sql(query, self.database)
        return json.loads(facts)

    def _fill(self, database: str) -> None:
        with step("Making the database of Tryton on PostgreSQL (once)"):
            self.workspace.databases.create(database)
            tryton.fill(self._python, self.folder, self.uri, database)
            facts = json.dumps(json.loads((self.folder / "facts.json").read_text()))
            quoted = facts.replace("'", "''")
            self.workspace.postgres.sql(
                f"CREATE TABLE {FACTS_TABLE} AS SELECT '{quoted}' AS facts", database
            )
