"""What most tests start from: a connection, mapped bills, and an ERP that answers as
told.

The engine opens cursors of its own; in these tests they are savepoints of the test's
transaction, and ``dispatch`` runs it as the scheduled action would. The fake ERP is
there for faults that a real one can't be asked for; ``test_end_to_end.py`` does the
same against a real second Odoo.
"""

import itertools
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from .. import engine
from ..connectors import Capability, ConnectorError, Outcome, Receipt
from ..connectors.base import CheckItem
from ..connectors.incoming import Guarded
from ..connectors.odoo import OdooConnector
from ..engine import client, dispatcher, reaper


class FakeErp:
    """A connector with an append-only ledger, whose answers can be scripted.

    ``script`` holds what happens to the next writes, one each: ``"accept"`` (also
    when it is empty), an exception to raise before anything is kept, or a pair
    ``("after", exception)`` to raise once the bill is kept.
    """

    code = "odoo"
    profile = replace(OdooConnector.profile, batch=1)
    settle_seconds = 0.0

    def __init__(self, capability=Capability.LOOKUP):
        self.capability = capability
        self.ledger = {}
        self.writes = []
        self.attached = []
        self.lookups = 0
        self.script = []
        self.lookup_script = []
        self.numbers = itertools.count(1)

    def send(self, document, *, attempt, deadline):
        self.writes.append((attempt, document))
        return self._play(lambda: self._keep(document))

    def update(self, document, erp_id, *, attempt, deadline):
        self.writes.append((attempt, document))

        def change():
            receipt = replace(self._receipt(document), erp_id=erp_id)
            self.ledger[document.key] = receipt
            return receipt

        return self._play(change)

    def cancel(self, document, erp_id, *, attempt, deadline):
        self.writes.append((attempt, document))

        def remove():
            for key, receipt in list(self.ledger.items()):
                if receipt.erp_id == erp_id:
                    del self.ledger[key]
            return Receipt(erp_id=erp_id, number=f"ERP/{int(erp_id):04}")

        return self._play(remove)

    def attach(self, document, erp_id, *, attempt, deadline):
        self.attached.append((attempt, document))
        kept = next(r for r in self.ledger.values() if r.erp_id == erp_id)
        return self._play(lambda: kept)

    def read_bills(self, erp_ids, *, deadline):
        kept = {receipt.erp_id: receipt for receipt in self.ledger.values()}
        return {erp_id: kept[erp_id] for erp_id in erp_ids if erp_id in kept}

    def look_up(self, document, *, deadline, erp_id=""):
        self.lookups += 1
        if self.lookup_script:
            answer = self.lookup_script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._find(document, erp_id)

    def check(self, *, deadline):
        return [CheckItem("Address", True, "It answers.")]

    def lock_date(self, *, deadline):
        return None

    def fetch(self, kind, *, deadline):
        return []

    def _play(self, act):
        step = self.script.pop(0) if self.script else "accept"
        if isinstance(step, Exception):
            raise step
        result = act()
        if isinstance(step, tuple):
            raise step[1]
        return replace(result, **step) if isinstance(step, dict) else result

    def _find(self, document, erp_id):
        return [
            receipt
            for key, receipt in self.ledger.items()
            if key == document.key or receipt.erp_id == erp_id
        ]

    def _keep(self, document):
        """An ERP that honours keys, as another Odoo does by external id."""
        if document.key not in self.ledger:
            self.ledger[document.key] = self._receipt(document)
        return self.ledger[document.key]

    def _receipt(self, document):
        number = next(self.numbers)
        return Receipt(
            erp_id=str(number),
            number=f"ERP/{number:04}",
            url=f"https://erp.example.com/odoo/account.move/{number}",
            kind=document.kind,
            reference=document.reference,
            accounting_date=document.accounting_date,
            currency=document.currency,
            total=document.total,
            vendor_erp_id=document.vendor.erp_id or "77",
        )


def error(kind="erp_unavailable", outcome=Outcome.NOT_SENT, **values):
    """Return a connector's error with a message that names its kind."""
    return ConnectorError(kind, f"The ERP said {kind}.", outcome, **values)


@tagged("post_install", "-at_install")
class ApSyncCommon(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection = cls._make_connection("ERP")
        cls.expense = cls.company_data["default_account_expense"]
        cls.purchase_tax = cls.company_data["default_tax_purchase"]
        cls._map(cls.expense, "600")
        cls._map(cls.purchase_tax, "15")

    @classmethod
    def get_default_groups(cls):
        """Override of `account`: the tests' user is an AP Sync administrator."""
        groups = super().get_default_groups()
        return groups | cls.quick_ref("ap_sync.group_ap_sync_administrator")

    def setUp(self):
        super().setUp()
        self.erp = FakeErp()
        self.startPatcher(
            patch.object(
                client,
                "make_connector",
                lambda code, settings: Guarded(self.erp, settings),
            )
        )
        self.startPatcher(
            patch.object(type(self.connection), "_get_settle_seconds", lambda *a: 0.0)
        )
        self.registry_enter_test_mode()

    # -- Records

    @classmethod
    def _make_connection(cls, name, **values):
        return cls.env["ap.sync.connection"].create(
            {
                "name": name,
                "connector": "odoo",
                "url": "https://erp.example.com",
                "api_key": "secret-canary-key",
                "trigger": "manual",
                "company_id": cls.env.company.id,
                **values,
            }
        )

    @classmethod
    def _map(cls, record, erp_id, connection=None, state="confirmed"):
        return cls.env["ap.sync.mapping"].create(
            {
                "connection_id": (connection or cls.connection).id,
                "record": f"{record._name},{record.id}",
                "erp_id": erp_id,
                "state": state,
            }
        )

    numbers = itertools.count(1)

    def make_bill(self, post=True, lines=None, **values):
        """Return a vendor bill of 100.00 without tax, posted."""
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.partner_a.id,
                "ref": f"BILL-{next(self.numbers):05}",
                "invoice_date": "2026-11-10",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Consulting",
                            "quantity": 2.0,
                            "price_unit": 50.0,
                            "account_id": self.expense.id,
                            "tax_ids": [],
                            **line,
                        }
                    )
                    for line in (lines if lines is not None else [{}])
                ],
                **values,
            }
        )
        if post:
            bill.action_post()
        return bill

    def submit(self, bills, connection=None):
        """Return the jobs of these bills, as pressing Sync makes them."""
        return self.env["ap.sync.job"]._submit(bills, connection or self.connection)

    # -- The engine

    def dispatch(self, connection=None):
        """Run the dispatcher as the connection's scheduled action would."""
        self._run(dispatcher.run, (connection or self.connection).id)

    def reap(self):
        self._run(reaper.run)

    def _run(self, function, *args):
        self.env.cr.precommit.run()
        self.env.flush_all()
        result = function(self.registry, *args)
        self.env.invalidate_all()
        return result

    def make_due(self, jobs):
        """Let the time pass until these jobs are due."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET next_try_at = now() - interval '1 minute' "
            "WHERE id IN %s",
            [tuple(jobs.ids)],
        )
        self.env.invalidate_all()

    def commit(self):
        """Run what Odoo runs just before a commit; the next transaction is later."""
        self.env.cr.precommit.run()
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        (self.env.cr._now,) = self.env.cr.fetchone()

    @contextmanager
    def assert_refused(self, exception, pattern=""):
        """Expect an exception with these words; what was written is undone."""
        with self.assertRaises(exception) as caught:
            yield
        self.assertRegex(str(caught.exception), pattern)

    @contextmanager
    def as_user(self, user):
        yield self.env(user=user)

    def assert_status(self, job, status, phase=False):
        self.assertEqual(
            (job.status, job.phase or False),
            (status, phase),
            f"{job.display_name}: {job.message}",
        )


__all__ = ["ApSyncCommon", "Capability", "FakeErp", "Outcome", "engine", "error"]
