"""What `dev run` does in the two Odoos: connect, sync bills, check the ERP's books.

`command_run.py` calls `prepare`, `import_invoices` (with --invoices), `sync` and
`verify`, in this order, and prints what they return.
"""

from dataclasses import dataclass
from pathlib import Path

from odoo_client import OdooClient
from servers import OdooServer
from ui import DevError
from workspace import Workspace

BILL_SUFFIXES = {".pdf", ".xml", ".png", ".jpg", ".jpeg"}

# Makes an API key for the administrator of the main database.
KEY_SCRIPT = """
admin = env.ref("base.user_admin")
key = env["res.users.apikeys"].with_user(admin).sudo()._generate("rpc", "dev", None)
env.cr.commit()
print("KEY", key)
"""


@dataclass
class Servers:
    """The two running Odoos and how to reach into them."""

    workspace: Workspace
    main: OdooServer
    erp: OdooServer
    erp_key: str
    main_client: OdooClient
    erp_client: OdooClient

    def main_sql(self, query: str) -> list[list[str]]:
        """Read the tables of the main database, as text."""
        return self.workspace.postgres.sql(query, self.main.database)

    def erp_sql(self, query: str) -> list[list[str]]:
        """Read the external ERP's own tables, as text: no API stands between."""
        return self.workspace.postgres.sql(query, self.erp.database)

    def main_shell(self, script: str) -> str:
        """Run a script in `odoo shell` on the main database; it commits itself."""
        return self.workspace.shell_script(self.main.database, script)


def connect(
    workspace: Workspace, main: OdooServer, erp: OdooServer, erp_key: str
) -> Servers:
    """The servers with clients; makes the key for the main one."""
    output = workspace.shell_script(main.database, KEY_SCRIPT)
    main_key = output.rsplit("KEY ", 1)[-1].split()[0]
    return Servers(
        workspace=workspace,
        main=main,
        erp=erp,
        erp_key=erp_key,
        main_client=OdooClient(main.url, main.database, main_key),
        erp_client=OdooClient(erp.url, erp.database, erp_key),
    )


def prepare(servers: Servers) -> None:
    """Make the connection from the main Odoo to the external ERP.

    Open: create the `ap.sync.connection` (url `servers.erp.url`, database
    `servers.erp.database`, key `servers.erp_key`), the mappings it needs and the
    demo rules. Until then this shows that both sides answer with their keys.
    """
    for name, client in (("AP Sync", servers.main_client), ("ERP", servers.erp_client)):
        if not client.call("res.users", "context_get"):
            raise DevError(f"The {name} server does not accept its API key.")


def import_invoices(servers: Servers, folder: Path) -> list[str]:
    """Make a draft vendor bill of every file in a folder; returns their names.

    Open: create the bills (the files are base64 in `account.move` attachments) and
    submit them to the connection.
    :raises DevError: when the folder has no bills.
    """
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in BILL_SUFFIXES
    )
    if not names:
        raise DevError(
            f"There are no bills in {folder}: put in files that end in"
            f" {', '.join(sorted(BILL_SUFFIXES))}."
        )
    return names


def sync(servers: Servers) -> None:
    """Submit the demo bills and wait until no job is in progress.

    Open: call the engine's one door on the main server, then poll `ap.sync.job`.
    """


def verify(servers: Servers) -> list[tuple[str, ...]]:
    """Compare the jobs with the ERP's own tables; returns the rows of a table.

    The first row is the heading, the last column is "ok" or what is wrong.
    Open: one row per job (bill, status, message, number in the ERP), checked with
    `servers.erp_sql`. Until then: what both databases hold.
    """
    query = "SELECT move_type, count(*) FROM account_move GROUP BY 1 ORDER BY 1"
    rows = [("database", "kind of entry", "number", "check")]
    for name, found in (
        ("AP Sync", servers.main_sql(query)),
        ("ERP", servers.erp_sql(query)),
    ):
        rows += [(name, kind, number, "ok") for kind, number in found]
    return rows
