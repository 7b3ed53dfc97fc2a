"""Connections at several steps of their set-up, for `dev screenshots`."""

from demo import Servers

#: name of the screen: part of the connection's name
CONNECTIONS = {
    "set_up_test": "untested",
    "set_up_refused": "key refused",
    "set_up_map": "to map",
    "set_up_try": "to try",
}
#: The kinds of ERP that are not played with: what their forms ask for.
KINDS = ("tryton", "xero", "business_central")


def make(servers: Servers) -> None:
    """Make a connection for each step, and bring it there."""
    client = servers.main_client
    field = client.call(
        "ap.sync.connection",
        "fields_get",
        allfields=["connector"],
        attributes=["selection"],
    )
    known = dict(field["connector"]["selection"])
    for kind in KINDS:
        if kind not in known:
            continue
        other = {"name": f"Holding, by {kind}", "connector": kind, "sequence": 95}
        if kind == "tryton":
            other["url"] = "https://tryton.example.com"
        client.call("ap.sync.connection", "create", vals_list=[other])
    values = servers.erp.connection()
    for words in CONNECTIONS.values():
        refused = words == "key refused"
        key = "f" * 40 if refused else values["api_key"]
        name = f"Branch ERP, {words}"
        ids = client.call(
            "ap.sync.connection",
            "create",
            vals_list=[{**values, "name": name, "api_key": key, "sequence": 90}],
        )
        if words == "untested":
            continue
        client.call("ap.sync.connection", "action_test_connection", ids=ids)
        if refused:
            continue
        client.call("ap.sync.connection", "action_refresh_data", ids=ids)
        if words == "to try":
            domain = [["connection_id", "=", ids[0]]]
            found = client.call("ap.sync.mapping", "search", domain=domain)
            client.call("ap.sync.mapping", "action_confirm", ids=found)
            domain.append(["state", "=", "missing"])
            found = client.call("ap.sync.mapping", "search", domain=domain)
            client.call("ap.sync.mapping", "write", ids=found, vals={"erp_id": "1"})


def screens(find) -> list[tuple[str, str, str, str]]:
    """Return name, path, what shows that it is there, and what is clicked, of each.

    :param find: returns the id of a record of a model and domain, if any.
    """
    form, dialog = ".o_form_view .o_ap_sync_setup", ".modal .o_form_view"
    path = "/odoo/ap-sync-connections"
    screens = [("set_up_new", f"{path}/new", form, "")]
    for kind in KINDS:
        made = find("ap.sync.connection", [("name", "=", f"Holding, by {kind}")])
        if made:
            screens.append((f"connection_{kind}", f"{path}/{made}", form, ""))
    for name, words in CONNECTIONS.items():
        url = f"{path}/{find('ap.sync.connection', [('name', 'like', words)])}"
        screens.append((name, url, form, ""))
        for screen, step, ready, method in (
            (
                "missing",
                "to map",
                ".o_ap_sync_suggestions:visible",
                "action_open_missing",
            ),
            ("trial", "to try", dialog, "action_open_trial"),
            ("switch_on", "to try", dialog, "action_open_switch_on"),
        ):
            if step == words:
                screens.append((screen, url, ready, f"button[name={method}]:visible"))
    return screens
