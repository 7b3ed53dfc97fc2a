from unittest.mock import patch

from odoo.fields import Command

from .common import ApSyncCommon


class TestSettings(ApSyncCommon):
    """The settings page: what it shows, and the rules that it makes."""

    def page(self, **values):
        """Open the settings page, change it, and save."""
        page = self.env["res.config.settings"].create(values)
        page.set_values()
        return page

    def rule(self, condition, company=None):
        return self.env["ap.sync.rule"].search(
            [
                ("from_settings", "=", True),
                ("condition", "=", condition),
                ("company_id", "=", (company or self.env.company).id),
            ]
        )

    def test_saving_it_untouched_changes_nothing(self):
        Rule = self.env["ap.sync.rule"]
        before = Rule.search([]).read()
        self.page()
        self.assertEqual(Rule.search([]).read(), before)
        self.assertFalse(Rule.search([("from_settings", "=", True)]))

    def test_blocked_vendors_become_a_rule_of_this_company(self):
        job = self.submit(self.make_bill())
        self.page(ap_sync_blocked_partner_ids=[Command.set(self.partner_a.ids)])
        rule = self.rule("vendors")
        self.assertEqual(rule.action, "block")
        self.assertEqual(rule.partner_ids, self.partner_a)
        self.assert_status(job, "blocked")
        self.assertEqual(self.page().ap_sync_blocked_partner_ids, self.partner_a)
        self.assert_status(job, "blocked")

    def test_an_emptied_list_archives_the_rule_and_frees_its_bills(self):
        self.page(ap_sync_blocked_partner_ids=[Command.set(self.partner_a.ids)])
        job = self.submit(self.make_bill())
        self.page(ap_sync_blocked_partner_ids=[Command.clear()])
        self.assertFalse(self.rule("vendors"))
        self.assert_status(job, "in_progress", "queued")
        self.page(ap_sync_blocked_partner_ids=[Command.set(self.partner_a.ids)])
        self.assert_status(job, "blocked")
        self.assertEqual(len(self.rule("vendors")), 1, "the same rule again")

    def test_blocked_categories_become_a_rule(self):
        category = self.env["res.partner.category"].create({"name": "Disputed"})
        self.partner_a.category_id = category
        self.page(ap_sync_blocked_category_ids=[Command.set(category.ids)])
        self.assert_status(self.submit(self.make_bill()), "blocked")
        self.assertEqual(self.page().ap_sync_blocked_category_ids, category)

    def test_blocked_bills_become_a_rule(self):
        domain = "[('amount_total', '>', 50)]"
        self.page(ap_sync_blocked_domain=domain)
        self.assertEqual(self.rule("domain").bill_domain, domain)
        self.assert_status(self.submit(self.make_bill()), "blocked")
        self.assertEqual(self.page().ap_sync_blocked_domain, domain)
        self.page(ap_sync_blocked_domain="[]")
        self.assertFalse(self.rule("domain"))

    def test_which_holds_apply_is_chosen(self):
        reference = self.env.ref("ap_sync.rule_reference_missing")
        document = self.env.ref("ap_sync.rule_attachment_missing")
        held = self.page().ap_sync_hold_rule_ids
        self.assertIn(reference, held)
        self.assertNotIn(document, held)
        chosen = held - reference + document
        self.page(ap_sync_hold_rule_ids=[Command.set(chosen.ids)])
        self.assertFalse(reference.active)
        self.assertTrue(document.active)
        self.assertEqual(self.page().ap_sync_hold_rule_ids, chosen)

    def test_automatic_sync_and_the_default_connection_are_the_company_s(self):
        other = self._make_connection("Other ERP")
        self.page(ap_sync_automatic=False, ap_sync_connection_id=other.id)
        self.assertFalse(self.env.company.ap_sync_automatic)
        self.assertEqual(self.env.company.ap_sync_connection_id, other)
        page = self.page()
        self.assertFalse(page.ap_sync_automatic)
        self.assertEqual(page.ap_sync_connection_id, other)

    def test_each_company_has_its_own(self):
        company = self.setup_other_company(name="Other company")["company"]
        self.page(ap_sync_blocked_partner_ids=[Command.set(self.partner_a.ids)])
        self.env.user.company_ids |= company
        theirs = self.env["res.config.settings"].with_company(company).create({})
        self.assertFalse(theirs.ap_sync_blocked_partner_ids)
        theirs.ap_sync_blocked_partner_ids = self.partner_b
        theirs.set_values()
        self.assertEqual(self.rule("vendors").partner_ids, self.partner_a)
        self.assertEqual(self.rule("vendors", company).partner_ids, self.partner_b)

    def test_only_what_changed_is_written(self):
        vendors = self.partner_b | self.partner_a
        category = self.env["res.partner.category"].create({"name": "Disputed"})
        values = {
            "ap_sync_blocked_partner_ids": [Command.set(vendors.ids)],
            "ap_sync_blocked_category_ids": [Command.set(category.ids)],
            "ap_sync_blocked_domain": "[('amount_total', '>', 50)]",
        }
        self.page(**values)
        self.env.invalidate_all()
        Rule = type(self.env["ap.sync.rule"])
        with patch.object(Rule, "write", side_effect=AssertionError("written")):
            self.page()
            values["ap_sync_blocked_partner_ids"] = [Command.set(vendors.ids[::-1])]
            self.page(**values)

    def test_a_manager_of_other_settings_changes_no_rule(self):
        self.page(ap_sync_blocked_partner_ids=[Command.set(self.partner_a.ids)])
        rule = self.rule("vendors")
        self.env.user.group_ids -= self.env.ref("ap_sync.group_ap_sync_administrator")
        self.page()
        self.assertEqual(rule.sudo().partner_ids, self.partner_a)
        self.assertTrue(rule.sudo().active)
