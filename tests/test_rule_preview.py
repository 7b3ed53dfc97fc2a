from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import Form, new_test_user

from ..models import ap_sync_rule_preview
from .common import ApSyncCommon
from .test_access import ROLES


class TestRulePreview(ApSyncCommon):
    """What a rule would stop, told while it is being written."""

    def setUp(self):
        super().setUp()
        self.small = self.submit(self.make_bill())
        self.large = self.submit(self.make_bill(lines=[{"price_unit": 500.0}]))
        self.theirs = self.submit(self.make_bill(partner_id=self.partner_b.id))

    def preview(self, rule):
        """Return what a rule's form says and the jobs it leads to."""
        preview = (rule.preview or {}).get("preview", {})
        jobs = self.env["ap.sync.job"]
        if "action" in preview:
            jobs = jobs.search(preview["action"]["domain"])
        return preview.get("message"), jobs

    def test_unsaved_edits_count(self):
        with Form(self.env["ap.sync.rule"]) as form:
            form.name = "Large bills"
            self.assertEqual(self.preview(form)[0], None)
            form.bill_domain = "[('amount_total', '>', 600)]"
            message, jobs = self.preview(form)
            self.assertEqual(message, "This would hold 1 of 3 open jobs.")
            self.assertEqual(jobs, self.large)
            form.action = "block"
            form.bill_domain = "[('amount_total', '>', 1)]"
            message, jobs = self.preview(form)
            self.assertEqual(message, "This would block 3 of 3 open jobs.")
            self.assertEqual(set(self.jobs.mapped("status")), {"in_progress"})

    @property
    def jobs(self):
        return self.small | self.large | self.theirs

    def test_vendors_connections_and_checks_count_as_they_are_chosen(self):
        other = self._make_connection("Other")
        with Form(self.env["ap.sync.rule"]) as form:
            form.name = "A vendor"
            form.condition = "vendors"
            self.assertEqual(self.preview(form)[0], None)
            form.partner_ids = self.partner_b
            self.assertEqual(self.preview(form)[1], self.theirs)
            form.connection_ids = other
            message, jobs = self.preview(form)
            self.assertEqual(message, "This would hold 0 of 3 open jobs.")
            self.assertFalse(jobs)
            form.connection_ids.clear()
            form.connection_ids.add(self.connection)
            self.assertEqual(self.preview(form)[1], self.theirs)
            form.condition = "check"
            form.check_name = "attachment_missing"
            self.assertEqual(self.preview(form)[1], self.jobs)

    def test_an_edited_rule_does_not_speak_of_bills_released_from_it(self):
        rule = self.env["ap.sync.rule"].create(
            {"name": "All", "bill_domain": "[('amount_total', '>', 1)]"}
        )
        self.small._release("Urgent")
        with Form(rule) as form:
            form.bill_domain = "[('amount_total', '>', 2)]"
            self.assertEqual(self.preview(form)[1], self.large | self.theirs)

    def test_what_is_synced_or_under_way_is_not_open(self):
        self.dispatch()
        rule = self.env["ap.sync.rule"].create(
            {"name": "B", "condition": "vendors", "partner_ids": self.partner_b.ids}
        )
        self.assertEqual(self.preview(rule)[0], "This would hold 0 of 0 open jobs.")

    def test_of_very_many_jobs_the_last_are_looked_at(self):
        rule = self.env["ap.sync.rule"].create(
            {"name": "All", "bill_domain": "[('amount_total', '>', 1)]"}
        )
        with patch.object(ap_sync_rule_preview, "PREVIEW_LIMIT", 2):
            message, jobs = self.preview(rule)
        self.assertEqual(message, "This would hold 2 of the last 2 open jobs.")
        self.assertEqual(jobs, self.large | self.theirs)

    def test_a_condition_that_could_not_be_saved_is_not_applied(self):
        Rule = self.env["ap.sync.rule"]
        for text in ("[]", "[('gone', '=', 1)]", "[('create_uid.login', '=', 1)]", "["):
            with self.subTest(text):
                self.assertFalse(Rule.new({"name": "X", "bill_domain": text}).preview)

    def test_only_jobs_of_own_companies_are_counted_and_only_for_who_writes_rules(self):
        values = {"name": "All", "bill_domain": "[('amount_total', '>', 1)]"}
        other = self.setup_other_company(name="Other company")["company"]
        stranger = new_test_user(
            self.env,
            "ap_sync_stranger",
            groups=ROLES["manager"],
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        Rule = self.env["ap.sync.rule"]
        message, jobs = self.preview(Rule.with_user(stranger).new(values))
        self.assertEqual(message, "This would hold 0 of 0 open jobs.")
        user = new_test_user(self.env, "ap_sync_user", groups=ROLES["user"])
        self.assertFalse(Rule.with_user(user).new(values).preview)
        manager = new_test_user(self.env, "ap_sync_man", groups=ROLES["manager"])
        message, jobs = self.preview(Rule.with_user(manager).new(values))
        self.assertEqual(jobs, self.jobs)
