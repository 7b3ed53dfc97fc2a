from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from .common import ApSyncCommon


class TestUninstall(ApSyncCommon):
    """AP Sync stays while bills are under way. (`dev test` also uninstalls it for real,
    see dev/uninstall_check.py.)"""

    def setUp(self):
        super().setUp()
        self.module = self.env["ir.module.module"].search([("name", "=", "ap_sync")])
        # Those of the demo data.
        jobs = self.env["ap.sync.job"].search([("status", "=", "in_progress")])
        for job in jobs:
            job._update_status("abort", next_try_at=False)

    def test_with_a_bill_in_progress_it_is_refused_with_the_way_out(self):
        job = self.submit(self.make_bill())
        with self.assert_refused(UserError, "bills In Progress .1.*Pause"):
            self.module.button_uninstall()
        self.assertEqual(self.module.state, "installed")
        job._abort("Leaving")
        self.module.button_uninstall()
        self.assertEqual(self.module.state, "to remove")

    def test_so_is_the_app_that_it_depends_on(self):
        self.submit(self.make_bill())
        account = self.env["ir.module.module"].search([("name", "=", "account")])
        with self.assert_refused(UserError, "AP Sync has bills In Progress"):
            account.button_uninstall()

    def test_other_apps_go_as_before(self):
        self.submit(self.make_bill())
        other = self.env["ir.module.module"].search(
            [("state", "=", "installed"), ("name", "=like", "auth_%")], limit=1
        )
        self.assertTrue(other)
        other.button_uninstall()
        self.assertEqual(other.state, "to remove")

    def test_who_may_not_uninstall_learns_nothing(self):
        self.submit(self.make_bill())
        user = new_test_user(self.env, "a_user", groups="account.group_account_invoice")
        with self.assert_refused(AccessError, "not allowed to modify"):
            self.module.with_user(user).button_uninstall()

    def test_a_deleted_connection_takes_its_scheduled_action_along(self):
        connection = self._make_connection("Short-lived")
        cron = connection.cron_id
        action = cron.ir_actions_server_id
        connection.unlink()
        self.assertFalse(cron.exists() or action.exists())
