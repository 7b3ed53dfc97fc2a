from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


@tagged("post_install", "-at_install")
class TestTours(AccountTestInvoicingCommon, HttpCase):
    """What an accountant does on the screens, in a real browser."""

    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The test company has cash basis taxes, and Odoo's settings page says so in a
        # dialog unless this goes with them.
        cls.env.company.tax_exigibility = True
        cls.connection = cls.env["ap.sync.connection"].create(
            {
                "name": "ERP",
                "connector": "odoo",
                "url": "https://erp.example.com",
                "trigger": "manual",
                "company_id": cls.env.company.id,
            }
        )
        cls.vendor = cls.env["res.partner"].create({"name": "Tour Vendor"})
        cls.held = cls._make_job("HELD-1", cls.vendor)
        cls.failed = cls._make_job("FAIL-1")
        cls.failed.sudo().write(
            {
                "status": "failed",
                "phase": False,
                **cls.failed._prepare_error_values(
                    "vendor_inactive", "The vendor is <b>archived</b>."
                ),
            }
        )
        cls._make_job("DONE-1").sudo().write(
            cls._success("https://erp.example.com/odoo/7")
        )
        cls._make_job("EVIL-1").sudo().write(cls._success("javascript:alert(1)"))

    @classmethod
    def get_default_groups(cls):
        """Override of `account`: the tours' user may change settings."""
        groups = super().get_default_groups()
        return (
            groups
            | cls.quick_ref("ap_sync.group_ap_sync_administrator")
            | cls.quick_ref("base.group_system")
        )

    @classmethod
    def _make_job(cls, reference, vendor=None):
        bill = cls._make_bill(reference, vendor)
        return cls.env["ap.sync.job"]._submit(bill, cls.connection)

    @classmethod
    def _make_bill(cls, reference, vendor=None):
        bill = cls.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": (vendor or cls.partner_a).id,
                "ref": reference,
                "invoice_date": "2026-11-10",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Consulting",
                            "price_unit": 50.0,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
        bill.action_post()
        return bill

    @classmethod
    def _success(cls, url):
        return {
            "status": "success",
            "phase": False,
            "erp_url": url,
            **cls.env["ap.sync.job"]._prepare_cause_values([]),
        }

    def test_filter_by_status(self):
        self._start("/odoo/ap-sync-jobs", "ap_sync_filter_by_status")

    def test_block_vendor(self):
        self._start("/odoo/ap-sync-settings", "ap_sync_block_vendor")
        self.assertEqual(self.held.status, "blocked")
        self.assertEqual(self.held.rule_id.partner_ids, self.vendor)
        self.assertEqual(self.failed.status, "failed")

    def test_check_bills(self):
        before = self._read_jobs()
        self._make_bill("NEW-1")
        self._start("/odoo/action-account.action_move_in_invoice", "ap_sync_check")
        self.assertEqual(self._read_jobs(), before, "a check writes nothing")

    def test_preview_a_rule(self):
        rules = self.env["ap.sync.rule"].search_count([])
        self._start("/odoo/ap-sync-rules/new", "ap_sync_preview_rule")
        self.assertEqual(self.env["ap.sync.rule"].search_count([]), rules)

    def test_mark_as_synced(self):
        self._start(f"/odoo/ap-sync-jobs/{self.failed.id}", "ap_sync_mark_as_synced")
        self.assertEqual(self.failed.status, "success")
        self.assertEqual(self.failed.erp_number, "INV/2026/77")
        self.assertEqual(self.failed.marked_by_id, self.env.user)
        self.assertIn("Entered there by hand", self.failed.message_ids[0].body)

    def test_release(self):
        unmapped = self.env.ref("ap_sync.rule_account_unmapped")
        job = self._make_job("LARGE-1", self.vendor)
        self._start(f"/odoo/ap-sync-jobs/{job.id}", "ap_sync_release")
        self.assertEqual(job.status, "in_progress")
        self.assertEqual(job.released_rules, unmapped.ids)
        unmapped.allow_release = False
        self._start(f"/odoo/ap-sync-jobs/{self.held.id}", "ap_sync_release_refused")

    def test_assign(self):
        """The bills get a new owner, and so does what is to do for them."""
        lisa = new_test_user(
            self.env,
            "lisa",
            name="Lisa Clerk",
            groups="ap_sync.group_ap_sync_user",
            company_id=self.env.company.id,
            company_ids=[Command.set(self.env.company.ids)],
        )
        activity = self.failed.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.env.uid
        )
        self._start("/odoo/ap-sync-jobs", "ap_sync_assign")
        self.assertEqual((self.held | self.failed).user_id, lisa)
        self.assertEqual(activity.user_id, lisa)

    def test_release_many(self):
        """Four are selected, with a page of two; what may be released goes."""
        action = self.env.ref("ap_sync.ap_sync_job_action")
        action.write({"limit": 2, "context": "{}"})
        self._start("/odoo/ap-sync-jobs", "ap_sync_release_many")
        self.assertEqual(self.held.status, "in_progress")
        self.assertEqual(self.failed.status, "failed")

    def test_pause_and_resume(self):
        job = self._make_job("FREE-1", self.vendor)
        job._release("So that only the pause holds it")
        path = f"/odoo/ap-sync-connections/{self.connection.id}"
        self._start(path, "ap_sync_pause_and_resume")
        self.assertFalse(self.connection.paused)
        self.assertEqual(job.status, "in_progress")

    def _read_jobs(self):
        self.env.flush_all()
        return self.env.execute_query(
            SQL("SELECT t::text FROM ap_sync_job t ORDER BY id")
        )

    def _start(self, path, tour):
        self.start_tour(path, tour, login=self.env.user.login)
