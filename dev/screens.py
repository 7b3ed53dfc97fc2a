"""The screens that `dev screenshots` takes."""

from dataclasses import dataclass, replace

import demo_follow_up
import demo_readers
import demo_set_up


@dataclass
class Shot:
    """One screen: where it is, what shows that it is there, what is done before."""

    name: str
    path: str
    ready: str
    click: str = ""
    hover: str = ""
    full: bool = False
    phone: bool = False
    #: whose screen it is: the administrator's, or the reader's of `demo_readers`
    login: str = "admin"


def plan(client) -> tuple[list[Shot], list[str]]:
    """Return the screens to take and the names of those that have no record."""
    form = ".o_form_view .o_form_sheet"

    def find(model: str, domain: list) -> int | None:
        found = client.call(model, "search", domain=domain, limit=1)
        return found[0] if found else None

    def jobs(**filters: int) -> str:
        return "/odoo/ap-sync-jobs" + ("/{id}".format(**filters) if filters else "")

    check = (
        ".o_cp_action_menus .dropdown-toggle:has(.fa-cog), "
        '.o-dropdown--menu .o-dropdown-item:has-text("Check sync")'
    )
    overview, canvas = "/odoo/ap-sync-overview", ".o_ap_sync_panel canvas"
    badge = ".o_data_row .o_field_ap_sync_badge .badge"
    shots = [
        Shot("jobs", jobs(), ".o_list_view .o_data_row"),
        Shot("jobs_hover", jobs(), badge, hover=badge),
        Shot(
            "jobs_phone_badge",
            jobs(),
            ".o_bottom_sheet .o_ap_sync_popover",
            click='.o_kanban_record .badge:has-text("On Hold")',
            phone=True,
        ),
        Shot(
            "jobs_all",
            jobs(),
            '.o_data_row .badge:has-text("Success")',
            click=".o_facet_remove",
            hover='.o_data_row .badge:has-text("Failed")',
        ),
        Shot(
            "jobs_kanban",
            jobs(),
            ".o_kanban_view .o_kanban_record",
            click=".o_facet_remove, .o_switch_view.o_kanban",
        ),
        Shot("jobs_phone", jobs(), ".o_kanban_record", phone=True),
        Shot("overview", overview, canvas, full=True),
        Shot("overview_phone", overview, canvas, full=True, phone=True),
        Shot("why", "/odoo/ap-sync-why", ".o_pivot table"),
        Shot(
            "assign",
            jobs(),
            ".modal .o_form_view",
            click=".o_list_view thead .o_list_record_selector input, "
            ".o_cp_action_menus .dropdown-toggle:has(.fa-cog), "
            '.o-dropdown--menu .o-dropdown-item:has-text("Assign")',
        ),
        Shot(
            "preferences",
            jobs(),
            ".modal [name=ap_sync_daily_digest]",
            click=".o_user_menu .dropdown-toggle, [data-menu=preferences]",
        ),
        Shot(
            "jobs_german",
            jobs(),
            badge,
            hover=badge,
            login=demo_readers.READER,
        ),
        Shot("overview_german", overview, canvas, full=True, login=demo_readers.READER),
        Shot("connections", "/odoo/ap-sync-connections", ".o_list_view .o_data_row"),
        Shot("mappings", "/odoo/ap-sync-mappings", ".o_list_view .o_data_row"),
        Shot("rules", "/odoo/ap-sync-rules", ".o_list_view .o_data_row"),
        Shot(
            "settings",
            "/odoo/ap-sync-settings",
            ".app_settings_block[data-key=ap_sync]:not(.d-none) .o_setting_box",
            full=True,
        ),
        Shot(
            "bills",
            "/odoo/action-account.action_move_in_invoice",
            ".o_list_view .o_data_row",
            # The buttons of the list are there for chosen bills.
            click=".o_data_row .o_list_record_selector input",
        ),
        Shot(
            "bills_phone",
            "/odoo/action-account.action_move_in_invoice",
            ".o_kanban_record .badge",
            phone=True,
        ),
        Shot(
            "check_selection",
            "/odoo/action-account.action_move_in_invoice",
            ".o_group_header, .o_data_row",
            click=f".o_list_view thead .o_list_record_selector input, {check}, "
            ".o_group_header:has-text('Would be held')",
        ),
    ]
    missing = []
    held, failed = ("status", "=", "on_hold"), ("status", "=", "failed")
    records = [
        (
            "job_causes",
            "ap.sync.job",
            [("cause_kinds", "like", "reference_missing,gl_account_unmapped")],
            "ap-sync-jobs",
            "",
        ),
        (
            "job_held",
            "ap.sync.job",
            [held, ("rule_id", "!=", False)],
            "ap-sync-jobs",
            "",
        ),
        ("job_failed", "ap.sync.job", [failed], "ap-sync-jobs", ""),
        (
            "job_success",
            "ap.sync.job",
            [("status", "=", "success"), ("connector", "!=", "local")],
            "ap-sync-jobs",
            "[name=document]",
        ),
        *(
            (
                name,
                "ap.sync.job",
                [("move_id.ref", "=", ref), ("status", "=", "success")],
                "ap-sync-jobs",
                "",
            )
            for name, ref in (
                ("job_changed_there", demo_follow_up.CHANGED_THERE),
                ("job_cancelled_here", demo_follow_up.CANCELLED_HERE),
            )
        ),
        ("connection", "ap.sync.connection", [("connector", "!=", "local")], None, ""),
        ("mapping", "ap.sync.mapping", [("state", "=", "proposed")], None, ""),
        ("connection_paused", "ap.sync.connection", [("paused", "=", True)], None, ""),
        (
            "daily_mail",
            "mail.mail",
            [("subject", "like", "AP Sync:")],
            "action-mail.action_view_mail_mail",
            "",
        ),
        ("rule", "ap.sync.rule", [("check_name", "=", "reference_missing")], None, ""),
        (
            "bill",
            "account.move",
            [("ap_sync_job_ids.status", "in", ["on_hold", "failed"])],
            "action-account.action_move_in_invoice",
            "",
        ),
        (
            "vendor",
            "res.partner",
            [("ap_sync_blocked", "=", True)],
            "action-account.res_partner_action_supplier",
            "[name=sales_purchases]",
        ),
    ]
    for name, model, domain, path, tab in records:
        record_id = find(model, domain)
        if not record_id:
            missing.append(name)
            continue
        path = path or f"{model.replace('.', '-')}s"
        shots.append(
            Shot(
                name,
                f"/odoo/{path}/{record_id}",
                form,
                click=f".o_notebook .nav-link{tab}" if tab else "",
                full=True,
            )
        )
        if name in {"job_causes", "bill"}:
            shots.append(replace(shots[-1], name=f"{name}_phone", phone=True))
    retrying = ("phase", "=", "retrying")
    unmapped = ("error_kind", "=", "gl_account_unmapped")
    resolve = "button[name=action_open_resolve]:visible"
    bill_list = "action-account.action_move_in_invoice"
    by_rule = [held, ("rule_id", "!=", False)]
    held_bill = [("state", "=", "posted"), ("ap_sync_job_ids.status", "=", "on_hold")]
    for name, model, domain, path, click in [
        ("resolve", "ap.sync.job", [failed], "ap-sync-jobs", resolve),
        ("abort", "ap.sync.job", [retrying], "ap-sync-jobs", resolve),
        ("map", "ap.sync.job", [unmapped], "ap-sync-jobs", ".o_ap_sync_causes a"),
        (
            "retry",
            "ap.sync.connection",
            [("job_ids.status", "=", "failed")],
            "ap-sync-connections",
            "button[name=action_open_retry]:visible",
        ),
        ("release", "ap.sync.job", by_rule, "ap-sync-jobs", resolve),
        (
            "pause",
            "ap.sync.connection",
            [("connector", "!=", "local")],
            "ap-sync-connections",
            "button[name=action_open_pause]:visible",
        ),
    ]:
        record_id = find(model, domain)
        if not record_id:
            missing.append(name)
            continue
        shots.append(
            Shot(
                name,
                f"/odoo/{path}/{record_id}",
                ".modal .o_form_view",
                click=click,
            )
        )
    for name, url, ready, click in demo_set_up.screens(find):
        shot = Shot(name, url, ready, click=click, full=True)
        shots += [shot, replace(shot, name=f"{name}_phone", phone=True)]
    # Last, as it syncs what the others show.
    progress = Shot(
        "progress",
        jobs(),
        ".o_ap_sync_progress .progress",
        click=".o_list_view thead .o_list_record_selector input,"
        " .o_control_panel button[name=action_sync]",
    )
    bill = find("account.move", held_bill)
    if not bill:
        return [*shots, progress], [*missing, "check"]
    shots.append(
        Shot(
            "check",
            f"/odoo/{bill_list}/{bill}",
            ".o_form_view .o_ap_sync_document",
            click="button[name=action_ap_sync_check]:visible, "
            ".o_data_row td[name=message]",
        )
    )
    return [*shots, progress], missing
