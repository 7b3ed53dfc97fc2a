from unittest.mock import patch

from odoo.exceptions import UserError

from ..engine import restored
from .common_restored import RestoredCommon


class TestEngineRestored(RestoredCommon):
    """A database that was restored, copied or failed over is noticed."""

    def test_a_database_stays_the_same_from_run_to_run(self):
        known = self.connection.database_identity
        self.assertEqual(known, restored.get_identity(self.env))
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.connection.database_identity, known)
        self.assertEqual(self.erp.lookups, 0)

    def test_the_cluster_the_timeline_the_database_and_its_tables_tell_it_apart(self):
        self.env.cr.execute(
            "SELECT system_identifier::text, timeline_id,"
            " (SELECT oid::text FROM pg_database WHERE datname = current_database()),"
            " 'ap_sync_connection'::regclass::oid::text"
            " FROM pg_control_system(), pg_control_checkpoint()"
        )
        system, timeline, database, table = self.env.cr.fetchone()
        self.assertEqual(
            restored.get_identity(self.env).split("/"),
            [system, f"{timeline:08X}", database, table],
        )

    def test_a_role_without_any_right_may_ask_for_it(self):
        known = restored.get_identity(self.env)
        self.env.cr.execute("SET LOCAL ROLE pg_signal_backend")
        try:
            self.assertEqual(restored.get_identity(self.env), known)
        finally:
            self.env.cr.execute("RESET ROLE")

    def test_where_the_cluster_is_not_told_the_database_and_its_tables_must_do(self):
        read, known = restored._read_identity, restored.get_identity(self.env)

        def refuse(env, parts):
            if "pg_control_system" in parts.code:
                raise restored.UNTOLD[0]
            return read(env, parts)

        with patch.object(restored, "_read_identity", refuse):
            told = restored.get_identity(self.env)
        self.assertEqual(told.split("/"), known.split("/")[2:])

    def test_nobody_can_set_what_the_database_is_recognized_by(self):
        with self.assert_refused(UserError, "set by AP Sync"):
            self.connection.database_identity = "mine"

    def test_a_connection_that_was_never_served_knows_its_database(self):
        connection = self._make_connection("New")
        self.assertEqual(connection.database_identity, restored.get_identity(self.env))

    def test_a_copied_connection_knows_the_database_of_the_copy(self):
        self.connection.sudo().database_identity = "an older one"
        copy = self.connection.copy()
        self.assertEqual(copy.database_identity, restored.get_identity(self.env))

    def test_a_restore_is_told_on_the_connection_once(self):
        self.submit(self.make_bill())
        self.restore()
        count = len(self.connection.message_ids)
        self.dispatch()
        self.dispatch()
        self.assertEqual(len(self.connection.message_ids), count + 1)
        self.assertIn("restored", self.connection.message_ids[0].body)

    def test_bills_that_are_missing_here_are_told_of_even_if_none_waits(self):
        self.restore()
        self.dispatch()
        self.assertIn("in the ERP alone", self.connection.message_ids[0].body)

    def test_who_puts_a_disk_back_can_say_so(self):
        """In the words of the README: such a database looks the same from within."""
        job = self.submit(self.make_bill())
        there = self.sent_in_the_lost_time(job)
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET database_identity = 'restored'"
        )
        self.env.invalidate_all()
        self.dispatch()
        self.assertEqual(job.erp_id, there.erp_id)
        self.assertEqual(self.erp.writes, [])

    def test_what_is_settled_or_known_in_the_erp_is_not_asked_for(self):
        done = self.submit(self.make_bill())
        self.dispatch()
        changed = self.submit(self.make_bill())
        self.dispatch()
        changed.move_id.button_draft()
        changed.move_id.ref = "CORRECTED"
        changed.move_id.action_post()
        self.commit()
        changed.action_sync()
        self.assert_status(changed, "in_progress", "queued")
        self.restore()
        self.dispatch()
        self.assert_status(changed, "success")
        self.assertFalse((done | changed).filtered("look_first"))
        self.assertEqual(self.erp.lookups, 0)

    def test_odoo_s_own_ledger_was_restored_with_the_rest(self):
        ledger = self._make_connection("Ledger", connector="local", url=False)
        job = self.submit(self.make_bill(post=False), ledger)
        self.restore()
        self.dispatch(ledger)
        self.assert_status(job, "success")
        self.assertEqual(job.bill_state, "posted")
