from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from .common import ApSyncCommon

ROLES = {
    "none": "base.group_user",
    "user": "account.group_account_invoice",
    "manager": "ap_sync.group_ap_sync_manager,account.group_account_invoice",
    "administrator": (
        "ap_sync.group_ap_sync_administrator,account.group_account_invoice"
    ),
    "portal": "base.group_portal",
}

#: What each role may do with each model: read, write, create, unlink.
RIGHTS = {
    "ap.sync.job": {"user": "r", "manager": "r", "administrator": "r"},
    "ap.sync.attempt": {"user": "r", "manager": "r", "administrator": "r"},
    "ap.sync.connection": {"user": "r", "manager": "r", "administrator": "rwcu"},
    "ap.sync.rule": {"user": "r", "manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.mapping": {"user": "r", "manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.erp.record": {"user": "r", "manager": "r", "administrator": "r"},
    "ap.sync.assign": {"user": "rwcu", "manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.job.resolve": {"manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.map": {"manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.pause": {"manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.preflight": {"user": "r", "manager": "r", "administrator": "r"},
    "ap.sync.retry": {"manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.retry.line": {"manager": "rwcu", "administrator": "rwcu"},
    "ap.sync.secret": {},
    "ap.sync.switch.on": {"administrator": "rwcu"},
    "ap.sync.trial": {"manager": "rwcu", "administrator": "rwcu"},
}


class TestAccess(ApSyncCommon):
    """Who may do what: the roles, and what nobody may."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(cls.env, f"ap_sync_{role}", groups=group)
            for role, group in ROLES.items()
        }

    def setUp(self):
        super().setUp()
        self.job = self.submit(self.make_bill())
        self.dispatch()

    # -- Roles

    def test_each_role_has_the_rights_it_needs_and_no_more(self):
        operations = {"read": "r", "write": "w", "create": "c", "unlink": "u"}
        for model, rights in RIGHTS.items():
            for role, user in self.users.items():
                allowed = {
                    letter
                    for operation, letter in operations.items()
                    if self.env[model].with_user(user).has_access(operation)
                }
                with self.subTest(model=model, role=role):
                    self.assertEqual(allowed, set(rights.get(role, "")))

    def test_every_model_of_ours_is_in_the_table(self):
        models = {name for name in self.registry if name.startswith("ap.sync.")}
        self.assertEqual(models, set(RIGHTS))

    def test_who_enters_bills_is_a_user_of_ap_sync(self):
        self.assertTrue(self.users["user"].has_group("ap_sync.group_ap_sync_user"))

    # -- What only the engine writes

    def test_nobody_writes_a_job(self):
        for role, user in self.users.items():
            job = self.job.with_user(user)
            for values in (
                {"status": "success"},
                {"key": "x"},
                {"erp_id": "9"},
                {"released_rules": [1]},
                {"attempt_ids": [(5,)]},
                {"changed_since_sync": True},
            ):
                with self.subTest(role=role, values=values):
                    with self.assertRaises(AccessError):
                        job.write(values)
            with self.assertRaises(AccessError):
                job.create({"move_id": self.job.move_id.id, "status": "success"})
            with self.assertRaises(AccessError):
                job.copy()
            with self.assertRaises(AccessError):
                job.unlink()

    def test_nobody_imports_a_job(self):
        for role, user in self.users.items():
            with self.subTest(role=role):
                try:
                    result = (
                        self.env["ap.sync.job"]
                        .with_user(user)
                        .load(["status", ".id"], [["success", str(self.job.id)]])
                    )
                    self.assertFalse(result["ids"])
                except AccessError:
                    continue
        self.job.invalidate_recordset()
        self.assertEqual(len(self.job.attempt_ids), 1)

    def test_nobody_writes_an_attempt(self):
        for user in self.users.values():
            attempt = self.job.attempt_ids.with_user(user)
            with self.assertRaises(AccessError):
                attempt.check_access("write")
            with self.assertRaises(UserError):
                attempt.write({"outcome": "rejected"})
            with self.assertRaises(AccessError):
                attempt.unlink()
            with self.assertRaises(AccessError):
                attempt.create({"job_id": self.job.id})

    def test_a_job_can_not_be_changed_through_its_bill_or_connection(self):
        administrator = self.users["administrator"]
        administrator.group_ids |= self.env.ref("account.group_account_manager")
        command = [(1, self.job.id, {"status": "failed"})]
        for record, name in (
            (self.job.move_id, "ap_sync_job_ids"),
            (self.connection, "job_ids"),
        ):
            with self.assertRaises(AccessError):
                record.with_user(administrator).write({name: command})

    def test_health_and_wake_up_of_a_connection_are_not_written_by_hand(self):
        connection = self.connection.with_user(self.users["administrator"])
        cron = self.env.ref("base.autovacuum_job")
        for values in (
            {"cron_id": cron.id},
            {"paused": True},
            {"paused_until": False},
            {"lease_token": "x"},
            {"attention_kind": False},
            {"erp_lock_date": False},
        ):
            with self.subTest(values=values):
                with self.assert_refused(AccessError, "by AP Sync itself"):
                    connection.write(values)
                with self.assert_refused(AccessError, "by AP Sync itself"):
                    connection.create({"name": "X", "connector": "local", **values})
        connection.name = "Renamed"
        self.assertEqual(self.connection.name, "Renamed")
        connection.create({"name": "Mine", "connector": "local"})

    def test_the_target_of_a_connection_with_jobs_stays(self):
        company = self.setup_other_company(name="Other company")["company"]
        with self.assert_refused(UserError, "can't go to another kind of ERP"):
            self.connection.connector = "local"
        with self.assert_refused(UserError, "its company can't change"):
            self.connection.company_id = company

    # -- Doors (all of them are in test_security_methods.py)

    def test_a_user_presses_sync_and_decides_nothing(self):
        user = self.users["user"]
        job = self.submit(self.make_bill(ref=False)).with_user(user)
        self.assertIn("1 on hold", job.action_sync()["params"]["message"])
        job.move_id.action_ap_sync()
        job.action_evaluate()
        connection = self.connection.with_user(user)
        for decide in (
            connection.action_open_pause,
            lambda: connection._pause("Please"),
            connection.action_resume,
            connection.action_refresh_data,
            connection.action_test_connection,
            job.action_open_resolve,
            lambda: job._release("Please"),
            lambda: job._mark_synced("Please", "1"),
            lambda: job.env["ap.sync.pause"].create({"connection_id": connection.id}),
            lambda: job.env["ap.sync.preflight"].create({"move_id": job.move_id.id}),
            lambda: job._resend("Please"),
            lambda: job._abort("Please"),
            connection.action_open_retry,
            lambda: connection._retry("vendor_inactive"),
            job._verify_again,
            lambda: job.env["ap.sync.job.resolve"].create({"job_id": job.id}),
        ):
            with self.assertRaises(AccessError):
                decide()
        self.assert_status(job, "on_hold")
        self.assertFalse(self.connection.paused)

    def test_a_manager_pauses_and_resumes_and_edits_no_connection(self):
        connection = self.connection.with_user(self.users["manager"])
        connection._pause("Because")
        self.assertTrue(self.connection.paused)
        connection.action_resume()
        self.assertFalse(self.connection.paused)
        with self.assertRaises(AccessError):
            connection.name = "Mine"
        with self.assertRaises(AccessError):
            connection.action_test_connection()
