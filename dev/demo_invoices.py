"""E-invoices (UBL, CII) from a folder, as bills: what `dev run --invoices` imports."""

import base64
from pathlib import Path

from demo import Servers
from odoo_client import OdooClient, enable_currency
from ui import DevError, say

SUFFIXES = {".xml", ".pdf"}
#: Kept from the main Odoo's answers when a bill can't be posted yet.
TYPES = ["in_invoice", "in_refund"]


def import_invoices(servers: Servers, folder: Path) -> list[int]:
    """Import each file through Odoo's own import and post what can be posted; Sync
    the others by hand, so that they say what they lack.

    The currencies of the bills are activated on both sides first.

    :return: the ids of the bills.
    :raises DevError: when the folder has no e-invoices.
    """
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in SUFFIXES
    )
    if not paths:
        raise DevError(
            f"There are no e-invoices in {folder}: put in UBL or CII files that end in"
            f" {' or '.join(sorted(SUFFIXES))}."
        )
    client = servers.main_client
    [journal] = client.call(
        "account.journal", "search", domain=[["type", "=", "purchase"]], limit=1
    )
    bills = []
    for path in paths:
        bills += _import(client, journal, path)
    _enable_currencies(servers, bills)
    for bill in bills:
        _post_or_sync(client, bill)
    return bills


def _import(client: OdooClient, journal: int, path: Path) -> list[int]:
    attachment = client.call(
        "ir.attachment",
        "create",
        vals_list=[
            {
                "name": path.name,
                "datas": base64.b64encode(path.read_bytes()).decode(),
                "mimetype": "application/pdf"
                if path.suffix.lower() == ".pdf"
                else "application/xml",
            }
        ],
    )
    action = client.call(
        "account.journal",
        "create_document_from_attachment",
        ids=[journal],
        attachment_ids=attachment,
        context={"default_move_type": "in_invoice"},
    )
    [[_field, _operator, ids]] = action["domain"]
    return ids


def _enable_currencies(servers: Servers, bills: list[int]) -> None:
    rows = servers.main_client.call(
        "account.move", "read", ids=bills, fields=["currency_id"]
    )
    for code in sorted({row["currency_id"][1] for row in rows}):
        enable_currency(servers.main_client, code)
        servers.erp.enable_currency(code)
    # The ERP's currencies were read before.
    servers.main_client.call(
        "ap.sync.connection",
        "action_refresh_data",
        ids=[servers.connections["erp"]],
    )


def _post_or_sync(client: OdooClient, bill: int) -> None:
    try:
        client.call("account.move", "action_post", ids=[bill])
    except DevError as refused:
        say(f"   bill {bill} stays a draft: {refused}")
        client.call("account.move", "action_ap_sync", ids=[bill])
