from odoo.fields import Command
from odoo.tests import HttpCase, tagged

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
        return cls.env["ap.sync.job"]._submit(bill, cls.connection)

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

    def _start(self, path, tour):
        self.start_tour(path, tour, login=self.env.user.login)
