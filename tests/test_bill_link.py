from odoo.tests import HttpCase, new_test_user, tagged

from .common import ApSyncCommon


@tagged("post_install", "-at_install")
class TestBillLink(ApSyncCommon, HttpCase):
    """The link that an ERP keeps with a bill leads back to it."""

    # `common.py` does it for each test.
    registry_test_mode = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for login, groups in (
            ("ap_reader", "ap_sync.group_ap_sync_user"),
            ("ap_stranger", "base.group_user"),
        ):
            new_test_user(cls.env, login, groups, company_id=cls.env.company.id)

    def setUp(self):
        super().setUp()
        self.bill = self.make_bill()
        self.job = self.submit(self.bill)

    def open(self, key, login=None):
        self.authenticate(login, login)
        return self.url_open(f"/ap_sync/bill/{key}", allow_redirects=False)

    def test_it_leads_to_the_bill(self):
        answer = self.open(self.job.key, "ap_reader")
        self.assertEqual(answer.status_code, 303)
        place = answer.headers["Location"]
        self.assertTrue(place.endswith(f"/odoo/account.move/{self.bill.id}"), place)

    def test_so_does_the_key_of_what_was_sent_before_a_change(self):
        self.job.sudo().write(self.job._prepare_next_revision_values())
        old = "0b6c1c3e-0000-4000-8000-00000000abcd"
        self.env["ap.sync.attempt"].sudo().create(
            {
                "job_id": self.job.id,
                "connection_id": self.connection.id,
                "company_id": self.job.company_id.id,
                "number": 1,
                "revision": 1,
                "operation": "send",
                "uuid": old,
                "key": old,
                "started_at": self.env.cr.now(),
                "outcome": "accepted",
                "document": {},
            }
        )
        self.assertEqual(self.open(old, "ap_reader").status_code, 303)

    def test_an_unknown_key_leads_nowhere(self):
        self.assertEqual(self.open("nothing", "ap_reader").status_code, 404)

    def test_who_may_not_see_the_job_is_told_no_more_than_that(self):
        self.assertIn(self.open(self.job.key, "ap_stranger").status_code, (403, 404))

    def test_who_is_not_logged_in_is_asked_to(self):
        answer = self.open(self.job.key)
        self.assertIn("/web/login", answer.headers["Location"])

    def test_the_connector_gets_its_beginning(self):
        options = self.connection._get_settings().options
        self.assertEqual(
            options["bill_url"], f"{self.connection.get_base_url()}/ap_sync/bill/"
        )
