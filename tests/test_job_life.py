from odoo.exceptions import UserError

from ..connectors import Outcome
from .common import ApSyncCommon, error


class TestJobLife(ApSyncCommon):
    """What becomes of a job when its bill is deleted, cancelled or a draft again."""

    # -- Deleting

    def test_a_bill_in_progress_can_not_be_deleted(self):
        bill = self.make_bill(post=False)
        job = self.submit(bill)
        with self.assert_refused(UserError, "in progress.*Cancel the bill"):
            bill.unlink()
        self.assertTrue(job.exists())

    def test_a_bill_that_was_sent_can_not_be_deleted(self):
        bill = self.make_bill(post=False)
        self.submit(bill)
        self.dispatch()
        with self.assert_refused(UserError, "it was sent to ERP.*Cancel"):
            bill.unlink()

    def test_a_bill_that_was_refused_can_not_be_deleted_either(self):
        bill = self.make_bill(post=False)
        job = self.submit(bill)
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(job, "failed")
        with self.assert_refused(UserError, "record of that must stay"):
            bill.unlink()

    def test_a_bill_that_was_never_sent_takes_its_job_along(self):
        bill = self.make_bill(post=False, ref=False)
        job = self.submit(bill)
        self.assert_status(job, "on_hold")
        bill.unlink()
        self.commit()
        self.assertFalse(job.exists())

    def test_one_protected_bill_protects_all_that_are_deleted_with_it(self):
        free = self.make_bill(post=False, ref=False)
        held = self.submit(free)
        busy = self.make_bill(post=False)
        self.submit(busy)
        with self.assertRaises(UserError):
            (free | busy).unlink()
        self.assertTrue(held.exists())

    def test_a_user_who_sees_no_jobs_can_not_delete_a_synced_bill(self):
        bill = self.make_bill(post=False)
        self.submit(bill)
        self.env.user.group_ids -= self.env.ref("ap_sync.group_ap_sync_administrator")
        with self.assert_refused(UserError, "in progress"):
            bill.unlink()

    def test_a_connection_with_jobs_is_archived_not_deleted(self):
        self.submit(self.make_bill())
        with self.assert_refused(UserError, "Archive it instead"):
            self.connection.unlink()

    def test_a_connection_without_jobs_takes_its_scheduled_action_along(self):
        cron = self.connection.cron_id
        self.connection.mapping_ids.unlink()
        self.connection.unlink()
        self.assertFalse(cron.exists())

    # -- Cancelling, and a draft again

    def test_a_cancelled_bill_is_not_sent(self):
        bill = self.make_bill(post=False)
        job = self.submit(bill)
        bill.button_cancel()
        self.commit()
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "bill_cancelled")
        self.dispatch()
        self.assertFalse(self.erp.writes)

    def test_a_synced_bill_that_is_cancelled_is_flagged(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        bill.button_draft()
        bill.button_cancel()
        self.commit()
        self.assert_status(job, "success")
        self.assertTrue(job.changed_since_sync)

    def test_a_bill_that_is_a_draft_again_waits_for_its_posting(self):
        self.connection.trigger = "posted"
        bill = self.make_bill()
        job = bill.ap_sync_job_ids
        self.assert_status(job, "in_progress", "queued")
        bill.button_draft()
        self.commit()
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "bill_not_posted")
        self.dispatch()
        self.assertFalse(self.erp.writes)
        bill.action_post()
        self.commit()
        self.assert_status(job, "in_progress", "queued")

    def test_a_bill_is_flagged_and_the_flag_is_cleared_by_its_sync(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        self.assertFalse(job.changed_since_sync)
        bill.button_draft()
        bill.invoice_line_ids.quantity = 3.0
        bill.action_post()
        self.commit()
        self.assertTrue(job.changed_since_sync)
        job.action_sync()
        self.dispatch()
        self.assertFalse(job.changed_since_sync)
        self.assertEqual(self.erp.ledger[job.key].total, 150)

    # -- Attempts

    def test_an_attempt_can_not_be_written_by_anyone(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        attempt = job.attempt_ids
        for values in ({"outcome": "rejected"}, {"message": "x"}, {"document": {}}):
            with self.assert_refused(UserError, "can't be changed"):
                attempt.sudo().write(values)
        with self.assertRaises(UserError):
            attempt.sudo().outcome = "not_sent"
        attempt.invalidate_recordset()
        self.assertEqual(attempt.outcome, "accepted")

    def test_an_attempt_can_not_be_deleted_by_anyone(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        with self.assert_refused(UserError, "can't be deleted"):
            job.attempt_ids.sudo().unlink()

    def test_an_outcome_is_set_once(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        attempt = job.attempt_ids
        late = attempt._set_outcome({"outcome": "ambiguous", "message": "late"})
        self.assertFalse(late)
        self.assertEqual(attempt.outcome, "accepted")
        self.assertFalse(attempt.message)

    def test_attempts_count_up_and_keep_what_was_sent(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        job.move_id.ref = "SECOND"
        job.action_sync()
        self.dispatch()
        second, first = job.attempt_ids
        self.assertEqual((first.number, second.number), (1, 2))
        self.assertEqual((first.revision, second.revision), (1, 2))
        self.assertNotEqual(first.document["reference"], "SECOND")
        self.assertEqual(second.document["reference"], "SECOND")
        self.assertEqual(job.document, second.document)
