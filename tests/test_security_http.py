import datetime
import uuid

from odoo.tests import HttpCase, new_test_user
from odoo.tools import SQL, mute_logger

from .common import ApSyncCommon

ROLES = {
    "user": "account.group_account_invoice,base.group_allow_export",
    "manager": "ap_sync.group_ap_sync_manager,account.group_account_manager",
    "administrator": (
        "ap_sync.group_ap_sync_administrator,account.group_account_manager"
    ),
    "system": (
        "base.group_system,ap_sync.group_ap_sync_administrator,"
        "account.group_account_manager"
    ),
}

#: What the engine alone sets on a job.
OF_THE_ENGINE = {
    "status": "success",
    "phase": "queued",
    "key": "00000000-0000-4000-8000-000000000000",
    "revision": 7,
    "erp_id": "666",
    "erp_number": "X/666",
    "erp_url": "https://evil.example",
    "lease_token": "mine",
    "lease_until": "2099-01-01 00:00:00",
    "next_try_at": "2099-01-01 00:00:00",
    "attempt_count": 0,
    "retry_count": 99,
    "released_rules": [1, 2, 3],
    "fingerprint": "x",
    "synced_fingerprint": "x",
    "changed_since_sync": True,
    "effects_due": True,
    "evaluate_at": "2099-01-01 00:00:00",
    "message": "All is well",
}


class TestOverHttp(ApSyncCommon, HttpCase):
    """What comes in over JSON-2 and JSON-RPC: no role sets what the engine sets, be it
    by a value, an import, a copy or a default in the context."""

    # `common.py` does it for each test.
    registry_test_mode = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users, cls.keys = {}, {}
        soon = datetime.datetime.now() + datetime.timedelta(days=1)
        for role, groups in ROLES.items():
            user = new_test_user(cls.env, f"ap_sync_{role}", groups=groups)
            keys = cls.env["res.users.apikeys"].with_user(user).sudo()
            cls.users[role] = user
            cls.keys[role] = keys._generate("rpc", "test", soon)

    def setUp(self):
        super().setUp()
        self.rule = self.env["ap.sync.rule"].create(
            {
                "name": "Large bills",
                "action": "block",
                "bill_domain": "[('amount_total', '>', 500)]",
            }
        )
        self.job = self.submit(self.make_bill(lines=[{"price_unit": 1000.0}]))
        self.assert_status(self.job, "blocked")
        sent = self.submit(self.make_bill())
        self.dispatch()
        self.attempt = sent.attempt_ids

    # -- Calling

    def json2(self, role, model, method, **arguments):
        """Return ``(status, answer)`` of a call over JSON-2."""
        with mute_logger("odoo.http", "odoo.addons.base.models.ir_rule"):
            response = self.url_open(
                f"/json/2/{model}/{method}",
                json=arguments,
                headers={"Authorization": f"Bearer {self.keys[role]}"},
            )
        return response.status_code, response.json()

    def jsonrpc(self, role, model, method, *args, **kwargs):
        """Return the result of a call over JSON-RPC, or the name of its error."""
        user = self.users[role]
        call = [self.env.cr.dbname, user.id, self.keys[role], model, method]
        with mute_logger("odoo.http", "odoo.addons.rpc.controllers.jsonrpc"):
            answer = self.url_open(
                "/jsonrpc",
                json={
                    "jsonrpc": "2.0",
                    "method": "call",
                    "params": {
                        "service": "object",
                        "method": "execute_kw",
                        "args": [*call, list(args), kwargs],
                    },
                },
            ).json()
        return (
            answer["error"]["data"]["name"] if "error" in answer else answer["result"]
        )

    def rows(self, record):
        """Return all rows of a model's table as they are in the database."""
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                "SELECT to_jsonb(t) FROM %s t ORDER BY id",
                SQL.identifier(record._table),
            )
        )

    def refused(self, role, model, method, args=(), **arguments):
        """Expect a refusal over both protocols, and no change of jobs and attempts."""
        before = self.rows(self.job), self.rows(self.attempt)
        status, answer = self.json2(role, model, method, **arguments)
        self.assertIn(status, (403, 422), answer)
        ids = [arguments.pop("ids")] if "ids" in arguments else []
        name = self.jsonrpc(role, model, method, *ids, **arguments)
        self.assertIn("odoo.exceptions.", str(name))
        self.assertEqual((self.rows(self.job), self.rows(self.attempt)), before)

    # -- Jobs and attempts

    def test_the_calls_do_arrive(self):
        for role in ROLES:
            ids = self.job.ids
            status, answer = self.json2(
                role, "ap.sync.job", "read", ids=ids, fields=["status"]
            )
            self.assertEqual((status, answer[0]["status"]), (200, "blocked"))
            [row] = self.jsonrpc(role, "ap.sync.job", "read", ids, ["status"])
            self.assertEqual(row["status"], "blocked")

    def test_nobody_writes_what_the_engine_sets(self):
        for role in ROLES:
            for name, value in OF_THE_ENGINE.items():
                with self.subTest(role=role, field=name):
                    self.refused(
                        role,
                        "ap.sync.job",
                        "write",
                        ids=self.job.ids,
                        vals={name: value},
                    )
            for method, arguments in (
                ("web_save", {"vals": {"status": "success"}, "specification": {}}),
                ("copy", {"default": {"status": "success"}}),
                ("unlink", {}),
            ):
                with self.subTest(role=role, method=method):
                    self.refused(
                        role, "ap.sync.job", method, ids=self.job.ids, **arguments
                    )

    def test_nobody_makes_a_job(self):
        values = {
            "move_id": self.make_bill().id,
            "connection_id": self.connection.id,
            **OF_THE_ENGINE,
        }
        for role in ROLES:
            with self.subTest(role=role):
                self.refused(role, "ap.sync.job", "create", vals_list=[values])

    def test_nobody_writes_or_makes_an_attempt(self):
        for role in ROLES:
            for values in (
                {"outcome": "rejected"},
                {"number": 9},
                {"document": {}},
                {"message": "x"},
            ):
                with self.subTest(role=role, values=values):
                    self.refused(
                        role,
                        "ap.sync.attempt",
                        "write",
                        ids=self.attempt.ids,
                        vals=values,
                        context={"ap_sync_outcome": True},
                    )
            with self.subTest(role=role):
                vals = [{"job_id": self.job.id, "outcome": "accepted", "number": 1}]
                self.refused(role, "ap.sync.attempt", "create", vals_list=vals)
                self.refused(
                    role,
                    "ap.sync.attempt",
                    "unlink",
                    ids=self.attempt.ids,
                    context={"_force_unlink": True},
                )

    def test_an_import_sets_nothing(self):
        before = self.rows(self.job), self.rows(self.attempt)
        for role in ROLES:
            for name in ("status", "key", "erp_id", "lease_token", "attempt_count"):
                fields, data = [".id", name], [[str(self.job.id), "1"]]
                _status, answer = self.json2(
                    role, "ap.sync.job", "load", fields=fields, data=data
                )
                with self.subTest(role=role, field=name):
                    self.assertFalse(answer.get("ids"), answer)
            data = [[str(self.attempt.id), "rejected"]]
            _status, answer = self.json2(
                role, "ap.sync.attempt", "load", fields=[".id", "outcome"], data=data
            )
            self.assertFalse(answer.get("ids"), answer)
        self.assertEqual((self.rows(self.job), self.rows(self.attempt)), before)

    def test_defaults_in_the_context_of_sync_reach_no_job(self):
        """A released rule would let a blocked bill go, an ERP's id would overwrite
        somebody else's bill there."""
        defaults = {f"default_{name}": value for name, value in OF_THE_ENGINE.items()}
        defaults["default_released_rules"] = self.rule.ids
        for role in ROLES:
            bill = self.make_bill(lines=[{"price_unit": 1000.0}])
            status, answer = self.json2(
                role,
                "account.move",
                "action_ap_sync",
                ids=bill.ids,
                context=defaults,
            )
            job = bill.ap_sync_job_ids
            with self.subTest(role=role):
                self.assertEqual(status, 200, answer)
                self.assert_status(job, "blocked")
                self.assertEqual(job.revision, 1)
                self.assertEqual(str(uuid.UUID(job.key)), job.key)
                self.assertNotEqual(job.key, OF_THE_ENGINE["key"])
                for name in OF_THE_ENGINE.keys() - {
                    "status",
                    "key",
                    "revision",
                    "message",
                    "evaluate_at",  # in a minute, as of every bill just stopped
                }:
                    self.assertFalse(job[name], name)
                self.assertLess(job.evaluate_at.year, 2099)

    # -- Connections, mappings, vendors

    def test_defaults_in_the_context_reach_no_health_of_a_connection(self):
        engine_fields = self.connection._get_engine_fields()
        defaults = {
            "paused": True,
            "lease_token": "mine",
            "lease_until": "2099-01-01 00:00:00",
            "attention_kind": "internal",
            "failures": 99,
            "cron_id": self.env.ref("base.autovacuum_job").id,
            "database_identity": "mine",
            "erp_lock_date": "2099-01-01",
        }
        self.assertLessEqual(defaults.keys(), engine_fields)
        status, ids = self.json2(
            "administrator",
            "ap.sync.connection",
            "create",
            vals_list=[{"name": "Mine", "url": "https://a.example.com"}],
            context={f"default_{name}": value for name, value in defaults.items()},
        )
        self.assertEqual(status, 200, ids)
        connection = self.connection.browse(ids)
        for name in engine_fields - {"cron_id", "database_identity"}:
            self.assertFalse(connection[name], name)
        known = self.connection.database_identity
        self.assertEqual(connection.database_identity, known)
        self.assertIn("AP Sync", connection.cron_id.name)
        for name, value in defaults.items():
            with self.subTest(name):
                self.refused(
                    "administrator",
                    "ap.sync.connection",
                    "write",
                    ids=ids,
                    vals={name: value},
                )

    def test_a_user_lifts_no_block_and_changes_no_mapping_or_rule(self):
        for model, record, vals in (
            ("res.partner", self.partner_a, {"ap_sync_blocked": False}),
            ("ap.sync.rule", self.rule, {"active": False}),
            ("ap.sync.mapping", self.connection.mapping_ids[0], {"erp_id": "9"}),
            ("ap.sync.connection", self.connection, {"url": "https://evil.example"}),
            ("ap.sync.connection", self.connection, {"api_key": "mine"}),
        ):
            with self.subTest(model, vals=vals):
                self.refused("user", model, "write", ids=record.ids, vals=vals)

    # -- Rules and secrets, once over the wire

    def test_hostile_conditions_are_refused(self):
        for domain in (
            "__import__('os').system('true')",
            "[('invoice_user_id.password', 'like', 'a')]",
            "[('company_id.ap_sync_connection_id.api_key', 'like', 'a')]",
        ):
            with self.subTest(domain):
                self.refused(
                    "system",
                    "ap.sync.rule",
                    "write",
                    ids=self.rule.ids,
                    vals={"bill_domain": domain},
                )

    def test_no_role_reads_the_key(self):
        secret = "secret-canary-key"
        for role in ROLES:
            for method, arguments in (
                ("read", {"fields": ["api_key"], "ids": self.connection.ids}),
                ("search_read", {"domain": [], "fields": ["api_key"]}),
                ("web_search_read", {"domain": [], "specification": {"api_key": {}}}),
                ("search", {"domain": [["api_key", "like", "secret"]]}),
                ("formatted_read_group", {"domain": [], "groupby": ["api_key"]}),
                ("export_data", {"fields_to_export": ["api_key"], "ids": [1]}),
                ("copy_data", {"ids": self.connection.ids}),
                ("fields_get", {}),
            ):
                status, answer = self.json2(
                    role, "ap.sync.connection", method, **arguments
                )
                with self.subTest(role=role, method=method):
                    self.assertNotIn(secret, str(answer))
                    if role == "user" and "api_key" in str(arguments):
                        self.assertEqual(status, 403, answer)
            status, answer = self.json2(
                role, "ap.sync.secret", "search_read", domain=[], fields=["value"]
            )
            self.assertEqual(status, 403, answer)
