"""What the tests of the connector against a real Tryton share: documents, and the tests
that hold for its databases alike."""

import threading
import time
import uuid
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from odoo.tests import BaseCase

from ..connectors.base import ConnectorError, Document, Line, Outcome, Ref, Vendor
from ..connectors.kinds import CHECK, KINDS, NO
from .common_tryton import RealTryton


class RealTrytonCase(BaseCase):
    """``erp`` is the running Tryton, an instance of ``erp_class``."""

    erp_class = RealTryton

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.erp = cls.erp_class()
        cls.facts = cls.erp.facts
        cls.today = date.today()

    def document(self, **changes):
        """Return a new bill of two lines: 307.50 + 30.05 tax."""
        account = Ref("Expenses", erp_id=str(self.facts["accounts"]["600000"]))
        first = Line(
            name="Consulting",
            quantity=Decimal(2),
            price_unit=Decimal("150.25"),
            discount=Decimal(0),
            subtotal=Decimal("300.50"),
            account=account,
            taxes=(Ref("10%", erp_id=str(self.facts["taxes"]["10"])),),
        )
        second = Line(
            name="Coffee",
            quantity=Decimal(1),
            price_unit=Decimal("7.00"),
            discount=Decimal(0),
            subtotal=Decimal("7.00"),
            account=account,
        )
        key = str(uuid.uuid4())
        values = {
            "key": key,
            "kind": "bill",
            "reference": f"R-{key[:8]}",
            "bill_date": self.today - timedelta(days=1),
            "accounting_date": self.today,
            "due_date": self.today + timedelta(days=40),
            "currency": "USD",
            "vendor": Vendor("Deco", local_id=1, erp_id=str(self.facts["vendor"])),
            "lines": (first, second),
            "untaxed": Decimal("307.50"),
            "tax": Decimal("30.05"),
            "total": Decimal("337.55"),
        }
        return Document(**{**values, **changes})

    def send(self, document, connector=None, **options):
        connector = connector or self.erp.connector(**options)
        deadline = time.monotonic() + 60
        return connector.send(document, attempt=str(uuid.uuid4()), deadline=deadline)

    def on_account(self, code, document=None):
        """Return a bill whose lines go to another account."""
        document = document or self.document()
        account = Ref("Other", erp_id=str(self.facts["accounts"].get(code, code)))
        lines = [replace(line, account=account) for line in document.lines]
        return replace(document, lines=tuple(lines))

    def refusal(self, kind, outcome, call, *arguments, **options):
        with self.assertRaises(ConnectorError) as caught:
            call(*arguments, **options)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)
        return error

    def assert_one_bill(self, document, state="posted"):
        [(invoice, found, _number, total)] = self.erp.find(document)
        sign = -1 if document.kind == "refund" else 1
        self.assertEqual((found, total), (state, sign * document.total))
        return invoice


class ManyAtOnce:
    """Tests: whatever many threads do at once, no bill is there twice."""

    def test_four_threads_with_one_key_make_one_bill(self):
        for reference in (f"T-{uuid.uuid4()}", ""):
            narration = str(uuid.uuid4())
            document = self.document(reference=reference, narration=narration)
            connector = self.erp.connector()
            results = self.at_once([document] * 4, connector)
            for result in results:
                if not isinstance(result, ConnectorError):
                    continue
                # Nothing that would let the bill go under another key unasked: it is
                # unclear, or a person decides.
                asks = KINDS[result.kind].retry in (CHECK, NO)
                self.assertTrue(asks or result.outcome is Outcome.AMBIGUOUS, result)
            self.assertTrue(self.send(document).posted)
            found = self.erp.query(
                "SELECT state FROM account_invoice WHERE comment LIKE ?",
                f"{narration}%",
            )
            self.assertEqual([tuple(row) for row in found], [("posted",)])

    def test_four_keys_with_one_reference_make_at_most_one_bill(self):
        reference = f"T-{uuid.uuid4()}"
        documents = [self.document(reference=reference) for _number in range(4)]
        results = self.at_once(documents, self.erp.connector())
        refused = [one for one in results if isinstance(one, ConnectorError)]
        self.assertGreaterEqual(len(refused), 3)
        for error in refused:
            self.assertEqual(error.kind, "duplicate_bill", error.message)
        found = self.erp.invoices(reference)
        self.assertEqual(len(found), 4 - len(refused), "no draft is left")

    def at_once(self, documents, connector):
        """Return what sending each in a thread of its own returned or raised."""
        results = []

        def work(document):
            try:
                results.append(self.send(document, connector))
            except ConnectorError as error:
                results.append(error)

        threads = [threading.Thread(target=work, args=(one,)) for one in documents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(100)
        self.assertEqual(len(results), len(documents))
        return results
