from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import SQL

from ..connectors import Outcome
from .common import ApSyncCommon, error
from .test_access import ROLES


class TestPreflight(ApSyncCommon):
    """*Check*: what Sync would make of bills, told without doing it."""

    def check(self, records, user=None):
        """Return the rows that Check makes of bills or jobs."""
        records = records.with_user(user or self.env.user)
        name = "action_check" if records._name == "ap.sync.job" else None
        action = getattr(records, name or "action_ap_sync_check")()
        domain = action.get("domain") or [("id", "=", action["res_id"])]
        return self.env["ap.sync.preflight"].with_user(records.env.user).search(domain)

    def results(self, rows):
        return [(row.move_id, row.connection_id, row.result) for row in rows]

    def rows_of_jobs(self):
        self.commit()
        self.env.flush_all()
        return self.env.execute_query(
            SQL("SELECT t::text FROM ap_sync_job t ORDER BY id")
        ) + self.env.execute_query(
            SQL("SELECT t::text FROM ap_sync_connection t ORDER BY id")
        )

    # -- What is said

    def test_a_bill_without_a_job_would_sync_and_the_erp_would_get_this(self):
        bill = self.make_bill()
        row = self.check(bill)
        self.assertEqual(self.results(row), [(bill, self.connection, "sync")])
        self.assertIn("sent to ERP", row.message)
        self.assertEqual(row.document["reference"], bill.ref)
        self.assertEqual(row.document["lines"][0]["account"]["erp_id"], "600")
        self.assertFalse(bill.ap_sync_job_ids)

    def test_a_bill_that_would_be_held_says_by_which_rule_and_what_to_do(self):
        row = self.check(self.make_bill(ref=False))
        self.assertEqual(row.result, "hold")
        self.assertEqual(row.rule_id, self.env.ref("ap_sync.rule_reference_missing"))
        self.assertIn("no reference", row.message)
        [alert] = row.cause_alerts
        [link] = alert["links"]
        self.assertEqual(link["action"]["res_id"], row.move_id.id)
        self.assertEqual(row.document["total"], "100")

    def test_the_root_cause_speaks_and_the_others_follow(self):
        self.partner_a.ap_sync_blocked = True
        row = self.check(self.make_bill(ref=False))
        self.assertEqual(row.result, "block")
        self.assertEqual(row.rule_id, self.env.ref("ap_sync.rule_vendor_blocked"))
        self.assertEqual(len(row.cause_alerts), 2)

    def test_a_bill_is_checked_on_each_connection_of_its_company(self):
        paused = self._make_connection("Paused")
        paused._pause("AP period close")
        refunds = self._make_connection("Refunds", include_bills=False)
        broken = self._make_connection("Broken")
        self.env.cr.execute(
            "UPDATE ap_sync_connection SET bill_domain = '[(''gone'', ''='', 1)]' "
            "WHERE id = %s",
            [broken.id],
        )
        self.env.invalidate_all()
        bill = self.make_bill()
        rows = self.check(bill)
        found = {row.connection_id: row for row in rows}
        self.assertEqual(found[self.connection].result, "sync")
        self.assertEqual(found[paused].result, "hold")
        self.assertIn("AP period close", found[paused].message)
        self.assertEqual(found[refunds].result, "not_taken")
        self.assertEqual(found[broken].result, "not_taken")
        self.assertFalse(broken.attention_kind, "a check mends and breaks nothing")

    def test_jobs_say_what_sync_would_do_with_them(self):
        done, held, unknown = (self.submit(self.make_bill()) for _n in range(3))
        self.erp.script = [
            "accept",
            "accept",
            error("outcome_unknown", Outcome.REJECTED),
        ]
        self.dispatch()
        changed = held
        changed.move_id.ref = "CHANGED"
        self.commit()
        queued = self.submit(self.make_bill())
        rows = self.check(done | changed | unknown | queued)
        self.assertEqual(
            [row.result for row in rows], ["done", "sync", "decide", "sync"]
        )
        self.assertIn(done.erp_number, rows[0].message)
        self.assertIn("would be changed", rows[1].message)

    def test_a_released_bill_would_sync(self):
        job = self.submit(self.make_bill(ref=False))
        self.assertEqual(self.check(job).result, "hold")
        job._release("The vendor gives none")
        self.assertEqual(self.check(job.move_id).result, "sync")

    def test_odoo_s_own_ledger_would_post_it(self):
        self.connection.active = False
        self._make_connection("Ledger", connector="local", url=False)
        row = self.check(self.make_bill(post=False))
        self.assertEqual(row.result, "sync")
        self.assertIn("post it", row.message)
        self.assertFalse(row.document)

    def test_a_bill_whose_company_has_no_connection_says_so(self):
        self.connection.active = False
        row = self.check(self.make_bill())
        self.assertEqual(row.result, "not_taken")
        self.assertIn("No connection takes", row.message)

    def test_whatever_is_missing_a_document_is_shown(self):
        bill = self.make_bill(post=False, lines=[], ref=False, partner_id=False)
        row = self.check(bill)
        self.assertEqual(row.result, "hold")
        self.assertEqual(row.document["lines"], [])

    def test_what_is_no_vendor_bill_is_refused(self):
        invoice = self.init_invoice("out_invoice", products=self.product_a)
        with self.assert_refused(UserError, "Choose vendor bills"):
            self.check(invoice)

    # -- A selection

    def test_a_selection_is_counted_by_result(self):
        bills = self.make_bill() | self.make_bill(ref=False) | self.make_bill()
        action = bills.action_ap_sync_check()
        self.assertEqual(action["context"], {"search_default_group_by_result": 1})
        counts = self.env["ap.sync.preflight"]._read_group(
            action["domain"], ["result"], ["__count"]
        )
        self.assertEqual(dict(counts), {"sync": 2, "hold": 1})

    def test_of_a_selection_only_where_each_bill_goes_is_told(self):
        refunds = self._make_connection("Refunds", include_bills=False)
        other = self._make_connection("Other", include_refunds=False)
        with_job = self.submit(self.make_bill()).move_id
        without = self.make_bill()
        strange = self.make_bill(move_type="in_refund", post=False)
        (self.connection | refunds).include_refunds = False
        rows = self.check(with_job | without | strange)
        self.assertCountEqual(
            self.results(rows),
            [
                (with_job, self.connection, "sync"),
                (without, self.connection, "sync"),
                (without, other, "hold"),
                (strange, self.env["ap.sync.connection"], "not_taken"),
            ],
        )

    # -- What it costs and leaves

    def test_a_check_writes_nothing_but_its_answer(self):
        self.submit(self.make_bill())
        bills = self.make_bill() | self.make_bill(ref=False)
        jobs = self.submit(self.make_bill(ref=False))
        before = self.rows_of_jobs()
        self.check(bills | jobs.move_id)
        self.check(jobs)
        self.assertEqual(self.rows_of_jobs(), before)
        self.assertFalse(self.erp.writes)
        self.assertFalse(self.erp.lookups)

    def test_many_bills_cost_the_queries_of_few(self):
        def queries(count):
            bills = self.env["account.move"].union(
                *(self.make_bill() for _n in range(count))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(bills._ap_sync_preflight()), count)
            return self.env.cr.sql_log_count - before

        queries(1)  # fills what Odoo caches once
        few, many = queries(2), queries(12)
        self.assertLessEqual(many, few + 3)

    # -- Companies and roles

    def test_only_connections_of_the_bill_s_company_are_told(self):
        other = self.setup_other_company(name="Other company")["company"]
        self._make_connection("Theirs", company_id=other.id)
        bill = self.make_bill()
        self.assertEqual(
            self.results(self.check(bill)), [(bill, self.connection, "sync")]
        )

    def test_who_may_not_read_a_bill_may_not_check_it(self):
        bill = self.make_bill()
        other = self.setup_other_company(name="Other company")["company"]
        stranger = new_test_user(
            self.env,
            "ap_sync_stranger",
            groups=ROLES["manager"],
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        nobody = new_test_user(self.env, "ap_sync_none", groups=ROLES["none"])
        for user in (stranger, nobody):
            with self.subTest(user.login), self.assertRaises(AccessError):
                bill.with_user(user).action_ap_sync_check()

    def test_a_user_checks_and_sees_the_own_answers_alone(self):
        bill = self.make_bill(ref=False)
        one, two = (
            new_test_user(self.env, f"ap_sync_{n}", groups=ROLES["user"])
            for n in (1, 2)
        )
        row = self.check(bill, one)
        self.assertEqual(row.result, "hold")
        self.assertTrue(row.document)
        with self.assertRaises(AccessError):
            row.with_user(two).read(["message"])
        for change in (
            lambda: row.write({"result": "sync"}),
            lambda: row.create({"move_id": bill.id}),
            row.unlink,
        ):
            with self.assertRaises(AccessError):
                change()
