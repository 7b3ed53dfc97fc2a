import time

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user

from ..models import ap_sync_rule_evaluate
from .common import ApSyncCommon

HOSTILE = {
    # Python
    "import": "__import__('os').system('true')",
    "call": "[('id', '=', len('x'))]",
    "attribute": "[('id', '=', ''.__class__)]",
    "lambda": "lambda: []",
    "lambda value": "[('id', '=', lambda: 1)]",
    "comprehension": "[x for x in ()]",
    "name": "[('company_id', '=', user.company_id.id)]",
    "f-string": "[('ref', '=', f'{1}')]",
    "walrus": "(x := [])",
    "two statements": "[]; import os",
    # What is no domain
    "number": "5",
    "text": "'x'",
    "dictionary": "{}",
    "none": "None",
    "set": "{('id', '=', 1)}",
    "half": "[('id', '='",
    "half term": "[('id',)]",
    "long term": "[('id', '=', 1, 2)]",
    "lonely operator": "['|']",
    "line break": "[('id', '=', 1)]\n[]",
    # Operators and values
    "unknown operator": "[('id', 'sudo', 1)]",
    "sql operator": "[('id', 'inselect', ('SELECT 1', []))]",
    "bypass": "[('partner_id', 'any!', [('name', '=', 'x')])]",
    "bytes": "[('ref', '=', b'x')]",
    "ellipsis": "[('ref', '=', ...)]",
    "dictionary in list": "[('id', 'in', [{1: 2}])]",
    "words as amount": "[('amount_total', '>', 'abc')]",
    "words as date": "[('invoice_date', '=', 'soon')]",
    # Fields
    "dunder field": "[('__class__', '=', 1)]",
    "method": "[('action_post', '=', 1)]",
    "unknown field": "[('no_such_field', '=', 1)]",
    "not stored": "[('ap_sync_status', '=', 'failed')]",
    # Hops: what could be learnt by watching which bills are stopped
    "deep": "[('partner_id.country_id.code', '=', 'DE')]",
    "deep any": "[('line_ids', 'any', [('account_id.code', '=', '1')])]",
    "any in any": "[('line_ids', 'any', [('tax_ids', 'any', [('id', '=', 1)])])]",
    "password": "[('invoice_user_id.password', 'like', 'a')]",
    "any user": "[('invoice_user_id', 'any', [('login', 'like', 'a')])]",
    "users of vendor": "[('partner_id', 'any', [('user_ids', '!=', False)])]",
    "author": "[('create_uid.login', 'like', 'a')]",
    "closed field": "[('partner_id.signup_type', '=', 'x')]",
    "its own jobs": "[('ap_sync_job_ids.status', '=', 'failed')]",
    "connection's key": "[('company_id.ap_sync_connection_id.api_key', 'like', 'a')]",
    "connection": "[('company_id.ap_sync_connection_id', '!=', False)]",
    # Size
    "long": f"[('ref', '=', '{'x' * 10_000}')]",
    "many": str([("id", "=", number) for number in range(100)]),
    "nested lists": "[" * 1500 + "]" * 1500,
    "nested operators": str(["!"] * 800 + [("id", "=", 1)]),
    "minus": "-" * 3000 + "1",
    "slow pattern": "[('ref', 'like', 'a%a%a%a%a%a%a%a%b')]",
    "slow exact pattern": "[('narration', '=ilike', '%a%a%a%b')]",
}

ROLES = {
    "manager": "ap_sync.group_ap_sync_manager,account.group_account_invoice",
    "administrator": (
        "ap_sync.group_ap_sync_administrator,account.group_account_invoice"
    ),
    "system": "base.group_system,ap_sync.group_ap_sync_administrator,"
    "account.group_account_manager",
}


class TestHostileRules(ApSyncCommon):
    """Who may write conditions can neither run code, nor learn what is hidden from
    them, nor keep the server busy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(cls.env, f"ap_sync_{role}", groups=groups)
            for role, groups in ROLES.items()
        }

    def make_rule(self, user, domain):
        rules = self.env["ap.sync.rule"].with_user(user)
        return rules.create({"name": "Mine", "bill_domain": domain})

    def test_hostile_conditions_are_refused_whoever_writes_them(self):
        sentence = "is not valid: .+ Use the editor"
        for role, user in self.users.items():
            rule = self.make_rule(user, "[('ref', '=', 'x')]")
            for name, domain in HOSTILE.items():
                with self.subTest(name, role=role):
                    with self.assert_refused(ValidationError, sentence):
                        self.make_rule(user, domain)
                    with self.assert_refused(ValidationError, sentence):
                        rule.bill_domain = domain

    def test_a_connection_refuses_them_as_well(self):
        connection = self.connection.with_user(self.users["administrator"])
        for name, domain in HOSTILE.items():
            with self.subTest(name), self.assert_refused(ValidationError, "not valid"):
                connection.bill_domain = domain

    def test_an_import_brings_none_in(self):
        Rule = self.env["ap.sync.rule"].with_user(self.users["manager"])
        for name in ("import", "password", "deep", "slow pattern"):
            with self.subTest(name):
                result = Rule.load(["name", "bill_domain"], [["Mine", HOSTILE[name]]])
                self.assertFalse(result["ids"])
                self.assertIn("not valid", result["messages"][0]["message"])

    def test_nobody_asks_about_what_he_can_not_read(self):
        """Rules are applied as sudo: each would answer one question."""
        stranger = new_test_user(
            self.env, "ap_sync_rules_only", groups="ap_sync.group_ap_sync_manager"
        )
        for domain in (
            "[('narration', 'like', 'secret')]",
            "[('line_ids.name', 'like', 'secret')]",
        ):
            with self.subTest(domain), self.assert_refused(ValidationError, "not read"):
                self.make_rule(stranger, domain)
        bank_account = "[('partner_bank_id.acc_number', 'like', '1')]"
        self.make_rule(self.users["manager"], bank_account)
        rights = self.env["ir.model.access"].search(
            [("model_id.model", "=", "res.partner.bank")]
        )
        rights.perm_read = False
        with self.assert_refused(ValidationError, "may not read Bank Accounts"):
            self.make_rule(self.users["manager"], bank_account)

    def test_a_condition_that_got_in_another_way_runs_no_code(self):
        rule = self.make_rule(self.users["manager"], "[('ref', '=', 'x')]")
        for name in ("import", "lambda", "name"):
            self.env.cr.execute(
                "UPDATE ap_sync_rule SET bill_domain = %s WHERE id = %s",
                [HOSTILE[name], rule.id],
            )
            rule.invalidate_recordset()
            log = ap_sync_rule_evaluate.__name__
            with self.subTest(name), self.assertLogs(log, "ERROR"):
                job = self.submit(self.make_bill())
            self.assert_status(job, "on_hold")
            self.assertIn("can't be applied", job.message)

    def test_the_slowest_pattern_that_is_taken_is_quick(self):
        rule = self.make_rule(self.users["manager"], "[('ref', 'like', 'a%a%b')]")
        bill = self.make_bill(ref="a" * 500)
        start = time.monotonic()
        self.assertFalse(rule._filter_bills(bill))
        self.assertLess(time.monotonic() - start, 1)

    def test_users_write_no_rules(self):
        user = new_test_user(
            self.env, "ap_sync_user_only", groups="account.group_account_invoice"
        )
        with self.assertRaises(AccessError):
            self.make_rule(user, "[('ref', '=', 'x')]")
