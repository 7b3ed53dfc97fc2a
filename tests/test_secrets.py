import logging
from contextlib import contextmanager

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models.ap_sync_secret import HIDDEN
from .common import ApSyncCommon
from .test_access import ROLES

SECRET = "secret-canary-key"


class TestSecrets(ApSyncCommon):
    """The ERP's key goes in and is never seen again."""

    def setUp(self):
        super().setUp()
        self.users = {
            role: new_test_user(self.env, f"ap_sync_{role}", groups=group)
            for role, group in {
                **ROLES,
                "accountant": "account.group_account_manager",
                "system": "base.group_system,account.group_account_manager",
            }.items()
        }
        for user in self.users.values():
            if user._is_internal():
                user.group_ids |= self.env.ref("base.group_allow_export")
        self.job = self.submit(self.make_bill())
        self.dispatch()
        self.env.invalidate_all()

    def test_the_client_gets_the_key(self):
        self.assertEqual(self.connection._get_settings().secret, SECRET)

    def test_the_field_is_closed_to_all_but_administrators(self):
        for role, user in self.users.items():
            connection = self.connection.with_user(user)
            if role == "administrator":
                continue
            for ask in (
                lambda c: c.read(["api_key"]),
                lambda c: c.search([("api_key", "like", "secret")]),
                lambda c: c.search([], order="api_key"),
                lambda c: c.search_read([], ["api_key"]),
                lambda c: c._export_rows([["api_key"]]),
                lambda c: c._read_group([], ["api_key"]),
                lambda c: c.formatted_read_group([], ["api_key"]),
                lambda c: c.web_read({"api_key": {}}),
                lambda c: c.web_search_read([], {"api_key": {}}),
                lambda c: c.write({"api_key": "mine"}),
            ):
                with self.subTest(role=role), self.assertRaises(AccessError):
                    ask(connection)
            if role in {"user", "manager"}:
                self.assertNotIn("api_key", connection.fields_get())
                self.assertNotIn(SECRET, str(connection.read()))
                job = self.job.with_user(user)
                with self.assertRaises(AccessError):
                    job.search([("connection_id.api_key", "like", "s")])
                with self.assertRaises(AccessError):
                    job.export_data(["connection_id/api_key"])

    def test_administrators_see_dots(self):
        connection = self.connection.with_user(self.users["administrator"])
        for shown in (
            connection.read(["api_key"]),
            connection.web_read({"api_key": {}}),
            connection.search_read([("id", "=", connection.id)], ["api_key"]),
            connection.export_data(["api_key"]),
            connection.web_save({"api_key": "brand-new-key"}, {"api_key": {}}),
        ):
            self.assertIn(HIDDEN, str(shown))
            self.assertNotIn(SECRET, str(shown))
            self.assertNotIn("brand-new-key", str(shown))
        for ask in (
            lambda: connection.search([("api_key", "like", "secret")]),
            lambda: connection.search([], order="api_key"),
            lambda: connection._read_group([], ["api_key"]),
        ):
            with self.assertRaises(ValueError), mute_logger("odoo.domains"):
                ask()
        new = connection.browse().onchange({}, [], {"api_key": {}})
        self.assertFalse(new["value"].get("api_key"))

    def test_dots_that_come_back_change_nothing(self):
        connection = self.connection.with_user(self.users["administrator"])
        connection.write({"api_key": HIDDEN, "name": "Renamed"})
        self.assertEqual(self.connection._get_settings().secret, SECRET)
        connection.api_key = f"{HIDDEN}pasted-behind-them"
        self.assertEqual(self.connection._get_settings().secret, "pasted-behind-them")
        connection.api_key = False
        self.assertEqual(self.connection._get_settings().secret, "")
        self.assertFalse(connection.api_key)

    def test_nobody_reads_the_table_of_secrets(self):
        for role, user in self.users.items():
            secrets = self.env["ap.sync.secret"].with_user(user)
            for ask in (
                lambda s: s.search([]),
                lambda s: s.search_read([], ["value"]),
                lambda s: s.name_search("secret"),
                lambda s: s._read_group([], ["value"]),
                lambda s: s.create({"connection_id": self.connection.id}),
            ):
                with self.subTest(role=role), self.assertRaises(AccessError):
                    ask(secrets)

    def test_a_copied_connection_has_no_key_and_its_own_wake_up(self):
        self.connection._pause("Because")
        copy = self.connection.copy()
        self.assertFalse(copy.api_key)
        self.assertEqual(copy._get_settings().secret, "")
        self.assertFalse(copy.paused)
        self.assertFalse(copy.job_ids)
        self.assertTrue(copy.cron_id)
        self.assertNotEqual(copy.cron_id, self.connection.cron_id)

    def test_a_refused_value_of_a_connection_puts_no_key_into_the_log(self):
        """PostgreSQL quotes the whole row in its refusal, and Odoo logs that."""
        new = {"name": "New", "url": "https://a.example.com", "api_key": SECRET}
        for refused in ({"timeout": 9999}, {"concurrency": 0}, {"name": False}):
            for attempt in (
                lambda values: self.connection.write(values),
                lambda values: self.connection.write({"api_key": SECRET, **values}),
                lambda values: self.connection.create({**new, **values}),
            ):
                with self.subTest(refused), self.logged() as lines:
                    with self.assertRaises(Exception) as caught:
                        attempt(refused)
                        self.env.flush_all()
                    self.assertTrue(lines, "Odoo logs a failed query")
                    self.assertNotIn(SECRET, "".join(lines) + str(caught.exception))

    @contextmanager
    def logged(self):
        """Collect what is logged, without passing it on."""
        lines = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())
        logger = logging.getLogger("odoo.sql_db")
        logger.addHandler(handler)
        logger.propagate, before = False, logger.propagate
        try:
            yield lines
        finally:
            logger.propagate = before
            logger.removeHandler(handler)


class TestRefreshToken(ApSyncCommon):
    """A refresh token is kept as the API key is: written, never read back."""

    def test_it_is_stored_and_shown_as_dots(self):
        self.connection.refresh_token = f" {SECRET} "
        self.assertEqual(self.connection.refresh_token, HIDDEN)
        tokens = self.env["ap.sync.secret"]._read_tokens(self.connection)
        self.assertEqual(tokens.refresh, SECRET)
        self.assertEqual(
            self.connection.read(["refresh_token"])[0],
            {
                "id": self.connection.id,
                "refresh_token": HIDDEN,
            },
        )

    def test_dots_that_come_back_leave_it_as_it_is(self):
        self.connection.refresh_token = SECRET
        self.connection.refresh_token = HIDDEN
        tokens = self.env["ap.sync.secret"]._read_tokens(self.connection)
        self.assertEqual(tokens.refresh, SECRET)

    def test_an_empty_one_forgets_it(self):
        self.connection.refresh_token = SECRET
        self.connection.refresh_token = False
        self.assertFalse(self.env["ap.sync.secret"]._has_tokens(self.connection))
        self.assertFalse(self.connection.refresh_token)

    def test_with_another_one_the_connection_has_to_be_tested_again(self):
        self.connection.sudo().checked_at = self.env.cr.now()
        self.connection.refresh_token = SECRET
        self.assertFalse(self.connection.checked_at)

    def test_a_copy_has_none(self):
        self.connection.refresh_token = SECRET
        self.assertFalse(self.connection.copy().refresh_token)

    def test_the_key_of_the_client_stays(self):
        self.connection.api_key = "key"
        self.connection.refresh_token = SECRET
        self.assertEqual(self.env["ap.sync.secret"]._reveal(self.connection), "key")
