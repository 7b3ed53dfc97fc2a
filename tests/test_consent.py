"""Access that a person gives in the browser: there and back over HTTP, with a Xero of
our own at the other end; see ``test_tour_consent.py`` for a real browser."""

from unittest.mock import patch
from urllib.parse import parse_qs, urlencode, urlsplit

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tests.common import HOST, JsonRpcException
from odoo.tools import config, mute_logger
from odoo.tools.misc import file_open

from ..connectors import make_connector
from ..engine import client, probe
from ..models.ap_sync_connection_consent import CALLBACK
from ..models.ap_sync_secret import OPTION
from .common import ApSyncCommon
from .xero_server import CLIENT, CLIENT_SECRET, FakeXero

ADMINISTRATOR = (
    "ap_sync.group_ap_sync_administrator,account.group_account_manager,base.group_user"
)


class ConsentCase(ApSyncCommon, HttpCase):
    # `common.py` does it for each test.
    registry_test_mode = False
    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection.write(
            {"connector": "xero", "login": CLIENT, "api_key": CLIENT_SECRET}
        )
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )
        elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        for login, groups, company in (
            ("anna", ADMINISTRATOR, cls.env.company),
            ("boris", ADMINISTRATOR, cls.env.company),
            ("carla", ADMINISTRATOR, elsewhere),
            (
                "mia",
                "ap_sync.group_ap_sync_manager,account.group_account_invoice",
                cls.env.company,
            ),
        ):
            new_test_user(
                cls.env,
                login,
                groups,
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            )

    def setUp(self):
        super().setUp()
        self.xero = FakeXero()
        self.enterContext(self.xero)
        self.addCleanup(lambda: self.assertEqual(self.xero.faults, []))
        self.xero.custom = False
        self.xero.redirect_uri = self.base_url() + CALLBACK
        self.connection.write({"url": self.xero.url, "timeout": 5})
        self.startPatcher(patch.object(client, "make_connector", make_connector))
        self.Secret = self.env["ap.sync.secret"]


@tagged("post_install", "-at_install")
class TestConsent(ConsentCase):
    def begin(self, login="anna"):
        """Press the button; return the address the browser is sent to."""
        self.authenticate(login, login)
        return self.press()["url"]

    def press(self):
        with mute_logger("odoo.http"):
            return self.make_jsonrpc_request(
                "/web/dataset/call_button/ap.sync.connection/action_open_consent",
                {
                    "model": "ap.sync.connection",
                    "method": "action_open_consent",
                    "args": [self.connection.ids],
                    "kwargs": {},
                },
            )

    def come_back(self, place):
        """Follow Xero's redirect; return ``(path, notice)`` of what it leads to."""
        answer = self.url_open(place, allow_redirects=False)
        self.env.invalidate_all()
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        info = self.make_jsonrpc_request("/web/session/get_session_info")
        again = self.make_jsonrpc_request("/web/session/get_session_info")
        self.assertNotIn("ap_sync_notice", again, "it is told once")
        return urlsplit(answer.headers["Location"]).path, info["ap_sync_notice"]

    @property
    def refresh(self):
        """The refresh token that is stored."""
        return self.Secret._read_tokens(self.connection).refresh

    @property
    def form(self):
        return f"/odoo/ap-sync-connections/{self.connection.id}"

    def assert_stale(self, place, path=None):
        where, notice = self.come_back(place)
        self.assertEqual(where, path or self.form)
        self.assertEqual((notice["title"], notice["type"]), ("Not connected", "danger"))
        self.assertIn("begin again", notice["message"])

    # -- It goes well

    def test_a_person_who_allows_it_connects(self):
        address = self.begin()
        query = {name: v[0] for name, v in parse_qs(urlsplit(address).query).items()}
        self.assertEqual(query.pop("state").partition(".")[0], str(self.connection.id))
        self.assertEqual(
            query,
            {
                "response_type": "code",
                "client_id": CLIENT,
                "redirect_uri": self.connection.consent_uri,
                "scope": "offline_access accounting.invoices accounting.contacts"
                " accounting.attachments accounting.settings.read",
            },
        )
        where, notice = self.come_back(self.xero.consent(address))
        self.assertEqual(where, self.form)
        self.assertEqual(notice["type"], "success", notice)
        self.assertEqual(notice["title"], "Connected to Xero")
        self.assertEqual(self.refresh, self.xero.refresh)
        self.assertTrue(all(item["ok"] for item in self.connection.check_result))
        self.assertFalse(self.xero.exchanged, "its access token is used as well")

    def test_bills_that_waited_for_it_go(self):
        self.connection.sudo().write(
            {"attention_kind": "token_expired", "attention_message": "Expired."}
        )
        self.come_back(self.xero.consent(self.begin()))
        self.assertFalse(self.connection.attention_kind)

    def test_of_several_organisations_one_is_to_be_chosen(self):
        other = self.xero._tenant("0b6c1c3e-0000-4000-8000-00000000abcd", "Other Ltd")
        self.xero.tenants.append(other)
        _where, notice = self.come_back(self.xero.consent(self.begin()))
        self.assertEqual((notice["type"], self.refresh), ("warning", self.xero.refresh))
        self.assertIn(f"Other Ltd ({other['tenantId']})", notice["message"])

    def test_a_later_consent_replaces_the_tokens(self):
        self.Secret._store_refresh_token(self.connection, "of-another-login")
        self.come_back(self.xero.consent(self.begin()))
        self.assertEqual(self.refresh, self.xero.refresh)

    def test_no_secret_of_it_is_logged_by_us(self):
        with self.assertLogs("odoo.addons.ap_sync", "DEBUG") as logs:
            place = self.xero.consent(self.begin())
            self.come_back(place)
            self.xero._codes.clear()
            self.come_back(self.xero.consent(self.begin()))
            self.come_back(place)
        query = parse_qs(urlsplit(place).query)
        tokens = self.Secret._read_tokens(self.connection)
        for secret in (
            query["code"][0],
            query["state"][0],
            tokens.access,
            tokens.refresh,
        ):
            self.assertNotIn(secret, " ".join(logs.output))

    # -- It does not

    def test_who_declines_changes_nothing(self):
        self.Secret._store_refresh_token(self.connection, "old")
        place = self.xero.consent(self.begin(), "deny")
        where, notice = self.come_back(place)
        self.assertEqual((where, notice["type"]), (self.form, "warning"))
        self.assertIn("declined", notice["message"])
        self.assertIn("press Connect to Xero", notice["message"])
        self.assertEqual(self.refresh, "old")
        self.assert_stale(place)

    def test_another_refusal_is_told_without_its_words(self):
        state = parse_qs(urlsplit(self.begin()).query)["state"][0]
        query = urlencode({"error": "<b>invalid_scope</b>", "state": state})
        _where, notice = self.come_back(f"{CALLBACK}?{query}")
        self.assertIn("lacks a right", notice["message"])
        self.assertNotIn("<b>", str(notice))

    def test_a_state_that_nobody_was_given_is_stale(self):
        place = self.xero.consent(self.begin())
        for state in ("", "x", "0.x", f"{self.connection.id}.x", "9" * 30, "1\0.x"):
            wrong = urlencode({"code": "code-x", "state": state})
            with self.subTest(state):
                known = state.startswith(f"{self.connection.id}.")
                path = None if known else "/odoo/ap-sync-connections"
                self.assert_stale(f"{CALLBACK}?{wrong}", path)
        self.assertFalse(self.refresh)
        # Guessing has used nothing up.
        self.come_back(place)
        self.assertEqual(self.refresh, self.xero.refresh)

    def test_a_state_of_another_user_or_browser_is_stale(self):
        place = self.xero.consent(self.begin("anna"))
        first = self.session
        self.session = None  # or it would be deleted
        for login in ("boris", "anna"):
            self.authenticate(login, login)
            self.assert_stale(place)
        self.assertFalse(self.refresh)
        self.opener.cookies.set("session_id", first.sid, domain=HOST)
        self.come_back(place)
        self.assertEqual(self.refresh, self.xero.refresh)

    def test_a_state_is_good_once(self):
        place = self.xero.consent(self.begin())
        self.come_back(place)
        before = self.refresh
        self.assert_stale(place)
        self.assertEqual(self.refresh, before)

    def test_a_state_is_good_for_ten_minutes(self):
        for minutes, good in ((11, False), (9, True)):
            place = self.xero.consent(self.begin())
            self.env.cr.execute(
                "UPDATE ap_sync_secret SET consent_until ="
                " consent_until - %s * interval '1 minute' WHERE connection_id = %s",
                [minutes, self.connection.id],
            )
            self.env.invalidate_all()
            if good:
                self.come_back(place)
            else:
                self.assert_stale(place)
            self.assertEqual(bool(self.refresh), good)

    def test_of_two_that_were_begun_the_last_counts(self):
        first = self.xero.consent(self.begin("anna"))
        second = self.xero.consent(self.press()["url"])
        self.assert_stale(first)
        self.come_back(second)
        self.assertEqual(self.refresh, self.xero.refresh)

    def test_a_code_that_xero_refuses_changes_nothing(self):
        self.Secret._store_refresh_token(self.connection, "old")
        place = self.xero.consent(self.begin())
        self.xero._codes.clear()
        _where, notice = self.come_back(place)
        self.assertIn("no longer takes what this consent", notice["message"])
        self.assertIn("Begin again", notice["message"])
        self.assertEqual(self.refresh, "old")

    def test_a_redirect_uri_has_to_be_the_same_to_the_letter(self):
        self.xero.redirect_uri += "/"
        with self.assertRaisesRegex(AssertionError, "redirect_uri"):
            self.xero.consent(self.begin())

    def test_a_wrong_secret_is_told(self):
        place = self.xero.consent(self.begin())
        self.connection.api_key = "another-secret"
        _where, notice = self.come_back(place)
        self.assertIn("refuses the client id and secret", notice["message"])

    def test_a_host_that_is_not_reached_is_told(self):
        self.Secret._store_refresh_token(self.connection, "old")
        place = self.xero.consent(self.begin())
        self.connection.url = "http://127.0.0.1:9"
        _where, notice = self.come_back(place)
        self.assertIn("Begin again when it can be reached", notice["message"])
        self.assertEqual(self.refresh, "old")

    def test_an_answer_that_can_t_be_read_is_told(self):
        for answer in (("<html>", 200), ({"expires_in": 1}, 200), ({}, 500)):
            self.xero.scripted_tokens = [answer]
            _where, notice = self.come_back(self.xero.consent(self.begin()))
            with self.subTest(answer):
                self.assertEqual(notice["title"], "Not connected")
                self.assertFalse(self.refresh)

    def test_an_access_without_a_refresh_token_is_refused(self):
        self.xero.offline = False
        _where, notice = self.come_back(self.xero.consent(self.begin()))
        self.assertIn("offline_access", notice["message"])
        self.assertFalse(self.refresh)

    def test_a_code_is_not_used_up_for_tokens_that_can_t_be_stored(self):
        place = self.xero.consent(self.begin())
        with patch.dict(config._runtime_options, {OPTION: "no key"}):
            _where, notice = self.come_back(place)
        self.assertIn(OPTION, notice["message"])
        self.assertTrue(self.xero._codes)

    # -- Who may

    def test_who_may_not_set_it_up_neither_begins_nor_ends_it(self):
        place = self.xero.consent(self.begin("anna"))
        for login in ("mia", "carla"):
            with self.subTest(login):
                with self.assertRaisesRegex(JsonRpcException, "AccessError"):
                    self.begin(login)
                self.assert_stale(place, "/odoo/ap-sync-connections")
        self.assertFalse(self.refresh)

    def test_who_may_no_longer_does_not_end_it(self):
        place = self.xero.consent(self.begin("anna"))
        self.env["res.users"].search(
            [("login", "=", "anna")]
        ).group_ids -= self.env.ref("ap_sync.group_ap_sync_administrator")
        self.env.flush_all()
        self.assert_stale(place, "/odoo/ap-sync-connections")
        self.assertFalse(self.refresh)

    def test_who_is_not_signed_in_is_asked_to(self):
        place = self.xero.consent(self.begin("anna"))
        self.authenticate(None, None)
        answer = self.url_open(place, allow_redirects=False)
        self.assertIn("/web/login", answer.headers["Location"])
        self.assertFalse(self.refresh)

    # -- What does not go along

    def test_a_copy_of_the_database_ends_no_consent(self):
        place = self.xero.consent(self.begin())
        with file_open("ap_sync/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assert_stale(place)
        self.assertFalse(self.refresh)

    def test_a_copy_of_the_connection_has_no_access(self):
        self.come_back(self.xero.consent(self.begin()))
        copy = self.connection.copy()
        self.assertFalse(self.Secret._has_tokens(copy))

    # -- The form

    def test_the_path_leads_to_it_until_it_is_connected(self):
        step = self.connection.setup_steps[0]
        self.assertEqual((step["state"], step["label"]), ("now", "Connect to Xero"))
        self.assertEqual(step["button"], "action_open_consent")
        self.come_back(self.xero.consent(self.begin()))
        step = self.connection.setup_steps[0]
        self.assertEqual(
            (step["state"], step["label"]), ("done", "Connect to Xero again")
        )

    def test_a_custom_connection_needs_none(self):
        self.xero.custom = True
        self._run(probe.check_connection, self.connection.id)
        self.assertEqual(self.connection.setup_steps[0]["state"], "done")

    def test_only_a_kind_that_knows_it_has_a_button(self):
        other = self._make_connection("Odoo")
        self.assertFalse(other.consent_label or other.consent_uri)
        self.assertNotEqual(other.setup_steps[0]["button"], "action_open_consent")

    def test_without_client_id_and_secret_nothing_is_begun(self):
        for name in ("login", "api_key"):
            self.connection[name] = False
            with (
                self.subTest(name),
                self.assertRaisesRegex(JsonRpcException, "UserError"),
            ):
                self.begin()
