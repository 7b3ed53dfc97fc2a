"""`dev screenshots`: one PNG of every screen, on the demo data, in a real browser.

The file has two halves, as the browser's driver lives in the environment of Odoo: the
first sets up and says what to take; the second, started with that Python, takes it.
"""

import json
import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ui import DevError, say, step

SIZE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
WAIT_MS = 15_000
# The first page builds the assets, which takes long on a busy machine.
FIRST_WAIT_MS = 120_000
SETTLE_MS = 800
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


def run(odoo: str | None, out: str | None) -> int:
    """Start the demo, take the screens and return 0, or 1 for errors in the browser.

    :param out: the folder for the files; by default one in the cache.
    :raises DevError: when something does not start, or there is no browser.
    """
    import demo
    import demo_set_up
    import paths
    import templates
    from servers import OdooServer
    from workspace import Workspace

    folder = Path(out).expanduser() if out else paths.subfolder("screenshots")
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with Workspace(odoo) as workspace:
        main = templates.main_database(workspace, "main")
        erp, key = templates.erp_database(workspace, "erp")
        with (
            OdooServer(workspace, "erp", erp, demo=False) as erp_server,
            OdooServer(workspace, "main", main, cron_threads=2) as main_server,
        ):
            with step("Syncing the demo bills"):
                servers = demo.connect(workspace, main_server, erp_server, key)
                demo.prepare(servers)
                demo.enter_bills(servers)
                demo.sync(servers)
                _pause(servers.main_client)
                demo_set_up.make(servers)
            return take(workspace.python, main_server.url, servers.main_client, folder)


def take(python: Path, url: str, client, folder: Path) -> int:
    """Take all screens of a running server; returns 0, or 1 for browser errors.

    :param client: an `OdooClient` of that server, to find the records to show.
    """
    import shell
    import system

    browser = system.find_browser()
    if not browser:
        raise DevError("Screenshots need Chromium or Chrome: install one of them.")
    shots, missing = _plan(client)
    for name in missing:
        say(f"   left out: {name} (the database has no such record)")
    order = {
        "url": url,
        "browser": browser,
        "folder": str(folder),
        "shots": [asdict(shot) for shot in shots],
    }
    with step(f"Taking {len(shots)} screens"):
        output = shell.run(
            [python, Path(__file__)],
            error="The browser could not take the screens: see above.",
            stdin=json.dumps(order),
        )
    say(output.rstrip())
    say(f"Screens are in {folder}")
    return 1 if "error:" in output else 0


def _pause(client) -> None:
    """Pause the demo's local ledger, to show how that looks."""
    [ledger] = client.call(
        "ap.sync.connection", "search", domain=[("connector", "=", "local")], limit=1
    )
    values = {
        "connection_id": ledger,
        "reason": "AP period close",
        "until": f"{datetime.now() + timedelta(days=7):%Y-%m-%d 06:00:00}",
    }
    ids = client.call("ap.sync.pause", "create", vals_list=[values])
    client.call("ap.sync.pause", "action_pause", ids=ids)


def _plan(client) -> tuple[list[Shot], list[str]]:
    """Return the screens to take and the names of those that have no record."""
    import demo_set_up

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
            "progress",
            jobs(),
            ".o_ap_sync_progress .progress",
            click=".o_list_view thead .o_list_record_selector input,"
            " .o_control_panel button[name=action_sync]",
        ),
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
        ("connection", "ap.sync.connection", [("connector", "!=", "local")], None, ""),
        ("mapping", "ap.sync.mapping", [("state", "=", "proposed")], None, ""),
        ("connection_paused", "ap.sync.connection", [("paused", "=", True)], None, ""),
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
    bill = find("account.move", held_bill)
    if not bill:
        return shots, [*missing, "check"]
    shots.append(
        Shot(
            "check",
            f"/odoo/{bill_list}/{bill}",
            ".o_form_view .o_ap_sync_document",
            click="button[name=action_ap_sync_check]:visible, "
            ".o_data_row td[name=message]",
        )
    )
    return shots, missing


# === IN THE BROWSER'S PYTHON === #


def _take_all(order: dict) -> None:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=order["browser"], args=BROWSER_FLAGS
        )
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: print(f"error: {error}"))
        page.on(
            "console",
            lambda line: line.type == "error" and print(f"error: {line.text}"),
        )
        page.goto(f"{order['url']}/web/login")
        page.fill("input[name=login]", "admin")
        page.fill("input[name=password]", "admin")
        page.click("form.oe_login_form button[type=submit]")
        page.wait_for_selector(".o_web_client .o_main_navbar", timeout=FIRST_WAIT_MS)
        for values in order["shots"]:
            shot = Shot(**values)
            target = Path(order["folder"]) / f"{shot.name}.png"
            try:
                _take_one(page, order["url"], shot, target)
                print(target.name)
            except Error as error:
                page.screenshot(path=target)
                print(f"error: {shot.name}: {error.message.splitlines()[0]}")
        browser.close()


def _take_one(page, url: str, shot: Shot, target: Path) -> None:
    size = PHONE if shot.phone else SIZE
    page.set_viewport_size(size)
    page.goto(f"{url}{shot.path}")
    page.wait_for_selector(".o_action_manager .o_action")
    for selector in filter(None, shot.click.split(", ")):
        page.locator(selector).first.click()
    page.mouse.move(0, 0)
    page.wait_for_selector(shot.ready)
    # Avatars, the chatter and a domain's labels come after the view; Odoo's bus keeps
    # the network busy for ever, so there is nothing better to wait for.
    page.wait_for_timeout(SETTLE_MS)
    if shot.hover:
        page.locator(shot.hover).first.hover()
        page.wait_for_selector(".o_popover")
        page.wait_for_timeout(500)
    if shot.full:
        # The view scrolls inside the window: make that as high as the view.
        height = page.evaluate(
            "Math.max(...[...document.querySelectorAll('.o_content *')].map((el) =>"
            " el.getBoundingClientRect().bottom))"
        )
        page.set_viewport_size(
            {**size, "height": min(2400, max(size["height"], int(height) + 20))}
        )
        page.wait_for_timeout(300)
    page.screenshot(path=target)


if __name__ == "__main__":
    _take_all(json.load(sys.stdin))
