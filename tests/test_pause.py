from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models.ap_sync_connection_pause import ApSyncConnection
from .common import ApSyncCommon
from .test_access import ROLES


class TestPause(ApSyncCommon):
    """A connection is paused with a reason and an end, and goes on by itself."""

    def pause(self, connection=None, user=None, **values):
        # Odoo's own set-up switches tracking off.
        wizard = (
            self.env["ap.sync.pause"]
            .with_context(tracking_disable=False, mail_notrack=False)
            .with_user(user or self.env.user)
        )
        connection = connection or self.connection
        wizard.create({"connection_id": connection.id, **values}).action_pause()

    def soon(self):
        return self.env.cr.now().replace(microsecond=0) + timedelta(hours=2)

    def end(self, connections=None):
        """Let the end of the pause come."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET paused_until = now() - interval '1 second' "
            "WHERE id IN %s",
            [tuple((connections or self.connection).ids)],
        )
        self.env.invalidate_all()

    def test_the_bills_say_why_they_wait_and_until_when(self):
        self.env.user.tz = "Europe/Brussels"
        job = self.submit(self.make_bill())
        self.pause(reason="AP period close", until="2032-12-01 17:00:00")
        self.assert_status(job, "on_hold")
        self.assertIn("is paused until", job.message)
        self.assertIn("6:00", job.message)
        self.assertIn("(Europe/Brussels): AP period close", job.message)

    def test_a_pause_without_an_end_lasts_until_somebody_resumes(self):
        self.pause(reason="Migration")
        job = self.submit(self.make_bill())
        self.assertEqual(job.message, "The connection ERP is paused: Migration")
        self.reap()
        self.assertTrue(self.connection.paused)
        self.connection.action_resume()
        self.assert_status(job, "in_progress", "queued")
        self.assertFalse(self.connection.pause_reason)
        self.assertFalse(self.connection.paused_by_id)

    def test_a_reason_is_needed_and_an_end_in_the_future(self):
        with self.assert_refused(UserError, "Give the reason"):
            self.pause(reason="  ")
        with self.assert_refused(UserError, "over already"):
            self.pause(reason="Close", until=self.soon() - timedelta(days=1))
        self.assertFalse(self.connection.paused)

    def test_who_paused_and_why_is_kept(self):
        manager = new_test_user(self.env, "ap_sync_man", groups=ROLES["manager"])
        self.commit()  # what is made in the same transaction has no changes to track
        self.pause(user=manager, reason="AP period close", until=self.soon())
        self.commit()
        self.env.invalidate_all()
        self.assertEqual(self.connection.paused_by_id, manager)
        message = self.connection.message_ids[0]
        self.assertEqual(message.author_id, manager.partner_id)
        values = message.sudo().tracking_value_ids
        self.assertIn("AP period close", values.mapped("new_value_char"))

    def test_at_the_end_held_bills_go_by_themselves(self):
        job, sent = self.submit(self.make_bill()), self.submit(self.make_bill())
        self.pause(reason="AP period close", until=self.soon())
        missing = self.submit(self.make_bill(ref=False))
        self.reap()
        self.assert_status(job, "on_hold")
        self.end()
        self.reap()
        self.assertFalse(self.connection.paused)
        self.assertFalse(self.connection.paused_until)
        self.assert_status(job, "in_progress", "queued")
        self.assert_status(missing, "on_hold")
        self.assertEqual(missing.error_kind, "reference_missing")
        self.dispatch()
        self.assert_status(job, "success")
        self.assert_status(sent, "success")

    def test_the_end_mends_nothing_but_the_pause(self):
        job = self.submit(self.make_bill())
        self.connection.sudo()._set_attention("credentials_wrong", "Refused.")
        self.pause(reason="Close", until=self.soon())
        self.end()
        self.reap()
        self.assertFalse(self.connection.paused)
        self.assertEqual(self.connection.attention_kind, "credentials_wrong")
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "credentials_wrong")

    def test_reason_and_end_can_be_changed_while_it_is_paused(self):
        job = self.submit(self.make_bill())
        self.pause(reason="Close", until=self.soon())
        context = self.connection.action_open_pause()["context"]
        self.assertEqual(context["default_reason"], "Close")
        self.pause(reason="Audit")
        self.assertFalse(self.connection.paused_until)
        self.assertIn("Audit", job.message)

    @mute_logger("odoo.addons.ap_sync.engine.reaper")
    def test_one_connection_that_can_not_resume_keeps_no_other(self):
        other = self._make_connection("Other")
        both = self.connection | other
        both._pause("Close", self.soon())
        self.end(both)
        resume = ApSyncConnection._end_pause

        def broken(connection):
            if connection == self.connection:
                raise ValueError("An override of somebody's")
            resume(connection)

        with patch.object(type(other), "_end_pause", broken):
            self.reap()
        self.assertTrue(self.connection.paused)
        self.assertFalse(other.paused)
        self.reap()
        self.assertFalse(self.connection.paused)

    def test_a_stranger_s_connection_is_not_paused(self):
        other = self.setup_other_company(name="Other company")["company"]
        stranger = new_test_user(
            self.env,
            "ap_sync_stranger",
            groups=ROLES["manager"],
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        user = new_test_user(self.env, "ap_sync_user", groups=ROLES["user"])
        for who in (stranger, user):
            with self.subTest(who.login), self.assertRaises(AccessError):
                self.pause(user=who, reason="Close")
        self.assertFalse(self.connection.paused)
