"""The Tryton connector against scripted answers: what it calls, and what it makes of
every answer. Messages of errors are those a real Tryton 8.0 gave."""

import json
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal

from odoo.tests import BaseCase

from ..connectors.base import (
    Attachment,
    ConnectorError,
    Document,
    Line,
    Outcome,
    Ref,
    Vendor,
    matches,
)
from .connector_server import ScriptedServer, hang, message, reset
from .tryton_server import KEY, PARTY, FakeTryton, made_by, page, period, refusal

BILL_KEY = "0b6c1c3e-0000-4000-8000-000000000001"
DRAFT = {
    "id": 57,
    "__name__": "account.invoice",
    "state": "draft",
    "number": None,
    "type": "in",
    "reference": "INV-1",
    "comment": f"[ap_sync:{BILL_KEY}]",
    "accounting_date": date(2026, 11, 15),
    "move": None,
    "currency": {"id": 1, "code": "USD"},
    "party": 45,
    "untaxed_amount": Decimal("300.50"),
    "tax_amount": Decimal("30.05"),
    "total_amount": Decimal("330.55"),
    "amount_to_pay": Decimal(0),
    "lines": [70],
}
BILL = {
    **DRAFT,
    "state": "posted",
    "number": "12",
    "move": {"id": 3, "date": date(2026, 11, 15)},
    "amount_to_pay": Decimal("330.55"),
}
OTHERS = {**BILL, "id": 99, "comment": "by hand"}
SIMILAR = 'The invoice "[INV-1]" is similar to invoice "1 [INV-1]".'
CREATE, POST = "POST account.invoice", "POST account.invoice/post"
DELETE = "DELETE account.invoice"
UNSERIALIZED = page("503 Service Unavailable", "could not serialize access due to")


def make_document(**changes) -> Document:
    """Return a bill of 300.50 + 30.05 tax, mapped as in ``BILL``."""
    line = Line(
        name="Consulting",
        quantity=Decimal(2),
        price_unit=Decimal("150.25"),
        discount=Decimal(0),
        subtotal=Decimal("300.50"),
        account=Ref("Expenses", "600000", 1, "29"),
        taxes=(Ref("10%", "", 2, "2"),),
    )
    values = {
        "key": BILL_KEY,
        "kind": "bill",
        "reference": "INV-1",
        "bill_date": date(2026, 11, 15),
        "accounting_date": date(2026, 11, 15),
        "due_date": date(2026, 12, 24),
        "currency": "USD",
        "vendor": Vendor("Deco", "", 7, "45"),
        "lines": (line,),
        "untaxed": Decimal("300.50"),
        "tax": Decimal("30.05"),
        "total": Decimal("330.55"),
    }
    return Document(**{**values, **changes})


def tryton(*bills):
    return FakeTryton(DRAFT, bills)


class TrytonCase(BaseCase):
    def send(self, server, document=None, **options):
        deadline = time.monotonic() + options.pop("seconds", 9)
        connector = made_by(server, **options)
        return connector.send(
            document or make_document(), attempt="attempt-1", deadline=deadline
        )

    def refusal(self, server, kind, outcome, document=None, **options):
        with self.assertRaises(ConnectorError) as caught:
            self.send(server, document, **options)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)
        self.assertNotIn(KEY, f"{error} {error.message} {error.excerpt}")
        return error


class TestSend(TrytonCase):
    def test_a_bill_takes_five_calls_once_the_rest_is_known(self):
        with tryton() as server:
            connector = made_by(server)
            options = {"attempt": "attempt-1", "deadline": time.monotonic() + 9}
            receipt = connector.send(make_document(), **options)
            server.bills.clear()
            server.called.clear()
            connector.send(make_document(), **options)
        self.assertEqual(
            server.called,
            ["GET party.party", "GET account.invoice", CREATE]
            + ["GET account.invoice", POST],
        )
        self.assertTrue(matches(make_document(), receipt))
        self.assertEqual((receipt.number, receipt.posted), ("12", True))
        self.assertEqual(receipt.accounting_date, date(2026, 11, 15))
        self.assertEqual((receipt.ours, receipt.notes), (True, ()))
        link = f"{server.url}/#books/model/account.invoice/57"
        self.assertEqual(receipt.url, link)
        for request in server.requests:
            self.assertEqual(request.headers["x-attempt-id"], "attempt-1")
            self.assertEqual(request.headers["authorization"], f"Bearer {KEY}")
            self.assertEqual(request.headers["accept-language"], "en")

    def test_the_values_are_typed_and_complete(self):
        with tryton() as server:
            self.send(server, make_document(narration="a < b", origin="PO/7"))
            [sent] = server.sent(CREATE)
        [[_create, [line]]] = sent.pop("lines")
        day = {"__class__": "date", "year": 2026, "month": 11, "day": 15}
        due = {"__class__": "date", "year": 2026, "month": 12, "day": 24}
        self.assertEqual(
            sent,
            {
                "type": "in",
                "company": 1,
                "party": 45,
                "invoice_address": 6,
                "account": 67,
                "journal": 2,
                "currency": 1,
                "reference": "INV-1",
                "description": "PO/7",
                "comment": f"a < b\n[ap_sync:{BILL_KEY}]",
                "invoice_date": day,
                "accounting_date": day,
                "payment_term": None,
                "payment_term_date": due,
            },
        )
        self.assertEqual(
            line,
            {
                "type": "line",
                "company": 1,
                "currency": 1,
                "account": 29,
                "taxes": [["add", [2]]],
                "description": "Consulting",
                "quantity": 2.0,
                "unit_price": {"__class__": "Decimal", "decimal": "150.2500"},
            },
        )

    def test_a_mapped_term_decides_when_it_is_due(self):
        term = Ref("30 Days", erp_id="4")
        with tryton() as server:
            self.send(server, make_document(payment_term=term))
            [sent] = server.sent(CREATE)
        self.assertEqual((sent["payment_term"], sent["payment_term_date"]), (4, None))

    def test_a_credit_note_is_a_negative_invoice(self):
        names = ("untaxed_amount", "tax_amount", "total_amount")
        negative = {**DRAFT, **{name: -DRAFT[name] for name in names}}
        document = make_document(kind="refund")
        with FakeTryton(negative) as server:
            receipt = self.send(server, document)
            [sent] = server.sent(CREATE)
        self.assertEqual(sent["lines"][0][1][0]["quantity"], -2.0)
        self.assertTrue(matches(document, receipt), receipt)

    def test_a_receipt_is_known_again(self):
        document = make_document(kind="receipt")
        with tryton() as server:
            self.send(server, document)
            [sent] = server.sent(CREATE)
            server.bills[0]["comment"] = sent["comment"]
            options = {"deadline": time.monotonic() + 5}
            [receipt] = made_by(server).look_up(document, **options)
        self.assertTrue(matches(document, receipt), receipt)

    def test_a_price_that_has_too_many_digits_becomes_one_piece(self):
        line = make_document().lines[0]
        table = (
            ("100", "0", "3", "300.00", 3.0, "100.0000", "Consulting"),
            ("100", "10", "3", "270.00", 3.0, "90.0000", "Consulting"),
            ("0.33333", "0", "900", "300.00", 1.0, "300.00", "900 x 0.33333"),
            ("19.99", "7.5", "1234", "22817.58", 1.0, "22817.58", "-7.5 %"),
            ("5", "0", "-2", "-10.00", -2.0, "5.0000", "Consulting"),
        )
        for (
            price,
            discount,
            quantity,
            subtotal,
            sent_quantity,
            sent_price,
            text,
        ) in table:
            changed = replace(
                line,
                price_unit=Decimal(price),
                discount=Decimal(discount),
                quantity=Decimal(quantity),
                subtotal=Decimal(subtotal),
            )
            with self.subTest(price=price, discount=discount), tryton() as server:
                self.send(server, make_document(lines=(changed,)))
                [sent] = server.sent(CREATE)
                [[_create, [values]]] = sent["lines"]
                self.assertEqual(values["quantity"], sent_quantity)
                self.assertEqual(values["unit_price"]["decimal"], sent_price)
                self.assertIn(text, values["description"])

    def test_a_bill_may_be_left_a_draft(self):
        with tryton() as server:
            self.assertFalse(self.send(server, post=False).posted)
        self.assertNotIn(POST, server.called)

    def test_a_bill_that_somebody_else_entered_there_is_not_entered_again(self):
        with tryton(OTHERS) as server:
            self.refusal(server, "duplicate_bill", Outcome.REJECTED)
        self.assertNotIn(CREATE, server.called)

    def test_a_draft_of_an_earlier_try_is_written_again_and_posted(self):
        with tryton(DRAFT) as server:
            server.answer("PUT account.invoice", DRAFT)
            self.assertTrue(self.send(server).posted)
            [written] = server.sent("PUT account.invoice")
        self.assertNotIn(CREATE, server.called)
        self.assertEqual(written["lines"][0], ["delete", [70]])
        self.assertEqual(written["lines"][1][0], "create")

    def test_a_bill_posted_by_an_earlier_try_is_taken_as_it_is(self):
        with tryton(BILL) as server:
            self.assertTrue(self.send(server).posted)
        for call in (CREATE, POST, DELETE, "PUT account.invoice"):
            self.assertNotIn(call, server.called)

    def test_a_bill_posted_with_other_amounts_is_no_success(self):
        with tryton({**BILL, "total_amount": Decimal(1)}) as server:
            self.refusal(server, "totals_differ", Outcome.AMBIGUOUS)
        self.assertNotIn(DELETE, server.called)

    def test_a_bill_cancelled_there_is_not_made_again(self):
        with tryton({**BILL, "state": "cancelled"}) as server:
            self.refusal(server, "edited_in_erp", Outcome.REJECTED)
        self.assertNotIn(CREATE, server.called)

    def test_of_two_drafts_under_one_key_the_older_one_stays(self):
        older = {**DRAFT, "id": 56}
        with tryton() as server:
            server.answer("GET account.invoice", [], [older, DRAFT])
            server.bills.append(dict(older))
            receipt = self.send(server)
        self.assertEqual(receipt.erp_id, "56")
        self.assertEqual([bill["id"] for bill in server.bills], [56])

    def test_a_bill_that_another_posted_first_is_the_bill(self):
        first = {**BILL, "id": 60}
        with tryton() as server:
            server.answer(POST, refusal(SIMILAR))
            server.answer("GET account.invoice", [], [DRAFT], *[[DRAFT, first]] * 2)
            receipt = self.send(server)
        self.assertEqual((receipt.erp_id, receipt.posted), ("60", True))
        self.assertIn(DELETE, server.called)

    def test_two_posted_under_one_key_are_told_and_nothing_is_deleted(self):
        with tryton() as server:
            server.answer(POST, refusal(SIMILAR))
            twice = [BILL, {**BILL, "id": 60}]
            server.answer("GET account.invoice", [], [DRAFT], twice)
            error = self.refusal(server, "outcome_unknown", Outcome.AMBIGUOUS)
        self.assertIn("57 and 60", error.message)
        self.assertNotIn(DELETE, server.called)

    def test_what_is_refused_is_no_success_when_two_were_posted(self):
        with tryton(BILL, {**BILL, "id": 60}) as server:
            server.answer("GET currency.currency", [])
            self.refusal(server, "outcome_unknown", Outcome.AMBIGUOUS)

    def test_cancelled_bills_of_the_same_number_are_no_obstacle(self):
        with tryton({**OTHERS, "state": "cancelled"}) as server:
            server.answer(POST, refusal(SIMILAR), BILL)
            cancelled = {**OTHERS, "state": "cancelled"}
            rows = [cancelled, DRAFT]
            server.answer("GET account.invoice", [cancelled], rows, rows, [BILL])
            self.assertTrue(self.send(server).posted)
            contexts = [
                request.headers["x-tryton-context"]
                for request, name in zip(server.requests, server.called, strict=True)
                if name == POST
            ]
        self.assertEqual(len(set(contexts)), 2, "the second says: go on")


class TestRefused(TrytonCase):
    def test_other_totals_are_refused_and_the_draft_removed(self):
        draft = {
            **DRAFT,
            "tax_amount": Decimal("30.06"),
            "total_amount": Decimal("330.56"),
        }
        with FakeTryton(draft) as server:
            error = self.refusal(server, "totals_differ", Outcome.REJECTED)
        self.assertIn("330.56 instead of 300.5 + 30.05 tax = 330.55", error.message)
        self.assertEqual(server.bills, [])
        self.assertNotIn(POST, server.called)

    def test_what_posting_refuses_has_a_kind_of_its_own(self):
        table = {
            'To continue, you must reopen the period "2026-03" of company "Dunder'
            ' Mifflin" for the date "03/10/2026".': "period_closed",
            'To continue, you must create a period for the date "01/15/2020" and'
            ' company "Dunder Mifflin".': "no_period",
            'To continue, you must create a fiscal year for the date "01/15/2020" and'
            ' company "Dunder Mifflin".': "no_period",
            'The value "5.1.3 - Services" for field "Account" in record "-$300.50 @'
            ' 5.1.3" of "Account Move Line" is not valid according to its domain.': (
                "gl_account_inactive"
            ),
            'A value is required for field "Invoice Date" in record "[INV-1]" of'
            ' "Account Invoice".': "date_missing",
            'To post invoice "9 [INV-1]", you must define a currency exchange debit'
            ' account for "Dunder Mifflin".': "currency_not_enabled",
            "Etwas ist falsch.": "invalid_data",
        }
        for words, kind in table.items():
            with self.subTest(words), tryton() as server:
                server.answer(POST, refusal(words))
                error = self.refusal(server, kind, Outcome.REJECTED)
                self.assertEqual(error.message, words)
                self.assertEqual(server.bills, [], "the draft is gone")

    def test_what_creating_refuses_has_a_kind_of_its_own(self):
        table = {
            'You are not allowed to access "Account Invoice".': "permission_missing",
            'A value is required for field "Party" in "Account Invoice".': (
                "vendor_missing"
            ),
            'A value is required for field "Company" in "Account Invoice Line".': (
                "field_missing"
            ),
            'The value "99999" for field "Account" in "Account Invoice Line" does not'
            " exist.": "mapping_changed",
            'The value "99999" for field "Account" in record "20" of "Account Invoice'
            ' Line" is not valid according to its domain.': "mapping_changed",
            'The value "1.2.1 - Cash" for field "Account" in record "1" of "Account'
            ' Invoice Line" is not valid according to its domain.': (
                "gl_account_wrong_type"
            ),
            'The value "2.1.0 - Payables" for field "Account" in record "[P-1]" of'
            ' "Account Invoice" is not valid according to its domain.': (
                "vendor_no_payable_account"
            ),
            "A tax can be added only once to an invoice line.": "tax_invalid",
            'The value "VAT" for field "Taxes" in record "1" of "Account Invoice Line"'
            " is not valid according to its domain.": "tax_invalid",
            'The value "zzz" for field "Type" in record "1" of "Account Invoice" is not'
            " one of the allowed options.": "invalid_data",
        }
        for words, kind in table.items():
            with self.subTest(words), tryton() as server:
                server.answer(CREATE, refusal(words))
                error = self.refusal(server, kind, Outcome.REJECTED)
                self.assertEqual(error.message, words)
                self.assertNotIn(DELETE, server.called)

    def test_the_erps_own_duplicate_is_a_duplicate(self):
        with tryton() as server:
            server.answer(POST, refusal(SIMILAR))
            server.answer("GET account.invoice", [], [DRAFT], [DRAFT, OTHERS], [])
            self.refusal(server, "duplicate_bill", Outcome.REJECTED)

    def test_a_draft_that_cannot_be_removed_is_named(self):
        with tryton() as server:
            server.answer(POST, refusal("No."))
            server.answer(DELETE, refusal("You are not allowed to delete it."))
            error = self.refusal(server, "outcome_unknown", Outcome.REJECTED)
        self.assertIn("draft with the id 57", error.message)

    def test_a_draft_that_another_removed_is_surely_gone(self):
        with tryton() as server:
            server.answer(POST, refusal("No."))
            server.answer(DELETE, (page("404 Not Found", ""), 404))
            server.answer("GET account.invoice", [], [DRAFT], [DRAFT], [])
            self.refusal(server, "invalid_data", Outcome.REJECTED)

    def test_a_removal_without_an_answer_is_unclear(self):
        with tryton() as server:
            server.answer(POST, refusal("No."))
            server.answer(DELETE, reset())
            self.refusal(server, "invalid_data", Outcome.AMBIGUOUS)

    def test_what_an_earlier_try_left_is_removed_when_this_one_is_refused(self):
        with tryton(DRAFT) as server:
            server.answer("GET currency.currency", [])
            self.refusal(server, "currency_not_enabled", Outcome.REJECTED)
        self.assertEqual(server.bills, [])

    def test_what_is_not_mapped_is_refused_before_anything_is_made(self):
        line = make_document().lines[0]
        table = {
            "gl_account_unmapped": {"account": Ref("Expenses", "600000")},
            "tax_unmapped": {"taxes": (Ref("10%"),)},
            "mapping_changed": {"account": Ref("Expenses", erp_id="x29")},
        }
        for kind, change in table.items():
            changed = make_document(lines=(replace(line, **change),))
            with self.subTest(kind), tryton() as server:
                self.refusal(server, kind, Outcome.REJECTED, changed)
                self.assertNotIn(CREATE, server.called)

    def test_no_journal_and_no_currency_are_told(self):
        table = {
            "GET account.journal": ([], "mapping_changed"),
            "GET currency.currency": (
                [{"id": 2, "digits": 2, "active": 0}],
                "currency_not_enabled",
            ),
        }
        for call, (rows, kind) in table.items():
            with self.subTest(call), tryton() as server:
                server.answer(call, rows)
                self.refusal(server, kind, Outcome.REJECTED)
                self.assertNotIn(CREATE, server.called)


class TestRounding(TrytonCase):
    """Odoo has 16.43 + 23.40 = 39.83 of tax, Tryton 39.82 of 39.825."""

    TAX = {
        "id": 8,
        "base": Decimal("265.50"),
        "amount": Decimal("39.82"),
        "tax": {"id": 2, "type": "percentage", "rate": Decimal("0.15")},
    }
    CHANGE = "PUT account.invoice.tax"

    def document(self, tax):
        line = make_document().lines[0]
        one, price = Decimal(1), Decimal("109.50")
        first = replace(line, quantity=one, price_unit=price, subtotal=price)
        price = Decimal("156.00")
        second = replace(line, quantity=one, price_unit=price, subtotal=price)
        untaxed, tax = Decimal("265.50"), Decimal(tax)
        totals = {"untaxed": untaxed, "tax": tax, "total": untaxed + tax}
        return make_document(lines=(first, second), **totals)

    def draft(self, tax):
        untaxed, tax = Decimal("265.50"), Decimal(tax)
        totals = {"untaxed_amount": untaxed, "tax_amount": tax}
        return {**DRAFT, **totals, "total_amount": untaxed + tax}

    def test_a_cent_that_rounding_explains_is_set_right(self):
        right = self.draft("39.83")
        with FakeTryton(self.draft("39.82")) as server:
            server.answer("GET account.invoice.tax", [self.TAX])
            server.answer(self.CHANGE, {"id": 8})
            server.answer("GET account.invoice", [], [server.draft], [right])
            posted = {**right, "state": "posted", "number": "12"}
            server.answer(POST, posted)
            receipt = self.send(server, self.document("39.83"))
            [sent] = server.sent(self.CHANGE)
        self.assertEqual(sent["amount"]["decimal"], "39.83")
        self.assertEqual((receipt.posted, receipt.total), (True, Decimal("305.33")))
        self.assertIn("39.82", receipt.notes[0])

    def test_what_rounding_does_not_explain_is_refused(self):
        fixed = {**self.TAX["tax"], "type": "fixed", "rate": None}
        for tax, row in (
            ("39.84", self.TAX),
            ("39.81", self.TAX),
            ("39.83", {**self.TAX, "tax": fixed}),
            ("39.83", {**self.TAX, "tax": None}),
        ):
            with self.subTest(tax), FakeTryton(self.draft("39.82")) as server:
                server.answer("GET account.invoice.tax", [row])
                document = self.document(tax)
                self.refusal(server, "totals_differ", Outcome.REJECTED, document)
                self.assertNotIn(self.CHANGE, server.called)
                self.assertEqual(server.bills, [])


class TestPeriods(TrytonCase):
    OCTOBER = period(date(2026, 10, 1), date(2026, 10, 31), "closed")
    NOVEMBER = period(date(2026, 11, 1), date(2026, 11, 30), "closed")
    DECEMBER = period(date(2026, 12, 1), date(2026, 12, 31))

    def test_a_closed_period_is_refused_before_anything_is_made(self):
        with tryton() as server:
            server.answer("GET account.period", [self.NOVEMBER, self.DECEMBER])
            error = self.refusal(server, "period_closed", Outcome.REJECTED)
        self.assertEqual(error.lock_date, date(2026, 11, 30))
        self.assertNotIn(CREATE, server.called)

    def test_a_period_closed_on_its_own_locks_nothing_before_it(self):
        rows = [{**self.OCTOBER, "state": "open"}, self.NOVEMBER, self.DECEMBER]
        with tryton() as server:
            server.answer("GET account.period", rows)
            error = self.refusal(server, "period_closed", Outcome.REJECTED)
            connector = made_by(server)
            self.assertIsNone(connector.lock_date(deadline=time.monotonic() + 5))
        self.assertIsNone(error.lock_date)

    def test_the_next_open_period_may_be_used_and_is_noted(self):
        with tryton() as server:
            server.draft = {**DRAFT, "accounting_date": date(2026, 12, 1)}
            server.answer("GET account.period", [self.NOVEMBER, self.DECEMBER])
            receipt = self.send(server, lock_policy="next_open")
            [sent] = server.sent(CREATE)
        self.assertEqual(sent["accounting_date"]["month"], 12)
        self.assertEqual(sent["invoice_date"]["month"], 11)
        [note] = receipt.notes
        self.assertIn("2026-12-01 instead of 2026-11-15", note)

    def test_without_a_fiscal_year_there_is_no_period(self):
        with tryton() as server:
            server.answer("GET account.period", [self.DECEMBER])
            self.refusal(server, "no_period", Outcome.REJECTED)
        self.assertNotIn(CREATE, server.called)

    def test_the_lock_date_is_the_end_of_what_is_closed(self):
        rows = [{**self.OCTOBER, "state": "locked"}, self.NOVEMBER, self.DECEMBER]
        with tryton() as server:
            server.answer("GET account.period", rows)
            locked = made_by(server).lock_date(deadline=time.monotonic() + 5)
        self.assertEqual(locked, date(2026, 11, 30))


class TestVendors(TrytonCase):
    NEW = make_document(vendor=Vendor("New", local_id=7, vat="BE 0477.472.701"))
    FOUND = {"id": 8, "party": {"id": 45, "active": 1}}
    CREATE = "POST party.party"

    def test_a_vendor_is_found_by_its_vat_number(self):
        with tryton() as server:
            server.answer("GET party.identifier", [self.FOUND])
            self.assertEqual(self.send(server, self.NEW).vendor_erp_id, "45")
            [domain] = server.asked("GET party.identifier")
        self.assertIn("BE0477472701", domain[1][2])
        self.assertNotIn(self.CREATE, server.called)

    def test_several_vendors_with_that_number_are_left_to_a_person(self):
        other = {"id": 9, "party": {"id": 46, "active": 1}}
        with tryton() as server:
            server.answer("GET party.identifier", [self.FOUND, other])
            kind = "vendor_not_found"
            self.refusal(server, kind, Outcome.REJECTED, self.NEW, create_vendors=True)
        self.assertNotIn(self.CREATE, server.called)

    def test_a_new_vendor_is_made_only_where_that_is_wanted(self):
        with tryton() as server:
            self.refusal(server, "vendor_not_found", Outcome.REJECTED, self.NEW)
        self.assertNotIn(self.CREATE, server.called)

    def test_a_new_vendor_has_a_key_of_this_database(self):
        keys = []
        for origin in ("one", "one", "two"):
            with tryton() as server:
                options = {"create_vendors": True, "origin": origin}
                self.send(server, self.NEW, **options)
                [sent] = server.sent(self.CREATE)
            [[_create, [vat, key]]] = sent["identifiers"]
            self.assertEqual((vat["type"], vat["code"]), ("eu_vat", "BE 0477.472.701"))
            keys.append(key["code"])
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])

    def test_a_vat_number_that_is_refused_is_kept_as_plain_text(self):
        words = 'The European VAT Number "BE1" for party "New" is not valid.'
        with tryton() as server:
            server.answer(self.CREATE, refusal(words), {"id": 45})
            self.send(server, self.NEW, create_vendors=True)
            sent = server.sent(self.CREATE)
        types = [one["identifiers"][0][1][0]["type"] for one in sent]
        self.assertEqual(types, ["eu_vat", None])

    def test_of_two_that_are_made_at_once_the_older_one_stays(self):
        older = {"id": 8, "party": {"id": 44, "active": 1}}
        with tryton() as server:
            server.answer("GET party.identifier", [], [], [older, self.FOUND])
            server.answer(self.CREATE, {"id": 45})
            server.answer("DELETE party.party", ("", 204))
            self.send(server, self.NEW, create_vendors=True)
            [sent] = server.sent(CREATE)
        self.assertEqual(sent["party"], 44)

    def test_a_vendor_made_without_an_answer_is_made_again(self):
        with tryton() as server:
            server.answer(self.CREATE, reset())
            options = {"create_vendors": True}
            kind = "erp_unavailable"
            self.refusal(server, kind, Outcome.NOT_SENT, self.NEW, **options)

    def test_an_archived_vendor_and_one_that_is_gone_are_told(self):
        for rows, kind in (
            ([{**PARTY, "active": 0}], "vendor_inactive"),
            ([], "vendor_not_found"),
        ):
            with self.subTest(kind), tryton() as server:
                server.answer("GET party.party", rows)
                self.refusal(server, kind, Outcome.REJECTED)

    def test_without_a_payable_account_nothing_is_made(self):
        with tryton() as server:
            server.answer("GET account.configuration", [])
            kind = "vendor_no_payable_account"
            self.refusal(server, kind, Outcome.REJECTED)
        self.assertNotIn(CREATE, server.called)

    def test_a_vendor_without_address_gets_the_bills(self):
        vendor = replace(self.NEW.vendor, erp_id="45", city="Ghent")
        with tryton() as server:
            server.answer("GET party.party", [{**PARTY, "addresses": []}])
            server.answer("POST party.address", {"id": 31})
            self.send(server, make_document(vendor=vendor))
            [sent] = server.sent(CREATE)
            [address] = server.sent("POST party.address")
        self.assertEqual(sent["invoice_address"], 31)
        self.assertEqual((address["party"], address["city"]), (45, "Ghent"))


class TestErrors(TrytonCase):
    #: status, title of the page, its text, kind, outcome
    PAGES = (
        (401, "Unauthorized", "", "credentials_wrong", "rejected"),
        (403, "Forbidden", "", "permission_missing", "rejected"),
        (400, "Bad Request", "Unable to read JSON request", "invalid_data", "rejected"),
        (400, "Bad Request", "Unable to get RPC method", "no_answer", "ambiguous"),
        (413, "Request Entity Too Large", "", "invalid_data", "rejected"),
        (429, "Too Many Requests", "allotted count", "rate_limited", "not_sent"),
        (500, "Server Error", "&#39;nofield&#39;", "no_answer", "ambiguous"),
        (500, "Server Error", "month must be in 1..12", "no_answer", "ambiguous"),
        (502, "Bad Gateway", "", "no_answer", "ambiguous"),
        (503, "Service Unavailable", "Try later.", "no_answer", "ambiguous"),
        (504, "Gateway Timeout", "", "no_answer", "ambiguous"),
    )

    def test_an_error_page_on_creating(self):
        for status, title, text, kind, outcome in self.PAGES:
            with self.subTest(status, text=text), tryton() as server:
                server.answer(CREATE, (page(title, text), status))
                error = self.refusal(server, kind, Outcome(outcome))
                self.assertEqual(error.status, status)
                self.assertEqual(server.called[-1], CREATE)

    def test_once_the_draft_is_there_nothing_is_surely_not_sent(self):
        for status, title, text, kind, outcome in self.PAGES:
            if outcome == "not_sent":
                outcome = "ambiguous"
            with self.subTest(status, text=text), tryton() as server:
                server.answer(POST, (page(title, text), status))
                self.refusal(server, kind, Outcome(outcome))
                removed = not server.bills
                self.assertEqual(removed, outcome == "rejected")

    def test_a_transaction_given_up_for_another_is_run_again(self):
        locked = page("500", "could not obtain lock on row in relation")
        for call, lost in ((CREATE, (UNSERIALIZED, 503)), (POST, (locked, 500))):
            with self.subTest(call), tryton() as server:
                right = DRAFT if call == CREATE else BILL
                server.answer(call, lost, lost, right)
                if call == CREATE:
                    server.bills.append(dict(DRAFT))
                    server.answer("GET account.invoice", [], [DRAFT])
                self.assertTrue(self.send(server).posted)
                self.assertEqual(server.called.count(call), 3)

    def test_one_given_up_every_time_was_not_sent(self):
        with tryton() as server:
            server.answer(CREATE, (UNSERIALIZED, 503))
            self.refusal(server, "concurrency_limit", Outcome.NOT_SENT)
        self.assertEqual(server.called.count(CREATE), 5)

    def test_an_unknown_database_is_a_wrong_address(self):
        step = lambda sock, *_: sock.sendall(message(page("404 Not Found", ""), 404))  # noqa: E731
        with ScriptedServer(step) as server:
            error = self.refusal(server, "address_wrong", Outcome.REJECTED)
        self.assertIn("database", error.message)

    def test_a_draft_deleted_there_while_it_is_posted_is_told(self):
        with tryton() as server:
            server.answer(POST, (page("404 Not Found", ""), 404))
            server.answer("GET account.invoice", [], [DRAFT], [])
            self.refusal(server, "edited_in_erp", Outcome.REJECTED)

    def test_reading_is_never_unclear(self):
        html = lambda sock, *_: sock.sendall(message("<html>", 200))  # noqa: E731
        for step in (reset(), hang(9), html, ({"x": 1}, 200), (page("", "x"), 500)):
            with tryton() as server:
                server.answer("GET currency.currency", step)
                options = {"seconds": 1}
                self.refusal(server, "erp_unavailable", Outcome.NOT_SENT, **options)
            self.assertNotIn(CREATE, server.called)

    def test_every_write_without_an_answer_is_unclear(self):
        html = lambda sock, *_: sock.sendall(message("<html>"))  # noqa: E731
        for call in (CREATE, POST):
            for step in (reset(), html, ([1], 200)):
                with self.subTest(call), tryton() as server:
                    server.answer(call, step)
                    with self.assertRaises(ConnectorError) as caught:
                        self.send(server)
                    self.assertEqual(caught.exception.outcome, Outcome.AMBIGUOUS)
                    self.assertEqual(server.called[-1], call)

    def test_a_garbled_amount_is_unclear(self):
        wrong = {**DRAFT, "total_amount": {"__class__": "Decimal", "decimal": "x"}}
        with tryton() as server:
            server.answer(CREATE, wrong)
            self.refusal(server, "answer_unreadable", Outcome.AMBIGUOUS)

    def test_a_rate_limit_comes_with_its_wait(self):
        slow = message(page("Too Many Requests", ""), 429, Retry_After=7)
        with tryton() as server:
            server.answer(CREATE, lambda sock, *_: sock.sendall(slow))
            error = self.refusal(server, "rate_limited", Outcome.NOT_SENT)
        self.assertEqual(error.retry_after, 7)


class TestFiles(TrytonCase):
    DOCUMENT = make_document(
        attachments=(
            Attachment("a.pdf", "application/pdf", "", b"one"),
            Attachment("b.pdf", "application/pdf", "", b"twos"),
        )
    )
    CREATE = "POST ir.attachment"

    def test_a_file_is_attached_once_and_before_posting(self):
        with tryton() as server:
            rows = [{"id": 1, "name": "a.pdf", "data_size": 3}]
            server.answer("GET ir.attachment", rows)
            receipt = self.send(server, self.DOCUMENT, send_attachments=True)
            [sent] = server.sent(self.CREATE)
        self.assertEqual(sent["resource"], "account.invoice,57")
        self.assertEqual(sent["data"], {"__class__": "bytes", "base64": "dHdvcw=="})
        self.assertLess(server.called.index(self.CREATE), server.called.index(POST))
        self.assertEqual((receipt.notes, receipt.missing_files), ((), ()))

    def test_a_file_that_is_refused_is_a_note(self):
        for answer in (refusal("No."), (page("Too Large", ""), 413), reset()):
            with tryton() as server:
                server.answer(self.CREATE, answer)
                receipt = self.send(server, self.DOCUMENT, send_attachments=True)
            self.assertTrue(receipt.posted)
            self.assertEqual(receipt.missing_files, ("a.pdf", "b.pdf"))
            self.assertIn("a.pdf", receipt.notes[0])

    def test_files_stay_here_unless_wanted(self):
        with tryton() as server:
            self.send(server, self.DOCUMENT)
        self.assertNotIn(self.CREATE, server.called)


class TestChanges(TrytonCase):
    CANCEL = "POST account.invoice/cancel"

    def change(self, name, server, **options):
        call = getattr(made_by(server, **options), name)
        deadline = time.monotonic() + 5
        return call(make_document(), "57", attempt="a", deadline=deadline)

    def assert_refused(self, kind, name, server, **options):
        with self.assertRaises(ConnectorError) as caught:
            self.change(name, server, **options)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, Outcome.REJECTED))

    def test_a_bill_is_cancelled_and_that_may_be_repeated(self):
        with tryton(BILL) as server:
            for _time in range(2):
                self.assertEqual(self.change("cancel", server).number, "12")
        self.assertEqual(server.called.count(self.CANCEL), 1)

    def test_a_bill_that_is_gone_needs_no_cancelling(self):
        with tryton() as server:
            self.assertIn("deleted", self.change("cancel", server).notes[0])

    def test_a_paid_bill_is_not_cancelled(self):
        part = {**BILL, "amount_to_pay": Decimal("30.55")}
        for bill in (part, {**BILL, "state": "paid", "amount_to_pay": Decimal(0)}):
            with tryton(bill) as server:
                self.assert_refused("bill_paid_in_erp", "cancel", server)
            self.assertNotIn(self.CANCEL, server.called)

    def test_a_closed_period_is_asked_about(self):
        words = 'The period of move "7" is closed.\nIf you cancel the move, the current'
        with tryton(BILL) as server:
            server.answer(self.CANCEL, refusal(words))
            self.assert_refused("period_closed_update", "cancel", server)
        cancelled = {**BILL, "state": "cancelled"}
        with tryton(BILL) as server:
            server.answer(self.CANCEL, refusal(words), cancelled)
            self.change("cancel", server, lock_policy="next_open")

    def test_a_posted_bill_is_not_changed(self):
        with tryton(BILL) as server:
            self.assert_refused("update_unsupported", "update", server)
        self.assertEqual(server.called, [])

    def test_files_follow_to_a_bill_that_counts(self):
        with tryton() as server:
            self.assert_refused("bill_missing_in_erp", "attach", server)
        with tryton({**BILL, "state": "cancelled"}) as server:
            self.assert_refused("edited_in_erp", "attach", server)
        with tryton(BILL) as server:
            self.assertEqual(self.change("attach", server).erp_id, "57")


class TestLookUp(TrytonCase):
    def look_up(self, server, document=None, **options):
        deadline = time.monotonic() + 5
        connector = made_by(server)
        return connector.look_up(
            document or make_document(), deadline=deadline, **options
        )

    def test_a_bill_under_our_key_is_ours(self):
        with tryton(DRAFT) as server:
            [receipt] = self.look_up(server)
            [domain] = server.asked("GET account.invoice")
        self.assertEqual((receipt.ours, receipt.posted), (True, False))
        self.assertEqual(domain[0], ["comment", "like", f"%[ap_sync:{BILL_KEY}]%"])
        self.assertIn(["company", "=", 1], domain)

    def test_a_bill_with_the_same_reference_is_somebody_elses(self):
        with tryton(OTHERS) as server:
            [receipt] = self.look_up(server)
            domain = server.asked("GET account.invoice")[-1]
        self.assertFalse(receipt.ours)
        alike = domain[0][2]
        self.assertIn(["party", "=", 45], alike)
        self.assertIn(["reference", "=", "INV-1"], alike)

    def test_a_cancelled_bill_is_not_there(self):
        cancelled = {"state": "cancelled"}
        with tryton({**BILL, **cancelled}, {**OTHERS, **cancelled}) as server:
            self.assertEqual(self.look_up(server), [])
            self.assertEqual(self.look_up(server, erp_id="57"), [])

    def test_two_in_the_books_under_one_key_are_both_told(self):
        with tryton(BILL, {**BILL, "id": 60}, {**DRAFT, "id": 61}) as server:
            found = self.look_up(server)
        self.assertEqual([one.erp_id for one in found], ["57", "60"])

    def test_another_vendors_bill_of_the_same_number_is_never_found(self):
        unknown = make_document(vendor=Vendor("Deco", "", 7))
        with tryton(OTHERS) as server:
            self.assertEqual(self.look_up(server, unknown), [])

    def test_a_bill_without_reference_is_not_guessed(self):
        with tryton(OTHERS) as server:
            self.assertEqual(self.look_up(server, make_document(reference="")), [])

    def test_of_a_cancelled_document_only_its_own_bill_is_asked(self):
        with tryton(OTHERS) as server:
            document = make_document(cancelled=True)
            self.assertEqual(self.look_up(server, document), [])

    def test_bills_are_read_by_their_ids(self):
        with tryton(BILL) as server:
            deadline = time.monotonic() + 5
            found = made_by(server).read_bills(["57", "58"], deadline=deadline)
            [domain] = server.asked("GET account.invoice")
        self.assertEqual(list(found), ["57"])
        self.assertIn(["id", "in", [57, 58]], domain)
        self.assertIn(["state", "!=", "cancelled"], domain)


class TestSetUp(TrytonCase):
    def check(self, server, **options):
        return made_by(server, **options).check(deadline=time.monotonic() + 5)

    def test_checks_end_with_what_makes_the_rest_pointless(self):
        table = (
            (message("<html>Hello"), "Address"),
            (message({"result": "7.6.2"}), "Version"),
            (message({"result": None}), "Address"),
        )
        for data, name in table:
            step = lambda sock, *_, data=data: sock.sendall(data)  # noqa: E731
            with self.subTest(name), ScriptedServer(step) as server:
                *right, wrong = self.check(server)
                self.assertTrue(all(item.ok for item in right))
                self.assertEqual((wrong.name, wrong.ok), (name, False))
                self.assertTrue(wrong.todo)

    def test_a_wrong_database_and_a_wrong_key_are_told_apart(self):
        for status, name in ((404, "Database"), (401, "Key")):

            def step(sock, request, _stop, status=status):
                right = request.path == "/rpc/"
                data = message({"result": "8.0"}) if right else message("x", status)
                sock.sendall(data)

            with self.subTest(name), ScriptedServer(step) as server:
                item = self.check(server)[-1]
                self.assertEqual((item.name, item.ok), (name, False))

    def test_the_only_company_is_taken_where_none_is_named(self):
        for rows, kind in (([{"id": 4}], None), ([{"id": 4}, {"id": 5}], "company")):
            with self.subTest(kind), tryton() as server:
                server.answer("GET company.company", rows)
                if kind:
                    outcome = Outcome.REJECTED
                    self.refusal(server, "company_wrong", outcome, company="")
                else:
                    self.send(server, company="")
                    self.assertEqual(server.sent(CREATE)[0]["company"], 4)

    def test_master_data_comes_in_pages(self):
        def step(sock, request, _stop):
            domain = fake.asked("GET account.account")[-1]
            last = domain[0][2]
            ids = range(last + 1, min(last + 500, 1200) + 1)
            kind = {"type": {"name": "Expense"}, "end_date": None}
            rows = [{"id": one, "name": f"A{one}", "code": "6", **kind} for one in ids]
            sock.sendall(message(rows))

        with tryton() as fake:
            fake.answer("GET account.account", step)
            connector = made_by(fake)
            found = list(connector.fetch("account", deadline=time.monotonic() + 9))
        self.assertEqual([int(one.erp_id) for one in found], [*range(1, 1201)])
        self.assertEqual(fake.called.count("GET account.account"), 3)

    def test_an_account_that_has_ended_is_not_active(self):
        row = {"id": 1, "name": "Old", "code": "6", "type": {"name": "Expense"}}
        with tryton() as server:
            ended = {**row, "end_date": date(2001, 1, 1)}
            server.answer("GET account.account", [ended])
            [record] = made_by(server).fetch("account", deadline=time.monotonic() + 5)
        self.assertFalse(record.active)

    def test_settings_never_show_the_key(self):
        with tryton() as server:
            self.assertNotIn(KEY, repr(made_by(server).settings))
            self.assertEqual(made_by(server, settle_seconds=2).settle_seconds, 2)
            self.assertNotIn(KEY, json.dumps(made_by(server).settings.options))
