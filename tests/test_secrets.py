from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..connectors import Outcome
from .common import ApSyncCommon, error
from .test_access import ROLES


class TestSecrets(ApSyncCommon):
    """The ERP's key is read by administrators alone, and appears nowhere else."""

    def setUp(self):
        super().setUp()
        self.users = {
            role: new_test_user(self.env, f"ap_sync_{role}", groups=group)
            for role, group in ROLES.items()
        }
        self.job = self.submit(self.make_bill())
        self.dispatch()

    def test_the_key_is_read_by_administrators_alone(self):
        secret = "secret-canary-key"
        for user in self.users.values():
            if user._is_internal():
                user.group_ids |= self.env.ref("base.group_allow_export")
        for role, user in self.users.items():
            connection = self.connection.with_user(user)
            with self.subTest(role=role):
                if role == "administrator":
                    self.assertEqual(connection.api_key, secret)
                    continue
                for ask in (
                    lambda c: c.read(["api_key"]),
                    lambda c: c.search([("api_key", "like", "secret")]),
                    lambda c: c.search([], order="api_key"),
                    lambda c: c._export_rows([["api_key"]]),
                    lambda c: c.search_read([], ["api_key"]),
                    lambda c: c._read_group([], ["api_key"]),
                    lambda c: c.web_read({"api_key": {}}),
                ):
                    with self.assertRaises(AccessError):
                        ask(connection)
                if role in {"user", "manager"}:
                    self.assertNotIn("api_key", connection.fields_get())
                    self.assertNotIn(secret, str(connection.read()))
                    job = self.job.with_user(user)
                    with self.assertRaises(AccessError):
                        job.search([("connection_id.api_key", "like", "s")])
                    with self.assertRaises(AccessError):
                        job.export_data(["connection_id/api_key"])

    def test_a_copied_connection_has_no_key_and_its_own_wake_up(self):
        self.connection.action_pause()
        copy = self.connection.copy()
        self.assertFalse(copy.api_key)
        self.assertFalse(copy.paused)
        self.assertFalse(copy.job_ids)
        self.assertTrue(copy.cron_id)
        self.assertNotEqual(copy.cron_id, self.connection.cron_id)

    def test_the_key_is_in_no_message_or_attempt(self):
        self.erp.script = [error("credentials_wrong", Outcome.REJECTED)]
        job = self.submit(self.make_bill())
        self.dispatch()
        texts = [
            *(job | self.job).message_ids.mapped("body"),
            *self.connection.message_ids.mapped("body"),
            *map(str, (job | self.job).attempt_ids.read()),
        ]
        self.assertTrue(texts)
        self.assertNotIn("secret-canary-key", " ".join(map(str, texts)))
