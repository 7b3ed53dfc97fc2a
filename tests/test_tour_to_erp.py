from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.tests import HttpCase, tagged
from odoo.tests.common import release_test_lock

from .common_erp import RealErpCommon


@tagged("post_install", "-at_install")
class TestTourToErp(RealErpCommon, HttpCase):
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

    @contextmanager
    def scheduler(self):
        """Run the connection's scheduled action whenever a request triggers it, as
        Odoo's scheduler does beside its web server; an error of it fails the test.

        Nothing is looked for before the first trigger: until the browser is open, the
        test itself uses the one real cursor that all others share here.
        """
        cron, wakes = self.connection.sudo().cron_id, SimpleQueue()
        trigger = type(cron)._trigger_list

        def notify(triggered, at_list):
            if triggered == cron:
                wakes.put("go")
            return trigger(triggered, at_list)

        with (
            patch.object(type(cron), "_trigger_list", notify),
            ThreadPoolExecutor(1) as pool,
        ):
            future = pool.submit(self._schedule, cron.id, wakes)
            try:
                yield
            finally:
                wakes.put("stop")
                with release_test_lock():
                    future.result()

    def _schedule(self, cron_id, wakes):
        while wakes.get() == "go":
            # Waits here for the end of the request that triggered it.
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["ir.cron"].browse(cron_id).method_direct_trigger()
