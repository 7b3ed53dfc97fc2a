from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..connectors import Capability, Outcome, Receipt
from ..engine.claim import claim
from ..engine.transaction import transact
from .common import error
from .common_restored import RestoredCommon


class TestEngineLookFirst(RestoredCommon):
    """In a database that was restored from a backup, what waits may have been sent
    after the backup was made: the ERP is asked before anything is sent."""

    # -- What is done before a bill is sent

    def test_a_queued_bill_that_the_erp_has_is_not_sent_again(self):
        job = self.submit(self.make_bill())
        there = self.sent_in_the_lost_time(job)
        self.restore()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_id, there.erp_id)
        self.assertEqual(self.erp.writes, [])
        self.assertFalse(job.attempt_ids)
        self.assertFalse(job.look_first)

    def test_a_queued_bill_that_the_erp_has_not_is_sent_under_its_key(self):
        job = self.submit(self.make_bill())
        key = job.key
        self.restore()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.erp.lookups, 1)
        self.assertEqual([doc.key for _, doc in self.erp.writes], [key])
        self.assertFalse(job.look_first)

    def test_only_the_first_time_is_asked(self):
        job = self.submit(self.make_bill())
        self.restore()
        self.erp.script = [error("erp_unavailable", Outcome.NOT_SENT)]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.erp.lookups, 1)

    def test_another_bill_of_that_key_needs_a_person(self):
        job = self.submit(self.make_bill())
        self.sent_in_the_lost_time(job, total=Decimal("999"))
        self.restore()
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")
        self.assertEqual(self.erp.writes, [])
        self.assertTrue(job.look_first, "nothing was cleared up")

    def test_after_it_was_corrected_in_the_erp_a_manager_can_have_it_asked_again(self):
        job = self.submit(self.make_bill())
        self.sent_in_the_lost_time(job, total=Decimal("999"))
        self.restore()
        self.dispatch()
        self.erp.ledger.clear()
        self.sent_in_the_lost_time(job)
        job._verify_again()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.erp.writes, [])

    def test_what_a_manager_decides_to_send_is_sent(self):
        job = self.submit(self.make_bill())
        self.sent_in_the_lost_time(job, total=Decimal("999"))
        self.restore()
        self.dispatch()
        job._resend("It is another one")
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.writes), 1)
        self.assertEqual(self.erp.lookups, 1)

    def test_a_held_bill_is_asked_for_when_it_is_let_go(self):
        job = self.hold()
        self.sent_in_the_lost_time(job)
        self.restore()
        self.dispatch()
        self.assert_status(job, "on_hold")
        self.assertEqual(self.erp.lookups, 0)
        self.connection.action_resume()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.erp.writes, [])

    def test_a_failed_bill_that_was_mended_and_sent_then_is_found_under_another_key(
        self,
    ):
        job = self.submit(self.make_bill())
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(job, "failed")
        self.restore()
        self.dispatch()
        self.assert_status(job, "failed")
        alike = self.erp._receipt(job.move_id._prepare_ap_sync_document(job))
        self.erp.lookup_script = [[Receipt(**{**alike.__dict__, "ours": False})]]
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.writes), 1, "the refused one before the backup")

    def test_a_bill_in_doubt_at_the_backup_is_compared_with_what_was_sent(self):
        self.erp.settle_seconds = 60.0
        bill = self.make_bill()
        job = self.submit(bill)
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 75
        bill.action_post()
        self.commit()
        self.restore()
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertTrue(job.changed_since_sync)
        self.assertFalse(job.look_first)

    def test_an_erp_that_honours_keys_is_asked_too(self):
        """A bill that was refused and corrected in the lost time has another key."""
        self.use(Capability.IDEMPOTENT)
        job = self.submit(self.make_bill())
        self.sent_in_the_lost_time(job)
        self.restore()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.erp.writes, [])

    def test_a_rule_that_stops_the_bill_comes_first(self):
        job = self.submit(self.make_bill())
        self.restore()
        job.partner_id.write({"ap_sync_blocked": True, "ap_sync_block_reason": "No"})
        self.dispatch()
        self.assert_status(job, "blocked")
        self.assertEqual(self.erp.lookups, 0)
        self.assertTrue(job.look_first)

    # -- What crashes and outages do to it

    def crash(self, jobs):
        """Claim these jobs as a process that dies; let their leases run out."""
        works, _seen = self._run(
            lambda registry: transact(registry, claim, self.connection.id, 10)
        )
        self.assertEqual([work.mode for work in works], ["verify"] * len(jobs))
        self.env.cr.execute(
            "UPDATE ap_sync_job SET lease_until = now() - interval '1 second' "
            "WHERE id IN %s",
            [tuple(jobs.ids)],
        )
        self.env.invalidate_all()

    def test_a_crash_while_the_erp_is_asked_has_it_asked_again(self):
        job = self.submit(self.make_bill())
        self.sent_in_the_lost_time(job)
        self.restore()
        with patch.object(type(self.connection), "_get_settle_seconds", lambda *a: 60):
            self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        self.make_due(job)
        self.crash(job)
        with mute_logger("odoo.addons.ap_sync.engine.reaper"):
            self.reap()
        self.assert_status(job, "in_progress", "verifying")
        self.assertTrue(job.look_first)
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(self.erp.writes, [])

    def test_it_is_not_asked_before_the_erp_has_settled(self):
        job = self.submit(self.make_bill())
        self.restore()
        with patch.object(type(self.connection), "_get_settle_seconds", lambda *a: 60):
            self.dispatch()
        self.assertGreater(job.next_try_at, job._now())
        self.assertEqual(self.erp.lookups, 0)

    def test_an_erp_that_is_down_is_asked_later_for_as_long_as_any_other_time(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable", Outcome.NOT_SENT)]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        self.env.cr.execute(
            "UPDATE ap_sync_job SET retry_since = now() - interval '9 days'"
        )
        self.restore()
        self.make_due(job)
        self.erp.lookup_script = [error("erp_unavailable", Outcome.NOT_SENT)]
        self.dispatch()
        self.assert_status(job, "in_progress", "verifying")
        self.assertTrue(job.look_first)
        self.assertEqual(len(self.erp.writes), 1)
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "success")

    @mute_logger("odoo.addons.ap_sync.engine.claim")
    def test_a_bill_that_can_not_be_read_then_stops_no_other(self):
        good, bad = self.submit(self.make_bill()), self.submit(self.make_bill())
        self.restore()
        Move = type(bad.move_id)
        prepare = Move._prepare_ap_sync_document

        def broken(move, job, **options):
            if job == bad:
                raise ZeroDivisionError
            return prepare(move, job, **options)

        with patch.object(Move, "_prepare_ap_sync_document", broken):
            self.dispatch()
        self.assert_status(good, "success")
        self.assert_status(bad, "failed")
        self.assertEqual(bad.error_kind, "internal")

    def test_who_stops_it_then_is_told_that_it_may_be_there(self):
        job = self.submit(self.make_bill())
        job.sudo().look_first = True
        job._abort("Wait")
        self.assertEqual(job.error_kind, "outcome_unknown")

    # -- An ERP that can't be asked

    def test_a_bill_for_an_erp_that_can_not_be_asked_waits_for_a_person(self):
        self.use(Capability.NONE)
        queued, held = self.submit(self.make_bill()), self.hold()
        self.connection.action_resume()
        self.restore()
        self.dispatch()
        for job in queued | held:
            self.assert_status(job, "failed")
            self.assertEqual(job.error_kind, "outcome_unknown")
            self.assertIn("restored", job.message)
            self.assertTrue(job.needs_decision)
        self.assertEqual((self.erp.writes, self.erp.lookups), ([], 0))

    def test_sync_on_what_had_failed_there_does_not_send_it_either(self):
        self.use(Capability.NONE)
        job = self.submit(self.make_bill())
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        self.restore()
        self.dispatch()
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "outcome_unknown")
        self.assertEqual(len(self.erp.writes), 1)

    def test_a_manager_who_looked_there_sends_it_or_marks_it(self):
        self.use(Capability.NONE)
        jobs = self.submit(self.make_bill() | self.make_bill())
        self.restore()
        self.dispatch()
        with self.assert_refused(UserError, "can't be asked"):
            jobs[0]._verify_again()
        jobs[0]._resend("It is not there")
        jobs[1]._mark_synced("It is there", "X/7")
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertEqual(len(self.erp.writes), 1)
        self.assertFalse(jobs.filtered("look_first"))
