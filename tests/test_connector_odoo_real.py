"""The Odoo connector against a real second Odoo, which ``python3 dev test`` starts.

What is tested there is what no script can tell: that the other Odoo keeps one bill,
with the right totals, whatever happens on the way.
"""

import base64
import os
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal

import psycopg2

from odoo.tests import BaseCase

from ..connectors.base import (
    Attachment,
    ConnectorError,
    Document,
    Line,
    Outcome,
    Ref,
    Settings,
    Vendor,
    matches,
)
from ..connectors.odoo import OdooConnector
from ..connectors.odoo_rpc import OdooRpc

VARIABLES = ("URL", "DB", "KEY", "DSN")
PDF = b"%PDF-1.4\n%%EOF\n"


class Crash(Exception):
    """Our process dies."""


class RealOdooCase(BaseCase):
    protocol = "json2"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = [f"AP_SYNC_TEST_ERP_{name}" for name in VARIABLES]
        missing = [name for name in names if not os.environ.get(name)]
        if missing:
            raise RuntimeError(
                "These tests need a real second Odoo: run them with"
                f" `python3 dev test` (missing: {', '.join(missing)})."
            )
        cls.url, cls.database, cls.key, cls.dsn = (os.environ[name] for name in names)
        cls.rpc = cls.make()._rpc
        if not cls.ask("account.journal", "search_count", domain=[PURCHASE]):
            cls.ask(
                "account.chart.template",
                "try_loading",
                template_code="generic_coa",
                company=1,
                install_demo=False,
            )
        cls.account = cls.find("account.account", [["account_type", "=", "expense"]])
        [cls.tax] = cls.ask(
            "account.tax",
            "create",
            vals_list=[
                {
                    "name": f"Test {uuid.uuid4()}",
                    "amount": 15,
                    "type_tax_use": "purchase",
                }
            ],
        )
        [cls.vendor] = cls.ask(
            "res.partner", "create", vals_list=[{"name": f"Vendor {uuid.uuid4()}"}]
        )

    @classmethod
    def make(cls, **options):
        """Return a connector; settings and options by their names."""
        settings = {
            "url": cls.url,
            "secret": cls.key,
            "database": cls.database,
            "login": "admin",
            "allowed_hosts": ("127.0.0.1", "localhost", "::1"),
        }
        for name in list(options):
            if name in settings:
                settings[name] = options.pop(name)
        options = {"protocol": cls.protocol, "post": True, **options}
        return OdooConnector(Settings(**settings, options=options))

    @classmethod
    def ask(cls, model, method, **arguments):
        deadline = time.monotonic() + 60
        return cls.rpc.call(model, method, arguments, deadline=deadline)

    @classmethod
    def find(cls, model, domain):
        rows = cls.ask(model, "search_read", domain=domain, fields=["id"], limit=1)
        return rows[0]["id"]

    def document(self, **changes):
        """Return a new bill of two lines: 307.50 + 45.08 tax."""
        account = Ref("Expenses", erp_id=str(self.account))
        first = Line(
            name="Consulting",
            quantity=Decimal(2),
            price_unit=Decimal("150.25"),
            discount=Decimal(0),
            subtotal=Decimal("300.50"),
            account=account,
            taxes=(Ref("15%", erp_id=str(self.tax)),),
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
            "bill_date": date(2026, 10, 5),
            "accounting_date": date(2026, 10, 6),
            "due_date": date(2026, 12, 24),
            "currency": "USD",
            "vendor": Vendor("Vendor", local_id=1, erp_id=str(self.vendor)),
            "lines": (first, second),
            "untaxed": Decimal("307.50"),
            "tax": Decimal("45.08"),
            "total": Decimal("352.58"),
        }
        return Document(**{**values, **changes})

    def send(self, document, connector=None, **options):
        connector = connector or self.make(**options)
        return connector.send(
            document, attempt=str(uuid.uuid4()), deadline=time.monotonic() + 60
        )

    def refusal(self, kind, outcome, call, *arguments, **options):
        with self.assertRaises(ConnectorError) as caught:
            call(*arguments, **options)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)
        return error

    def bills(self, document):
        """Return what the ERP has for a document's reference."""
        return self.ask(
            "account.move",
            "search_read",
            domain=[
                ["ref", "=", document.reference],
                ["move_type", "!=", "entry"],
            ],
            fields=[
                "state",
                "move_type",
                "amount_total",
                "date",
                "invoice_date",
                "invoice_date_due",
                "invoice_line_ids",
            ],
        )

    def assert_one_bill(self, document, state="posted"):
        [bill] = self.bills(document)
        self.assertEqual(bill["state"], state)
        self.assertEqual(Decimal(str(bill["amount_total"])), document.total)
        self.assertEqual(len(bill["invoice_line_ids"]), len(document.lines))
        return bill

    @contextmanager
    def locked_until(self, day, field="fiscalyear_lock_date"):
        """Lock the ERP's company up to a date."""
        # By SQL: the ERP itself first wants all bank statements reconciled.
        self.sql(f"UPDATE res_company SET {field} = %s", day)
        try:
            yield
        finally:
            self.sql(f"UPDATE res_company SET {field} = NULL")

    def sql(self, query, *values):
        connection = psycopg2.connect(self.dsn)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values)
        finally:
            connection.close()


PURCHASE = ["type", "=", "purchase"]


class TestSend(RealOdooCase):
    def test_a_bill_is_booked(self):
        document = self.document(narration="a < b", origin="PO/7")
        receipt = self.send(document)
        bill = self.assert_one_bill(document)
        self.assertEqual(bill["date"], "2026-10-06")
        self.assertEqual(bill["invoice_date"], "2026-10-05")
        self.assertEqual(bill["invoice_date_due"], "2026-12-24")
        self.assertTrue(matches(document, receipt), receipt)
        self.assertTrue(receipt.posted and receipt.number)
        self.assertEqual(receipt.notes, ())
        self.assertTrue(receipt.url.endswith(f"/odoo/account.move/{bill['id']}"))

    def test_a_credit_note_and_a_receipt_are_booked(self):
        for kind, move_type in (("refund", "in_refund"), ("receipt", "in_receipt")):
            document = self.document(kind=kind)
            receipt = self.send(document)
            self.assertEqual(self.assert_one_bill(document)["move_type"], move_type)
            self.assertTrue(matches(document, receipt), receipt)

    def test_a_bill_may_be_left_a_draft(self):
        document = self.document()
        for _time in range(2):
            self.assertFalse(self.send(document, post=False).posted)
        self.assert_one_bill(document, "draft")

    def test_a_bill_sent_again_is_the_same_bill_unchanged(self):
        document = self.document()
        first = self.send(document)
        self.assertEqual(self.send(document), first)
        self.assert_one_bill(document)

    def test_four_threads_with_one_key_make_one_bill(self):
        document = self.document()
        connector = self.make()
        results = []

        def work():
            try:
                results.append(self.send(document, connector))
            except ConnectorError as error:
                results.append(error)

        threads = [threading.Thread(target=work) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(100)
        self.assert_one_bill(document)
        for result in results:
            if isinstance(result, ConnectorError):
                self.assertEqual(result.outcome, Outcome.AMBIGUOUS, result)
        self.assertTrue(self.send(document).posted)
        self.assert_one_bill(document)

    def test_a_crash_after_any_call_is_made_good_by_the_same_call(self):
        files = (Attachment("bill.pdf", "application/pdf", "", PDF),)
        vendor = Vendor("New vendor", local_id=int(time.time() * 1000))
        options = {
            "create_vendors": True,
            "origin": str(uuid.uuid4()),
            "send_attachments": True,
        }
        # Just after the n-th call is just before the next one as well.
        for step in range(1, 40):
            document = self.document(attachments=files, vendor=vendor)
            connector = self.make(**options)
            with suppress(Crash):
                with dying(connector, step):
                    self.send(document, connector)
                break
            self.send(document, **options)
            bill = self.assert_one_bill(document)
            self.assertEqual(len(self.files(bill["id"])), 1)
        self.assertGreater(step, 8)
        keys = self.ask(
            "ir.model.data",
            "search_count",
            domain=[["name", "like", f"vendor_{vendor.local_id}_"]],
        )
        self.assertEqual(keys, 1)

    def test_a_lost_answer_is_found_by_our_key(self):
        document = self.document()
        connector = self.make()
        with self.assertRaises(Crash), dying(connector, "action_post"):
            self.send(document, connector)
        deadline = time.monotonic() + 60
        [receipt] = connector.look_up(document, deadline=deadline)
        self.assertTrue(receipt.ours)
        self.assertEqual(connector.look_up(self.document(), deadline=deadline), [])
        other = replace(document, key=str(uuid.uuid4()))
        [receipt] = connector.look_up(other, deadline=deadline)
        self.assertFalse(receipt.ours)

    def test_a_file_is_attached(self):
        files = (Attachment("bill.pdf", "application/pdf", "", PDF),)
        receipt = self.send(self.document(attachments=files), send_attachments=True)
        [file] = self.files(int(receipt.erp_id))
        self.assertEqual(base64.b64decode(file["datas"]), PDF)
        [bill] = self.ask(
            "account.move",
            "read",
            ids=[int(receipt.erp_id)],
            fields=["message_main_attachment_id"],
        )
        self.assertEqual(bill["message_main_attachment_id"][0], file["id"])

    def files(self, bill_id):
        return self.ask(
            "ir.attachment",
            "search_read",
            domain=[["res_model", "=", "account.move"], ["res_id", "=", bill_id]],
            fields=["name", "datas"],
        )


class TestRefused(RealOdooCase):
    def test_an_archived_account_is_refused_and_nothing_stays(self):
        code = str(uuid.uuid4().int)[:8]
        values = {"name": "Dead", "code": code, "account_type": "expense"}
        [account] = self.ask("account.account", "create", vals_list=[values])
        self.ask("account.account", "write", ids=[account], vals={"active": False})
        document = self.document()
        line = replace(document.lines[1], account=Ref("Dead", erp_id=str(account)))
        document = replace(document, lines=(document.lines[0], line))
        self.refusal("gl_account_inactive", Outcome.REJECTED, self.send, document)
        self.assertEqual(self.bills(document), [])

    def test_records_that_are_gone_are_refused_and_nothing_stays(self):
        document = self.document()
        gone = Ref("Gone", erp_id="99999999")
        for changed in (
            replace(document, vendor=Vendor("Gone", erp_id="99999999")),
            replace(document, lines=(replace(document.lines[1], account=gone),)),
            replace(document, lines=(replace(document.lines[1], taxes=(gone,)),)),
        ):
            self.refusal("mapping_changed", Outcome.REJECTED, self.send, changed)
            self.assertEqual(self.bills(document), [])

    def test_other_totals_are_refused_and_nothing_stays(self):
        document = self.document(tax=Decimal("45.07"), total=Decimal("352.57"))
        error = self.refusal("totals_differ", Outcome.REJECTED, self.send, document)
        self.assertIn("352.58 instead of", error.message)
        self.assertEqual(self.bills(document), [])

    def test_a_bill_without_lines_is_refused(self):
        document = self.document(
            lines=(), untaxed=Decimal(0), tax=Decimal(0), total=Decimal(0)
        )
        self.refusal("no_lines", Outcome.REJECTED, self.send, document)
        self.assertEqual(self.bills(document), [])

    def test_an_inactive_currency_is_refused(self):
        document = self.document(currency="XPF")
        self.refusal("currency_not_enabled", Outcome.REJECTED, self.send, document)
        self.assertEqual(self.bills(document), [])

    def test_a_closed_period_is_refused_and_nothing_is_made(self):
        for field in ("fiscalyear_lock_date", "purchase_lock_date"):
            document = self.document()
            with self.locked_until("2026-10-31", field):
                error = self.refusal(
                    "period_closed", Outcome.REJECTED, self.send, document
                )
                self.assertEqual(error.lock_date, date(2026, 10, 31))
                day = self.make().lock_date(deadline=time.monotonic() + 9)
                self.assertEqual(day, date(2026, 10, 31))
            self.assertEqual(self.bills(document), [])

    def test_a_closed_period_may_move_the_date_which_is_noted(self):
        document = self.document()
        with self.locked_until("2026-10-31"):
            receipt = self.send(document, lock_policy="next_open")
        self.assertGreater(receipt.accounting_date, date(2026, 10, 31))
        [note] = receipt.notes
        self.assertIn("instead of 2026-10-06", note)

    def test_a_wrong_key_is_refused(self):
        connector = self.make(secret="0" * 40)
        kind = "credentials_wrong"
        self.refusal(kind, Outcome.REJECTED, self.send, self.document(), connector)

    def test_a_wrong_database_is_a_wrong_address(self):
        connector = self.make(database="no_such_database")
        kind = "address_wrong"
        self.refusal(kind, Outcome.REJECTED, self.send, self.document(), connector)

    def test_a_wrong_company_is_refused(self):
        settings = replace(self.make().settings, company="999")
        connector = OdooConnector(settings)
        document = self.document()
        with self.assertRaises(ConnectorError) as caught:
            self.send(document, connector)
        self.assertIn(caught.exception.kind, ("company_wrong", "permission_missing"))
        self.assertEqual(caught.exception.outcome, Outcome.REJECTED)


class TestUpdate(RealOdooCase):
    def update(self, document, receipt, connector=None):
        connector = connector or self.make()
        return connector.update(
            document,
            receipt.erp_id,
            attempt=str(uuid.uuid4()),
            deadline=time.monotonic() + 60,
        )

    def changed(self, document):
        """Return the document with half its first line: 157.25 + 22.54 tax."""
        line = replace(
            document.lines[0], quantity=Decimal(1), subtotal=Decimal("150.25")
        )
        return replace(
            document,
            lines=(line, document.lines[1]),
            untaxed=Decimal("157.25"),
            tax=Decimal("22.54"),
            total=Decimal("179.79"),
        )

    def test_a_posted_bill_is_changed(self):
        document = self.document()
        receipt = self.send(document)
        changed = self.changed(document)
        updated = self.update(changed, receipt)
        self.assertEqual(updated.number, receipt.number)
        self.assertTrue(updated.posted)
        self.assert_one_bill(changed)

    def test_a_crash_after_any_call_is_made_good_by_the_same_call(self):
        document = self.document()
        receipt = self.send(document)
        for step in range(1, 20):
            document, changed = self.changed(document), document
            connector = self.make()
            with suppress(Crash):
                with dying(connector, step):
                    self.update(changed, receipt, connector)
                break
            self.update(changed, receipt)
            self.assert_one_bill(changed)
            document = self.document(key=document.key, reference=document.reference)
        self.assertGreater(step, 6)

    def test_a_change_that_is_refused_leaves_the_bill_as_it_was(self):
        document = self.document()
        receipt = self.send(document)
        wrong = replace(self.changed(document), total=Decimal(1))
        self.refusal("totals_differ", Outcome.REJECTED, self.update, wrong, receipt)
        bill = self.assert_one_bill(document)
        self.assertEqual(bill["invoice_date_due"], "2026-12-24")

    def test_a_paid_bill_is_left_alone(self):
        document = self.document()
        receipt = self.send(document)
        self.pay(int(receipt.erp_id))
        changed = self.changed(document)
        kind = "bill_paid_in_erp"
        self.refusal(kind, Outcome.REJECTED, self.update, changed, receipt)
        self.assert_one_bill(document)

    def test_a_bill_in_a_closed_period_is_left_alone(self):
        document = self.document()
        receipt = self.send(document)
        changed = self.changed(document)
        with self.locked_until("2026-10-31"):
            kind = "period_closed_update"
            self.refusal(kind, Outcome.REJECTED, self.update, changed, receipt)
        self.assert_one_bill(document)

    def test_a_bill_that_is_gone_is_said_to_be(self):
        document = self.document()
        receipt = self.send(document, post=False)
        self.ask("account.move", "unlink", ids=[int(receipt.erp_id)])
        kind = "bill_missing_in_erp"
        self.refusal(kind, Outcome.REJECTED, self.update, document, receipt)

    def pay(self, bill_id):
        context = {"active_model": "account.move", "active_ids": [bill_id]}
        wizard = self.ask(
            "account.payment.register", "create", vals_list=[{}], context=context
        )
        self.ask(
            "account.payment.register",
            "action_create_payments",
            ids=wizard,
            context=context,
        )


class TestSetUp(RealOdooCase):
    def test_a_connection_that_works_passes_every_check(self):
        items = self.make(create_vendors=True).check(deadline=time.monotonic() + 60)
        self.assertEqual([item for item in items if not item.ok], [])
        self.assertEqual(
            [item.name for item in items],
            ["Address", "Certificate", "Version", "Database", "Key", "Company"]
            + ["Rights", "Purchase journal", "Chart of accounts", "Lock date"],
        )

    def test_a_wrong_key_fails_that_check_and_ends_there(self):
        items = self.make(secret="0" * 40).check(deadline=time.monotonic() + 60)
        wrong = [item for item in items if not item.ok]
        self.assertEqual([item.name for item in wrong], ["Key"])
        self.assertEqual(items[-1], wrong[0])

    def test_a_wrong_database_fails_that_check_and_ends_there(self):
        items = self.make(database="no_such").check(deadline=time.monotonic() + 60)
        wrong = [item for item in items if not item.ok]
        self.assertEqual([item.name for item in wrong], ["Database"])
        self.assertEqual(items[-1], wrong[0])
        self.assertIn("name of the database", wrong[0].todo)

    def test_a_missing_journal_fails_that_check_only(self):
        items = self.make(journal_id="99999").check(deadline=time.monotonic() + 60)
        [item] = [item for item in items if not item.ok]
        self.assertEqual(item.name, "Purchase journal")

    def test_master_data_is_fetched(self):
        connector = self.make()
        found = {
            kind: list(connector.fetch(kind, deadline=time.monotonic() + 60))
            for kind in (
                "account",
                "vendor",
                "tax",
                "journal",
                "payment_term",
                "analytic",
                "currency",
            )
        }
        self.assertIn("USD", [record.code for record in found["currency"]])
        self.assertIn(str(self.account), [one.erp_id for one in found["account"]])
        [tax] = [one for one in found["tax"] if one.erp_id == str(self.tax)]
        self.assertEqual(tax.detail, "purchase 15%")
        self.assertTrue(found["journal"] and found["payment_term"])

    def test_a_vendor_is_made_once(self):
        vendor = Vendor(
            "Made",
            local_id=int(time.time() * 1000),
            vat=f"X{uuid.uuid4().hex[:9]}",
            street="Street 1",
            city="Town",
            country_code="BE",
        )
        options = {"create_vendors": True, "origin": "test"}
        first = self.send(self.document(vendor=vendor), **options)
        other = replace(vendor, vat="")
        second = self.send(self.document(vendor=other), **options)
        found = self.send(self.document(vendor=replace(vendor, local_id=0)))
        self.assertEqual(first.vendor_erp_id, second.vendor_erp_id)
        self.assertEqual(first.vendor_erp_id, found.vendor_erp_id)
        [partner] = self.ask(
            "res.partner",
            "read",
            ids=[int(first.vendor_erp_id)],
            fields=["name", "vat", "street", "country_code", "is_company"],
        )
        del partner["id"]
        self.assertEqual(
            partner,
            {
                "name": "Made",
                "vat": vendor.vat,
                "street": "Street 1",
                "country_code": "BE",
                "is_company": True,
            },
        )


class TestSendByJsonRpc(TestSend):
    protocol = "jsonrpc"
    test_a_crash_after_any_call_is_made_good_by_the_same_call = None  # slow, and alike


class TestRefusedByJsonRpc(TestRefused):
    protocol = "jsonrpc"


class TestUpdateByJsonRpc(TestUpdate):
    protocol = "jsonrpc"
    test_a_crash_after_any_call_is_made_good_by_the_same_call = None  # slow, and alike


class TestSetUpByJsonRpc(TestSetUp):
    protocol = "jsonrpc"


@contextmanager
def dying(connector, step):
    """Let our process die just after the connector's n-th call, or the call of that
    method."""
    rpc = connector._rpc
    count = 0

    def call(model, method, *arguments, **options):
        nonlocal count
        count += 1
        result = OdooRpc.call(rpc, model, method, *arguments, **options)
        if step in (count, method):
            raise Crash
        return result

    rpc.call = call
    try:
        yield
    finally:
        del rpc.call
