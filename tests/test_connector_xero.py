"""The Xero connector against a Xero of our own: what it sends, and what it makes of
every answer. The words of refusals were seen in public, see ``xero_errors``."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
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
    Receipt,
    Ref,
    Settings,
    Vendor,
    matches,
)
from ..connectors.transport import Answer, Transport
from ..connectors.xero import XeroConnector
from ..connectors.xero_errors import from_messages
from .connector_server import Request, hang, reply
from .xero_server import CLIENT, CLIENT_SECRET, FakeXero
from .xero_spec import BASE, ByModels, SpecFault, make_checker

DAY = date(2026, 11, 15)
LINK = "https://odoo.example.com/bill/"
ONE = (Decimal("300.50"), Decimal("45.08"))


def make_line(**changes) -> Line:
    values = {
        "name": "Consulting",
        "quantity": Decimal(2),
        "price_unit": Decimal("150.25"),
        "discount": Decimal(0),
        "subtotal": Decimal("300.50"),
        "account": Ref("Expenses", "600000", 1, "429"),
        "taxes": (Ref("15%", "", 2, "INPUT"),),
    }
    return Line(**{**values, **changes})


class XeroCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.xero = FakeXero()
        self.enterContext(self.xero)
        self.addCleanup(lambda: self.assertEqual(self.xero.faults, []))
        self.books = self.xero.books
        self.bills = self.books.bills["Invoices"]
        self.connector = self.make()
        self.attempts = itertools.count(1)

    def make(self, **changes):
        names = set(Settings.__dataclass_fields__)
        given = {name: changes.pop(name) for name in names & changes.keys()}
        options = {"post": True, "bill_url": LINK, "send_attachments": True, **changes}
        values = {
            "url": self.xero.url,
            "secret": CLIENT_SECRET,
            "login": CLIENT,
            "company": self.books.tenant,
            "timeout": 5,
            "allowed_hosts": ("127.0.0.1",),
            "options": options,
        }
        return XeroConnector(Settings(**{**values, **given}))

    def document(self, number=1, lines=None, amounts=ONE, **changes) -> Document:
        untaxed, tax = amounts
        values = {
            "key": f"0b6c1c3e-0000-4000-8000-{number:012}",
            "kind": "bill",
            "reference": f"INV-{number}",
            "bill_date": DAY,
            "accounting_date": DAY,
            "due_date": date(2026, 12, 15),
            "currency": "USD",
            "vendor": Vendor("City Agency", "", 7, self.books.vendor),
            "lines": lines or (make_line(),),
            "untaxed": untaxed,
            "tax": tax,
            "total": untaxed + tax,
        }
        return Document(**{**values, **changes})

    def soon(self):
        return {"deadline": time.monotonic() + 10}

    def send(self, document, connector=None):
        connector = connector or self.connector
        attempt = f"a{next(self.attempts)}"
        return connector.send(document, attempt=attempt, **self.soon())

    def change(self, name, document, receipt):
        call = getattr(self.connector, name)
        attempt = f"a{next(self.attempts)}"
        return call(document, receipt.erp_id, attempt=attempt, **self.soon())

    def refused(self, kind, outcome, call, *args, **options):
        with self.assertRaises(ConnectorError) as caught:
            call(*args, **options)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)
        self.assertNotIn(CLIENT_SECRET, f"{error.message}{error.excerpt}")
        return error

    def sent(self, method):
        """Return the bodies of requests of one method, in their order."""
        return [
            request.json()
            for request in self.xero.requests
            if request.method == method and request.path.startswith(BASE)
        ]

    def alive(self):
        return [
            bill["Status"]
            for bill in self.bills.values()
            if bill["Status"] not in ("VOIDED", "DELETED")
        ]


class TestSend(XeroCase):
    def test_a_bill_is_made_a_draft_then_authorised(self):
        receipt = self.send(self.document())
        [created] = self.sent("PUT")
        self.assertEqual(
            created["Invoices"],
            [
                {
                    "Type": "ACCPAY",
                    "Contact": {"ContactID": self.books.vendor},
                    "Date": "2026-11-15",
                    "DueDate": "2026-12-15",
                    "LineAmountTypes": "Exclusive",
                    "InvoiceNumber": "INV-1",
                    "CurrencyCode": "USD",
                    "Status": "DRAFT",
                    "Url": LINK + self.document().key,
                    "LineItems": [
                        {
                            "Description": "Consulting",
                            "Quantity": 2.0,
                            "UnitAmount": 150.25,
                            "AccountCode": "429",
                            "TaxType": "INPUT",
                        }
                    ],
                }
            ],
        )
        self.assertEqual(
            self.sent("POST"),
            [{"Invoices": [{"InvoiceID": receipt.erp_id, "Status": "AUTHORISED"}]}],
        )
        [put] = [one for one in self.xero.requests if one.method == "PUT"]
        self.assertIn("?summarizeErrors=false&unitdp=4", put.path)
        self.assertEqual(put.headers["x-attempt-id"], "a1")
        self.assertLessEqual(len(put.headers["idempotency-key"]), 128)
        self.assertEqual(
            receipt.url,
            "https://go.xero.com/AccountsPayable/View.aspx?InvoiceID=" + receipt.erp_id,
        )

    def test_amounts_that_quantity_and_price_do_not_give_go_as_amounts(self):
        lines = (
            make_line(discount=Decimal(10), subtotal=Decimal("270.45")),
            make_line(quantity=Decimal(-1), subtotal=Decimal("-150.25")),
            make_line(price_unit=Decimal("1.23456"), subtotal=Decimal("2.47")),
            make_line(quantity=Decimal(0), subtotal=Decimal(0), taxes=()),
        )
        amounts = (Decimal("122.67"), Decimal("18.40"))  # 40.57 - 22.54 + 0.37
        receipt = self.send(self.document(lines=lines, amounts=amounts))
        self.assertEqual(receipt.total, Decimal("141.07"))
        rows = self.sent("PUT")[0]["Invoices"][0]["LineItems"]
        names = ("Quantity", "UnitAmount", "LineAmount", "TaxType")
        self.assertEqual(
            [tuple(row.get(name) for name in names) for row in rows],
            [
                (2.0, None, 270.45, "INPUT"),
                (1.0, -150.25, None, "INPUT"),
                (2.0, None, 2.47, "INPUT"),
                (0.0, 150.25, None, "NONE"),
            ],
        )

    def test_tax_that_is_rounded_otherwise_is_made_ours(self):
        # 3 x 0.15 x 0.50 = 0.225: a line 0.08, of the whole 0.23
        line = make_line(quantity=Decimal(1), price_unit=Decimal("0.50"))
        lines = tuple([replace(line, subtotal=Decimal("0.50"))] * 3)
        document = self.document(
            lines=lines, amounts=(Decimal("1.50"), Decimal("0.23"))
        )
        receipt = self.send(document)
        self.assertTrue(matches(document, receipt), receipt)
        # Without being posted as well.
        other = replace(document, key="k2", reference="INV-2")
        receipt = self.send(other, self.make(post=False))
        self.assertTrue(matches(other, receipt) and not receipt.posted, receipt)
        # More than rounding can make is refused, and nothing is left.
        cent = Decimal("0.03")
        wrong = self.document(3, lines, (Decimal("1.50"), Decimal("0.24") + cent))
        self.refused("totals_differ", Outcome.REJECTED, self.send, wrong)
        self.assertEqual(self.alive(), ["AUTHORISED", "DRAFT"])

    def test_a_refund_is_a_credit_note(self):
        document = self.document(kind="refund")
        receipt = self.send(document)
        self.assertTrue(matches(document, receipt), receipt)
        self.assertTrue(receipt.erp_id.startswith("CN-"))
        [row] = self.books.bills["CreditNotes"].values()
        self.assertEqual((row["Type"], row["Status"]), ("ACCPAYCREDIT", "AUTHORISED"))
        bill = self.send(self.document(2))
        ids = [bill.erp_id, receipt.erp_id]
        found = self.connector.read_bills(ids, **self.soon())
        self.assertEqual(set(found), set(ids))
        self.change("cancel", document, receipt)
        found = self.connector.read_bills(ids, **self.soon())
        self.assertEqual(list(found), ids[:1])
        # It has no link, so one with its number is not known to be ours.
        document = replace(document, key="another")
        again = self.send(document)
        self.refused("duplicate_bill", Outcome.REJECTED, self.send, document)
        [found] = self.connector.look_up(document, **self.soon())
        self.assertEqual((found.erp_id, found.ours), (again.erp_id, False))

    def test_what_xero_remembers_of_a_key_is_not_taken_for_what_it_has(self):
        document = self.document()
        receipt = self.send(document)
        self.change("cancel", document, receipt)
        self.refused("edited_in_erp", Outcome.REJECTED, self.send, document)
        self.xero.forget_keys()
        self.assertNotEqual(self.send(document).erp_id, receipt.erp_id)

    def test_a_vendors_receipt_is_a_bill(self):
        document = self.document(kind="receipt")
        self.assertTrue(matches(document, self.send(document)))

    def test_twenty_bills_take_four_calls(self):
        documents = [self.document(number) for number in range(20)]
        attempts = [f"a{number}" for number in range(20)]
        results = self.connector.send_many(documents, attempts=attempts, **self.soon())
        for document, receipt in zip(documents, results, strict=True):
            self.assertTrue(matches(document, receipt), receipt)
        self.assertEqual(
            self.xero.called,
            ["GET /Invoices", "GET /Organisation", "PUT /Invoices", "POST /Invoices"],
        )
        self.assertEqual(self.alive(), ["AUTHORISED"] * 20)

    def test_of_a_batch_each_bill_has_its_own_result(self):
        unmapped = make_line(account=Ref("Nothing", "1", 3))
        gone = make_line(account=Ref("Old", "620", 3, "620"))
        good = self.document(1)
        documents = [
            good,
            self.document(2, (unmapped,)),
            self.document(3, (gone,)),
            self.document(4, amounts=(ONE[0], Decimal("45.09"))),
            replace(good, key="another"),
            self.document(6, kind="refund"),
        ]
        results = self.connector.send_many(
            documents, attempts=list("abcdef"), **self.soon()
        )
        self.assertEqual(
            [getattr(result, "kind", "") for result in results],
            [
                "bill",
                "gl_account_unmapped",
                "gl_account_wrong_type",
                "totals_differ",
                "duplicate_bill",
                "refund",
            ],
        )
        self.assertIn("Account code '620' is not a valid", results[2].message)
        self.assertEqual(self.alive(), ["AUTHORISED"])

    def test_what_is_refused_as_a_whole_goes_one_by_one(self):
        self.xero.scripted = [None, None, reply({"Type": "X", "Message": "No"}, 400)]
        documents = [self.document(1), self.document(2)]
        results = self.connector.send_many(
            documents, attempts=["a", "b"], **self.soon()
        )
        self.assertEqual([type(result) for result in results], [Receipt, Receipt])
        self.assertEqual(self.xero.called.count("PUT /Invoices"), 3)

    def test_the_key_keeps_quick_repetitions_from_making_two(self):
        document = self.document()
        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(lambda _n: self.send(document), range(4)))
        self.assertEqual(len({receipt.erp_id for receipt in receipts}), 1)
        self.assertEqual(self.alive(), ["AUTHORISED"])

    def test_without_the_key_the_link_tells_our_draft(self):
        document = self.document()
        draft = self.send(document, self.make(post=False))
        self.xero.forget_keys()
        [found] = self.connector.look_up(document, **self.soon())
        self.assertEqual((found.ours, found.posted), (True, False))
        # What was cut off is filled anew and authorised.
        changed = replace(document, lines=(make_line(name="Other"),))
        receipt = self.send(changed)
        self.assertEqual((receipt.erp_id, receipt.posted), (draft.erp_id, True))
        [bill] = self.bills.values()
        self.assertEqual(bill["LineItems"][0]["Description"], "Other")

    def test_a_draft_of_ours_that_can_not_go_any_more_is_removed(self):
        draft = self.send(self.document(), self.make(post=False))
        self.books.period_lock = DAY
        self.refused(
            "period_closed", Outcome.REJECTED, self.send, self.document(), self.make()
        )
        self.assertEqual(self.bills[draft.erp_id]["Status"], "DELETED")

    def test_a_draft_that_somebody_deleted_is_told(self):
        draft = self.send(self.document(), self.make(post=False))
        self.bills[draft.erp_id]["Status"] = "DELETED"
        for connector in (self.make(post=False), self.connector):
            self.refused(
                "edited_in_erp", Outcome.REJECTED, self.send, self.document(), connector
            )

    def test_a_number_with_a_comma_or_a_quote_is_found(self):
        for number, reference in enumerate(("A,1", 'B"2', "C\\3")):
            document = self.document(number, reference=reference)
            receipt = self.send(document)
            [found] = self.connector.look_up(document, **self.soon())
            self.assertEqual(found.erp_id, receipt.erp_id)

    def test_tracking(self):
        category = self.books.tracking[0]
        option = category["Options"][0]["TrackingOptionID"]
        ref = Ref("North", "", 5, f"{category['TrackingCategoryID']}/{option}")
        line = make_line(analytic=((ref, Decimal(100)),))
        receipt = self.send(self.document(lines=(line,)))
        [sent] = self.bills[receipt.erp_id]["LineItems"]
        self.assertEqual(sent["Tracking"][0]["TrackingOptionID"], option)
        for shares in (
            ((ref, Decimal(40)), (ref, Decimal(60))),
            ((ref, Decimal(100)), (ref, Decimal(100))),
            ((replace(ref, erp_id=""), Decimal(100)),),
        ):
            line = make_line(analytic=shares)
            self.refused(
                "dimension_invalid",
                Outcome.REJECTED,
                self.send,
                self.document(2, (line,)),
            )

    def test_several_taxes_on_a_line_are_refused(self):
        line = make_line(taxes=make_line().taxes * 2)
        self.refused(
            "tax_invalid", Outcome.REJECTED, self.send, self.document(lines=(line,))
        )
        self.assertEqual(self.sent("PUT"), [])

    def test_files(self):
        files = tuple(
            Attachment(name, "application/pdf", name, b"%PDF " + name.encode())
            for name in ("a b/c?.pdf", "ü.pdf", "z.pdf")
        )
        document = self.document(attachments=files[:2])
        receipt = self.send(document)
        names = [name for _bill, name in self.books.files]
        self.assertEqual(names, ["a b_c_.pdf", "ü.pdf"])
        self.assertIn(b"%PDF a b/c?.pdf", self.books.files.values())
        self.xero.forget_keys()
        before = len(self.xero.called)
        both = replace(document, attachments=files)
        self.change("attach", both, receipt)
        calls = [call for call in self.xero.called[before:] if call.startswith("PUT")]
        self.assertEqual(len(calls), 1)
        self.xero.scripted = [None, None, reply({}, 400)]
        more = replace(files[0], name="refused.pdf")
        receipt = self.change("attach", replace(both, attachments=(more,)), receipt)
        self.assertEqual(receipt.missing_files, ("refused.pdf",))


class TestAnswers(XeroCase):
    def test_words_of_refusals(self):
        transport = Transport(self.xero.url)
        for words, kind in (
            ("The document date cannot be before the period lock date, currently set at"
             " 30-Nov-2018", "period_closed"),
            ("The document date cannot be before the end of year lock date, currently"
             " set at 30-Sep-2021", "period_closed"),
            ("This document cannot be edited as it has a payment or credit note"
             " allocated to it.", "bill_paid_in_erp"),
            ("Invoice not of valid status for modification", "edited_in_erp"),
            ("The contact with the specified contact details has been archived. The"
             " contact must be un-archived before creating new invoices or credit"
             " notes.", "vendor_inactive"),
            ("The status 'ARCHIVED' is not valid for contacts.", "vendor_inactive"),
            ("The contact name Buzz Lightyear is already assigned to another contact."
             " The contact name must be unique across all active contacts.",
             "vendor_name_taken"),
            ("The Contact must contain at least 1 of the following elements to identify"
             " the contact: Name, ContactID, ContactNumber", "vendor_not_found"),
            ("Contact cannot be empty.", "vendor_not_found"),
            ("Account code must be specified", "gl_account_missing"),
            ("Account code '200' is not a valid code for this document",
             "gl_account_wrong_type"),
            ("Account code '476' has been removed as it does not match a recognised"
             " account.", "mapping_changed"),
            ("Account must be valid.", "mapping_changed"),
            ("The TaxType code GST on Income does not exist or cannot be used for this"
             " type of transaction.", "tax_invalid"),
            ("The TaxType code 'X' cannot be used with account code 'Y'.",
             "tax_invalid"),
            ("Tax rate must be valid.", "tax_invalid"),
            ("The quantity value '-1.0000' is invalid. Quantity must not be less than"
             " zero.", "negative_total"),
            ("Invoice # must be unique.", "duplicate_bill"),
            ("Something new", "invalid_data"),
            ("", "invalid_data"),
        ):  # fmt: skip
            with self.subTest(words):
                answer = Answer(200, {}, b"{}")
                error = from_messages(transport, [words], answer)
                self.assertEqual((error.kind, error.outcome), (kind, "rejected"))
                self.assertTrue(error.message)

    def test_the_lock_date_is_read_in_the_words(self):
        self.connector.lock_date(**self.soon())
        self.send(
            self.document()
        )  # it is remembered for a while that nothing is locked
        self.books.period_lock = date(2026, 11, 30)
        error = self.refused(
            "period_closed", Outcome.REJECTED, self.send, self.document(2)
        )
        self.assertEqual(error.lock_date, date(2026, 11, 30))
        self.assertIn("currently set at", error.message, "Xero itself has said it")
        self.assertEqual(self.alive(), ["AUTHORISED"])

    def test_limits(self):
        for name, kind, seconds in (
            ("minute_left", "rate_limited", 17),
            ("day_left", "rate_limited_daily", 3600),
        ):
            setattr(self.xero, name, 0)
            error = self.refused(kind, Outcome.NOT_SENT, self.send, self.document())
            self.assertEqual(error.retry_after, seconds)
            setattr(self.xero, name, None)
        self.xero.scripted = [
            reply({}, 429, Retry_After=1, X_Rate_Limit_Problem="concurrent")
        ]
        self.refused("concurrency_limit", Outcome.NOT_SENT, self.send, self.document())
        self.assertEqual(self.bills, {})

    def test_a_limit_between_draft_and_posting_leaves_a_doubt(self):
        self.xero.minute_left = 3
        error = self.refused(
            "rate_limited", Outcome.AMBIGUOUS, self.send, self.document()
        )
        self.assertEqual((error.retry_after, self.alive()), (17, ["DRAFT"]))
        self.xero.minute_left = None
        self.assertTrue(self.send(self.document()).posted)
        self.assertEqual(self.alive(), ["AUTHORISED"])

    def test_as_many_bills_at_once_as_the_profile_says_are_no_trouble(self):
        self.xero.pause = 0.05
        documents = [self.document(number) for number in range(10)]
        with ThreadPoolExecutor(XeroConnector.profile.most_at_once) as pool:
            receipts = list(pool.map(self.send, documents))
        self.assertTrue(all(receipt.posted for receipt in receipts))
        self.assertEqual(self.xero.most_at_once, XeroConnector.profile.most_at_once)

    def test_an_error_of_the_server(self):
        # The questions before (bills, lock dates) change nothing; the PUT may have.
        for calls, outcome, kind in (
            (0, Outcome.NOT_SENT, "erp_unavailable"),
            (2, Outcome.AMBIGUOUS, "no_answer"),
        ):
            connector = self.make()
            self.xero.scripted = [None] * calls + [reply("<h1>Oops</h1>", 500)]
            self.refused(kind, outcome, self.send, self.document(), connector)

    def test_answers_that_make_no_sense(self):
        for step in (
            reply("<h1>Hello</h1>"),
            reply({}),
            reply({"Invoices": []}),
            reply({"Invoices": [{"Status": "DRAFT"}]}),
            reply([1]),
        ):
            connector = self.make()
            self.xero.scripted = [None, None, step]
            self.refused(
                "answer_unreadable",
                Outcome.AMBIGUOUS,
                self.send,
                self.document(),
                connector,
            )

    def test_no_answer_in_time(self):
        connector = self.make(timeout=0.3)
        self.send(self.document(), connector)
        self.xero.scripted = [None, hang(2)]
        self.refused(
            "no_answer", Outcome.AMBIGUOUS, self.send, self.document(2), connector
        )

    def test_a_token_that_ended_is_renewed_once(self):
        self.send(self.document())
        self.xero.expire_access()
        self.assertTrue(self.send(self.document(2)).posted)
        body = {"Title": "Unauthorized", "Detail": "TokenExpired: token expired"}
        self.xero.scripted = [reply(body, 401), reply(body, 401)]
        self.refused("token_expired", Outcome.REJECTED, self.send, self.document(3))
        self.assertEqual(self.alive(), ["AUTHORISED"] * 2)

    def test_a_right_that_is_missing_is_not_asked_for_again(self):
        body = {"Title": "Unauthorized", "Detail": "AuthorizationUnsuccessful"}
        self.xero.scripted = [reply(body, 401)]
        self.refused("permission_missing", Outcome.REJECTED, self.send, self.document())
        self.assertEqual(len(self.xero.called), 1)

    def test_access_that_is_lost_after_the_draft_leaves_a_doubt(self):
        self.connector.lock_date(**self.soon())
        body = {"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}
        self.xero.scripted = [None, None, reply(body, 403)]
        self.refused("company_wrong", Outcome.AMBIGUOUS, self.send, self.document())
        self.assertEqual(self.alive(), ["DRAFT"])

    def test_another_organisation_is_refused(self):
        connector = self.make(company="00000000-0000-4000-8000-000000000001")
        self.refused(
            "company_wrong", Outcome.REJECTED, self.send, self.document(), connector
        )

    def test_a_wrong_client_secret(self):
        connector = self.make(secret="another-secret-0123456789")
        self.refused(
            "credentials_wrong",
            Outcome.REJECTED,
            self.send,
            self.document(),
            connector,
        )
        self.xero.custom = False
        self.refused("credentials_wrong", Outcome.REJECTED, self.send, self.document())

    def test_tokens_do_not_show(self):
        self.send(self.document())
        request = self.xero.requests[-1]
        token = request.headers["authorization"].removeprefix("Bearer ")
        echo = {"Type": "ValidationException", "Elements": [
            {"ValidationErrors": [{"Message": f"Bad {token} and {CLIENT_SECRET}"}]}
        ]}  # fmt: skip
        self.xero.scripted = [None, reply(echo, 400)]
        error = self.refused(
            "invalid_data", Outcome.REJECTED, self.send, self.document(2)
        )
        self.assertNotIn(token, f"{error.message} {error.excerpt}")
        self.assertIn("[hidden]", error.message)


class TestChanges(XeroCase):
    def changed(self, document):
        """Return the document with other contents."""
        line = make_line(quantity=Decimal(1), subtotal=Decimal("150.25"))
        untaxed, tax = Decimal("150.25"), Decimal("22.54")
        return replace(
            document, lines=(line,), untaxed=untaxed, tax=tax, total=untaxed + tax
        )

    def test_an_authorised_bill_is_changed(self):
        receipt = self.send(self.document())
        document = self.changed(self.document())
        for _time in range(2):
            again = self.change("update", document, receipt)
            self.assertTrue(matches(document, again) and again.posted, again)
        self.assertEqual(again.erp_id, receipt.erp_id)
        self.assertEqual(len(self.bills), 1)

    def test_a_draft_is_changed_and_authorised(self):
        receipt = self.send(self.document(), self.make(post=False))
        document = self.changed(self.document())
        again = self.change("update", document, receipt)
        self.assertTrue(matches(document, again) and again.posted, again)

    def test_what_xero_computes_otherwise_is_put_back(self):
        receipt = self.send(self.document())
        document = self.changed(self.document())
        wrong = replace(document, tax=Decimal(1), total=document.untaxed + 1)
        self.refused(
            "totals_differ", Outcome.REJECTED, self.change, "update", wrong, receipt
        )
        bill = self.bills[receipt.erp_id]
        self.assertEqual((bill["Status"], bill["Total"]), ("AUTHORISED", 345.58))
        self.assertEqual(bill["LineItems"][0]["Quantity"], 2.0)

    def test_what_can_not_be_changed(self):
        document, names = self.document(), ("update", "cancel")
        receipt = self.send(document)
        rejected = Outcome.REJECTED
        self.books.period_lock = DAY
        later = replace(document, accounting_date=date(2026, 11, 20))
        for name in names:
            self.refused(
                "period_closed_update", rejected, self.change, name, later, receipt
            )
            self.connector = self.make()
        self.books.period_lock = None
        self.connector = self.make()
        self.books.pay(receipt.erp_id, 1)
        for name in names:
            self.refused(
                "bill_paid_in_erp", rejected, self.change, name, document, receipt
            )
        refund = replace(document, kind="refund")
        note = self.send(refund)
        self.refused(
            "update_unsupported", rejected, self.change, "update", refund, note
        )
        other = self.send(self.document(2))
        self.refused(
            "update_unsupported", rejected, self.change, "update", refund, other
        )
        for erp_id in ("no-id", "00000000-0000-4000-8000-000000000001"):
            gone = replace(other, erp_id=erp_id)
            self.refused(
                "bill_missing_in_erp", rejected, self.change, "update", document, gone
            )

    def test_a_bill_is_voided_and_a_draft_deleted(self):
        document = self.document()
        receipt = self.send(document)
        for _time in range(2):
            self.change("cancel", document, receipt)
        self.assertEqual(self.bills[receipt.erp_id]["Status"], "VOIDED")
        self.refused(
            "edited_in_erp", Outcome.REJECTED, self.change, "update", document, receipt
        )
        self.refused(
            "edited_in_erp", Outcome.REJECTED, self.change, "attach", document, receipt
        )
        draft = self.send(self.document(2), self.make(post=False))
        self.change("cancel", document, draft)
        self.assertEqual(self.bills[draft.erp_id]["Status"], "DELETED")
        gone = replace(draft, erp_id="00000000-0000-4000-8000-000000000001")
        self.assertTrue(self.change("cancel", document, gone).notes)

    def test_a_voided_bill_is_not_there(self):
        document = self.document()
        receipt = self.send(document)
        look_up = self.connector.look_up
        [found] = look_up(document, erp_id=receipt.erp_id, **self.soon())
        self.assertTrue(found.ours)
        self.change("cancel", document, receipt)
        self.assertEqual(look_up(document, erp_id=receipt.erp_id, **self.soon()), [])
        other = self.send(replace(document, key="another"))
        gone = replace(document, cancelled=True)
        self.assertEqual(look_up(gone, erp_id=receipt.erp_id, **self.soon()), [])
        [found] = look_up(document, erp_id=receipt.erp_id, **self.soon())
        self.assertEqual((found.erp_id, found.ours), (other.erp_id, False))


class TestVendors(XeroCase):
    def vendor(self, connector=None, number=1, **values):
        vendor = Vendor(**{"name": "New Ltd", "local_id": 9, **values})
        connector = connector or self.make(create_vendors=True)
        return self.send(self.document(number, vendor=vendor), connector).vendor_erp_id

    def test_found_by_tax_number_whatever_its_spaces(self):
        found = self.vendor(vat="GB 123456", name="Somebody")
        self.assertEqual(found, self.books.vendor)

    def test_found_by_name(self):
        self.assertEqual(self.vendor(name="City Agency"), self.books.vendor)

    def test_a_namesake_with_another_tax_number_is_another(self):
        self.refused(
            "vendor_name_taken",
            Outcome.REJECTED,
            self.vendor,
            name="City Agency",
            vat="GB 999",
        )

    def test_archived_or_several(self):
        self.books.contacts[self.books.vendor]["ContactStatus"] = "ARCHIVED"
        self.refused("vendor_inactive", Outcome.REJECTED, self.vendor, vat="GB 123456")
        for name in ("One", "Two"):
            self.books.add_contact(Name=name, TaxNumber="FR1")
        self.refused("vendor_not_found", Outcome.REJECTED, self.vendor, vat="FR1")

    def test_a_mapped_one_that_was_archived_is_told_by_xero(self):
        self.books.contacts[self.books.vendor]["ContactStatus"] = "ARCHIVED"
        self.refused("vendor_inactive", Outcome.REJECTED, self.send, self.document())

    def test_not_created_unless_wished(self):
        self.refused("vendor_not_found", Outcome.REJECTED, self.vendor, self.connector)
        self.assertEqual(len(self.books.contacts), 1)

    def test_not_created_for_a_bill_that_can_not_go(self):
        vendor = Vendor("New Ltd", local_id=9)
        line = make_line(account=Ref("Nothing", "1", 3))
        document = self.document(lines=(line,), vendor=vendor)
        self.refused(
            "gl_account_unmapped",
            Outcome.REJECTED,
            self.send,
            document,
            self.make(create_vendors=True),
        )
        self.assertEqual(len(self.books.contacts), 1)

    def test_created_once_by_many_at_once(self):
        connector = self.make(create_vendors=True)
        with ThreadPoolExecutor(4) as pool:
            found = list(
                pool.map(lambda number: self.vendor(connector, number), range(4))
            )
        self.assertEqual(len(set(found)), 1)
        self.assertEqual(len(self.books.contacts), 2)
        whole = Vendor(
            "Other", "", 5, "", "BE1", "a@b.c", "1", "S", "T", "1000", "X", "BE"
        )
        self.send(self.document(9, vendor=whole), connector)
        row = list(self.books.contacts.values())[-1]
        self.assertEqual(row["Addresses"][0]["City"], "X")

    def test_created_by_somebody_else_meanwhile(self):
        def create(sock, request, stop):
            self.books.add_contact(**request.json()["Contacts"][0])
            reply({"Contacts": [{
                "HasValidationErrors": True,
                "ValidationErrors": [{"Message": "Another contact has this contact"
                                      " number. Please enter another."}],
            }]})(sock, request, stop)  # fmt: skip

        connector = self.make(create_vendors=True)
        self.xero.scripted = [None, None, create]
        self.assertIn(self.vendor(connector), self.books.contacts)


class TestSetUp(XeroCase):
    def check(self, **settings):
        return self.make(**settings).check(**self.soon())

    def test_all_is_right(self):
        items = self.check(company="")
        self.assertEqual([item.ok for item in items], [True] * 5, items)

    def test_organisations_are_listed_when_it_is_not_clear_which(self):
        other = "11111111-0000-4000-8000-000000000001"
        self.xero.tenants.append(self.xero._tenant(other, "Second"))
        for company in ("", "wrong"):
            item = self.check(company=company)[-1]
            self.assertFalse(item.ok)
            self.assertIn(f"Second ({other})", item.message)
            self.assertIn("Company", item.todo)
        self.refused(
            "company_wrong",
            Outcome.REJECTED,
            self.send,
            self.document(),
            self.make(company=""),
        )

    def test_the_only_organisation_need_not_be_entered(self):
        self.assertTrue(self.send(self.document(), self.make(company="")).posted)

    def test_a_server_that_is_away(self):
        [item] = self.check(url="http://127.0.0.1:9")
        self.assertFalse(item.ok)

    def test_the_later_lock_date_counts(self):
        self.assertIsNone(self.connector.lock_date(**self.soon()))
        self.books.period_lock = date(2026, 9, 30)
        self.books.year_lock = date(2026, 6, 30)
        locked = self.connector.lock_date(**self.soon())
        self.assertEqual(locked, date(2026, 9, 30))

    def test_master_data(self):
        def fetch(kind):
            return list(self.connector.fetch(kind, **self.soon()))

        accounts = {row.erp_id: row.active for row in fetch("account")}
        self.assertEqual(accounts, {"429": True, "493": True, "620": False})
        taxes = {row.erp_id: row.detail for row in fetch("tax")}
        self.assertEqual(taxes, {"INPUT": "purchase 15%", "INPUT2": "purchase 5%"})
        options = [(row.name, row.detail, row.active) for row in fetch("analytic")]
        self.assertEqual(
            options, [("North", "Region", True), ("South", "Region", False)]
        )
        self.assertEqual([row.code for row in fetch("currency")], ["USD", "NZD"])
        self.assertEqual(fetch("payment_term"), [])
        for number in range(230):
            self.books.add_contact(Name=f"Vendor {number}")
        self.assertEqual(len(fetch("vendor")), 231)


class TestSpec(BaseCase):
    """That the checks of requests can fail."""

    def test_faults_are_found(self):
        checkers = {type(one): one for one in (make_checker(), ByModels())}
        good = {"Invoices": [{"Type": "ACCPAY", "LineItems": [{"Quantity": 1.0}]}]}
        for checker in checkers.values():
            checker.request(self.request(good))
            for wrong in (
                {"Type": "BILL"},
                {"Typ": "ACCPAY"},
                {"InvoiceNumber": "x" * 256},
                {"LineItems": {}},
                {"LineItems": [{"Quantity": "two"}]},
                {"LineItems": [{"Price": 1.0}]},
                {"CurrencyCode": "XXY"},
            ):
                with (
                    self.subTest(wrong, checker=type(checker).__name__),
                    self.assertRaises(SpecFault),
                ):
                    checker.request(self.request({"Invoices": [wrong]}))
            for wrong in ({"xero-tenant-id": None}, {"path": "/Bills"}):
                with self.subTest(wrong), self.assertRaises(SpecFault):
                    checker.request(self.request(good, **wrong))
            with self.assertRaises(SpecFault):
                checker.answer(
                    self.request(good), {"Invoices": [{"Status": "BOOKED"}]}, 200
                )

    def request(self, data, path="/Invoices", **headers):
        given = {
            "content-type": "application/json",
            "xero-tenant-id": "t",
            "idempotency-key": "k",
            **headers,
        }
        given = {name: value for name, value in given.items() if value}
        return Request("PUT", BASE + path, given, json.dumps(data).encode())
