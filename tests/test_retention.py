from unittest.mock import patch

import psycopg2.errors

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..connectors import Outcome
from ..engine import retention
from .common import ApSyncCommon, error


class TestRetention(ApSyncCommon):
    """Old attempts of synced bills are removed; what may still be needed is not."""

    def job(self, *script):
        """Return a job whose attempts went by this script."""
        job = self.submit(self.make_bill())
        for step in (*script, None):
            self.erp.script = [step] if step else []
            self.make_due(job)
            self.dispatch()
        return job

    def age(self, jobs, years):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_attempt SET started_at = started_at - %s * "
            "interval '1 year' WHERE job_id IN %s",
            [years, tuple(jobs.ids)],
        )
        self.env.invalidate_all()

    def clean(self):
        return self._run(retention.run)

    def test_ten_years_are_kept_unless_the_company_says_otherwise(self):
        self.assertEqual(self.env.company.ap_sync_attempt_months, 120)
        job = self.job(error("erp_unavailable"))
        self.assertEqual(len(job.attempt_ids), 2)
        self.age(job, 9)
        self.clean()
        self.assertEqual(len(job.attempt_ids), 2)
        self.age(job, 2)
        self.clean()
        self.assertEqual(len(job.attempt_ids), 1)

    def test_the_last_attempt_of_a_job_stays(self):
        job = self.job(error("erp_unavailable"), error("erp_unavailable"))
        self.assertEqual(job.attempt_ids.mapped("number"), [3, 2, 1])
        self.age(job, 11)
        self.assertEqual(self.clean(), (2, False))
        self.assertEqual(job.attempt_ids.mapped("number"), [3])
        self.assertEqual(job.attempt_ids.outcome, "accepted")
        self.assertEqual(job.attempt_count, 3, "the next one is number 4")
        self.assertEqual(job.document["reference"], job.reference)

    def test_attempts_of_a_bill_that_is_not_synced_stay(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.make_due(job)
        self.erp.script = [error("vendor_inactive", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(job, "failed")
        self.age(job, 11)
        self.assertEqual(self.clean(), (0, False))
        self.assertEqual(len(job.attempt_ids), 2)

    def test_nought_keeps_them_for_ever_and_each_company_has_its_own(self):
        job = self.job(error("erp_unavailable"))
        self.age(job, 50)
        self.env.company.ap_sync_attempt_months = 0
        other = self.env["res.company"].search([("id", "!=", self.env.company.id)])
        other.ap_sync_attempt_months = 1
        self.clean()
        self.assertEqual(len(job.attempt_ids), 2)
        self.env.company.ap_sync_attempt_months = 1
        self.clean()
        self.assertEqual(len(job.attempt_ids), 1)

    def test_less_than_no_time_is_refused(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.CheckViolation),
            self.env.cr.savepoint(),
        ):
            self.env.company.ap_sync_attempt_months = -1
            self.env.flush_all()

    def test_they_go_in_batches_and_what_is_left_goes_the_next_time(self):
        job = self.job(*[error("erp_unavailable")] * 4)
        self.age(job, 11)
        transact = retention.transact
        sizes = []

        def count(*args):
            result = transact(*args)
            sizes.append(result[0])
            return result

        with (
            patch.object(retention, "BATCH", 2),
            patch.object(retention, "transact", count),
        ):
            with patch.object(retention, "BUDGET", -1):
                self.assertEqual(self.clean(), (0, True))
            self.assertEqual(self.clean(), (4, False))
        self.assertEqual(sizes, [2, 2, 0])
        self.assertEqual(job.attempt_ids.mapped("number"), [5])

    def test_odoo_s_daily_cleaning_does_it_with_no_transaction_open(self):
        Attempt = self.env["ap.sync.attempt"]
        self.assertTrue(Attempt._gc_old_attempts._autovacuum)
        calls = []
        with (
            patch.object(
                type(self.env["ir.cron"]),
                "_commit_progress",
                lambda *args, **values: calls.append("commit"),
            ),
            patch.object(
                retention, "run", lambda registry: calls.append("run") or (7, True)
            ),
        ):
            self.assertEqual(Attempt._gc_old_attempts(), (7, True))
        self.assertEqual(calls, ["commit", "run"])

    def test_nobody_else_removes_an_attempt_however_old(self):
        job = self.job(error("erp_unavailable"))
        self.age(job, 50)
        for context in ({}, {"ap_sync_remove": True}, {"ap_sync_remove": "object"}):
            attempts = job.attempt_ids.sudo().with_context(**context)
            with self.subTest(context):
                with self.assert_refused(UserError, "can't be deleted"):
                    attempts.unlink()
        self.assertEqual(len(job.attempt_ids), 2)
