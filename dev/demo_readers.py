"""Somebody who reads German, and the daily mail, for `dev screenshots`."""

from demo import Servers

#: login, password and language
READER = "greta"
LANGUAGE = "de_DE"


def make(servers: Servers) -> None:
    """Install German, let Greta read it, and queue the daily mails."""
    client = servers.main_client

    def ids_of(*names: str) -> list[int]:
        return [
            client.call(
                "ir.model.data", "search_read", domain=domain, fields=["res_id"]
            )[0]["res_id"]
            for module, name in (name.split(".") for name in names)
            for domain in [[("module", "=", module), ("name", "=", name)]]
        ]

    languages = client.call(
        "res.lang",
        "search",
        domain=[("code", "=", LANGUAGE)],
        context={"active_test": False},
    )
    wizard = client.call(
        "base.language.install",
        "create",
        vals_list=[{"lang_ids": [(6, 0, languages)], "overwrite": False}],
    )
    client.call("base.language.install", "lang_install", ids=wizard)
    groups = ids_of("ap_sync.group_ap_sync_manager", "base.group_user")
    values = {
        "name": "Greta Grün",
        "login": READER,
        "password": READER,
        "lang": LANGUAGE,
        "group_ids": [(6, 0, groups)],
    }
    client.call("res.users", "create", vals_list=[values])
    cron = ids_of("ap_sync.ir_cron_digest")
    client.call("ir.cron", "method_direct_trigger", ids=cron)
