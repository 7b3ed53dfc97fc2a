from odoo import fields
from odoo.tests import HttpCase, tagged

from ..connectors import Outcome
from .common import ApSyncCommon, error


@tagged("post_install", "-at_install")
class TestTourOverview(ApSyncCommon, HttpCase):
    """Tiles, graphs and pivots, each number of which opens its jobs."""

    # `common.py` does it for each test.
    registry_test_mode = False
    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    def test_every_number_opens_its_jobs(self):
        vendor = self.env["res.partner"].create({"name": "Held Vendor"})
        refused = error("gl_account_inactive", Outcome.REJECTED)
        self.erp.script = ["accept", refused, refused]
        for reference in ("DONE-1", "FAIL-1", "FAIL-2"):
            self.submit(self.make_bill(ref=reference))
        self.dispatch()
        # Tried in vain this month, and there by now
        mended = self.env["ap.sync.job"].search([("reference", "=", "FAIL-2")])
        mended._sync()
        self.make_due(mended)
        self.dispatch()
        self.assert_status(mended, "success")
        account = self.expense.copy({"name": "Not mapped"})
        self.submit(
            self.make_bill(
                ref="HELD-1",
                partner_id=vendor.id,
                lines=[{"account_id": account.id, "price_unit": 700.0}],
            )
        )
        self.assertEqual(fields.Date.today().year, mended.synced_at.year)
        self.start_tour(
            "/odoo/ap-sync-jobs", "ap_sync_overview", login=self.env.user.login
        )
