from unittest.mock import patch

from odoo.fields import Command

from ..connectors import Outcome
from ..models import ap_sync_job_evaluate
from .common import ApSyncCommon, error


class TestReevaluate(ApSyncCommon):
    """What changes is noticed: the jobs concerned go by themselves, no others move."""

    def hold(self, **values):
        """Return a job that is held for want of a reference."""
        job = self.submit(self.make_bill(**{"ref": False, **values}))
        self.assert_status(job, "on_hold")
        return job

    def watch(self):
        """Note the ids of all jobs that are evaluated from now on."""
        seen = []
        evaluate = type(self.env["ap.sync.job"])._evaluate

        def spy(jobs, fresh=False):
            seen.extend(jobs.ids)
            return evaluate(jobs, fresh)

        self.startPatcher(patch.object(type(self.env["ap.sync.job"]), "_evaluate", spy))
        return seen

    def make_rule(self, **values):
        return self.env["ap.sync.rule"].create(
            {
                "name": "Large bills",
                "action": "block",
                "bill_domain": "[('amount_total', '>', 50)]",
                **values,
            }
        )

    # -- Rules

    def test_a_new_rule_stops_what_waits_and_leaves_what_is_done(self):
        done, failed = self.submit(self.make_bill() | self.make_bill()).sorted("id")
        self.connection.concurrency = 1
        self.erp.script = ["accept", error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        queued = self.submit(self.make_bill())
        self.make_rule()
        self.assert_status(queued, "blocked")
        self.assert_status(done, "success")
        self.assert_status(failed, "failed")

    def test_a_changed_rule_frees_what_it_no_longer_stops(self):
        rule = self.make_rule()
        job = self.submit(self.make_bill())
        self.assert_status(job, "blocked")
        rule.bill_domain = "[('amount_total', '>', 5000)]"
        self.assert_status(job, "in_progress", "queued")

    def test_an_archived_or_deleted_rule_frees_its_jobs(self):
        for end in ("action_archive", "unlink"):
            rule = self.make_rule()
            job = self.submit(self.make_bill())
            self.assert_status(job, "blocked")
            getattr(rule, end)()
            self.assert_status(job, "in_progress", "queued")
            self.assertFalse(job.rule_id)

    def test_a_rule_that_names_another_connection_frees_the_first(self):
        other = self._make_connection("Other ERP")
        self._map(self.expense, "6000", other)
        rule = self.make_rule(connection_ids=[Command.set(self.connection.ids)])
        bill = self.make_bill()
        first, second = self.submit(bill), self.submit(bill, other)
        rule.connection_ids = [Command.set(other.ids)]
        self.assert_status(first, "in_progress", "queued")
        self.assert_status(second, "blocked")

    def test_a_rule_for_one_connection_looks_at_its_jobs_alone(self):
        other = self._make_connection("Other ERP")
        job = self.hold()
        seen = self.watch()
        self.make_rule(connection_ids=[Command.set(other.ids)])
        self.assertNotIn(job.id, seen)

    def test_a_rule_s_new_name_moves_nothing(self):
        rule = self.make_rule()
        self.submit(self.make_bill())
        seen = self.watch()
        rule.name = "Another name"
        self.assertFalse(seen)

    # -- Mappings

    def test_a_new_mapping_frees_the_jobs_that_miss_one_and_looks_at_no_others(self):
        account = self.expense.copy()
        job = self.submit(self.make_bill(lines=[{"account_id": account.id}]))
        self.assert_status(job, "on_hold")
        other = self.hold()
        seen = self.watch()
        self._map(account, "601")
        self.assert_status(job, "in_progress", "queued")
        self.assertEqual(seen, job.ids)
        self.assert_status(other, "on_hold")

    def test_a_confirmed_mapping_frees_its_jobs(self):
        account = self.expense.copy()
        mapping = self._map(account, "601", state="proposed")
        job = self.submit(self.make_bill(lines=[{"account_id": account.id}]))
        self.assert_status(job, "on_hold")
        mapping.action_confirm()
        self.assert_status(job, "in_progress", "queued")

    def test_trusting_proposals_frees_the_jobs_that_wait_for_a_confirmation(self):
        account = self.expense.copy()
        self._map(account, "601", state="proposed")
        job = self.submit(self.make_bill(lines=[{"account_id": account.id}]))
        self.connection.trust_proposals = True
        self.assert_status(job, "in_progress", "queued")

    # -- Vendors

    def test_blocking_a_vendor_stops_its_bills_and_unblocking_sends_them(self):
        mine = self.submit(self.make_bill())
        other = self.submit(self.make_bill(partner_id=self.partner_b.id))
        seen = self.watch()
        self.partner_a.ap_sync_blocked = True
        self.assert_status(mine, "blocked")
        self.assert_status(other, "in_progress", "queued")
        self.partner_a.ap_sync_blocked = False
        self.assert_status(mine, "in_progress", "queued")
        self.assertEqual(set(seen), set(mine.ids))

    # -- Bills

    def test_a_bill_completed_before_the_commit_goes(self):
        job = self.hold()
        job.move_id.ref = "NOW THERE"
        self.assert_status(job, "on_hold")
        self.commit()
        self.assert_status(job, "in_progress", "queued")

    def test_a_bill_s_lines_are_looked_at_as_well(self):
        bill = self.make_bill(post=False, lines=[])
        job = self.submit(bill)
        self.assertEqual(job.error_kind, "no_lines")
        line = {"name": "x", "price_unit": 5.0, "account_id": self.expense.id}
        bill.invoice_line_ids = [Command.create(line | {"tax_ids": []})]
        self.commit()
        self.assert_status(job, "in_progress", "queued")
        bill.invoice_line_ids.unlink()
        self.commit()
        self.assert_status(job, "on_hold")

    def test_a_bill_saved_in_several_writes_is_evaluated_once(self):
        job = self.hold()
        seen = self.watch()
        job.move_id.ref = "A"
        job.move_id.narration = "B"
        job.move_id.invoice_line_ids.name = "C"
        self.commit()
        self.assertEqual(seen, job.ids)

    def test_a_bill_goes_when_the_earlier_one_of_its_reference_is_out_of_the_way(self):
        def correct(bill):
            bill.ref = "CORRECTED"

        for mend in (correct, lambda bill: bill.button_cancel(), lambda b: b.unlink()):
            first = self.make_bill(post=False, ref="RE-1")
            second = self.make_bill(post=False, ref="RE-1")
            job = self.submit(second)
            self.assertEqual(job.error_kind, "possible_duplicate")
            mend(first)
            self.commit()
            self.assert_status(job, "in_progress", "queued")
            second.ref = f"RE-1 of {second.id}"

    # -- Lock dates

    def test_a_moved_lock_date_frees_what_it_held(self):
        ledger = self._make_connection("Ledger", connector="local", url=False)
        bill = self.make_bill(post=False)
        self.env.company.purchase_lock_date = bill.invoice_date
        job = self.submit(bill, ledger)
        self.assertEqual(job.error_kind, "period_locked")
        other = self.hold()
        seen = self.watch()
        self.env.company.purchase_lock_date = False
        self.assert_status(job, "in_progress", "queued")
        self.assertNotIn(other.id, seen)

    # -- The connection

    def test_pause_holds_what_waits_and_resume_sends_it(self):
        job, held = self.submit(self.make_bill()), self.hold()
        self.connection._pause("Because")
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "connection_paused")
        self.connection.action_resume()
        self.assert_status(job, "in_progress", "queued")
        self.assert_status(held, "on_hold")
        self.assertEqual(held.error_kind, "reference_missing")

    def test_resume_frees_what_a_trouble_of_the_connection_held(self):
        job = self.submit(self.make_bill())
        self.connection.sudo()._set_attention("credentials_wrong", "Refused.")
        self.assert_status(job, "on_hold")
        self.connection.action_resume()
        self.assert_status(job, "in_progress", "queued")

    def test_another_trigger_frees_the_drafts_it_no_longer_asks_to_be_posted(self):
        self.connection.trigger = "posted"
        job = self.submit(self.make_bill(post=False))
        self.assertEqual(job.error_kind, "bill_not_posted")
        self.connection.trigger = "manual"
        self.assert_status(job, "in_progress", "queued")

    def test_a_currency_that_the_erp_now_has_frees_its_bills(self):
        def store(codes):
            rows = [
                {"erp_id": c, "name": c, "code": c, "detail": "", "active": True}
                for c in codes
            ]
            self.connection.sudo()._store_erp_data({"currency": rows}, False, None)

        store(["EUR"])
        job = self.submit(self.make_bill())
        self.assertEqual(job.error_kind, "currency_not_enabled")
        store(["EUR", "USD"])
        self.assert_status(job, "in_progress", "queued")

    # -- Who goes by itself

    def test_where_held_bills_do_not_go_by_themselves_they_wait_for_sync(self):
        self.connection.auto_resume = False
        held = self.hold()
        held.move_id.ref = "NOW THERE"
        self.partner_b.ap_sync_blocked = True
        blocked = self.submit(self.make_bill(partner_id=self.partner_b.id))
        self.partner_b.ap_sync_blocked = False
        self.commit()
        for job in held | blocked:
            self.assert_status(job, "on_hold", "ready")
            self.assertEqual(job.guidance, "Press Sync.")
            self.assertFalse(job.causes)
        self.dispatch()
        self.assertFalse(self.erp.writes)
        held.action_sync()
        self.assert_status(held, "in_progress", "queued")
        self.connection.auto_resume = True
        self.assert_status(blocked, "in_progress", "queued")

    # -- At the same time

    def test_a_bill_stopped_while_its_cause_went_is_looked_at_again(self):
        """Whoever resumed did not see a bill that was held at that moment, in a
        transaction of its own."""
        self.connection._pause("Because")
        job = self.submit(self.make_bill())
        self.assert_status(job, "on_hold")
        self.connection.sudo().paused = False
        self.dispatch()
        self.assert_status(job, "on_hold")
        self.env.cr.execute(
            "UPDATE ap_sync_job SET evaluate_at = evaluate_at - interval '2 minutes'"
        )
        self.env.invalidate_all()
        wakes = self.env["ir.cron.trigger"].search_count([])
        self.reap()
        self.assertGreater(self.env["ir.cron.trigger"].search_count([]), wakes)
        self.dispatch()
        self.assert_status(job, "success")

    def test_a_bill_that_stays_stopped_is_not_looked_at_for_ever(self):
        self.connection._pause("Because")
        job = self.submit(self.make_bill())
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET evaluate_at = evaluate_at - interval '2 minutes'"
        )
        self.env.invalidate_all()
        self.dispatch()
        self.assert_status(job, "on_hold")
        self.assertFalse(job.evaluate_at)

    # -- Many

    def test_many_jobs_are_marked_and_evaluated_by_the_dispatcher(self):
        jobs = self.submit(self.make_bill() | self.make_bill() | self.make_bill())
        self.startPatcher(patch.object(ap_sync_job_evaluate, "EVALUATE_AT_ONCE", 2))
        rule = self.make_rule()
        self.assertEqual(set(jobs.mapped("phase")), {"queued"})
        self.assertTrue(all(jobs.mapped("evaluate_at")), "marked, not evaluated")
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"blocked"})
        self.assertFalse(self.erp.writes)
        rule.active = False
        self.assertEqual(set(jobs.mapped("status")), {"blocked"})
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})

    def test_a_user_waits_for_two_hundred_jobs_at_most(self):
        self.assertEqual(ap_sync_job_evaluate.EVALUATE_AT_ONCE, 200)
