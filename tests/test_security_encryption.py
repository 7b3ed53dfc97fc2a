from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.exceptions import UserError
from odoo.tools import config

from ..engine import probe
from ..models.ap_sync_secret import OPTION
from .common import ApSyncCommon

SECRET = "secret-canary-key"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class TestEncryption(ApSyncCommon):
    """With a key in odoo.conf, the database holds API keys encrypted only."""

    def conf(self, *keys):
        """Let odoo.conf hold these encryption keys from now on."""
        self.startPatcher(
            patch.dict(config._runtime_options, {OPTION: ", ".join(keys)})
        )

    def stored(self):
        self.env.cr.execute(
            "SELECT value, sealed FROM ap_sync_secret WHERE connection_id = %s",
            [self.connection.id],
        )
        return self.env.cr.fetchone()

    def revealed(self):
        return self.connection._get_settings().secret

    def check(self):
        self._run(probe.check_connection, self.connection.id)

    def refresh(self):
        return self._run(probe.refresh_data, self.connection.id, {})

    def seal_all(self):
        self.env["ap.sync.secret"]._seal_all()

    def test_without_a_key_it_is_off(self):
        self.assertEqual(self.stored(), (SECRET, False))
        self.seal_all()
        self.assertEqual(self.stored(), (SECRET, False))

    def test_a_key_that_is_entered_is_encrypted_and_works(self):
        self.conf(NEW)
        self.connection.api_key = "another-canary"
        value, sealed = self.stored()
        self.assertTrue(sealed)
        self.assertNotIn("canary", value)
        self.assertEqual(self.revealed(), "another-canary")
        self.assertFalse(self.connection.copy().api_key)

    def test_keys_from_before_work_on_and_are_encrypted_overnight(self):
        self.conf(NEW)
        self.assertEqual(self.revealed(), SECRET)
        archived = self._make_connection("Archived", active=False)
        self.seal_all()
        self.assertNotIn("canary", self.stored()[0])
        self.assertEqual(self.revealed(), SECRET)
        self.assertEqual(archived._get_settings().secret, SECRET)
        self.env.cr.execute("SELECT count(*) FROM ap_sync_secret WHERE NOT sealed")
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_a_new_encryption_key_comes_first_and_the_old_one_may_go_later(self):
        self.conf(OLD)
        self.seal_all()
        self.conf(NEW, OLD)
        self.assertEqual(self.revealed(), SECRET)
        before = self.stored()
        self.seal_all()
        self.assertNotEqual(self.stored(), before)
        rotated = self.stored()
        self.seal_all()
        self.assertEqual(self.stored(), rotated, "what is done is left alone")
        self.conf(NEW)
        self.assertEqual(self.revealed(), SECRET)

    def test_a_missing_or_wrong_encryption_key_holds_the_bills_and_says_so(self):
        self.conf(OLD)
        self.seal_all()
        stored = self.stored()
        for keys, words in (
            ([NEW], "encrypted with a key that odoo.conf does not have"),
            ([], f"odoo.conf has no {OPTION}"),
            (["no-fernet-key", OLD], "is not a valid Fernet key"),
        ):
            self.conf(*keys)
            job = self.submit(self.make_bill())
            self.dispatch()
            with self.subTest(words):
                self.assert_status(job, "on_hold")
                self.assertEqual(job.error_kind, "secret_unreadable")
                self.assertIn(words, self.connection.attention_message)
                self.assertEqual(self.connection.health, "attention")
                self.assertFalse(job.attempt_ids)
                self.check()
                [item] = self.connection.check_result
                self.assertFalse(item["ok"])
                self.assertIn(words, item["message"])
                shown = self.refresh()["params"]
                self.assertEqual(shown["type"], "danger")
                self.assertIn(words, shown["message"])
                self.seal_all()
                self.assertEqual(self.stored(), stored)
                self.assertNotIn("no-fernet-key", str(self.connection.read()))
            self.connection.sudo().write(self.connection._prepare_mended_values())
        self.conf(OLD)
        self.connection.sudo()._set_attention("secret_unreadable", "…")
        self.check()
        self.dispatch()
        self.assert_status(job, "success")

    def test_an_invalid_encryption_key_takes_no_secret(self):
        self.conf("no-fernet-key")
        with self.assert_refused(UserError, "not a valid Fernet key"):
            self.connection.api_key = "another"
        self.assertEqual(self.stored(), (SECRET, False))
        self.assertEqual(self.revealed(), SECRET)
