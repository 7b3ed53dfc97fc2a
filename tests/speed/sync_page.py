"""The form of a job in a real browser: press Sync, and see when Success is there."""

import contextlib

from playwright.sync_api import sync_playwright

import system
from screenshots import BROWSER_FLAGS, FIRST_WAIT_MS, SIZE
from ui import DevError

LOGIN = "admin"
#: A person reads before they press; the page asks for its channels meanwhile.
READ_MS = 2000
WAIT_MS = 120_000
#: Notes on the page's own clock when Sync was clicked and when each status was first
#: there; a reload would lose it.
WATCH = """
() => {
    const noted = (window.apSyncNoted = {});
    const look = () => {
        const badge = document.querySelector(".o_form_view [name=status] .badge");
        const status = badge?.textContent.trim();
        if (status && "click" in noted && !(status in noted)) {
            noted[status] = performance.now();
        }
    };
    document.addEventListener(
        "click",
        (ev) => {
            if (ev.target.closest("button[name=action_sync]")) {
                noted.click = ev.timeStamp;
                noted.clickedAt = performance.timeOrigin + ev.timeStamp;
            }
        },
        {capture: true}
    );
    const what = {subtree: true, childList: true, characterData: true};
    new MutationObserver(look).observe(document.body, what);
}
"""


class SyncPage:
    """A page whose user has logged in."""

    def __init__(self, page, url):
        self._page, self._url = page, url
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{url}/web/login")
        page.fill("input[name=login]", LOGIN)
        page.fill("input[name=password]", LOGIN)
        page.click("form.oe_login_form button[type=submit]")
        page.wait_for_selector(".o_web_client .o_main_navbar", timeout=FIRST_WAIT_MS)

    def sync(self, job):
        """Press Sync on the form of a job; returns when that was, as ``time.time()``,
        and the seconds from the click until the badge says Success."""
        page = self._page
        page.goto(f"{self._url}/odoo/ap-sync-jobs/{job}")
        sync = page.locator("button[name=action_sync]:visible")
        sync.wait_for()
        page.wait_for_timeout(READ_MS)
        page.evaluate(WATCH)
        sync.click()
        page.wait_for_function("'Success' in window.apSyncNoted")
        noted = page.evaluate("window.apSyncNoted")
        seconds = (noted["Success"] - noted["click"]) / 1000
        return noted["clickedAt"] / 1000, seconds


@contextlib.contextmanager
def open_page(url):
    """Start a browser, log in there, and yield a ``SyncPage``.

    :raise DevError: when there is no browser.
    """
    program = system.find_browser()
    if not program:
        raise DevError("The latency needs Chromium or Chrome: install one of them.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=BROWSER_FLAGS
        )
        yield SyncPage(browser.new_context(viewport=SIZE).new_page(), url)
        browser.close()
