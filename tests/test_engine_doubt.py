from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..connectors import Outcome, Receipt
from .common import ApSyncCommon, error


class TestEngineDoubt(ApSyncCommon):
    """What an unclear answer never proves, and what never goes on for ever."""

    def found(self, job, **values):
        """Return the ERP's bill that looks like this job's, under another key."""
        return Receipt(
            **{
                "erp_id": "9",
                "number": "X/9",
                "kind": "bill",
                "reference": job.reference,
                "currency": job.currency_id.name,
                "total": Decimal("100"),
                "vendor_erp_id": "77",
                "ours": False,
                **values,
            }
        )

    def change(self, bill):
        """Change a bill's account: its head, and so its look in the ERP, stays."""
        other = self.expense.copy()
        self._map(other, "601")
        bill.button_draft()
        bill.invoice_line_ids.account_id = other
        bill.action_post()
        self.commit()

    def test_the_old_bill_in_the_erp_is_no_proof_that_a_change_arrived(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        self.change(bill)
        job.action_sync()
        old = self.found(job, erp_id=job.erp_id, ours=True)
        self.erp.script = [error("no_answer", Outcome.AMBIGUOUS)]
        self.erp.lookup_script = [[old]]
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.writes), 3, "the change was sent again")

    def test_a_refused_change_is_no_success_because_the_old_bill_is_found(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        self.change(bill)
        job.action_sync()
        self.erp.script = [error("bill_paid_in_erp", Outcome.REJECTED)] * 2
        self.erp.lookup_script = [[self.found(job, erp_id=job.erp_id, ours=True)]]
        self.dispatch()
        self.assert_status(job, "failed")
        job._verify_again()
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "bill_paid_in_erp")

    def test_an_erp_that_never_answers_clearly_is_asked_at_growing_pauses(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("no_answer", Outcome.AMBIGUOUS)] * 9
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        self.assertEqual(len(self.erp.writes), 2, "no loop within one run")
        self.assertGreater(job.next_try_at, job._now())
        self.env.cr.execute(
            "UPDATE ap_sync_job SET retry_since = now() - interval '73 hours'"
        )
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")

    def test_a_duplicate_that_can_not_be_found_needs_a_person(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("duplicate_bill", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")
        self.assertEqual(len(self.erp.writes), 1)

    def test_a_different_bill_of_that_reference_is_never_adopted(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("duplicate_bill", Outcome.REJECTED)]
        self.erp.lookup_script = [[self.found(job, total=Decimal("999"))]]
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertIn("X/9", job.message)
        self.assertFalse(job.erp_id)

    def test_the_same_bill_entered_there_by_hand_is_adopted(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("duplicate_bill", Outcome.REJECTED)]
        self.erp.lookup_script = [[self.found(job)]]
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_number, "X/9")

    def test_one_bill_of_the_erp_is_never_two_of_ours(self):
        first = self.submit(self.make_bill())
        self.dispatch()
        second = self.submit(self.make_bill())
        self.erp.script = [error("duplicate_bill", Outcome.REJECTED)]
        self.erp.lookup_script = [[self.found(second, erp_id=first.erp_id)]]
        self.dispatch()
        self.assert_status(second, "failed")
        self.assertIn(first.display_name, second.message)
        self.assertFalse(second.erp_id)

    def test_a_found_bill_does_not_map_the_vendor(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("duplicate_bill", Outcome.REJECTED)]
        self.erp.lookup_script = [[self.found(job, vendor_erp_id="666")]]
        self.dispatch()
        self.assert_status(job, "success")
        self.assertNotIn("666", self.connection.mapping_ids.mapped("erp_id"))

    def test_another_address_forgets_the_ids_of_the_old_erp(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        self.connection.url = "https://production.example.com"
        self.assertFalse(job.erp_id)
        self.assertTrue(job.erp_number)
        self.change(bill)
        job.action_sync()
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1, "a person decides first")

    def test_the_address_stays_while_a_bill_is_in_doubt_there(self):
        self.erp.settle_seconds = 60.0
        job = self.submit(self.make_bill())
        self.erp.script = [error("no_answer", Outcome.AMBIGUOUS)]
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        with self.assert_refused(UserError, "under way"):
            self.connection.url = "https://production.example.com"

    def test_a_bill_in_doubt_is_cleared_up_after_its_connection_was_archived(self):
        self.erp.settle_seconds = 60.0
        job = self.submit(self.make_bill())
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.connection.active = False
        self.make_due(job)
        with patch.object(type(self.connection), "_wake") as wake:
            self.reap()
        self.assertTrue(wake.called)
        self.dispatch()
        self.assert_status(job, "success")

    @mute_logger("odoo.addons.ap_sync.engine.dispatcher")
    def test_an_outcome_that_can_not_be_recorded_loses_no_other(self):
        good, bad = self.make_bill(), self.make_bill()
        jobs = self.submit(good | bad)
        update = type(jobs)._update_status

        def broken(job, event, **values):
            if event == "succeed" and bad in job.move_id:
                raise ValueError("somebody's override")
            return update(job, event, **values)

        with patch.object(type(jobs), "_update_status", broken):
            self.dispatch()
        status = {job.move_id: (job.status, job.phase) for job in jobs}
        self.assertEqual(status[good], ("success", False))
        self.assertEqual(status[bad], ("in_progress", "sending"))

    def test_what_did_not_get_its_turn_uses_up_no_try(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("not_sent_in_time")] * 3
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.connection.failures, 0)
