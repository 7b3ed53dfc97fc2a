from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import Form

from ..models import ap_sync_job_evaluate
from .common import ApSyncCommon, Outcome, error


class TestMap(ApSyncCommon):
    """A record mapped where a bill waits for it lets go all that wait for it."""

    def setUp(self):
        super().setUp()
        self.account = self.expense.copy({"code": "600901", "name": "Rent"})

    def hold(self, count=1, **values):
        """Return jobs of bills that wait for the account's mapping."""
        lines = [{"account_id": self.account.id}]
        bills = [self.make_bill(lines=lines, **values) for _bill in range(count)]
        jobs = self.submit(self.env["account.move"].union(*bills))
        for job in jobs:
            self.assert_status(job, "on_hold")
        return jobs

    def open(self, job, index=0):
        """Open the dialog from the link of a cause, as the browser does."""
        link = job.cause_alerts[-1]["links"][index]
        action = link["action"]
        self.assertEqual(
            (action["res_model"], action["target"]), ("ap.sync.map", "new")
        )
        return Form(self.env["ap.sync.map"].with_context(**action["context"])), link

    def apply(self, dialog, erp_id="63"):
        dialog.erp_id = erp_id
        return dialog.save().action_apply()["params"]["message"]

    def test_all_that_wait_for_it_go_and_are_counted(self):
        jobs, other = self.hold(3), self.hold(ref=False)
        elsewhere = self.submit(
            self.make_bill(lines=[{"account_id": self.expense.copy().id}])
        )
        dialog, link = self.open(jobs[0])
        self.assertEqual(link["others"], "3 more bills wait for this")
        self.assertEqual(dialog.waiting_count, 4)
        self.assertEqual(dialog.local_name, "600901 Rent")
        self.assertEqual(dialog.kind, "account")
        self.assertEqual(
            self.apply(dialog), "3 released, 1 still stopped by another cause"
        )
        for job in jobs:
            self.assert_status(job, "in_progress", "queued")
        self.assertEqual([c["kind"] for c in other.causes], ["reference_missing"])
        self.assert_status(elsewhere, "on_hold")

    def test_the_same_account_on_another_connection_still_waits(self):
        job, other = self.hold(), self._make_connection("Other ERP")
        theirs = self.submit(job.move_id, other)
        dialog, link = self.open(job)
        self.assertEqual(link["others"], "")
        self.assertEqual(self.apply(dialog), "1 released")
        self.assertIn("gl_account_unmapped", theirs.cause_kinds)

    def test_a_proposal_is_what_the_dialog_begins_with(self):
        self.env["ap.sync.erp.record"].sudo().create(
            {
                "connection_id": self.connection.id,
                "kind": "account",
                "erp_id": "63",
                "code": "6310",
                "name": "Rents",
            }
        )
        mapping = self._map(self.account, False, state="proposed")
        mapping.erp_record_id = self.env["ap.sync.erp.record"].search(
            [("erp_id", "=", "63")]
        )
        job = self.hold()
        dialog, _link = self.open(job)
        self.assertEqual(dialog.erp_record_id.erp_id, "63")
        self.assertEqual(
            dialog.save().action_apply()["params"]["message"], "1 released"
        )
        self.assertEqual(mapping.state, "confirmed")
        self.assert_status(job, "in_progress", "queued")

    def test_what_the_erp_refused_for_it_is_sent_again(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("vendor_inactive", Outcome.REJECTED)]
        self.dispatch()
        unknown = self.submit(self.make_bill())
        self.erp.script = [error("outcome_unknown", Outcome.REJECTED)]
        self.dispatch()
        dialog, _link = self.open(job)
        self.assertEqual(dialog.waiting_count, 1)
        self.assertEqual(self.apply(dialog, "78"), "1 released")
        self.assert_status(job, "in_progress", "queued")
        self.assertEqual(job.revision, 2)
        self.assert_status(unknown, "failed")

    def test_many_are_left_to_the_dispatcher(self):
        jobs = self.hold(3)
        dialog, _link = self.open(jobs[0])
        with patch.object(ap_sync_job_evaluate, "EVALUATE_AT_ONCE", 2):
            self.assertEqual(
                self.apply(dialog), "3 go in a moment, if nothing else stops them"
            )
        self.dispatch()
        for job in jobs:
            self.assert_status(job, "success")

    def test_where_held_bills_wait_for_sync_they_are_ready(self):
        self.connection.auto_resume = False
        job = self.hold()
        dialog, _link = self.open(job)
        self.assertEqual(self.apply(dialog), "1 ready: press Sync")

    def test_nothing_is_mapped_to_nothing(self):
        dialog, _link = self.open(self.hold())
        dialog.erp_id = "  "
        with self.assert_refused(UserError, "Choose what 600901 Rent is called"):
            dialog.save().action_apply()
