from odoo.tests import HttpCase, tagged

from ..connectors.base import ErpRecord
from .common import ApSyncCommon
from .common_scheduler import SchedulerMixin


@tagged("post_install", "-at_install")
class TestTourSetUp(SchedulerMixin, ApSyncCommon, HttpCase):
    """A connection set up without a manual, from *New* to a bill with Success."""

    # `common.py` does it for each test.
    registry_test_mode = False
    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    def test_from_a_new_connection_to_a_synced_bill(self):
        rent = self.expense.copy({"code": "600901", "name": "Rent"})
        power = self.expense.copy({"code": "600902", "name": "Power"})
        self.env["account.account"].search(
            [("id", "not in", (rent | power).ids), ("name", "in", ["Rents", "Energy"])]
        ).name = "Else"
        large = self.make_bill(lines=[{"account_id": rent.id, "price_unit": 70.0}])
        small = self.make_bill(lines=[{"account_id": power.id, "price_unit": 5.0}])
        self.erp.fetch = lambda kind, *, deadline: (
            [
                ErpRecord("account", "63", "Rents", "6310"),
                ErpRecord("account", "64", "Energy", "600902"),
            ]
            * (kind == "account")
        )
        self.commit()
        with self.scheduler():
            self.start_tour(
                "/odoo/ap-sync-connections",
                "ap_sync_set_up",
                login=self.env.user.login,
                timeout=180,
            )
        self.env.invalidate_all()
        connection = self.env["ap.sync.connection"].search([("name", "=", "New ERP")])
        self.assertEqual(connection.trigger, "posted")
        self.assert_status(connection.job_ids, "success")
        self.assertEqual(connection.job_ids.move_id, small)
        self.assertFalse(large.ap_sync_job_ids)
        mappings = connection.mapping_ids.filtered(lambda m: m.kind == "account")
        self.assertEqual(
            {mapping.record: (mapping.erp_id, mapping.state) for mapping in mappings},
            {rent: ("63", "confirmed"), power: ("64", "confirmed")},
        )
