import base64

from odoo.tests.common import release_test_lock

from ..engine import compare
from .common_erp import RealErpCommon

PDF = b"%PDF-1.4\n%%EOF\n"


class TestEndToEndFollowUp(RealErpCommon):
    """What becomes of a synced bill later, here and in a real second Odoo."""

    def press_sync(self, job):
        job.action_sync()
        self.dispatch()

    def state(self, erp_id):
        [[state]] = self.erp_query(
            "SELECT state FROM account_move WHERE id = %s", int(erp_id)
        )
        return state

    def lines(self, job):
        return self.erp_query(
            "SELECT id FROM account_move_line WHERE move_id = %s ORDER BY id",
            int(job.erp_id),
        )

    def compare(self):
        self.connection.compared_at = False
        self.env.flush_all()
        # Its threads ask the database, and here all cursors are one.
        with release_test_lock():
            self._run(compare.run)

    def test_a_bill_cancelled_here_is_cancelled_there_and_sent_anew_when_valid(self):
        bill = self.make_bill()
        job = self.sync(bill)
        self.assert_status(job, "success")
        first = job.erp_id
        bill.button_cancel()
        self.commit()
        self.press_sync(job)
        self.assert_status(job, "success")
        self.assertTrue(job.erp_cancelled)
        self.assertEqual(self.state(first), "cancel")
        bill.button_draft()
        bill.action_post()
        self.commit()
        self.press_sync(job)
        self.assert_status(job, "success")
        [[_number, state, *_rest, erp_id]] = self.books(job)
        self.assertEqual((state, str(erp_id)), ("posted", job.erp_id))
        self.assertNotEqual(job.erp_id, first)
        self.assertEqual(self.state(first), "cancel", "what was voided stays so")

    def test_in_a_period_closed_there_nothing_is_cancelled(self):
        bill = self.make_bill()
        job = self.sync(bill)
        bill.button_cancel()
        self.commit()
        with self.locked_until(bill.date):
            self.press_sync(job)
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "period_closed_update")
        self.assertEqual(self.state(job.erp_id), "posted")

    def test_a_file_that_came_later_goes_alone(self):
        self.connection.send_attachments = True
        bill = self.make_bill()
        job = self.sync(bill)
        before = self.lines(job)
        self.env["ir.attachment"].create(
            {
                "name": "later.pdf",
                "datas": base64.b64encode(PDF),
                "res_model": "account.move",
                "res_id": bill.id,
            }
        )
        for _twice in range(2):
            job.action_send_files()
            self.dispatch()
            self.assert_status(job, "success")
        files = self.erp_query(
            "SELECT name FROM ir_attachment WHERE res_model = 'account.move' "
            "AND res_id = %s AND res_field IS NULL",
            int(job.erp_id),
        )
        self.assertEqual(files, [("later.pdf",)])
        self.assertEqual(self.lines(job), before, "the bill itself was left alone")

    def test_what_was_changed_there_is_told_here(self):
        job, other = self.sync(self.make_bill()), self.sync(self.make_bill())
        self.compare()
        self.assertFalse(job.erp_changes)
        self.erp_query(
            "UPDATE account_move SET amount_total = 120 WHERE id = %s", int(job.erp_id)
        )
        self.erp_query(
            "UPDATE account_move SET state = 'cancel' WHERE id = %s", int(other.erp_id)
        )
        self.compare()
        self.assertIn("100.00 → 120.00", job.erp_changes)
        self.assertIn("cancelled or deleted", other.erp_changes)
        self.press_sync(job)
        self.assert_status(job, "success")
        self.assertFalse(job.erp_changes)
        [[_number, state, total, *_rest]] = self.books(job)
        self.assertEqual((state, total), ("posted", 100.0))
        self.press_sync(other)
        self.assert_status(other, "failed")
        self.assertEqual(other.error_kind, "edited_in_erp")
