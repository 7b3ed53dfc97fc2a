from odoo.tests import tagged

from .test_consent import ConsentCase


@tagged("post_install", "-at_install")
class TestTourConsent(ConsentCase):
    """A real browser goes to Xero's page and comes back."""

    def start(self, tour):
        self.start_tour(
            f"/odoo/ap-sync-connections/{self.connection.id}",
            tour,
            login="anna",
            timeout=120,
        )
        self.env.invalidate_all()

    def test_a_person_allows_the_access(self):
        self.xero.person = "allow"
        self.start("ap_sync_consent")
        tokens = self.Secret._read_tokens(self.connection)
        self.assertEqual(tokens.refresh, self.xero.refresh)

    def test_a_person_declines(self):
        self.xero.person = "deny"
        self.start("ap_sync_consent_declined")
        self.assertFalse(self.Secret._has_tokens(self.connection))
