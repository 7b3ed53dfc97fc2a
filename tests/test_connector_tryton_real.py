"""The Tryton connector against a real Tryton 8.0, which ``python3 dev test`` starts.

What is tested there is what no script can tell: that it keeps one bill, with the right
totals, whatever happens on the way.
"""

import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from ..connectors.base import (
    Attachment,
    Outcome,
    Ref,
    Vendor,
    matches,
)
from ..connectors.tryton_rest import TrytonRest
from .common_tryton_case import ManyAtOnce, RealTrytonCase

PDF = b"%PDF-1.4\n%%EOF\n"


class Crash(Exception):
    """Our process dies."""


class TestSend(ManyAtOnce, RealTrytonCase):
    def test_a_bill_is_booked(self):
        document = self.document(narration="a < b", origin="PO/7")
        receipt = self.send(document)
        invoice = self.assert_one_bill(document)
        booked = self.erp.booked(invoice)
        self.assertEqual(booked, (self.today, "posted", document.total))
        self.assertTrue(matches(document, receipt), receipt)
        self.assertTrue(receipt.posted and receipt.number)
        self.assertEqual((receipt.notes, receipt.ours), ((), True))
        link = f"{self.erp.url}/#{self.erp.database}/model/account.invoice/{invoice}"
        self.assertEqual(receipt.url, link)
        [[due, bill_date, comment]] = self.erp.query(
            "SELECT line.maturity_date, invoice.invoice_date, invoice.comment"
            " FROM account_invoice invoice JOIN account_move_line line"
            " ON line.move = invoice.move AND line.account = invoice.account"
            " WHERE invoice.id = ?",
            invoice,
        )
        self.assertEqual(due, str(document.due_date))
        self.assertEqual(bill_date, str(document.bill_date))
        self.assertTrue(comment.startswith("a < b\n"))

    def test_a_credit_note_is_booked_the_other_way_round(self):
        document = self.document(kind="refund")
        receipt = self.send(document)
        invoice = self.assert_one_bill(document)
        self.assertTrue(matches(document, receipt), receipt)
        [[payable]] = self.erp.query(
            "SELECT sum(CAST(line.debit AS REAL)) FROM account_invoice invoice"
            " JOIN account_move_line line ON line.move = invoice.move"
            " AND line.account = invoice.account WHERE invoice.id = ?",
            invoice,
        )
        self.assertEqual(Decimal(str(payable)), document.total)

    def test_a_receipt_is_found_as_one(self):
        document = self.document(kind="receipt")
        self.assertTrue(matches(document, self.send(document)))

    def test_a_discount_is_in_the_price(self):
        document = self.document()
        first, second = document.lines
        # 3 x 9.99 - 7.5 % = 27.72: no price of four digits gives that
        odd = replace(
            first,
            quantity=Decimal(3),
            price_unit=Decimal("9.99"),
            discount=Decimal("7.5"),
            subtotal=Decimal("27.72"),
            taxes=(),
        )
        half = replace(second, price_unit=Decimal(14), discount=Decimal(50), name="Tea")
        totals = {"untaxed": Decimal("34.72"), "total": Decimal("34.72")}
        document = self.document(lines=(odd, half), tax=Decimal(0), **totals)
        self.send(document)
        self.assert_one_bill(document)

    def test_a_cent_of_rounding_is_as_on_the_bill(self):
        first, second = self.document().lines
        tax = Ref("15%", erp_id=str(self.facts["taxes"]["15"]))
        lines = tuple(
            replace(
                second, price_unit=Decimal(price), subtotal=Decimal(price), taxes=(tax,)
            )
            for price in ("109.50", "156.00")
        )
        for kind in ("bill", "refund"):
            document = self.document(
                kind=kind,
                lines=lines,
                untaxed=Decimal("265.50"),
                tax=Decimal("39.83"),  # of 39.825; Tryton makes it 39.82
                total=Decimal("305.33"),
            )
            receipt = self.send(document)
            self.assertIn("39.82", receipt.notes[0])
            invoice = self.assert_one_bill(document)
            _day, state, booked = self.erp.booked(invoice)
            self.assertEqual((state, booked), ("posted", document.total))

    def test_a_foreign_currency_is_kept(self):
        code = self.facts["foreign_currency"]
        document = self.document(currency=code)
        receipt = self.send(document)
        self.assertTrue(matches(document, receipt), receipt)

    def test_a_term_is_used(self):
        term = Ref("30 Days", erp_id=str(self.facts["term"]))
        document = self.document(payment_term=term)
        self.send(document)
        invoice = self.assert_one_bill(document)
        [[due]] = self.erp.query(
            "SELECT line.maturity_date FROM account_invoice invoice"
            " JOIN account_move_line line ON line.move = invoice.move"
            " AND line.account = invoice.account WHERE invoice.id = ?",
            invoice,
        )
        self.assertEqual(due, str(document.bill_date + timedelta(days=30)))

    def test_a_bill_may_be_left_a_draft_and_is_posted_later(self):
        document = self.document()
        for _time in range(2):
            self.assertFalse(self.send(document, post=False).posted)
        [(_invoice, state, *_rest)] = self.erp.find(document)
        self.assertEqual(state, "draft")
        self.assertTrue(self.send(document).posted)
        self.assert_one_bill(document)

    def test_a_bill_sent_again_is_the_same_bill_unchanged(self):
        document = self.document()
        first = self.send(document)
        self.assertEqual(self.send(document), first)
        self.assert_one_bill(document)

    def test_a_crash_after_any_call_is_made_good_by_the_same_call(self):
        files = (Attachment("bill.pdf", "application/pdf", "", PDF),)
        options = {
            "create_vendors": True,
            "origin": str(uuid.uuid4()),
            "send_attachments": True,
        }
        vendor = Vendor(f"New {uuid.uuid4()}", local_id=12)
        for step in range(1, 40):
            document = self.document(attachments=files, vendor=vendor)
            connector = self.erp.connector(**options)
            with suppress(Crash):
                with dying(step):
                    self.send(document, connector)
                break
            self.send(document, **options)
            invoice = self.assert_one_bill(document)
            self.assertEqual(self.erp.files(invoice), {"bill.pdf": PDF})
        self.assertGreater(step, 8)
        made = self.erp.query("SELECT id FROM party_party WHERE name = ?", vendor.name)
        self.assertEqual(len(made), 1)

    def test_a_lost_answer_is_found_by_our_key(self):
        document = self.document()
        connector = self.erp.connector()
        with self.assertRaises(Crash), dying("/post"):
            self.send(document, connector)
        deadline = time.monotonic() + 60
        [receipt] = connector.look_up(document, deadline=deadline)
        self.assertTrue(receipt.ours and receipt.posted)
        self.assertEqual(connector.look_up(self.document(), deadline=deadline), [])
        other = replace(document, key=str(uuid.uuid4()))
        [receipt] = connector.look_up(other, deadline=deadline)
        self.assertFalse(receipt.ours)

    def test_a_file_too_large_for_the_server_is_a_note(self):
        files = (
            Attachment("small.pdf", "application/pdf", "", PDF),
            Attachment("large.pdf", "application/pdf", "", PDF * 200_000),
        )
        document = self.document(attachments=files)
        receipt = self.send(document, send_attachments=True)
        self.assertEqual(receipt.missing_files, ("large.pdf",))
        self.assertIn("large.pdf", receipt.notes[0])
        invoice = self.assert_one_bill(document)
        self.assertEqual(self.erp.files(invoice), {"small.pdf": PDF})


class TestRefused(RealTrytonCase):
    def test_an_ended_account_is_refused_and_nothing_stays(self):
        document = self.on_account(self.facts["ended_account"])
        kind = "gl_account_inactive"
        self.refusal(kind, Outcome.REJECTED, self.send, document)
        self.assertEqual(self.erp.find(document), [])

    def test_wrong_ids_are_refused_and_nothing_stays(self):
        cash = self.erp.query("SELECT id FROM account_account WHERE code = '1.1.1'")
        line = self.document().lines[0]
        gone = replace(line, taxes=(Ref("Gone", erp_id="99999"),))
        vendor = Vendor("Gone", local_id=1, erp_id="99999")
        table = (
            ("gl_account_wrong_type", self.on_account(str(cash[0][0]))),
            ("mapping_changed", self.on_account("99999")),
            ("mapping_changed", self.document(lines=(gone,))),
            ("vendor_not_found", self.document(vendor=vendor)),
            ("currency_not_enabled", self.document(currency="SEK")),
        )
        for kind, document in table:
            with self.subTest(kind):
                self.refusal(kind, Outcome.REJECTED, self.send, document)
                self.assertEqual(self.erp.find(document), [])

    def test_a_cent_off_is_refused_and_nothing_stays(self):
        cent = Decimal("0.01")
        document = self.document()
        document = replace(
            document, tax=document.tax + cent, total=document.total + cent
        )
        self.refusal("totals_differ", Outcome.REJECTED, self.send, document)
        self.assertEqual(self.erp.find(document), [])

    def test_a_closed_period_is_refused_or_left_for_the_next(self):
        until = date.fromisoformat(self.facts["closed_period"]["until"])
        days = {"bill_date": until, "accounting_date": until}
        document = self.document(**days)
        error = self.refusal("period_closed", Outcome.REJECTED, self.send, document)
        self.assertEqual(error.lock_date, until)
        self.assertEqual(self.erp.find(document), [])
        receipt = self.send(document, lock_policy="next_open")
        self.assertEqual(receipt.accounting_date, until + timedelta(days=1))
        self.assertIn("instead of", receipt.notes[0])
        self.assert_one_bill(document)

    def test_a_period_closed_meanwhile_is_refused_by_the_erp(self):
        day = self.today.replace(year=self.today.year + 1, month=12, day=24)
        document = self.document(bill_date=day, accounting_date=day)
        connector = self.erp.connector()
        self.send(self.document(), connector)  # it knows the periods now
        with self.closed(day):
            kind = "period_closed"
            self.refusal(kind, Outcome.REJECTED, self.send, document, connector)
            self.assertEqual(self.erp.find(document), [])

    @contextmanager
    def closed(self, day):
        administrator = self.erp.administrator()
        domain = [["start_date", "<=", day], ["end_date", ">=", day]]
        [row] = administrator.find("account.period", domain, ["name"])
        administrator.press("account.period", row["id"], "close")
        try:
            yield
        finally:
            administrator.press("account.period", row["id"], "reopen")

    def test_without_a_fiscal_year_there_is_no_period(self):
        day = date(2001, 2, 3)
        document = self.document(bill_date=day, accounting_date=day)
        self.refusal("no_period", Outcome.REJECTED, self.send, document)
        self.assertEqual(self.erp.find(document), [])

    def test_a_bill_entered_by_another_is_a_duplicate(self):
        document = self.document()
        self.send(document)
        other = replace(document, key=str(uuid.uuid4()))
        self.refusal("duplicate_bill", Outcome.REJECTED, self.send, other)
        self.assert_one_bill(document)

    def test_the_erp_itself_refuses_what_is_similar(self):
        document = self.document()
        other = replace(document, key=str(uuid.uuid4()))
        with patch(
            "odoo.addons.ap_sync.connectors.tryton_single.find_ours",
            lambda *_arguments: None,  # as if it was entered just after we looked
        ):
            self.send(document)
            self.refusal("duplicate_bill", Outcome.REJECTED, self.send, other)
        self.assert_one_bill(document)

    def test_a_wrong_key_is_refused(self):
        document = self.document()
        error = self.refusal(
            "credentials_wrong", Outcome.REJECTED, self.send, document, key="0" * 128
        )
        self.assertEqual(error.status, 401)
        self.assertEqual(self.erp.find(document), [])

    def test_an_unknown_vendor_is_made_only_where_that_is_wanted(self):
        vendor = Vendor(f"New {uuid.uuid4()}", local_id=77, vat="BE0123")
        document = self.document(vendor=vendor)
        self.refusal("vendor_not_found", Outcome.REJECTED, self.send, document)
        options = {"create_vendors": True, "origin": str(uuid.uuid4())}
        first = self.send(document, **options)
        again = self.send(self.document(vendor=vendor), **options)
        self.assertEqual(first.vendor_erp_id, again.vendor_erp_id)

    def test_a_vendor_is_found_by_its_vat_number(self):
        spaced = " ".join(self.facts["vendor_vat"])
        vendor = Vendor("Whatever", local_id=78, vat=spaced)
        receipt = self.send(self.document(vendor=vendor))
        self.assertEqual(receipt.vendor_erp_id, str(self.facts["vendor"]))


class TestChanges(RealTrytonCase):
    def change(self, name, document, erp_id, **options):
        call = getattr(self.erp.connector(**options), name)
        deadline = time.monotonic() + 60
        return call(document, erp_id, attempt="a", deadline=deadline)

    def test_a_bill_is_cancelled_by_the_opposite_booking(self):
        document = self.document()
        erp_id = self.send(document).erp_id
        for _time in range(2):
            self.change("cancel", document, erp_id)
        [(_invoice, state, *_rest)] = self.erp.find(document)
        self.assertEqual(state, "cancelled")
        [[left]] = self.erp.query(
            "SELECT sum(CAST(line.debit AS REAL) - CAST(line.credit AS REAL))"
            " FROM account_invoice invoice JOIN account_move_line line"
            " ON line.move IN (invoice.move, invoice.cancel_move)"
            " AND line.account = invoice.account WHERE invoice.id = ?",
            int(erp_id),
        )
        self.assertEqual(left, 0)
        connector = self.erp.connector()
        deadline = time.monotonic() + 60
        self.assertEqual(connector.look_up(document, deadline=deadline), [])
        self.assertEqual(connector.read_bills([erp_id], deadline=deadline), {})

    def test_a_cancelled_bill_may_be_sent_as_a_new_revision(self):
        document = self.document()
        self.change("cancel", document, self.send(document).erp_id)
        self.refusal("edited_in_erp", Outcome.REJECTED, self.send, document)
        revised = replace(document, key=str(uuid.uuid4()))
        self.assertTrue(self.send(revised).posted)
        states = [state for _id, state, *_rest in self.erp.find(document)]
        self.assertEqual(states, ["cancelled", "posted"])

    def test_a_bill_that_is_gone_is_no_error(self):
        receipt = self.change("cancel", self.document(), "99999")
        self.assertIn("deleted", receipt.notes[0])

    def test_a_bill_of_a_period_closed_since_is_cancelled_only_if_allowed(self):
        until = date.fromisoformat(self.facts["closed_period"]["until"])
        administrator = self.erp.administrator()
        number = self.facts["closed_period"]["id"]
        administrator.press("account.period", number, "reopen")
        try:
            document = self.document(bill_date=until, accounting_date=until)
            erp_id = self.send(document).erp_id
        finally:
            administrator.press("account.period", number, "close")
        kind = "period_closed_update"
        arguments = ("cancel", document, erp_id)
        self.refusal(kind, Outcome.REJECTED, self.change, *arguments)
        self.assert_one_bill(document)
        self.change(*arguments, lock_policy="next_open")
        self.assert_one_bill(document, "cancelled")

    def test_a_posted_bill_is_not_changed(self):
        document = self.document()
        erp_id = self.send(document).erp_id
        kind = "update_unsupported"
        arguments = ("update", document, erp_id)
        self.refusal(kind, Outcome.REJECTED, self.change, *arguments)
        self.assert_one_bill(document)

    def test_files_follow_to_a_posted_bill_once(self):
        document = self.document()
        erp_id = self.send(document).erp_id
        files = (Attachment("late.pdf", "application/pdf", "", PDF),)
        document = replace(document, attachments=files)
        for _time in range(2):
            receipt = self.change("attach", document, erp_id, send_attachments=True)
            self.assertEqual(receipt.notes, ())
        self.assertEqual(self.erp.files(int(erp_id)), {"late.pdf": PDF})

    def test_bills_are_read_as_they_are_now(self):
        document = self.document(kind="refund")
        erp_id = self.send(document).erp_id
        deadline = time.monotonic() + 60
        found = self.erp.connector().read_bills([erp_id, "99999"], deadline=deadline)
        self.assertEqual(list(found), [erp_id])
        self.assertTrue(matches(document, found[erp_id]))


class TestSetUp(RealTrytonCase):
    def test_the_check_is_all_right(self):
        items = self.erp.connector(create_vendors=True, send_attachments=True).check(
            deadline=time.monotonic() + 60
        )
        self.assertEqual([item for item in items if not item.ok], [])
        names = [item.name for item in items]
        self.assertEqual(
            names[:5], ["Address", "Certificate", "Version", "Database", "Key"]
        )
        self.assertIn("Fiscal year", names)

    def test_the_check_tells_a_wrong_key_a_wrong_company_and_missing_rights(self):
        deadline = time.monotonic() + 60
        [*_right, item] = self.erp.connector(key="0" * 128).check(deadline=deadline)
        self.assertEqual((item.name, item.ok), ("Key", False))
        connector = self.erp.connector()
        connector.settings = replace(connector.settings, company="99999")
        [*_right, item] = connector.check(deadline=deadline)
        self.assertEqual((item.name, item.ok), ("Company", False))
        stranger = self.erp.connector(key=self.stranger())
        items = {item.name: item for item in stranger.check(deadline=deadline)}
        self.assertFalse(items["Rights"].ok)
        self.assertIn("create account.invoice", items["Rights"].message)
        self.refusal(
            "permission_missing", Outcome.REJECTED, self.send, self.document(), stranger
        )

    def stranger(self):
        """Return the key of a user who may nothing."""
        administrator = self.erp.administrator()
        login = str(uuid.uuid4())
        company = self.facts["company"]
        user = administrator.insert(
            "res.user",
            {
                "name": login,
                "login": login,
                "companies": [["add", [company]]],
                "company": company,
            },
        )
        values = {"user": user["id"], "application": "rest"}
        return administrator.insert("res.user.application", values, ["key"])["key"]

    def test_master_data_is_there(self):
        connector = self.erp.connector()
        deadline = time.monotonic() + 60
        kinds = connector.profile.master_data
        found = {kind: list(connector.fetch(kind, deadline=deadline)) for kind in kinds}
        accounts = {record.code: record for record in found["account"]}
        self.assertEqual(accounts["600000"].name, "Expenses")
        self.assertTrue(accounts["600000"].active)
        self.assertFalse(accounts[self.facts["ended_account"]].active)
        self.assertNotIn("", accounts, "what only groups others is left out")
        vendors = {record.erp_id: record for record in found["vendor"]}
        vendor = vendors[str(self.facts["vendor"])]
        self.assertEqual(vendor.detail, self.facts["vendor_vat"])
        taxes = {record.name: record.detail for record in found["tax"]}
        self.assertEqual(taxes["10%"], "purchase 10%")
        self.assertIn("30 Days", [record.name for record in found["payment_term"]])
        self.assertIn("USD", [record.code for record in found["currency"]])
        self.assertEqual([record.code for record in found["journal"]], ["EXP"])

    def test_the_lock_date_is_the_end_of_the_closed_periods(self):
        locked = self.erp.connector().lock_date(deadline=time.monotonic() + 60)
        self.assertEqual(str(locked), self.facts["closed_period"]["until"])


@contextmanager
def dying(where):
    """Let our process die just after a call was answered: the n-th, or the first whose
    path has this end."""
    left = [where if isinstance(where, int) else 1]
    call = TrytonRest.call

    def counted(self, method, path, *arguments, **options):
        result = call(self, method, path, *arguments, **options)
        if isinstance(where, int) or path.endswith(where):
            left[0] -= 1
            if not left[0]:
                raise Crash
        return result

    with patch.object(TrytonRest, "call", counted):
        yield
