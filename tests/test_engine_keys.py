from unittest.mock import patch

from ..connectors import CONNECTORS
from .common import ApSyncCommon, Capability, FakeErp, Outcome, error


class TestEngineKeys(ApSyncCommon):
    """An ERP that honours keys is not asked after an unclear answer but sent the same
    again: the same key must then mean the same bill, until the outcome is clear."""

    def setUp(self):
        super().setUp()
        self.erp = FakeErp(Capability.IDEMPOTENT)
        self.erp.settle_seconds = 60.0
        self.startPatcher(patch.dict(CONNECTORS, odoo=self.erp))

    def leave_unclear(self):
        """Return a job whose bill the ERP kept, and then answered unclearly."""
        self.bill = self.make_bill()
        job = self.submit(self.bill)
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        return job

    def change(self, bill):
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 75
        bill.action_post()
        self.commit()

    def test_after_an_unclear_answer_the_same_is_sent_under_the_same_key(self):
        job = self.leave_unclear()
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        (_one, first), (_two, second) = self.erp.writes
        self.assertEqual(first, second)
        self.assertEqual(self.erp.lookups, 0)
        self.assertEqual(len(self.erp.ledger), 1)

    def test_a_bill_edited_meanwhile_goes_out_as_it_was_and_counts_as_changed(self):
        job = self.leave_unclear()
        self.change(self.bill)
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual([doc.total for _, doc in self.erp.writes], [100, 100])
        self.assertTrue(job.changed_since_sync)
        job.action_sync()
        self.dispatch()
        self.assertEqual(self.erp.writes[-1][1].total, 150)
        self.assertFalse(job.changed_since_sync)

    def test_a_bill_held_meanwhile_keeps_its_key_and_goes_out_as_it_was(self):
        job = self.leave_unclear()
        key = job.key
        self.connection._pause("Because")
        self.assert_status(job, "on_hold")
        self.change(self.bill)
        self.connection.action_resume()
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.key, key)
        self.assertEqual([doc.total for _, doc in self.erp.writes], [100, 100])

    def test_the_same_file_goes_along_again(self):
        self.bill = self.make_bill()
        self.env["ir.attachment"].create(
            {
                "name": "bill.pdf",
                "raw": b"%PDF-1.4 first",
                "res_model": "account.move",
                "res_id": self.bill.id,
            }
        )
        job = self.submit(self.bill)
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.make_due(job)
        self.dispatch()
        self.assertEqual(
            [[file.content for file in doc.attachments] for _, doc in self.erp.writes],
            [[b"%PDF-1.4 first"]] * 2,
        )

    def test_a_refusal_after_an_unclear_answer_is_no_proof_that_it_is_not_there(self):
        """The ERP may check a bill before it looks at its key."""
        job = self.leave_unclear()
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")
        self.assertIn("The ERP said invalid_data.", job.message)
        job.action_sync()
        self.assert_status(job, "failed")
        self.assertEqual(len(self.erp.ledger), 1)

    def test_an_outage_after_an_unclear_answer_never_ends_as_surely_not_sent(self):
        job = self.leave_unclear()
        self.erp.script = [error("erp_unavailable", Outcome.NOT_SENT)]
        self.make_due(job)
        self.env.cr.execute(
            "UPDATE ap_sync_job SET retry_since = now() - interval '4 days'"
        )
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")

    def test_a_refusal_at_once_is_sure(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        self.assertEqual(job.error_kind, "invalid_data")
