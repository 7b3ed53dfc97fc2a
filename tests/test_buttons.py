import os
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tools import config


@tagged("post_install", "-at_install")
class TestButtons(HttpCase):
    """*Test connection* and *Refresh data*, pressed over HTTP as the web client does,
    against the real second Odoo."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )
        cls.connection = cls.env["ap.sync.connection"].create(
            {
                "name": "Second Odoo",
                "url": os.environ["AP_SYNC_TEST_ERP_URL"],
                "erp_database": os.environ["AP_SYNC_TEST_ERP_DB"],
                "api_key": os.environ["AP_SYNC_TEST_ERP_KEY"],
                "trigger": "manual",
            }
        )

    def press(self, method):
        """Call a method as a button does; return its answer."""
        self.authenticate("admin", "admin")
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/ap.sync.connection/{method}",
            {
                "model": "ap.sync.connection",
                "method": method,
                "args": [[self.connection.id]],
                "kwargs": {},
            },
        )

    def test_the_test_says_item_by_item_that_all_is_right(self):
        self.press("action_test_connection")
        self.connection.invalidate_recordset()
        items = self.connection.check_result
        self.assertGreaterEqual(len(items), 4)
        self.assertEqual([item for item in items if not item["ok"]], [])

    def test_the_test_names_the_wrong_key_and_what_to_do(self):
        self.connection.api_key = "f" * 40
        self.press("action_test_connection")
        self.connection.invalidate_recordset()
        [wrong] = [item for item in self.connection.check_result if not item["ok"]]
        self.assertIn("key", f"{wrong['name']} {wrong['message']}".lower())
        self.assertTrue(wrong["todo"])
        self.assertNotIn("f" * 40, str(self.connection.check_result))

    def test_refreshed_data_can_be_chosen_in_mappings(self):
        action = self.press("action_refresh_data")
        self.assertEqual(action["params"]["type"], "success", action)
        records = self.env["ap.sync.erp.record"].search(
            [("connection_id", "=", self.connection.id)]
        )
        kinds = set(records.mapped("kind"))
        self.assertLessEqual({"account", "tax", "journal", "currency"}, kinds)
        self.assertTrue(self.connection.mapping_ids)
        self.assertEqual(set(self.connection.mapping_ids.mapped("state")), {"proposed"})
