import threading
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, release_test_lock

from .. import engine
from ..connectors import Outcome
from ..connectors.incoming import Guarded
from ..engine import client, compare
from .common import ApSyncCommon, FakeErp, error


class FollowUpCase(ApSyncCommon):
    def make_synced(self):
        """Return a job that is a Success."""
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assert_status(job, "success")
        return job

    def sync(self, job):
        job.action_sync()
        self.dispatch()

    def alert(self, job):
        [alert] = job.cause_alerts
        return f"{alert['message']} {alert['guidance']}"


class TestCancel(FollowUpCase):
    def cancel(self, job):
        job.move_id.button_cancel()
        self.commit()

    def test_a_cancelled_bill_is_cancelled_in_the_erp_by_sync(self):
        job = self.make_synced()
        number = job.erp_number
        self.cancel(job)
        self.assertTrue(job.changed_since_sync)
        self.assertIn("cancel it in the ERP too", self.alert(job))
        self.assertTrue(job.can_sync)
        self.sync(job)
        self.assert_status(job, "success")
        self.assertFalse(self.erp.ledger)
        self.assertTrue(job.erp_cancelled)
        self.assertFalse(job.changed_since_sync)
        self.assertEqual(job.erp_number, number)
        self.assertIn("Cancelled in the ERP", job.notes)
        self.assertFalse(job.cause_alerts)

    def test_a_bill_that_is_valid_again_is_sent_anew(self):
        job = self.make_synced()
        self.cancel(job)
        self.sync(job)
        job.move_id.button_draft()
        job.move_id.action_post()
        self.commit()
        self.assertTrue(job.changed_since_sync)
        self.assertIn("valid again here", self.alert(job))
        self.sync(job)
        self.assert_status(job, "success")
        self.assertFalse(job.erp_cancelled)
        self.assertEqual(len(self.erp.ledger), 1)
        self.assertEqual(job.erp_id, next(iter(self.erp.ledger.values())).erp_id)

    def test_no_rule_of_what_may_be_booked_stops_a_cancellation(self):
        job = self.make_synced()
        job.partner_id.ap_sync_blocked = True
        job.partner_id.ap_sync_block_reason = "Fraud"
        self.cancel(job)
        self.sync(job)
        self.assert_status(job, "success")
        self.assertTrue(job.erp_cancelled)

    def test_a_pause_holds_a_cancellation(self):
        job = self.make_synced()
        self.cancel(job)
        self.connection._pause("Because")
        self.sync(job)
        self.assert_status(job, "on_hold")
        self.assertTrue(self.erp.ledger)
        self.connection.action_resume()
        self.dispatch()
        self.assertTrue(job.erp_cancelled)

    def test_a_refused_cancellation_says_why_and_may_be_tried_again(self):
        job = self.make_synced()
        self.cancel(job)
        self.erp.script = [error("bill_paid_in_erp", Outcome.REJECTED)]
        self.sync(job)
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "bill_paid_in_erp")
        self.assertTrue(job.erp_id)

    def test_in_doubt_the_erp_is_asked_and_told_again_if_the_bill_is_there(self):
        job = self.make_synced()
        self.cancel(job)
        self.erp.script = [error("no_answer", Outcome.AMBIGUOUS)]
        self.sync(job)
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertTrue(job.erp_cancelled)
        self.assertFalse(self.erp.ledger)
        self.assertEqual(len(self.erp.writes), 3)
        self.assertEqual(self.erp.lookups, 1)

    def test_in_doubt_a_bill_that_is_gone_was_cancelled(self):
        job = self.make_synced()
        number = job.erp_number
        self.cancel(job)
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.sync(job)
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertTrue(job.erp_cancelled)
        self.assertEqual(job.erp_number, number)
        self.assertEqual(len(self.erp.writes), 2, "nothing is sent twice")

    def test_a_cancelled_bill_that_was_marked_as_synced_is_left_alone(self):
        job = self.make_synced()
        self.cancel(job)
        job._mark_synced("Voided there by hand", job.erp_number)
        self.assertTrue(job.erp_cancelled)
        self.assertFalse(job.changed_since_sync)

    def test_a_check_says_that_it_would_be_cancelled(self):
        job = self.make_synced()
        self.cancel(job)
        [row] = job._preflight()
        self.assertEqual(row["result"], "sync")
        self.assertIn("would be cancelled", row["message"])


class TestFiles(FollowUpCase):
    def make_missing(self):
        """Return the job of a synced bill whose file the ERP refused."""
        job = self.submit(self.make_bill())
        self.erp.script = [{"missing_files": ("a.pdf",), "notes": ("Too large.",)}]
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_files, "missing")
        return job

    def test_files_that_are_missing_go_alone(self):
        job = self.make_missing()
        self.assertIn("Files of this bill are missing", self.alert(job))
        self.assertTrue(job.can_sync)
        self.sync(job)
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.attached), 1)
        self.assertEqual(len(self.erp.writes), 1, "the bill itself is left alone")
        self.assertFalse(job.erp_files)
        self.assertFalse(job.notes)
        self.assertFalse(job.cause_alerts)
        self.assertEqual(job.attempt_ids.mapped("operation"), ["attach", "send"])

    def test_files_that_are_refused_again_stay_missing(self):
        job = self.make_missing()
        self.erp.script = [{"missing_files": ("a.pdf",), "notes": ("Too large.",)}]
        self.sync(job)
        self.assert_status(job, "success")
        self.assertEqual(job.erp_files, "missing")

    def test_a_bill_changed_meanwhile_goes_as_a_whole(self):
        job = self.make_missing()
        job.action_sync()
        job.move_id.button_draft()
        job.move_id.invoice_line_ids.quantity = 3.0
        job.move_id.action_post()
        self.commit()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertFalse(self.erp.attached)
        self.assertEqual(self.erp.writes[-1][1].total, 150)

    def test_after_a_refused_change_the_files_alone_are_not_enough(self):
        job = self.make_missing()
        job.action_sync()
        bill = job.move_id
        bill.button_draft()
        bill.invoice_line_ids.quantity = 3.0
        bill.action_post()
        self.commit()
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(job, "failed")
        bill.button_draft()
        bill.invoice_line_ids.quantity = 2.0
        bill.action_post()
        self.commit()
        self.sync(job)
        self.assert_status(job, "success")
        self.assertFalse(self.erp.attached)
        self.assertEqual(self.erp.writes[-1][1].total, 100)

    def test_the_erp_away_files_are_tried_again_later(self):
        job = self.make_missing()
        self.erp.script = [error()]
        self.sync(job)
        self.assert_status(job, "in_progress", "retrying")
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.attached), 2)
        self.assertFalse(job.erp_files)

    def test_files_that_came_later_are_sent_by_a_button(self):
        job = self.make_synced()
        self.connection.send_attachments = True
        self.assertTrue(job.can_send_files)
        job.action_send_files()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.attached), 1)
        self.connection.send_attachments = False
        with self.assert_refused(UserError, "connection that sends attachments"):
            job.action_send_files()


class TestCompare(FollowUpCase):
    def compare(self):
        self.connection.compared_at = False
        self.env.flush_all()
        # Its threads ask the database, and here all cursors are one.
        with release_test_lock():
            self._run(compare.run)

    def test_what_the_erp_has_as_it_was_sent_is_left_alone(self):
        job = self.make_synced()
        self.compare()
        self.assertFalse(job.erp_changes)
        self.assertTrue(self.connection.compared_at)

    def test_an_amount_changed_in_the_erp_is_told_and_mended_by_sync(self):
        job = self.make_synced()
        [(key, receipt)] = self.erp.ledger.items()
        self.erp.ledger[key] = replace(receipt, total=120, reference="X")
        self.compare()
        self.assertIn("100.00 → 120.00", job.erp_changes)
        self.assertIn("“X”", self.alert(job))
        self.assert_status(job, "success")
        self.sync(job)
        self.assertFalse(job.erp_changes)
        self.assertEqual(len(self.erp.writes), 2)

    def test_a_bill_that_is_gone_from_the_erp_is_told(self):
        job = self.make_synced()
        self.erp.ledger.clear()
        self.compare()
        self.assertIn("cancelled or deleted", job.erp_changes)
        self.assertIn(job, job.search([("erp_changes", "!=", False)]))

    def test_what_is_right_again_is_no_longer_told(self):
        job = self.make_synced()
        kept = dict(self.erp.ledger)
        self.erp.ledger.clear()
        self.compare()
        self.erp.ledger.update(kept)
        self.compare()
        self.assertFalse(job.erp_changes)

    def test_a_manager_who_marks_it_as_synced_ends_it(self):
        job = self.make_synced()
        self.erp.ledger.clear()
        self.compare()
        job._mark_synced("Entered there by hand", "X/1")
        self.compare()
        self.assertFalse(job.erp_changes)

    def test_many_bills_are_compared_in_batches(self):
        self.startPatcher(patch.object(compare, "BATCH", 2))
        bills = self.env["account.move"].union(*(self.make_bill() for _ in range(5)))
        jobs = self.submit(bills)
        self.dispatch()
        self.erp.ledger.clear()
        self.compare()
        self.assertTrue(all(jobs.mapped("erp_changes")))
        self.assertFalse(self.connection.compared_to_id)

    def test_an_erp_that_hangs_keeps_no_other_from_being_compared(self):
        self.make_synced()
        other = self._make_connection("Other ERP", url="https://other.example.com")
        other_erp, asked, in_time = FakeErp(), threading.Event(), []

        def hang(erp_ids, *, deadline):
            in_time.append(asked.wait(5))
            raise error("no_answer", Outcome.AMBIGUOUS)

        def answer(erp_ids, *, deadline):
            asked.set()
            return {}

        def make_connector(code, settings):
            mine = settings.url != other.url
            return Guarded(self.erp if mine else other_erp, settings)

        with patch.object(client, "make_connector", make_connector):
            self._map(self.expense, "600", other)
            late = self.submit(self.make_bill(), other)
            self.dispatch(other)
            self.assert_status(late, "success")
            self.startPatcher(patch.object(self.erp, "read_bills", hang))
            self.startPatcher(patch.object(other_erp, "read_bills", answer))
            self.compare()
        self.assertEqual(in_time, [True], "the other was asked meanwhile")
        self.assertFalse(self.connection.compared_at)
        self.assertTrue(late.erp_changes)

    def test_an_erp_that_asked_to_be_left_alone_is_not_compared(self):
        self.make_synced()
        later = engine.transaction.now(self.env) + timedelta(hours=1)
        self.connection.sudo().not_before = later
        self.compare()
        self.assertFalse(self.connection.compared_at)

    def test_an_erp_that_does_not_answer_changes_nothing(self):
        job = self.make_synced()

        def fail(*_args, **_options):
            raise error()

        self.erp.read_bills = fail
        self.compare()
        self.assertFalse(job.erp_changes)
        self.assert_status(job, "success")

    def test_a_paused_connection_is_not_asked(self):
        job = self.make_synced()
        self.erp.ledger.clear()
        self.connection._pause("Because")
        self.compare()
        self.assertFalse(job.erp_changes)

    def test_only_managers_have_it_compared_now(self):
        user = new_test_user(
            self.env, "clerk", groups="base.group_user,ap_sync.group_ap_sync_user"
        )
        with self.assertRaises(AccessError):
            self.connection.with_user(user).action_compare()
        self.connection.compared_at = engine.transaction.now(self.env)
        self.connection.action_compare()
        self.assertFalse(self.connection.compared_at)
