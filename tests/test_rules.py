from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import mute_logger

from .common import ApSyncCommon


class TestRules(ApSyncCommon):
    """Which rules speak about which jobs, in what order, and at what cost."""

    def make_rule(self, domain="[('amount_total', '>', 500)]", **values):
        return self.env["ap.sync.rule"].create(
            {"name": "Large bills", "bill_domain": domain, **values}
        )

    def evaluate(self, jobs):
        return self.env["ap.sync.rule"]._evaluate(jobs.sudo())

    def large_bill(self, **values):
        return self.make_bill(lines=[{"price_unit": 1000.0}], **values)

    # -- Conditions

    def test_a_domain_stops_the_bills_like_it_and_no_others(self):
        rule = self.make_rule(guidance="Ask the controller.")
        large = self.submit(self.large_bill())
        self.assert_status(large, "on_hold")
        self.assertEqual(large.rule_id, rule)
        self.assertEqual(large.error_kind, "rule")
        self.assertIn("Large bills", large.message)
        self.assertEqual(large.guidance, "Ask the controller.")
        self.assert_status(self.submit(self.make_bill()), "in_progress", "queued")

    def test_a_rule_on_vendors_stops_them_and_their_contacts(self):
        self.make_rule(
            condition="vendors",
            action="block",
            partner_ids=[Command.set(self.partner_a.ids)],
        )
        contact = self.env["res.partner"].create(
            {"name": "Billing", "parent_id": self.partner_a.id}
        )
        jobs = self.submit(self.make_bill() | self.make_bill(partner_id=contact.id))
        self.assertEqual(jobs.mapped("status"), ["blocked", "blocked"])
        other = self.submit(self.make_bill(partner_id=self.partner_b.id))
        self.assert_status(other, "in_progress", "queued")

    def test_a_rule_says_in_one_line_what_it_looks_at(self):
        category = self.env["res.partner.category"].create({"name": "Disputed"})
        vendors = {"partner_ids": [Command.set(self.partner_a.ids)]}
        vendors["category_ids"] = [Command.set(category.ids)]
        for values, summary in [
            ({}, "Bills like"),
            ({"condition": "check", "check_name": "no_lines"}, "No lines"),
            ({"condition": "vendors", **vendors}, "Vendors: partner_a and Disputed"),
        ]:
            self.assertEqual(self.make_rule(**values).condition_summary, summary)

    def test_a_rule_on_vendor_categories_stops_the_vendors_in_them(self):
        category = self.env["res.partner.category"].create({"name": "Disputed"})
        self.make_rule(
            condition="vendors",
            action="block",
            category_ids=[Command.set(category.ids)],
        )
        jobs = self.submit(
            self.make_bill() | self.make_bill(partner_id=self.partner_b.id)
        )
        self.partner_a.category_id = category
        self.assertEqual(
            [(job.partner_id.name, job.status) for job in jobs.sorted("id")],
            [("partner_a", "blocked"), ("partner_b", "in_progress")],
        )

    def test_a_rule_for_some_connections_leaves_the_others_alone(self):
        other = self._make_connection("Other ERP")
        self._map(self.expense, "6000", other)
        self.make_rule(connection_ids=[Command.set(other.ids)])
        bill = self.large_bill()
        self.assert_status(self.submit(bill), "in_progress", "queued")
        self.assert_status(self.submit(bill, other), "on_hold")

    def test_a_rule_of_another_company_says_nothing_here(self):
        company = self.setup_other_company(name="Other company")["company"]
        self.make_rule(company_id=company.id)
        job = self.submit(self.large_bill())
        self.assert_status(job, "in_progress", "queued")
        self.make_rule(company_id=self.env.company.id)
        self.assert_status(job, "on_hold")

    def test_an_archived_rule_says_nothing(self):
        self.make_rule(active=False)
        self.assert_status(self.submit(self.large_bill()), "in_progress", "queued")

    def test_an_archived_rule_says_nothing_to_who_looks_at_archived_records(self):
        rule = self.make_rule(active=False)
        job = self.submit(self.large_bill(ref=False))
        job.with_context(active_test=False).action_sync()
        self.assertEqual([c["kind"] for c in job.causes], ["reference_missing"])
        self.assertFalse(rule.active)

    # -- Order

    def test_a_block_is_shown_before_a_hold_whatever_their_sequence(self):
        self.make_rule(name="First", sequence=1)
        block = self.make_rule(name="Last", sequence=999, action="block")
        job = self.submit(self.large_bill(ref=False))
        self.assert_status(job, "blocked")
        self.assertEqual(job.rule_id, block)
        self.assertEqual(
            [cause["kind"] for cause in job.causes],
            ["rule", "rule", "reference_missing"],
        )

    def test_the_root_of_several_causes_comes_first(self):
        bill = self.make_bill(
            post=False,
            partner_id=False,
            ref=False,
            invoice_date=False,
            lines=[{"price_unit": 0.0, "account_id": self.expense.copy().id}],
        )
        job = self.submit(bill)
        self.assertEqual(
            [cause["kind"] for cause in job.causes],
            [
                "vendor_missing",
                "date_missing",
                "reference_missing",
                "zero_total",
                "gl_account_unmapped",
            ],
        )
        self.assertEqual(job.error_kind, "vendor_missing")
        self.assertEqual(len(job.cause_alerts), 5)

    def test_a_paused_connection_comes_before_the_bill_s_own_causes(self):
        self.connection._pause("Because")
        job = self.submit(self.make_bill(ref=False))
        self.assertEqual(
            [cause["kind"] for cause in job.causes],
            ["connection_paused", "reference_missing"],
        )

    # -- Pure, and cheap for many

    def test_evaluating_writes_nothing(self):
        jobs = self.submit(self.make_bill(ref=False) | self.make_bill())
        self.env.flush_all()
        with (
            patch.object(type(jobs), "write", side_effect=AssertionError),
            patch.object(type(jobs.move_id), "write", side_effect=AssertionError),
        ):
            before = self.evaluate(jobs)
            self.assertEqual(self.evaluate(jobs), before)

    def count_queries(self, jobs):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.evaluate(jobs)
        return self.env.cr.sql_log_count - before

    def test_queries_grow_with_rules_not_with_jobs(self):
        self.make_rule()
        self.env.ref("ap_sync.rule_attachment_missing").active = True
        account = self.expense.copy()
        sorts = [
            {},
            {"ref": False},
            {"partner_id": self.partner_b.id},
            {"lines": [{"account_id": account.id}]},
            {"lines": [{"tax_ids": [self.purchase_tax.copy({"name": "7%"}).id]}]},
        ]
        bills = self.env["account.move"]
        for number in range(30):
            bills |= self.make_bill(post=False, **sorts[number % len(sorts)])
        jobs = self.submit(bills)
        few, many = self.count_queries(jobs[:5]), self.count_queries(jobs)
        self.assertLessEqual(many, few + 3)

    def test_a_broken_rule_holds_what_it_speaks_about_and_nothing_else(self):
        other = self._make_connection("Other ERP")
        self._map(self.expense, "6000", other)
        rule = self.make_rule(connection_ids=[Command.set(other.ids)])
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_rule SET bill_domain = %s WHERE id = %s",
            ["[('gone_field', '=', 1)]", rule.id],
        )
        rule.invalidate_recordset()
        bill = self.make_bill()
        with mute_logger("odoo.addons.ap_sync.models.ap_sync_rule_evaluate"):
            self.assert_status(self.submit(bill), "in_progress", "queued")
            job = self.submit(bill, other)
        self.assert_status(job, "on_hold")
        self.assertIn("can't be applied any more", job.message)
        self.assertEqual(job.causes[0]["fixes"][0]["res_id"], rule.id)

    # -- What a condition may say

    def test_useful_conditions_are_taken(self):
        for domain in (
            "[('partner_id.name', 'ilike', 'acme')]",
            "['|', ('amount_total', '>', 5), ('ref', '=', False)]",
            "[('invoice_date', '<', '2026-01-01')]",
            "[('invoice_line_ids', 'any', [('name', 'like', 'x')])]",
            "[('ap_sync_ready', '=', False)]",
        ):
            with self.subTest(domain):
                self.make_rule(domain)

    def test_a_rule_on_every_bill_is_refused(self):
        for domain in (
            False,
            "",
            "[]",
            "[(1, '=', 1)]",
            "['|', (1, '=', 1), ('id', '=', 1)]",
        ):
            with (
                self.subTest(domain),
                self.assert_refused(ValidationError, "every bill"),
            ):
                self.make_rule(domain)

    def test_a_check_without_a_name_is_refused(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError) as caught,
        ):
            self.make_rule(condition="check")
        self.assertIn("check_has_name", str(caught.exception))

    # -- Released

    def test_a_released_bill_passes_its_rules_and_no_new_ones(self):
        self.make_rule()
        job = self.submit(self.large_bill())
        job._release("The controller said so")
        self.assert_status(job, "in_progress", "queued")
        self.assertIn("The controller said so", job.message_ids[0].body)
        self.make_rule("[('amount_total', '>', 600)]", name="Another")
        self.assert_status(job, "on_hold")

    def test_a_bill_that_no_rule_stops_can_not_be_released(self):
        self.connection._pause("Because")
        job = self.submit(self.make_bill())
        with self.assert_refused(UserError, "No rule stops this bill"):
            job._release("Please")
        self.assert_status(job, "on_hold")
