"""Tests against the real second Odoo that ``python3 dev test`` starts."""

import os
import uuid
from contextlib import contextmanager
from unittest.mock import patch
from urllib.parse import urlsplit

import psycopg2

from odoo.tests import tagged
from odoo.tools import config

from ..connectors import make_connector
from ..engine import client
from .common import ApSyncCommon
from .lossy_proxy import LossyProxy


@tagged("post_install", "-at_install")
class RealErpCommon(ApSyncCommon):
    """A connection to a real second Odoo, and a look into its own tables."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ["URL", "DB", "KEY", "DSN"]
        values = [os.environ.get(f"AP_SYNC_TEST_ERP_{name}") for name in names]
        if not all(values):
            raise RuntimeError(
                "These tests need a real second Odoo: run them with "
                "`python3 dev test`, which starts one."
            )
        url, database, cls.erp_key, dsn = values
        cls.erp_db = psycopg2.connect(dsn)
        cls.erp_db.autocommit = True
        cls.addClassCleanup(cls.erp_db.close)
        address = urlsplit(url)
        cls.proxy = LossyProxy(address.hostname, address.port)
        cls.addClassCleanup(cls.proxy.close)
        cls.connection.write(
            {
                "url": cls.proxy.url,
                "erp_database": database,
                "api_key": cls.erp_key,
            }
        )
        cls.startClassPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )
        [[account]] = cls.erp_query(
            "SELECT id FROM account_account WHERE account_type = 'expense' "
            "AND active ORDER BY id LIMIT 1"
        )
        [[tax]] = cls.erp_query(
            "SELECT id FROM account_tax WHERE type_tax_use = 'purchase' "
            "AND amount = 15 AND active ORDER BY id LIMIT 1"
        )
        cls.connection.mapping_ids.unlink()
        cls._map(cls.expense, str(account))
        cls._map(cls.purchase_tax, str(tax))
        cls.erp_account = account
        cls.unique = uuid.uuid4().hex[:8]
        cls.partner_a.name = f"Vendor {cls.unique}"

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(client, "make_connector", make_connector))

    @classmethod
    def erp_query(cls, query, *values):
        with cls.erp_db.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else None

    def books(self, job):
        """Return the ERP's bills with this job's reference, whatever their key."""
        return self.erp_query(
            "SELECT name, state, amount_total::float, move_type, date::text, id "
            "FROM account_move WHERE ref = %s AND state != 'cancel'",
            job.reference,
        )

    def make_bill(self, **values):
        values.setdefault("ref", f"E2E-{self.unique}-{next(self.numbers)}")
        return super().make_bill(**values)

    def sync(self, bill):
        job = self.submit(bill)
        self.dispatch()
        return job

    @contextmanager
    def locked_until(self, date):
        """Lock the ERP's purchases up to a date, for a while."""
        self.erp_query("UPDATE res_company SET purchase_lock_date = %s", date)
        try:
            yield
        finally:
            self.erp_query("UPDATE res_company SET purchase_lock_date = NULL")
