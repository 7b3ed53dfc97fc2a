from odoo.tests import HttpCase, tagged

from .common_erp import RealErpCommon
from .common_scheduler import SchedulerMixin


@tagged("post_install", "-at_install")
class TestTourToErp(SchedulerMixin, RealErpCommon, HttpCase):
    """The whole way on the screen: held, mapped, sent by the scheduled action while the
    browser is open, and there in a real second Odoo."""

    # `common.py` does it for each test.
    registry_test_mode = False
    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    def test_a_held_bill_is_mapped_and_reaches_the_erp(self):
        account = self.expense.copy({"name": "Consulting here"})
        self.env["ap.sync.erp.record"].sudo().create(
            {
                "connection_id": self.connection.id,
                "kind": "account",
                "erp_id": str(self.erp_account),
                "code": "6000",
                "name": "Consulting",
            }
        )
        bill = self.make_bill(ref="HELD-1", lines=[{"account_id": account.id}])
        job = self.submit(bill)
        self.assert_status(job, "on_hold")
        self.assertEqual(job.error_kind, "gl_account_unmapped")
        with self.scheduler():
            self.start_tour(
                "/odoo/ap-sync-jobs",
                "ap_sync_map_held_bill",
                login=self.env.user.login,
                timeout=120,
            )
        self.env.invalidate_all()
        self.assert_status(job, "success")
        [[number, state, total, *_rest]] = self.books(job)
        self.assertEqual((number, state), (job.erp_number, "posted"))
        self.assertAlmostEqual(total, bill.amount_total)
