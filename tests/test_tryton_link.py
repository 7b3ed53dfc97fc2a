import json

from odoo.tests import HttpCase, tagged

from .common_tryton_end_to_end import EndToEndTryton

OPEN_THE_BILL = """
    const given = %s;
    const until = async (what, find) => {
        for (let tries = 0; tries < 300; tries++) {
            const found = find();
            if (found) {
                return found;
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        throw new Error(`AP Sync's test: ${what} is not there`);
    };
    const enter = (input, text) => {
        input.value = text;
        input.dispatchEvent(new Event("change", {bubbles: true}));
        input.form.requestSubmit();
    };
    const one = (selector) => document.querySelector(selector);
    (async () => {
        await until("the database", () => one(".login-dialog #database[readonly]"));
        enter(one(".login-dialog #login"), given.login);
        enter(
            await until("the password", () => one("#ask-dialog-entry")),
            given.password
        );
        for (const text of given.texts) {
            await until(text, () =>
                [...document.querySelectorAll(".form input")].some(
                    (input) => input.value === text
                )
            );
        }
        console.log("test successful");
    })();
"""


@tagged("post_install", "-at_install")
class TestTrytonLink(EndToEndTryton, HttpCase):
    # `common.py` does it for each test.
    registry_test_mode = False

    def test_the_link_of_a_badge_opens_the_bill_in_the_browser(self):
        job = self.sync(self.make_bill())
        self.assert_booked(job, 100.0)
        facts = self.real.facts
        given = {
            "login": facts["login"],
            "password": facts["password"],
            "texts": [job.erp_number, job.reference],
        }
        self.browser_js(
            job.erp_url,
            OPEN_THE_BILL % json.dumps(given),
            ready="Boolean(window.Sao)",
            # Tryton's client has errors of its own on the console.
            error_checker=lambda message: "AP Sync's test" in message,
        )
