from odoo.exceptions import UserError
from odoo.fields import Domain

from ..connectors import Outcome
from .common import ApSyncCommon, error

#: What the badge in a list of bills shows.
BADGE = [
    *("ap_sync_status", "ap_sync_message", "ap_sync_guidance", "ap_sync_url"),
    *("ap_sync_job_id", "ap_sync_erp_number"),
]


class TestBills(ApSyncCommon):
    """Which bills a connection takes, when, and what the bill shows of it."""

    # -- When

    def test_a_bill_is_submitted_when_it_is_posted(self):
        self.connection.trigger = "posted"
        bill = self.make_bill(post=False)
        self.assertFalse(bill.ap_sync_job_ids)
        bill.action_post()
        self.assert_status(bill.ap_sync_job_ids, "in_progress", "queued")
        self.assertEqual(bill.ap_sync_job_ids.user_id, self.env.user)
        self.assertFalse(self.erp.writes, "posting never waits for the ERP")

    def test_a_draft_is_submitted_when_it_is_marked_ready(self):
        self.connection.trigger = "ready"
        bill = self.make_bill(post=False)
        bill.action_ap_sync_ready()
        self.assert_status(bill.ap_sync_job_ids, "in_progress", "queued")

    def test_a_draft_that_is_created_ready_is_submitted(self):
        self.connection.trigger = "ready"
        bill = self.make_bill(post=False, ap_sync_ready=True)
        self.assert_status(bill.ap_sync_job_ids, "in_progress", "queued")

    def test_posting_submits_nothing_that_waits_for_another_moment(self):
        for trigger in ("ready", "manual"):
            self.connection.trigger = trigger
            self.assertFalse(self.make_bill().ap_sync_job_ids)
        self.connection.trigger = "posted"
        bill = self.make_bill(post=False)
        bill.action_ap_sync_ready()
        self.assertFalse(bill.ap_sync_job_ids)

    def test_nothing_is_submitted_where_automatic_sync_is_off(self):
        self.connection.trigger = "posted"
        self.env.company.ap_sync_automatic = False
        bill = self.make_bill()
        self.assertFalse(bill.ap_sync_job_ids)
        bill.action_ap_sync()
        self.assertTrue(bill.ap_sync_job_ids, "by hand it goes")

    def test_a_bill_goes_to_every_connection_that_takes_it(self):
        self.connection.trigger = "posted"
        other = self._make_connection("Other ERP", trigger="posted")
        self._make_connection("Archived", trigger="posted", active=False)
        bill = self.make_bill(post=False)
        bill.with_context(active_test=False).action_post()
        self.assertEqual(bill.ap_sync_job_ids.connection_id, self.connection | other)

    def test_posting_again_keeps_the_job(self):
        self.connection.trigger = "posted"
        bill = self.make_bill()
        job = bill.ap_sync_job_ids
        bill.button_draft()
        bill.action_post()
        self.assertEqual(bill.ap_sync_job_ids, job)

    # -- Which

    def test_the_types_are_chosen_on_the_connection(self):
        self.connection.trigger = "posted"
        taken = {"in_invoice": True, "in_refund": True, "in_receipt": False}
        for move_type, is_taken in taken.items():
            bill = self.make_bill(move_type=move_type)
            self.assertEqual(bool(bill.ap_sync_job_ids), is_taken, move_type)
        self.connection.include_receipts = True
        self.connection.include_bills = False
        self.assertTrue(self.make_bill(move_type="in_receipt").ap_sync_job_ids)
        self.assertFalse(self.make_bill().ap_sync_job_ids)

    def test_no_customer_document_is_ever_submitted(self):
        self.connection.trigger = "posted"
        invoice = self.init_invoice("out_invoice", amounts=[100], post=True)
        self.assertFalse(invoice.ap_sync_job_ids)

    def test_the_journals_are_chosen_on_the_connection(self):
        self.connection.trigger = "posted"
        journal = self.company_data["default_journal_purchase"]
        other = journal.copy({"name": "Imports", "code": "IMP"})
        self.connection.journal_ids = other
        self.assertFalse(self.make_bill().ap_sync_job_ids)
        self.assertTrue(self.make_bill(journal_id=other.id).ap_sync_job_ids)

    def test_a_condition_is_chosen_on_the_connection(self):
        self.connection.trigger = "posted"
        self.connection.bill_domain = "[('amount_total', '>=', 1000)]"
        self.assertFalse(self.make_bill().ap_sync_job_ids)
        self.assertTrue(self.make_bill(lines=[{"quantity": 40}]).ap_sync_job_ids)

    def test_sync_by_hand_takes_no_bill_that_the_connection_does_not_take(self):
        self.connection.include_refunds = False
        bills = self.make_bill() | self.make_bill(move_type="in_refund")
        params = bills.action_ap_sync()["params"]
        self.assertEqual(
            (params["type"], params["message"]),
            ("warning", "1 queued, 1 not among the bills that the connection takes"),
        )
        self.assertEqual(bills.ap_sync_job_ids.move_id, bills[0])

    # -- Where, when Sync is pressed

    def test_sync_goes_to_the_only_connection(self):
        bill = self.make_bill()
        params = bill.action_ap_sync()["params"]
        self.assertEqual((params["type"], params["message"]), ("success", "1 queued"))
        self.assertEqual(bill.ap_sync_job_ids.connection_id, self.connection)

    def test_sync_goes_to_the_default_of_several_connections(self):
        other = self._make_connection("Other ERP")
        bill = self.make_bill()
        with self.assert_refused(UserError, "several connections and no default"):
            bill.action_ap_sync()
        self.env.company.ap_sync_connection_id = other
        bill.action_ap_sync()
        self.assertEqual(bill.ap_sync_job_ids.connection_id, other)

    def test_an_archived_default_connection_is_not_used(self):
        other = self._make_connection("Other ERP")
        self.env.company.ap_sync_connection_id = other
        other.active = False
        bill = self.make_bill()
        bill.action_ap_sync()
        self.assertEqual(bill.ap_sync_job_ids.connection_id, self.connection)

    def test_sync_without_any_connection_says_who_adds_one(self):
        self.connection.active = False
        with self.assert_refused(UserError, "has no connection.*administrator adds"):
            self.make_bill().action_ap_sync()

    def test_sync_of_a_bill_that_has_a_job_uses_that_job(self):
        other = self._make_connection("Other ERP")
        bill = self.make_bill(ref=False)
        job = self.submit(bill, other)
        message = bill.action_ap_sync()["params"]["message"]
        self.assertEqual(message, "1 on hold")
        self.assertEqual(bill.ap_sync_job_ids, job)

    def test_sync_twice_is_harmless(self):
        bill = self.make_bill()
        bill.action_ap_sync()
        message = bill.action_ap_sync()["params"]["message"]
        self.assertEqual(message, "1 already in progress")
        self.assertEqual(len(bill.ap_sync_job_ids), 1)

    # -- What the bill shows

    def make_bills_of_every_status(self):
        Move = self.env["account.move"]
        bills = {}
        for status, values in {
            "success": {},
            "failed": {},
            "on_hold": {"ref": False},
            "blocked": {"partner_id": self.partner_b.id},
            "in_progress": {},
        }.items():
            bills[status] = self.make_bill(**values)
        self.partner_b.ap_sync_blocked = True
        self.connection.concurrency = 1
        self.submit(Move.union(*(b for s, b in bills.items() if s != "in_progress")))
        self.erp.script = ["accept", error("invalid_data", Outcome.REJECTED)]
        self.dispatch()
        self.submit(bills["in_progress"])
        return {**bills, False: self.make_bill()}

    def test_the_bill_shows_the_status_of_its_job(self):
        for status, bill in self.make_bills_of_every_status().items():
            self.assertEqual(bill.ap_sync_status, status)
            self.assertEqual(bill.ap_sync_job_count, 1 if status else 0)
            if status in {"failed", "on_hold", "blocked"}:
                self.assertTrue(bill.ap_sync_message)
                self.assertTrue(bill.ap_sync_guidance)

    def test_of_several_jobs_the_one_that_needs_a_person_first_is_shown(self):
        bill = self.make_bill()
        self.submit(bill)
        self.dispatch()
        self.assertEqual(bill.ap_sync_status, "success")
        other = self._make_connection("Other ERP")
        held = self.submit(bill, other)
        self.assert_status(held, "on_hold")
        bill.invalidate_recordset()
        self.assertEqual(bill.ap_sync_status, "on_hold")
        self.assertIn("600000", bill.ap_sync_message)

    def test_a_page_of_bills_reads_their_jobs_in_one_query(self):
        bills = self.env["account.move"]
        for bill in self.make_bills_of_every_status().values():
            bills |= bill

        def read():
            # As the web client does, which needs no more of the job than its id.
            return bills.web_read(
                {name: {} for name in BADGE} | {"ap_sync_job_id": {"fields": {}}}
            )

        before = read()
        bills.invalidate_model(BADGE)
        self.env["ap.sync.job"].invalidate_model()
        with self.assertQueryCount(1):
            self.assertEqual(read(), before)

    def test_jobs_are_found_by_the_type_their_bill_has_now(self):
        self.connection.trigger = "ready"
        bill = self.make_bill(post=False, ap_sync_ready=True)

        def find(move_type):
            domain = [("move_id", "=", bill.id), ("move_type", "=", move_type)]
            return self.env["ap.sync.job"].search(domain)

        self.assertEqual(find("in_invoice"), bill.ap_sync_job_ids)
        bill.action_switch_move_type()
        self.assertEqual(find("in_refund"), bill.ap_sync_job_ids)
        self.assertFalse(find("in_invoice"))

    def test_bills_are_found_by_the_status_they_show(self):
        bills = self.make_bills_of_every_status()
        all_ids = [bill.id for bill in bills.values()]
        mixed = bills["success"]
        other = self._make_connection("Other ERP")
        held = self.submit(mixed | bills["failed"], other)
        self.assertEqual(held.mapped("status"), ["on_hold"] * 2)
        # The job that speaks for a bill is once the later of two, once the earlier.
        bills = {
            **bills,
            "on_hold": bills["on_hold"] | mixed,
            "success": mixed.browse(),
        }

        def find(*term):
            domain = Domain("id", "in", all_ids) & Domain("ap_sync_status", *term)
            found = self.env["account.move"].search(domain)
            # They are counted in another way than they are listed.
            self.assertEqual(found.search_count(domain), len(found), term)
            return found

        for status, expected in bills.items():
            self.assertEqual(find("=", status), expected, status)
            self.assertEqual(len(find("!=", status)), 6 - len(expected), status)
        two = bills["failed"] | bills[False]
        self.assertEqual(find("in", ["failed", False]), two)
        self.assertEqual(
            find("not in", ["failed", False]), mixed.browse(all_ids).sorted() - two
        )
        filtered = mixed.browse(all_ids).filtered_domain(
            [("ap_sync_status", "=", "failed")]
        )
        self.assertEqual(filtered, bills["failed"])

    def test_bills_of_other_companies_jobs_are_not_counted(self):
        bill = self.make_bills_of_every_status()["failed"]
        domain = [("id", "=", bill.id), ("ap_sync_status", "=", "failed")]
        self.assertEqual(bill.search_count(domain), 1)
        other = self.setup_other_company(name="Other company")["company"]
        self.env.flush_all()
        self.env.cr.execute("UPDATE ap_sync_job SET company_id = %s", [other.id])
        self.env.invalidate_all()
        bill = bill.with_context(allowed_company_ids=self.env.company.ids)
        self.assertEqual(bill.search_count(domain), 0)
        self.assertFalse(bill.search(domain))

    def test_someone_without_ap_sync_reads_bills_as_before(self):
        bill = self.make_bill()
        self.submit(bill)
        self.env.user.group_ids = self.env.ref("base.group_user") | self.env.ref(
            "account.group_account_readonly"
        )
        bill.invalidate_recordset()
        names = [name for name in bill.fields_get() if name.startswith("ap_sync")]
        self.assertNotIn("ap_sync_job_ids", names)
        values = bill.read(["name", *names])[0]
        self.assertFalse(values["ap_sync_status"])
        self.assertFalse(values["ap_sync_message"])
