"""What becomes of synced bills later, for `dev screenshots`: one is changed in the ERP,
one is cancelled here."""

from demo import Servers

CHANGED_THERE, CANCELLED_HERE = "BW-20871", "CIR-2026-1107"


def make(servers: Servers) -> None:
    """Change the one, cancel the other, and have the bills compared."""
    client, erp = servers.main_client, servers.erp.client
    [there] = erp.call("account.move", "search", domain=[("ref", "=", CHANGED_THERE)])
    erp.call("account.move", "button_draft", ids=[there])
    erp.call("account.move", "write", ids=[there], vals={"ref": "BW-20871-B"})
    erp.call("account.move", "action_post", ids=[there])
    here = client.call("account.move", "search", domain=[("ref", "=", CANCELLED_HERE)])
    client.call("account.move", "button_cancel", ids=here)
    [cron] = client.call(
        "ir.model.data",
        "search_read",
        domain=[("module", "=", "ap_sync"), ("name", "=", "ir_cron_compare")],
        fields=["res_id"],
    )
    client.call("ir.cron", "method_direct_trigger", ids=[cron["res_id"]])
