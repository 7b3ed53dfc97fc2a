from odoo.exceptions import AccessError, UserError, ValidationError
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
        self.connection.name = "Hidden ERP"
        self.job = self.submit(self.make_bill())
        self.dispatch()
        rule = self.env["ap.sync.rule"].create(
            {
                "name": "Hidden rule",
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
                    "name": "Hidden account",
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

    def test_every_model_of_ours_is_tried(self):
        models = {name for name in self.registry if name.startswith("ap.sync.")}
        tried = {record._name for record in self.records}
        # Wizards are their maker's; what they are made for is tried below. Secrets
        # are read by nobody.
        self.assertEqual(
            models - tried,
            {
                "ap.sync.assign",
                "ap.sync.job.resolve",
                "ap.sync.map",
                "ap.sync.pause",
                "ap.sync.preflight",
                "ap.sync.retry",
                "ap.sync.retry.line",
                "ap.sync.secret",
                "ap.sync.switch.on",
                "ap.sync.trial",
            },
        )

    def test_no_record_of_another_company_is_read_found_written_or_deleted(self):
        export = self.env.ref("base.group_allow_export")
        self.stranger.group_ids |= export
        for record in self.records:
            theirs = record.with_user(self.stranger)
            only_it = [("id", "=", record.id)]
            name = theirs._rec_name or "name"
            with self.subTest(model=record._name):
                for attempt in (
                    lambda t: t.read(["display_name"]),
                    lambda t: t.web_read({"display_name": {}}),
                    lambda t: t.export_data(["id", "display_name"]),
                    lambda t: t.check_access("write"),
                    lambda t, n=name: t.write({n: "1"}),
                    lambda t, n=name: t.web_save({n: "1"}, {}),
                    lambda t: t.copy(),
                    lambda t: t.check_access("unlink"),
                    lambda t: t.unlink(),
                ):
                    # The cache is the transaction's, whoever filled it.
                    self.env.invalidate_all()
                    with self.assertRaises(UserError) as caught:
                        attempt(theirs)
                    self.assertNotIn("Hidden", str(caught.exception))
                self.assertFalse(theirs.search(only_it))
                self.assertFalse(theirs.search_count(only_it))
                self.assertFalse(theirs.search_read(only_it, ["id"]))
                self.assertFalse(theirs._read_group(only_it, ["create_uid"]))
                self.assertFalse(theirs.formatted_read_group(only_it, ["create_uid"]))
                names = theirs.name_search(record.display_name, limit=None)
                self.assertNotIn(record.id, [row[0] for row in names])
            self.assertTrue(record.exists())

    def test_no_file_or_message_of_another_company_s_record_is_seen_or_left(self):
        for record in self.records:
            theirs = record.with_user(self.stranger)
            place = {"res_model": record._name, "res_id": record.id}
            env = self.env(user=self.stranger)
            file = (
                env["ir.attachment"].sudo().create({"name": "f", "raw": b"x", **place})
            )
            self.env.invalidate_all()
            with self.subTest(model=record._name):
                with self.assertRaises(AccessError):
                    env["ir.attachment"].browse(file.id).read(["raw"])
                self.assertFalse(env["ir.attachment"].search([("id", "=", file.id)]))
                with self.assertRaises(AccessError):
                    env["ir.attachment"].create({"name": "g", "raw": b"y", **place})
                if "message_ids" not in record._fields:
                    continue
                message = record.message_post(body="Between us")
                self.env.invalidate_all()
                with self.assertRaises(AccessError):
                    env["mail.message"].browse(message.id).read(["body"])
                self.assertFalse(env["mail.message"].search([("id", "=", message.id)]))
                for attempt in (
                    lambda t: t.message_post(body="From next door"),
                    lambda t: t.activity_schedule(
                        "mail.mail_activity_data_todo", user_id=self.stranger.id
                    ),
                ):
                    with self.assertRaises(AccessError):
                        attempt(theirs)
                theirs.message_subscribe(self.stranger.partner_id.ids)
                self.env.invalidate_all()
                self.assertNotIn(
                    self.stranger.partner_id, record.message_follower_ids.partner_id
                )

    # -- Nor moved there, pointed there or read by a detour

    def test_nothing_is_moved_into_another_company(self):
        """What the stranger may make at home must not end up next door: a connection
        would get the neighbour's bills, a rule stop them, a mapping divert them."""
        env = self.env(user=self.stranger)
        connection = env["ap.sync.connection"].create(
            {"name": "Theirs", "connector": "odoo", "url": "https://x.example.com"}
        )
        rule = env["ap.sync.rule"].create(
            {
                "name": "Theirs",
                "bill_domain": "[('ref', '=', 'x')]",
                "company_id": self.other.id,
            }
        )
        mapping = env["ap.sync.mapping"].create(
            {
                "connection_id": connection.id,
                "record": f"res.partner,{self.partner_b.id}",
                "erp_id": "666",
            }
        )
        company = self.env.company.id
        for record, values in (
            (connection, {"company_id": company}),
            (rule, {"company_id": company}),
            (mapping, {"connection_id": self.connection.id}),
        ):
            with self.subTest(model=record._name), self.assertRaises(AccessError):
                record.write(values)

    def test_a_connection_s_journal_is_of_its_own_erp(self):
        journal = (
            self.env["ap.sync.erp.record"]
            .sudo()
            .create(
                {
                    "connection_id": self.connection.id,
                    "kind": "journal",
                    "erp_id": "1",
                    "name": "Hidden journal",
                }
            )
        )
        theirs = self.env["ap.sync.connection"].with_user(self.stranger)
        theirs = theirs.create({"name": "Theirs", "connector": "local"})
        with self.assert_refused(ValidationError, "is not a journal of"):
            theirs.erp_journal_id = journal.id
        self.connection.erp_journal_id = journal

    def test_a_mapping_tells_nothing_of_another_company_s_records(self):
        self.partner_b.write({"name": "Hidden vendor", "company_id": self.env.company})
        theirs = self._make_connection("Theirs", company_id=self.other.id)
        Mapping = self.env["ap.sync.mapping"].with_user(self.stranger)
        vendor = f"res.partner,{self.partner_b.id}"
        account = self.records[4]
        names = ("record", "local_name", "erp_record_id", "erp_id")
        shown = {name: {} for name in names}
        for values in (
            {"record": vendor, "erp_id": "1"},
            {"record": f"res.partner,{self.partner_a.id}", "erp_record_id": account.id},
        ):
            values["connection_id"] = theirs.id
            self.env.invalidate_all()
            with self.subTest(values), self.assertRaises(UserError) as caught:
                Mapping.create(values)
            self.assertNotIn("Hidden", str(caught.exception))
            self.env.invalidate_all()
            with self.subTest(onchange=values), self.assertRaises(AccessError):
                Mapping.onchange(values, list(values), shown)

    def test_the_wizard_tells_nothing_of_another_company_s_job(self):
        self.job.sudo().message = "Between us"
        self.env.flush_all()
        self.env.invalidate_all()
        Wizard = self.env["ap.sync.job.resolve"].with_user(self.stranger)
        with self.assertRaises(AccessError):
            Wizard.create({"job_id": self.job.id})
        with self.assertRaises(AccessError):
            Wizard.with_context(default_job_id=self.job.id).default_get(["job_id"])
        with self.assertRaises(AccessError):
            Wizard.onchange(
                {"job_id": self.job.id}, ["job_id"], {"job_id": {}, "message": {}}
            )

    def test_the_map_dialog_of_another_company_s_connection_tells_and_writes_nothing(
        self,
    ):
        account = self.expense.copy({"name": "Theirs alone"})
        self.submit(self.make_bill(lines=[{"account_id": account.id}]))
        self.env.flush_all()
        self.env.invalidate_all()
        Wizard = self.env["ap.sync.map"].with_user(self.stranger)
        values = {
            "connection_id": self.connection.id,
            "record": f"account.account,{account.id}",
            "erp_id": "601",
        }
        with self.assertRaises(AccessError):
            Wizard.create(values)
        with self.assertRaises(AccessError):
            Wizard.onchange(values, list(values), {"local_name": {}, "kind": {}})

    def test_the_retry_of_another_company_s_connection_counts_and_sends_nothing(self):
        self.job.sudo().write({"status": "failed", "error_kind": "vendor_inactive"})
        self.env.flush_all()
        self.env.invalidate_all()
        retry = (
            self.env["ap.sync.retry"]
            .with_user(self.stranger)
            .create({"connection_id": self.connection.id})
        )
        self.assertFalse(retry.line_ids)
        self.assertFalse(retry.decide_count)
        line = retry.line_ids.create(
            {"retry_id": retry.id, "error_kind": "vendor_inactive"}
        )
        with self.assertRaises(AccessError):
            line.action_retry()
        self.assert_status(self.job, "failed")

    def test_no_action_of_another_company_s_record_is_called(self):
        for method in (
            "action_sync",
            "action_evaluate",
            "action_open_erp",
            "action_open_bill",
            "action_check",
            "action_open_resolve",
            "get_explanation",
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(self.job.with_user(self.stranger), method)()
        for method in (
            "action_open_pause",
            "action_resume",
            "action_test_connection",
            "action_refresh_data",
            "action_open_jobs",
            "action_open_mappings",
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(self.connection.with_user(self.stranger), method)()
        for method in (
            "action_ap_sync",
            "action_ap_sync_check",
            "action_ap_sync_evaluate",
        ):
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
            wizard = self.env["ap.sync.job.resolve"].create(
                {
                    "job_id": job.id,
                    "decision": decision,
                    "reason": "Because",
                    "erp_number": "1",
                }
            )
            with self.subTest(decision), self.assertRaises(AccessError):
                wizard.with_user(self.stranger).action_apply()
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
