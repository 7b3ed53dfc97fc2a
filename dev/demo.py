"""What `dev run` does in Odoo and the ERP: connect, enter bills, sync.

`command_run.py` calls `connect`, `prepare`, then `enter_bills` (or what
`demo_invoices.py` has) and `sync`; `demo_check.py` then compares the books. All of it
goes through the front doors (JSON-2 with an API key).
"""

import base64
import time
from dataclasses import dataclass, field

from demo_bills import BILLS, CLEANING, PDF, REFUSED_ACCOUNT, UNMAPPED_ACCOUNT, Bill
from demo_erps import Erp
from odoo_client import OdooClient, enable_currency
from servers import OdooServer, free_port
from ui import DevError, say
from workspace import Workspace

SYNC_SECONDS = 300
POLL_SECONDS = 1

# Makes an API key for the administrator of the main database.
KEY_SCRIPT = """
admin = env.ref("base.user_admin")
key = env["res.users.apikeys"].with_user(admin).sudo()._generate("rpc", "dev", None)
env.cr.commit()
print("KEY", key)
"""


@dataclass
class Servers:
    """The running Odoo and ERP and how to reach into them."""

    workspace: Workspace
    main: OdooServer
    erp: Erp
    main_client: OdooClient
    connections: dict[str, int] = field(default_factory=dict)

    def main_sql(self, query: str) -> list[list[str]]:
        """Read the tables of the main database, as text."""
        return self.workspace.postgres.sql(query, self.main.database)


def connect(workspace: Workspace, main: OdooServer, erp: Erp) -> Servers:
    """The servers with a client of the main one, for which a key is made."""
    output = workspace.shell_script(main.database, KEY_SCRIPT)
    main_key = output.rsplit("KEY ", 1)[-1].split()[0]
    return Servers(
        workspace=workspace,
        main=main,
        erp=erp,
        main_client=OdooClient(main.url, main.database, main_key),
    )


def prepare(servers: Servers) -> None:
    """Make the connection from the main Odoo to the external ERP, test it, read the
    ERP's master data and confirm the mappings that are proposed.

    :raises DevError: when the test finds something wrong.
    """
    client = servers.main_client
    ids = client.call(
        "ap.sync.connection",
        "create",
        vals_list=[
            {
                "name": "Head office ERP",
                **servers.erp.connection(),
                "trigger": "posted",
                "sequence": 1,
            }
        ],
    )
    servers.connections["erp"] = ids[0]
    client.call("ap.sync.connection", "action_test_connection", ids=ids)
    [connection] = client.call(
        "ap.sync.connection", "read", ids=ids, fields=["check_result"]
    )
    wrong = [item for item in connection["check_result"] or [] if not item["ok"]]
    if wrong or not connection["check_result"]:
        raise DevError(f"The test of the connection to the ERP failed: {wrong}.")
    client.call("ap.sync.connection", "action_refresh_data", ids=ids)
    proposals = client.call(
        "ap.sync.mapping", "search", domain=[["connection_id", "=", ids[0]]]
    )
    client.call("ap.sync.mapping", "action_confirm", ids=proposals)
    [company] = client.call("res.users", "read", ids=[2], fields=["company_id"])
    client.call(
        "res.company",
        "write",
        ids=[company["company_id"][0]],
        vals={"ap_sync_connection_id": ids[0]},
    )


def enter_bills(servers: Servers) -> None:
    """Enter and post the demo bills, and mark the local ledger's drafts as ready."""
    client = servers.main_client
    offline = client.call(
        "ap.sync.connection",
        "create",
        vals_list=[
            {
                "name": "Branch ERP (switched off)",
                "url": f"http://127.0.0.1:{free_port()}",
                "api_key": "none",
                "trigger": "manual",
                "sequence": 20,
            }
        ],
    )
    servers.connections["offline"] = offline[0]
    _add_account(client, *UNMAPPED_ACCOUNT)
    servers.erp.refuse(REFUSED_ACCOUNT)
    accounts = _codes(client)
    _map_for_offline(servers, accounts)
    moves = [(bill, _enter(servers, bill, accounts)) for bill in BILLS]
    for bill, move in moves:
        if bill.connection == "erp":
            client.call("account.move", "action_post", ids=[move])
    # A draft is synced by hand to the branch, which does not answer.
    for bill, move in moves:
        if bill.connection != "erp":
            _sync_to(servers, move, servers.connections[bill.connection])
    drafts = client.call(
        "account.move",
        "search",
        domain=[["state", "=", "draft"], ["partner_id.ref", "=", CLEANING]],
    )
    client.call("account.move", "action_ap_sync_ready", ids=drafts)


def sync(servers: Servers) -> None:
    """Wait until every job is where it stays: nothing queued, sent or verified.

    A job that waits for its retry stays In Progress; that is its place.
    """
    end = time.monotonic() + SYNC_SECONDS
    told = None
    while time.monotonic() < end:
        [[moving, total]] = servers.main_sql(
            "SELECT count(*) FILTER"
            " (WHERE phase IN ('queued', 'sending', 'verifying')), count(*)"
            " FROM ap_sync_job"
        )
        if int(moving) == 0:
            return
        if moving != told:
            say(f"   {moving} of {total} bills under way")
            told = moving
        time.sleep(POLL_SECONDS)
    raise DevError(
        f"Bills are still under way after {SYNC_SECONDS} s: see {servers.main.log}."
    )


# -- The bills


def _enter(servers: Servers, bill: Bill, accounts: dict[str, int]) -> int:
    client = servers.main_client
    tax = client.call(
        "account.tax", "search", domain=[["type_tax_use", "=", "purchase"]], limit=1
    )
    [vendor] = client.call("res.partner", "search", domain=[["ref", "=", bill.vendor]])
    values = {
        "move_type": bill.kind,
        "partner_id": vendor,
        "ref": bill.reference or False,
        "invoice_date": bill.bill_date,
        "invoice_line_ids": [
            [
                0,
                0,
                {
                    "name": name,
                    "quantity": quantity,
                    "price_unit": price,
                    "account_id": accounts[code],
                    "tax_ids": [[6, 0, tax if taxed else []]],
                },
            ]
            for name, quantity, price, code, taxed in bill.lines
        ],
    }
    if bill.currency:
        values["currency_id"] = enable_currency(client, bill.currency)
    [move] = client.call("account.move", "create", vals_list=[values])
    if bill.document:
        client.call(
            "ir.attachment",
            "create",
            vals_list=[
                {
                    "name": f"{bill.reference}.pdf",
                    "datas": base64.b64encode(PDF).decode(),
                    "mimetype": "application/pdf",
                    "res_model": "account.move",
                    "res_id": move,
                }
            ],
        )
    return move


def _codes(client: OdooClient) -> dict[str, int]:
    accounts = client.call("account.account", "search_read", domain=[], fields=["code"])
    return {account["code"]: account["id"] for account in accounts}


def _add_account(client: OdooClient, code: str, name: str) -> None:
    client.call(
        "account.account",
        "create",
        vals_list=[{"code": code, "name": name, "account_type": "expense"}],
    )


def _map_for_offline(servers: Servers, accounts: dict[str, int]) -> None:
    servers.main_client.call(
        "ap.sync.mapping",
        "create",
        vals_list=[
            {
                "connection_id": servers.connections["offline"],
                "record": f"account.account,{accounts['600000']}",
                "erp_id": "1",
            }
        ],
    )


def _sync_to(servers: Servers, move: int, connection: int) -> None:
    """Press Sync while another connection is the company's default."""
    client = servers.main_client
    [company] = client.call("account.move", "read", ids=[move], fields=["company_id"])
    company_id = company["company_id"][0]
    for chosen in (connection, servers.connections["erp"]):
        client.call(
            "res.company",
            "write",
            ids=[company_id],
            vals={"ap_sync_connection_id": chosen},
        )
        if chosen == connection:
            client.call("account.move", "action_ap_sync", ids=[move])
