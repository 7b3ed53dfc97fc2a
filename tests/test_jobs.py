from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.tools import mute_logger

from ..connectors import Outcome
from .common import ApSyncCommon, error


class TestJobs(ApSyncCommon):
    """Pressing Sync on a job in any status; one job for each bill and connection."""

    def refuse(self, kind, outcome=Outcome.REJECTED):
        """Return a job that failed with a kind of error."""
        job = self.submit(self.make_bill())
        self.erp.script = [error(kind, outcome)]
        self.dispatch()
        return job

    def sync(self, jobs):
        """Press Sync; return the notification's type and message.

        Many that go have their progress shown, else the screen is read again.
        """
        action = jobs.action_sync()
        self.assertEqual(action["tag"], "display_notification")
        message = action["params"]["message"]
        many = len(jobs) > 1 and " queued" in message
        follow = "ap_sync.progress" if many else "soft_reload"
        self.assertEqual(action["params"]["next"]["tag"], follow)
        return action["params"]["type"], message

    def test_sync_of_a_synced_bill_does_nothing(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        key = job.key
        self.assertEqual(self.sync(job), ("success", "1 already synced"))
        self.assert_status(job, "success")
        self.dispatch()
        self.assertEqual((job.key, job.revision, len(self.erp.writes)), (key, 1, 1))

    def test_sync_of_a_changed_bill_sends_an_update_as_a_new_revision(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        key, erp_id = job.key, job.erp_id
        bill.ref = "CORRECTED"
        self.commit()
        self.assertTrue(job.changed_since_sync)
        self.assert_status(job, "success")
        self.assertEqual(self.sync(job), ("success", "1 queued"))
        self.assertEqual(job.revision, 2)
        self.assertNotEqual(job.key, key)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_id, erp_id)
        self.assertEqual(self.erp.ledger[job.key].reference, "CORRECTED")
        self.assertFalse(job.changed_since_sync)

    def test_a_change_that_is_taken_back_needs_no_sync(self):
        bill = self.make_bill(ref="AS-SENT")
        job = self.submit(bill)
        self.dispatch()
        bill.ref = "OTHER"
        self.commit()
        bill.ref = "AS-SENT"
        self.commit()
        self.assertFalse(job.changed_since_sync)

    def test_sync_twice_queues_once(self):
        job = self.submit(self.make_bill())
        due, key = job.next_try_at, job.key
        for _press in range(2):
            self.assertEqual(self.sync(job), ("success", "1 already in progress"))
        self.assert_status(job, "in_progress", "queued")
        self.assertEqual((job.next_try_at, job.key), (due, key))
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1)

    def test_sync_hurries_a_bill_that_waits_for_its_retry(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.assertGreater(job.next_try_at, job._now())
        self.assertEqual(self.sync(job), ("success", "1 already in progress"))
        self.assertLessEqual(job.next_try_at, job._now())
        self.dispatch()
        self.assert_status(job, "success")

    def test_sync_never_hurries_a_bill_whose_outcome_is_being_verified(self):
        self.erp.settle_seconds = 600.0
        job = self.submit(self.make_bill())
        self.erp.script = [error("no_answer", Outcome.AMBIGUOUS)]
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        due, key = job.next_try_at, job.key
        self.sync(job)
        self.assert_status(job, "in_progress", "verifying")
        self.assertEqual((job.next_try_at, job.key), (due, key))

    def test_sync_of_a_refused_bill_queues_it_under_a_new_key(self):
        job = self.refuse("gl_account_inactive")
        key = job.key
        self.assertEqual(self.sync(job), ("success", "1 queued"))
        self.assert_status(job, "in_progress", "queued")
        self.assertNotEqual(job.key, key)
        self.assertFalse(job.message)

    def test_sync_of_an_unknown_outcome_asks_for_a_decision(self):
        for kind in ("outcome_unknown", "internal", "bill_paid_in_erp"):
            with self.subTest(kind=kind):
                job = self.refuse(kind)
                key = job.key
                self.assertEqual(
                    self.sync(job),
                    (
                        "warning",
                        "1 need a decision: a manager opens them and presses Resolve",
                    ),
                )
                self.assert_status(job, "failed")
                self.assertEqual(job.key, key)

    def test_sync_of_a_held_bill_looks_again_and_says_it_is_still_held(self):
        bill = self.make_bill(ref=False)
        job = self.submit(bill)
        self.assertEqual(self.sync(job), ("warning", "1 on hold"))
        bill.ref = "NOW THERE"
        self.assertEqual(self.sync(job), ("success", "1 queued"))

    def test_sync_of_a_blocked_bill_leaves_it_blocked(self):
        self.partner_a.ap_sync_blocked = True
        job = self.submit(self.make_bill())
        self.assertEqual(self.sync(job), ("warning", "1 blocked"))
        self.assert_status(job, "blocked")

    def test_sync_of_many_counts_each_sort(self):
        done, changed = self.submit(self.make_bill() | self.make_bill())
        self.dispatch()
        changed.move_id.ref = "CHANGED"
        unknown = self.refuse("outcome_unknown")
        held = self.submit(self.make_bill(ref=False))
        blocked = self.submit(self.make_bill(partner_id=self.partner_b.id))
        self.partner_b.ap_sync_blocked = True
        queued = self.submit(self.make_bill())
        self.commit()
        kind, message = self.sync(done | changed | unknown | held | blocked | queued)
        self.assertEqual(kind, "warning")
        self.assertEqual(
            message,
            "1 queued, 1 already in progress, 1 on hold, 1 blocked, 1 already synced, "
            "1 need a decision: a manager opens them and presses Resolve",
        )

    def test_sync_of_nothing_says_so(self):
        _kind, message = self.sync(self.env["ap.sync.job"])
        self.assertIn("Nothing to sync", message)

    def test_evaluating_counts_what_is_queued_held_blocked_and_left(self):
        self.connection.auto_resume = False
        self.partner_b.ap_sync_blocked = True
        done = self.submit(self.make_bill())
        self.dispatch()
        mended = self.make_bill(ref=False)
        jobs = done | self.submit(
            self.make_bill()
            | self.make_bill(ref=False)
            | self.make_bill(partner_id=self.partner_b.id)
            | mended
        )
        mended.ref = "NOW THERE"
        action = jobs.action_evaluate()
        self.assertEqual(action["params"]["next"]["tag"], "soft_reload")
        self.assertEqual(action["params"]["type"], "warning")
        message = action["params"]["message"]
        for part in ("queued", "on hold", "blocked", "ready: press Sync", "left as"):
            self.assertRegex(message, rf"\b1 [\w, ]*{part}")
        action = jobs.move_id.action_ap_sync_evaluate()
        self.assertIn("1 queued", action["params"]["message"])
        action = self.make_bill().action_ap_sync_evaluate()
        self.assertIn("no sync job", action["params"]["message"])

    def test_sync_asks_the_erp_nothing(self):
        bill = self.make_bill()
        self.sync(self.submit(bill))
        bill.action_ap_sync()
        self.assertFalse(self.erp.writes)
        self.assertFalse(self.erp.lookups)

    def test_a_bill_marked_as_synced_by_hand_is_never_sent_as_a_new_one(self):
        job = self.refuse("outcome_unknown")
        job._mark_synced("Seen in the ERP", "ERP-77")
        job.move_id.ref = "CHANGED"
        self.commit()
        self.assertTrue(job.changed_since_sync)
        kind, message = self.sync(job)
        self.assertIn("need a decision", message)
        self.dispatch()
        self.assertEqual(len(self.erp.writes), 1, "no second bill in the ERP")

    def test_what_was_never_sent_can_not_be_verified(self):
        job = self.submit(self.make_bill())
        prepare = "_prepare_ap_sync_document"
        with (
            patch.object(type(job.move_id), prepare, side_effect=ValueError),
            mute_logger("odoo.addons.ap_sync.engine.claim"),
        ):
            self.dispatch()
        self.assert_status(job, "failed")
        with self.assert_refused(UserError, "never sent"):
            job._verify_again()
        self.assert_status(job, "failed")

    # -- Submitting

    def test_submitting_twice_makes_one_job(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.assertFalse(self.submit(bill))
        self.assertEqual(bill.ap_sync_job_ids, job)

    def test_a_second_job_of_a_bill_on_a_connection_is_refused_by_the_database(self):
        job = self.submit(self.make_bill())
        values = job.copy_data()[0] | {"status": "on_hold", "key": "another"}
        with (
            self.assertRaises(IntegrityError),
            mute_logger("odoo.sql_db"),
            self.cr.savepoint(),
        ):
            job.create(values)

    def test_two_people_submitting_one_bill_at_once_both_get_an_answer(self):
        """The second transaction can't see the first's job; Odoo runs it again."""
        bill = self.make_bill()
        self.submit(bill)
        for connection in self.connection, self._make_connection("Other ERP"):
            with (
                self.subTest(connection.name),
                patch.object(
                    type(self.env["ap.sync.job"]),
                    "search_fetch",
                    lambda self, *_args, **_kwargs: self.browse(),
                ),
                mute_logger("odoo.sql_db"),
                self.assertRaises(ConcurrencyError),
                self.cr.savepoint(),
            ):
                self.submit(bill, connection)

    def test_one_bill_goes_to_two_connections(self):
        bill = self.make_bill()
        other = self._make_connection("Other ERP")
        self._map(self.expense, "6000", other)
        jobs = self.submit(bill) | self.submit(bill, other)
        self.assertEqual(jobs.connection_id, self.connection | other)
        self.assertNotEqual(jobs[0].key, jobs[1].key)
        self.assertEqual(jobs.mapped("shares_bill"), [True, True])
        self.assertFalse(self.submit(self.make_bill()).shares_bill)

    def test_only_vendor_documents_are_submitted(self):
        invoice = self.init_invoice("out_invoice", amounts=[100], post=True)
        with self.assert_refused(ValidationError, "not a vendor bill"):
            self.submit(invoice)
        action = invoice.action_ap_sync()
        self.assertIn("Nothing to sync", action["params"]["message"])
        self.assertFalse(invoice.ap_sync_job_ids)

    def test_a_copied_bill_has_no_job_and_is_not_ready(self):
        bill = self.make_bill(post=False)
        bill.action_ap_sync_ready()
        self.submit(bill)
        copy = bill.copy()
        self.assertFalse(copy.ap_sync_job_ids)
        self.assertFalse(copy.ap_sync_ready)
        self.assertFalse(copy.ap_sync_status)
