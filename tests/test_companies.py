from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..connectors import Outcome
from .common import ApSyncCommon, error


class TestCompanies(ApSyncCommon):
    """Two companies on one server see nothing of each other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.setup_other_company(name="Other company")["company"]
        cls.stranger = new_test_user(
            cls.env,
            "ap_sync_stranger",
            groups="ap_sync.group_ap_sync_administrator,account.group_account_manager",
            company_id=cls.other.id,
            company_ids=cls.other.ids,
        )

    def setUp(self):
        super().setUp()
        self.job = self.submit(self.make_bill())
        self.dispatch()
        rule = self.env["ap.sync.rule"].create(
            {
                "name": "Rule",
                "bill_domain": "[('ref', '=', 'x')]",
                "company_id": self.env.company.id,
            }
        )
        erp_record = (
            self.env["ap.sync.erp.record"]
            .sudo()
            .create(
                {
                    "connection_id": self.connection.id,
                    "kind": "account",
                    "erp_id": "1",
                    "name": "Account",
                }
            )
        )
        self.records = [
            self.job,
            self.job.attempt_ids,
            self.connection,
            self.connection.mapping_ids[:1],
            erp_record,
            rule,
        ]

    def test_no_record_of_another_company_is_read_found_written_or_deleted(self):
        for record in self.records:
            theirs = record.with_user(self.stranger)
            with self.subTest(model=record._name):
                with self.assertRaises(AccessError):
                    theirs.read(["display_name"])
                self.assertFalse(theirs.search([("id", "=", record.id)]))
                names = theirs.name_search(record.display_name, limit=None)
                self.assertNotIn(record.id, [row[0] for row in names])
                with self.assertRaises(AccessError):
                    theirs.check_access("write")
                with self.assertRaises(AccessError):
                    theirs.check_access("unlink")

    def test_no_action_of_another_company_s_record_is_called(self):
        for method in (
            "action_sync",
            "action_evaluate",
            "action_open_erp",
            "action_open_bill",
            "action_open_resolve",
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(self.job.with_user(self.stranger), method)()
        for method in (
            "action_pause",
            "action_resume",
            "action_test_connection",
            "action_refresh_data",
            "action_open_jobs",
            "action_open_mappings",
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(self.connection.with_user(self.stranger), method)()
        for method in ("action_ap_sync", "action_ap_sync_evaluate"):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(self.job.move_id.with_user(self.stranger), method)()
        self.assertFalse(self.connection.paused)

    def test_nothing_is_made_in_another_company(self):
        env = self.env(user=self.stranger)
        with self.assertRaises(AccessError):
            env["ap.sync.mapping"].create(
                {
                    "connection_id": self.connection.id,
                    "record": f"res.partner,{self.partner_b.id}",
                    "erp_id": "1",
                }
            )
        with self.assertRaises(AccessError):
            env["ap.sync.connection"].create(
                {
                    "name": "Theirs",
                    "connector": "local",
                    "company_id": self.env.company.id,
                }
            )
        with self.assertRaises(AccessError):
            env["ap.sync.rule"].create(
                {
                    "name": "Theirs",
                    "bill_domain": "[('ref', '=', 'x')]",
                    "company_id": self.env.company.id,
                }
            )

    def test_the_decision_on_another_company_s_job_is_refused(self):
        self.erp.script = [error("outcome_unknown", Outcome.REJECTED)]
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assert_status(job, "failed")
        for decision in ("verify", "mark_synced", "resend", "release"):
            wizard = (
                self.env["ap.sync.job.resolve"]
                .with_user(self.stranger)
                .create(
                    {
                        "job_id": job.id,
                        "decision": decision,
                        "reason": "Because",
                        "erp_number": "1",
                    }
                )
            )
            with self.subTest(decision), self.assertRaises(AccessError):
                wizard.action_apply()
        self.assert_status(job, "failed")

    def test_the_bill_of_another_company_is_not_submitted_here(self):
        theirs = self._make_connection("Theirs", company_id=self.other.id)
        with self.assertRaises(Exception) as caught:
            self.submit(self.make_bill(), theirs)
        self.assertIn("company", str(caught.exception))

    def test_a_bill_is_submitted_to_its_own_company_s_connections_alone(self):
        self.connection.trigger = "posted"
        theirs = self._make_connection(
            "Theirs", company_id=self.other.id, trigger="posted"
        )
        bill = self.make_bill()
        self.assertEqual(bill.ap_sync_job_ids.connection_id, self.connection)
        self.assertFalse(theirs.job_ids)
