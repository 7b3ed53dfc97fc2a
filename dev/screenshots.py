"""`dev screenshots`: one PNG of every screen, on the demo data, in a real browser.

The file has two halves, as the browser's driver lives in the environment of Odoo: the
first sets up and says what to take; the second, started with that Python, takes it.
"""

import json
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from screens import Shot, plan
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


def run(odoo: str | None, out: str | None) -> int:
    """Start the demo, take the screens and return 0, or 1 for errors in the browser.

    :param out: the folder for the files; by default one in the cache.
    :raises DevError: when something does not start, or there is no browser.
    """
    import demo
    import demo_follow_up
    import demo_readers
    import demo_set_up
    import paths
    import templates
    from demo_erps import OdooErp
    from servers import OdooServer
    from workspace import Workspace

    folder = Path(out).expanduser() if out else paths.subfolder("screenshots")
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with Workspace(odoo) as workspace:
        main = templates.main_database(workspace, "main")
        erp = OdooErp(workspace)
        with (
            erp.server,
            OdooServer(workspace, "main", main, cron_threads=2) as main_server,
        ):
            with step("Syncing the demo bills"):
                servers = demo.connect(workspace, main_server, erp)
                demo.prepare(servers)
                demo.enter_bills(servers)
                demo.sync(servers)
                _pause(servers.main_client)
                demo_set_up.make(servers)
                demo_readers.make(servers)
                demo_follow_up.make(servers)
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
    shots, missing = plan(client)
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


# === IN THE BROWSER'S PYTHON === #


def _take_all(order: dict) -> None:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=order["browser"], args=BROWSER_FLAGS
        )
        pages = {}
        for values in order["shots"]:
            shot = Shot(**values)
            if shot.login not in pages:
                pages[shot.login] = _log_in(browser, order["url"], shot.login)
            page = pages[shot.login]
            target = Path(order["folder"]) / f"{shot.name}.png"
            try:
                _take_one(page, order["url"], shot, target)
                print(target.name)
            except Error as error:
                page.screenshot(path=target)
                print(f"error: {shot.name}: {error.message.splitlines()[0]}")
        browser.close()


def _log_in(browser, url: str, login: str):
    """Return a page of somebody whose password is the login."""
    page = browser.new_context(viewport=SIZE).new_page()
    page.set_default_timeout(WAIT_MS)
    page.on("pageerror", lambda error: print(f"error: {error}"))
    page.on(
        "console",
        lambda line: line.type == "error" and print(f"error: {line.text}"),
    )
    page.goto(f"{url}/web/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", login)
    page.click("form.oe_login_form button[type=submit]")
    page.wait_for_selector(".o_web_client .o_main_navbar", timeout=FIRST_WAIT_MS)
    return page


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
