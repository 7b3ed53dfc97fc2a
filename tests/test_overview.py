from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.models import BaseModel
from odoo.tests import new_test_user

from ..connectors import Outcome
from ..models import ap_sync_job_groups
from .common import ApSyncCommon, error

AMOUNT = "amount_company:sum_currency"


class TestOverview(ApSyncCommon):
    """What tiles, graphs and pivots count: the jobs that their user may see."""

    def tiles(self, user=None, **context):
        """Return ``{status: (count, amount)}`` as the tiles ask for it."""
        Job = self.env["ap.sync.job"].with_user(user or self.env.user)
        groups = Job.with_context(**context).formatted_read_group(
            [], ["status"], ["__count", AMOUNT]
        )
        return {
            group["status"]: (group["__count"], group[AMOUNT])
            for group in groups
            if group["__count"]
        }

    def test_tiles_count_bills_and_take_credit_notes_off(self):
        self.erp.script = [
            "accept",
            "accept",
            error("gl_account_inactive", Outcome.REJECTED),
        ]
        self.submit(self.make_bill())
        self.submit(self.make_bill(move_type="in_refund"))
        self.submit(self.make_bill(lines=[{"price_unit": 20.0}]))
        self.dispatch()
        self.assertEqual(self.tiles(), {"success": (2, 0.0), "failed": (1, 40.0)})

    def test_amounts_are_in_the_currency_of_the_company(self):
        currency = self.setup_other_currency("EUR")  # two for one of ours
        job = self.submit(self.make_bill(currency_id=currency.id))
        self.assertEqual(job.amount_total, 100.0)
        self.assertEqual(job.amount_company, job.move_id.amount_total_signed * -1)
        self.assertEqual(self.tiles(), {"in_progress": (1, job.amount_company)})
        self.assertNotEqual(job.amount_company, 100.0)

    def test_sums_of_several_currencies_are_as_odoo_makes_them(self):
        euro = self.setup_other_currency("EUR", rates=[("2020-01-01", 0.8)])
        for currency in (euro, euro, self.env.company.currency_id):
            self.submit(self.make_bill(currency_id=currency.id))
        self.submit(self.make_bill(partner_id=self.partner_b.id))
        for day in ("2020-02-28", "2020-03-05", "2021-03-05"):
            self.submit(self.make_bill(invoice_date=day, currency_id=euro.id))
        self.dispatch()
        self.submit(self.make_bill())
        aggregates = [
            "attempt_count:sum",
            "amount_total:sum",
            "currency_id:array_agg_distinct",
            "amount_total:sum_currency",
            "__count",
        ]
        Job = self.env["ap.sync.job"]
        self.env["ap.sync.job"].search([], limit=1).sudo().user_id = False
        for groupby, more in (
            (["status"], {}),
            (["partner_id"], {"limit": 1}),
            (["partner_id"], {"limit": 1, "offset": 1}),
            (["partner_id"], {"limit": 1, "order": "partner_id"}),
            (["partner_id"], {"limit": 1, "order": "partner_id DESC"}),
            (["partner_id", "status"], {"order": "partner_id DESC, status"}),
            (["status", "partner_id"], {"order": "status, partner_id"}),
            (["user_id"], {"order": "user_id ASC"}),
            (["create_date:month"], {"order": "create_date:month DESC"}),
            (["create_date:day"], {"order": "create_date:day", "limit": 2}),
            (["bill_date:day"], {"order": "bill_date:day", "limit": 2, "offset": 1}),
            (["create_date:day_of_week"], {"order": "create_date:day_of_week"}),
            (["bill_date:week", "status"], {"order": "bill_date:week, status"}),
            (["last_attempt_at:week"], {"order": "last_attempt_at:week DESC"}),
            (["status", "bill_date:month"], {"order": "status, bill_date:month"}),
            (["user_id", "bill_date:month"], {"order": "user_id, bill_date:month"}),
            (["connection_id", "status"], {"order": "connection_id, status"}),
            (["connection_id", "status"], {"order": "connection_id DESC, status DESC"}),
            (
                ["connection_id", "status", "user_id"],
                {"order": "connection_id, status"},
            ),
            (["partner_id"], {"order": "__count DESC"}),
            (["currency_id"], {}),
            ([], {}),
        ):
            with self.subTest(groupby=groupby, **more):
                args = ([], groupby, aggregates)
                ours = Job._read_group(*args, **more)
                odoos = BaseModel._read_group(Job, *args, **more)
                self.assertEqual(len(ours), len(odoos))
                for our, their in zip(ours, odoos, strict=True):
                    self.assertEqual(our[:-2], their[:-2])
                    self.assertAlmostEqual(our[-2], their[-2], 2)
                    self.assertEqual(our[-1], their[-1])

    def test_the_jobs_of_a_time_come_newest_first(self):
        jobs = self.env["ap.sync.job"].union(
            *(self.submit(self.make_bill()) for _number in range(4))
        )
        other = self.setup_other_company()["company"]
        stranger = new_test_user(
            self.env,
            "stranger",
            groups="ap_sync.group_ap_sync_user",
            company_ids=[(6, 0, other.ids)],
            company_id=other.id,
        )
        search = self.env["ap.sync.job"].search
        newest = jobs.sorted("id", reverse=True)
        today = date.today()
        for name, day in (("now", today), ("long ago", today - timedelta(days=700))):
            with self.subTest(name):
                self.env.cr.execute(
                    "UPDATE ap_sync_job SET create_date = %s WHERE id IN %s",
                    [day, jobs._ids],
                )
                domain = [
                    ("create_date", ">=", f"{day}"),
                    ("create_date", "<=", f"{day} 23:59:59"),
                ]
                self.assertEqual(search(domain, limit=3), newest[:3])
                self.assertEqual(search(domain, offset=1, limit=2), newest[1:3])
                self.assertEqual(search(domain, limit=2, order="id"), jobs[:2])
                self.assertFalse(search([*domain, ("id", "in", [])], limit=2))
                self.assertFalse(jobs.with_user(stranger).search(domain, limit=3))

    def test_only_the_jobs_of_a_time_that_is_over_are_sorted(self):
        Job = self.env["ap.sync.job"]
        for domain, is_sorted in (
            ([("create_date", ">=", "-90d")], False),
            ([("create_date", "<=", "today +1d")], False),
            ([("create_date", "<=", "2024-11-30 23:59:59")], True),
            ([("bill_date", "<=", "2024-11-30")], True),
            (
                ["|", ("bill_date", "<=", "2024-11-30"), ("bill_date", "<", "+9d")],
                False,
            ),
            ([("bill_date", "=", False)], False),
            ([("partner_id", "=", self.partner_a.id)], False),
        ):
            with self.subTest(domain=domain):
                query = Job._search(domain, limit=80, order=Job._order)
                self.assertEqual("+ 0 DESC" in query.select().code, is_sorted)

    def test_jobs_of_a_text_that_few_have_are_found_before_they_are_sorted(self):
        jobs = self.submit(self.make_bill() | self.make_bill() | self.make_bill())
        newest = jobs.sorted("id", reverse=True)
        Job = self.env["ap.sync.job"]
        mine = [("id", "in", jobs.ids), ("reference", "ilike", "BILL-")]
        stranger = new_test_user(self.env, "stranger2", groups="base.group_user")
        for few in (4, 3):  # all three are few, then they are not
            with patch.object(ap_sync_job_groups, "FEW", few):
                self.assertEqual(Job.search(mine, limit=80), newest)
                self.assertEqual(Job.search(mine, limit=1), newest[0])
                self.assertEqual(Job.search(mine, offset=1, limit=5), newest[1:])
                self.assertEqual(Job.search(mine, limit=2, order="id"), jobs[:2])
                self.assertFalse(Job.search(mine, offset=3, limit=5))
                one = [*mine, ("reference", "ilike", jobs[1].reference)]
                self.assertEqual(Job.search(one, limit=80), jobs[1])
                with self.assertRaises(AccessError):
                    Job.with_user(stranger).search(mine, limit=80)
                query = Job._search(mine, limit=80, order=Job._order).select().code
                self.assertEqual("ILIKE" in query, few == 3)

    def test_amounts_follow_the_bill(self):
        bill = self.make_bill(post=False)
        job = self.submit(bill)
        bill.invoice_line_ids.price_unit = 80.0
        self.assertEqual(job.amount_company, 160.0)

    def test_each_company_counts_its_own(self):
        other = self.setup_other_company()["company"]
        self.submit(self.make_bill())
        both = new_test_user(
            self.env,
            "both",
            groups="ap_sync.group_ap_sync_user",
            company_ids=[(6, 0, [self.env.company.id, other.id])],
            company_id=self.env.company.id,
        )
        here = {"allowed_company_ids": [self.env.company.id]}
        there = {"allowed_company_ids": [other.id]}
        self.assertEqual(
            sum(count for count, _ in self.tiles(both, **here).values()), 1
        )
        self.assertEqual(self.tiles(both, **there), {})
        only_there = new_test_user(
            self.env,
            "only_there",
            groups="ap_sync.group_ap_sync_user",
            company_ids=[(6, 0, [other.id])],
            company_id=other.id,
        )
        self.assertEqual(self.tiles(only_there), {})
        self.env["ap.sync.attempt"].with_user(only_there).check_access("read")
        stranger = new_test_user(self.env, "stranger", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.tiles(stranger)

    def test_hours_to_sync_are_those_of_the_first_success(self):
        job = self.submit(self.make_bill())
        self.assertFalse(job.time_to_sync)
        self.env.cr.execute(
            "UPDATE ap_sync_job SET create_date = create_date - interval '3 hours'"
            " WHERE id = %s",
            [job.id],
        )
        self.env.invalidate_all()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertAlmostEqual(job.time_to_sync, 3.0, 2)
        job.sudo().synced_at += timedelta(days=9)
        self.env.flush_all()
        self.assertAlmostEqual(job.time_to_sync, 3.0, 2)

    def test_why_syncs_failed_counts_bills_that_went_later(self):
        refused = error("gl_account_inactive", Outcome.REJECTED)
        self.erp.script = [refused, refused, "accept"]
        job = self.submit(self.make_bill())
        for _try in range(3):
            self.dispatch()
            job._sync()
        self.assert_status(job, "success")
        why = [("outcome", "=", "rejected")]
        groups = self.env["ap.sync.attempt"].formatted_read_group(
            why, ["error_kind"], ["job_id:count_distinct", "__count"]
        )
        counts = [(g["job_id:count_distinct"], g["__count"]) for g in groups]
        self.assertEqual(counts, [(1, 2)])
        opened = self.env["ap.sync.job"].search([("attempt_ids", "any", why)])
        self.assertEqual(opened, job)
