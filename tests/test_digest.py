from odoo.tests import new_test_user, tagged

from ..connectors import Outcome
from ..engine import digest
from .common import ApSyncCommon, error


@tagged("post_install", "-at_install")
class TestDigest(ApSyncCommon):
    """One mail a day with what its reader looks after, if anything is open."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(
            cls.env,
            "clerk",
            groups="ap_sync.group_ap_sync_user,account.group_account_invoice",
            email="clerk@example.com",
        )
        # Nobody else is to be heard of here.
        users = cls.env["res.users"].search([("id", "!=", cls.clerk.id)])
        users.ap_sync_daily_digest = False

    def send(self):
        """Let the scheduled action run; return the mails it queued."""
        known = self.env["mail.mail"].search([])
        self._run(digest.run)
        self.env.invalidate_all()
        return self.env["mail.mail"].search([]) - known

    def make_open(self):
        mine = self.submit(self.make_bill(invoice_user_id=self.clerk.id))
        self.erp.script = [error("vendor_inactive", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(mine, "failed")
        held = self.submit(self.make_bill(ref=False, invoice_user_id=self.clerk.id))
        self.assert_status(held, "on_hold")
        return mine, held

    def test_it_has_the_readers_own_bills_by_status_and_no_others(self):
        failed, held = self.make_open()
        other = self.submit(self.make_bill(ref=False))
        mail = self.send()
        self.assertEqual(len(mail), 1)
        self.assertIn("clerk@example.com", mail.email_to)
        body = mail.body_html
        for text in ("Failed", "On Hold", f"jobs/{failed.id}", f"jobs/{held.id}"):
            self.assertIn(text, body)
        self.assertNotIn(f"jobs/{other.id}", body)
        self.assertLess(body.index("Failed"), body.index("On Hold"))

    def test_it_comes_once_a_day(self):
        self.make_open()
        self.assertEqual(len(self.send()), 1)
        self.assertFalse(self.send())
        self.clerk.ap_sync_digest_on = "2026-01-01"
        self.assertEqual(len(self.send()), 1)

    def test_nothing_open_is_no_mail(self):
        job = self.submit(self.make_bill(invoice_user_id=self.clerk.id))
        self.dispatch()
        self.assert_status(job, "success")
        self.assertFalse(self.send())

    def test_who_wants_none_gets_none(self):
        self.make_open()
        preferences = self.clerk.with_user(self.clerk)
        preferences.write({"ap_sync_daily_digest": False})
        self.assertFalse(self.send())

    def test_who_lost_the_role_or_the_company_reads_nothing_any_more(self):
        self.make_open()
        other = self.setup_other_company(name="Other company")["company"]
        self.clerk.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        self.assertFalse(self.send())
        self.clerk.write(
            {
                "company_id": self.env.company.id,
                "company_ids": [(6, 0, self.env.company.ids)],
                "group_ids": [(6, 0, self.env.ref("base.group_user").ids)],
            }
        )
        self.assertFalse(self.send())

    def test_an_administrator_reads_of_the_connections_that_need_one(self):
        admin = self.env.user
        admin.write({"ap_sync_daily_digest": True, "email": "admin@example.com"})
        self.connection.user_id = admin
        self.connection.sudo()._set_attention(
            "credentials_wrong", "The key is refused."
        )
        mail = self.send()
        self.assertIn("admin@example.com", mail.email_to)
        self.assertIn("The key is refused.", mail.body_html)

    def test_what_the_erp_said_is_text_in_the_mail(self):
        job = self.submit(self.make_bill(invoice_user_id=self.clerk.id))
        evil = error("vendor_inactive", Outcome.REJECTED)
        evil.message = "<img src=x onerror=alert(1)>"
        self.erp.script = [evil]
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertNotIn("<img", self.send().body_html)

    def test_many_bills_are_counted(self):
        bills = [
            self.make_bill(ref=False, invoice_user_id=self.clerk.id)
            for _number in range(23)
        ]
        self.submit(self.env["account.move"].union(*bills))
        body = self.send().body_html
        self.assertEqual(body.count("/odoo/ap-sync-jobs/"), 20)
        self.assertIn("and 3 more", " ".join(body.split()))
