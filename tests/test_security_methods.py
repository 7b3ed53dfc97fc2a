import inspect

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.service.model import get_public_method
from odoo.tests import new_test_user
from odoo.tools import SQL, mute_logger

from .common import ApSyncCommon
from .test_access import ROLES

#: From the least to the most trusted.
LADDER = ["public", "portal", "none", "user", "manager", "administrator"]

#: Everything of ours that may be called from outside, and the least role that may. A
#: new name here is a new door: think of who may open it.
DOORS = {
    "account.move": {
        "action_ap_sync": "user",
        "action_ap_sync_check": "user",
        "action_ap_sync_evaluate": "user",
        "action_ap_sync_open_jobs": "user",
        "action_ap_sync_ready": "user",
    },
    "ap.sync.connection": {
        "action_open_consent": "administrator",
        "action_open_jobs": "user",
        "action_open_mappings": "user",
        "action_open_missing": "manager",
        "action_open_pause": "manager",
        "action_open_retry": "manager",
        "action_open_switch_on": "administrator",
        "action_open_trial": "manager",
        "action_compare": "manager",
        "action_refresh_data": "manager",
        "action_resume": "manager",
        "action_test_connection": "administrator",
    },
    "ap.sync.assign": {"action_apply": "user"},
    "ap.sync.job": {
        "action_assign": "user",
        "action_check": "user",
        "action_evaluate": "user",
        "action_open_bill": "user",
        "action_open_erp": "user",
        "action_open_resolve": "manager",
        "action_send_files": "user",
        "action_sync": "user",
        "get_explanation": "user",
    },
    "ap.sync.job.resolve": {"action_apply": "manager"},
    "ap.sync.map": {"action_apply": "manager"},
    "ap.sync.mapping": {
        "action_accept_proposals": "manager",
        "action_choose": "manager",
        "action_confirm": "manager",
    },
    "ap.sync.pause": {"action_pause": "manager"},
    "ap.sync.retry": {"action_open_decide": "manager"},
    "ap.sync.retry.line": {"action_retry": "manager"},
    "ap.sync.switch.on": {"action_apply": "administrator"},
    "ap.sync.trial": {"action_send": "manager"},
}

#: With what a door is tried.
ARGUMENTS = {"action_choose": (False,)}

#: Overrides of Odoo's own methods, guarded as those are.
OVERRIDES = {
    "button_uninstall",
    "copy_data",
    "create",
    "default_get",
    "get_import_templates",
    "get_values",
    "load",
    "session_info",
    "set_values",
    "unlink",
    "web_read",
    "write",
}


class TestDoors(ApSyncCommon):
    """What can be called over RPC, and by whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(cls.env, f"ap_sync_{role}", groups=groups)
            for role, groups in ROLES.items()
        }
        cls.users["public"] = cls.env.ref("base.public_user")

    def setUp(self):
        super().setUp()
        self.job = self.submit(self.make_bill())
        self.dispatch()
        proposal = self._map(self.partner_b, "45", state="proposed")
        retry = self.env["ap.sync.retry"].create(
            {
                "connection_id": self.connection.id,
                "line_ids": [Command.create({"error_kind": "vendor_inactive"})],
            }
        )
        self.records = {
            "account.move": self.job.move_id,
            "ap.sync.job": self.job,
            "ap.sync.connection": self.connection,
            "ap.sync.mapping": proposal,
            "ap.sync.assign": self.env["ap.sync.assign"].create(
                {"job_ids": self.job.ids, "user_id": self.env.user.id}
            ),
            "ap.sync.job.resolve": self.env["ap.sync.job.resolve"].create(
                {"job_id": self.job.id, "decision": "mark_synced", "reason": "x"}
            ),
            "ap.sync.map": self.env["ap.sync.map"].create(
                {
                    "connection_id": self.connection.id,
                    "record": f"res.partner,{self.partner_b.id}",
                    "erp_id": "46",
                }
            ),
            "ap.sync.pause": self.env["ap.sync.pause"].create(
                {"connection_id": self.connection.id, "reason": "x"}
            ),
            "ap.sync.retry": retry,
            "ap.sync.retry.line": retry.line_ids,
            "ap.sync.switch.on": self.env["ap.sync.switch.on"].create(
                {"connection_id": self.connection.id}
            ),
            "ap.sync.trial": self.env["ap.sync.trial"].create(
                {"connection_id": self.connection.id, "move_id": self.make_bill().id}
            ),
        }

    def doors(self):
        for model, methods in DOORS.items():
            for name, least in methods.items():
                yield model, name, LADDER.index(least)

    def state(self):
        """Return all rows that a door may change."""
        self.env.flush_all()
        self.env.invalidate_all()
        tables = sorted(
            self.env[model]._table
            for model in self.registry
            if model.startswith("ap.sync.") or model in {"account.move", "mail.message"}
        )
        return [
            self.env.execute_query(
                SQL(
                    "SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM %s t",
                    SQL.identifier(table),
                )
            )
            for table in tables
        ]

    def call(self, model, name, user):
        record = self.records[model].with_user(user)
        return get_public_method(record, name)(record, *ARGUMENTS.get(name, ()))

    def test_these_are_all_doors_there_are(self):
        found = {}
        for model in self.registry:
            for cls in type(self.env[model]).mro():
                if cls.__module__.startswith("odoo.addons.ap_sync."):
                    found.setdefault(model, set()).update(
                        name
                        for name, value in vars(cls).items()
                        if inspect.isfunction(value)
                        and not name.startswith("_")
                        and not getattr(value, "_api_private", False)
                        and name not in OVERRIDES
                    )
        found = {model: names for model, names in found.items() if names}
        self.assertEqual(found, {model: set(DOORS[model]) for model in DOORS})

    def test_who_is_not_trusted_enough_is_refused_and_changes_nothing(self):
        before = self.state()
        for model, name, least in self.doors():
            for role in LADDER[:least]:
                with self.subTest(role=role, model=model, method=name):
                    with self.assertRaises(AccessError):
                        self.call(model, name, self.users[role])
                    self.assertEqual(self.state(), before)

    def test_who_is_trusted_gets_through(self):
        for model, name, least in self.doors():
            for role in LADDER[least:]:
                savepoint = self.env.cr.savepoint()
                try:
                    with mute_logger("odoo.addons.ap_sync"):
                        self.call(model, name, self.users[role])
                except AccessError as error:
                    self.fail(f"{role} may not call {name} of {model}: {error}")
                except Exception as error:
                    # These leave the transaction, which no test may, or are for
                    # another kind of ERP.
                    doors = {"action_test_connection", "action_refresh_data"}
                    doors.add("action_open_consent")
                    if name not in doors and model != "ap.sync.job.resolve":
                        raise AssertionError(f"{model}.{name}") from error
                finally:
                    savepoint.rollback()
                    savepoint.close(rollback=False)
                    self.env.invalidate_all()

    def test_what_begins_with_an_underscore_is_no_door(self):
        for model, name in (
            ("ap.sync.job", "_update_status"),
            ("ap.sync.job", "_submit"),
            ("ap.sync.job", "_resend"),
            ("ap.sync.attempt", "_set_outcome"),
            ("ap.sync.connection", "_get_settings"),
            ("ap.sync.connection", "_cron_dispatch"),
            ("ap.sync.secret", "_reveal"),
        ):
            with self.subTest(name), self.assertRaises(AccessError):
                get_public_method(self.env[model], name)
