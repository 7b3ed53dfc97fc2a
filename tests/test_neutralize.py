from odoo.tools.misc import file_open

from .common import ApSyncCommon


class TestNeutralize(ApSyncCommon):
    """A copy of the database sends nothing to the real ERP."""

    def neutralize(self):
        self.env.flush_all()
        with file_open("ap_sync/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()

    def test_connections_are_paused_and_their_keys_are_gone(self):
        self.connection.login = "robot"
        archived = self._make_connection("Archived", active=False)
        self.neutralize()
        for connection in self.connection | archived:
            self.assertTrue(connection.paused)
            self.assertFalse(connection.api_key)
            self.assertEqual(connection._get_settings().secret, "")
            self.assertFalse(connection.login)
            for name in ("url", "authority"):
                self.assertEqual(connection[name], "https://neutralized.invalid")

    def test_tokens_are_gone_as_well(self):
        self.env["ap.sync.secret"]._store_refresh_token(self.connection, "refresh-1")
        self.neutralize()
        self.assertFalse(self.connection.refresh_token)

    def test_queued_bills_are_held_not_sent(self):
        job = self.submit(self.make_bill())
        self.neutralize()
        self.dispatch()
        self.assertFalse(self.erp.writes)
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "connection_paused")

    def test_new_bills_are_held_as_well(self):
        self.connection.trigger = "posted"
        self.neutralize()
        job = self.make_bill().ap_sync_job_ids
        self.assert_status(job, "on_hold")

    def test_odoo_s_own_ledger_goes_on(self):
        ledger = self._make_connection("Ledger", connector="local", url=False)
        self.neutralize()
        self.assertFalse(ledger.paused)
