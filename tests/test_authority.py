"""The address at which an app signs in, where that is not the ERP's own: Business
Central in one of Microsoft's national clouds."""

import time
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import config

from ..connectors import make_connector
from .common import ApSyncCommon

PUBLIC = "https://login.microsoftonline.com"
GOVERNMENT = "https://login.microsoftonline.us"


@tagged("post_install", "-at_install")
class TestAuthority(ApSyncCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.central = cls._make_connection(
            "Central",
            connector="business_central",
            url="https://api.businesscentral.dynamics.com",
            login="client",
            erp_database="contoso.com/production",
        )

    def get_authority(self):
        """Return the address that the connector would sign in at."""
        settings = self.central._get_settings()
        connector = make_connector("business_central", settings)
        return connector._connector._erp._sign_in._transport.base_url

    def test_it_is_the_public_cloud_s_by_itself(self):
        self.assertEqual(self.central.authority, PUBLIC)
        self.assertEqual(self.get_authority(), PUBLIC)
        self.central.authority = False
        self.assertEqual(self.get_authority(), PUBLIC)

    def test_a_national_cloud_can_be_entered(self):
        with Form(self.central) as form:
            form.authority = GOVERNMENT
        self.assertEqual(self.get_authority(), GOVERNMENT)

    def test_only_a_kind_that_has_one_is_asked_for_it(self):
        form = Form(self.central)
        self.assertFalse(form._get_modifier("authority", "invisible"))
        self.assertFalse(form._get_modifier("authority", "required"))
        form = Form(self.connection)
        self.assertTrue(form._get_modifier("authority", "invisible"))
        self.assertFalse(self.connection.authority)

    def test_it_comes_and_goes_with_the_kind(self):
        form = Form(self.env["ap.sync.connection"])
        form.connector = "business_central"
        self.assertEqual(form.authority, PUBLIC)
        form.connector = "odoo"
        self.assertFalse(form.authority)

    def test_the_secret_goes_nowhere_in_the_clear(self):
        for wrong in (
            "http://login.microsoftonline.us",
            "login.microsoftonline.us",
            "https://user:word@login.microsoftonline.us",
            "https://login.microsoftonline.us?x=1",
            "https://login.microsoftonline.us#x",
            "https://",
            "https://login microsoftonline.us",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ):
            with (
                self.subTest(wrong),
                self.assert_refused(ValidationError, "sign-in address of Central"),
            ):
                self.central.authority = wrong

    def test_it_opens_no_way_into_the_server_s_network(self):
        closed = {"ap_sync_allowed_hosts": ""}
        self.startPatcher(patch.dict(config._runtime_options, closed))
        for inside in (
            "https://127.0.0.1",
            "https://169.254.169.254",
            "https://10.0.0.1:8443",
            "https://localhost",
        ):
            self.central.authority = inside
            settings = self.central._get_settings()
            connector = make_connector("business_central", settings)
            with self.subTest(inside):
                item = connector.check(deadline=time.monotonic() + 20)[-1]
                self.assertFalse(item.ok)
                self.assertRegex(item.message, "not a public address|closed for good")

    def test_with_another_one_it_is_tested_again(self):
        self.central.sudo().write({"checked_at": "2026-11-01", "check_result": [{}]})
        self.central.authority = GOVERNMENT
        self.assertFalse(self.central.checked_at)
