from odoo.tests import HttpCase, tagged

from .common import ApSyncCommon, Outcome, error


@tagged("post_install", "-at_install")
class TestExplainTours(ApSyncCommon, HttpCase):
    """What a status says of itself and how it is cured, in a real browser."""

    # `common.py` does it for each test.
    registry_test_mode = False
    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    def setUp(self):
        super().setUp()
        self.connection.concurrency = 1
        self.done = self.submit(self.make_bill(ref="DONE-1"))
        self.dispatch()
        self.failed = self.submit(self.make_bill(ref="FAIL-1"))
        self.erp.script = [
            error(
                "vendor_inactive",
                Outcome.REJECTED,
                status=422,
                excerpt="<i>no such partner</i>",
            )
        ]
        self.dispatch()
        self.failed.sudo().message = "The vendor is <b>archived</b>."
        self.assert_status(self.done, "success")
        self.assert_status(self.failed, "failed")
        self.assertEqual(self.failed.attempt_ids.excerpt, "<i>no such partner</i>")

    def make_held(self):
        """Return the job of a bill without reference, the only one of its vendor."""
        return self.submit(self.make_bill(partner_id=self.partner_b.id, ref=False))

    def test_the_badge_explains_and_acts(self):
        self._start("/odoo/ap-sync-jobs", "ap_sync_badge_explains")
        self.assert_status(self.failed, "in_progress", "queued")

    def test_one_cure_releases_all_that_wait_for_it(self):
        account = self.expense.copy({"code": "600901", "name": "Rent"})
        self.env["ap.sync.erp.record"].sudo().create(
            {
                "connection_id": self.connection.id,
                "kind": "account",
                "erp_id": "63",
                "code": "6310",
                "name": "Rents",
            }
        )
        lines = [{"account_id": account.id}]
        jobs = self.submit(
            self.env["account.move"].union(
                *(self.make_bill(lines=lines) for _bill in range(3))
            )
        )
        held = self.submit(
            self.make_bill(partner_id=self.partner_b.id, ref=False, lines=lines)
        )
        self._start("/odoo/ap-sync-jobs", "ap_sync_one_cure")
        for job in jobs | held:
            self.assert_status(job, "in_progress", "queued")

    def test_the_bill_says_what_keeps_it_from_the_books(self):
        held = self.make_held()
        self._start(
            "/odoo/action-account.action_move_in_invoice", "ap_sync_on_the_bill"
        )
        self.assert_status(held, "in_progress", "queued")

    def _start(self, path, tour):
        self.start_tour(path, tour, login=self.env.user.login)
        self.env.invalidate_all()
