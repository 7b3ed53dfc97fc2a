"""The Business Central connector against one of our own: what it sends, and what it
makes of every answer. Codes are Microsoft's, words those of its published source."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from unittest.mock import patch

from odoo.tests import BaseCase

from ..connectors import business_central_api as api
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
from ..connectors.business_central import BusinessCentralConnector
from ..connectors.business_central_errors import BACK_OFF
from ..connectors.business_central_send import ROUNDS
from . import business_central_books as made
from .business_central_server import (
    CLIENT,
    ENVIRONMENT,
    ROOT,
    SECRET,
    TENANT,
    FakeBusinessCentral,
)
from .business_central_spec import SHAPES, V2_ONLY, Spec, published
from .connector_server import Request, reply

DAY = date(2026, 11, 15)
PDF = b"%PDF-1.4\n\x00\xff%%EOF\n"
POST = "/Microsoft.NAV.post"


def make_line(**changes) -> Line:
    values = {
        "name": "Consulting",
        "quantity": Decimal(2),
        "price_unit": Decimal("150.25"),
        "discount": Decimal(0),
        "subtotal": Decimal("300.50"),
        "account": Ref("Expenses", "61000", 1, made.ACCOUNT),
        "taxes": (Ref("15%", "", 2, "VAT15"),),
    }
    return Line(**{**values, **changes})


def make_document(**changes) -> Document:
    """Return a bill of 300.50 + 45.08 tax."""
    values = {
        "key": "0b6c1c3e-0000-4000-8000-000000000001",
        "kind": "bill",
        "reference": "O'Neill 1/ä",
        "bill_date": DAY,
        "accounting_date": DAY,
        "due_date": None,
        "currency": "USD",
        "vendor": Vendor("Fabrikam", "", 7, made.VENDOR),
        "lines": (make_line(),),
        "untaxed": Decimal("300.50"),
        "tax": Decimal("45.08"),
        "total": Decimal("345.58"),
    }
    return Document(**{**values, **changes})


class BusinessCentralCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(FakeBusinessCentral())
        self.books = self.server.books
        self.addCleanup(lambda: self.assertEqual(self.server.problems, []))
        # The order of the pauses matters here, not their length.
        self.enterContext(patch.object(api, "PAUSES", (0.01, 0.01, 0.01)))
        self.connector = self.make()

    def make(self, **changes):
        options = {"post": True, "send_attachments": True}
        settings = {
            "url": self.server.url,
            "secret": SECRET,
            "login": CLIENT,
            "database": f"{TENANT}/{ENVIRONMENT}",
            "company": made.COMPANY,
            "allowed_hosts": ("127.0.0.1",),
            "timeout": 5.0,
        }
        options.update(changes.pop("options", {}))
        options.setdefault("authority", self.server.url)
        return BusinessCentralConnector(
            Settings(**{**settings, **changes}, options=options)
        )

    def soon(self):
        return time.monotonic() + 20

    def send(self, document=None, connector=None) -> Receipt:
        return (connector or self.connector).send(
            document or make_document(), attempt="attempt-1", deadline=self.soon()
        )

    def look_up(self, document=None, **options):
        document = document or make_document()
        return self.connector.look_up(document, deadline=self.soon(), **options)

    def refusal(self, kind, outcome, document=None, connector=None):
        with self.assertRaises(ConnectorError) as caught:
            self.send(document, connector)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)
        texts = f"{error.message} {error.excerpt}"
        for secret in (SECRET, *self.server.tokens):
            self.assertNotIn(secret, texts)
        return error

    def documents(self):
        return [one["fields"] for one in self.books.documents.values()]

    def statuses(self):
        return [row["status"] for row in self.documents()]

    def sent(self, method, part):
        return [
            request
            for request in self.server.requests
            if request.method == method and part in request.path
        ]


class TestSend(BusinessCentralCase):
    def test_a_bill_takes_five_calls_once_signed_in_and_says_all_of_it(self):
        receipt = self.send(make_document(due_date=date(2026, 12, 15)))
        self.assertEqual(
            self.server.called,
            [
                "GET purchaseInvoices",
                "POST purchaseInvoices",
                "GET purchaseInvoices",
                "POST purchaseInvoices()/Microsoft.NAV.post",
                "GET purchaseInvoices()",
            ],
        )
        [request] = self.sent("POST", "/purchaseInvoices")[:1]
        self.assertEqual(
            request.json(),
            {
                "vendorId": made.VENDOR,
                "vendorInvoiceNumber": "O'Neill 1/ä",
                "invoiceDate": "2026-11-15",
                "postingDate": "2026-11-15",
                "currencyCode": "USD",
                "dueDate": "2026-12-15",
                "purchaseInvoiceLines": [
                    {
                        "lineType": "Account",
                        "accountId": made.ACCOUNT,
                        "description": "Consulting",
                        "quantity": 2.0,
                        "unitCost": 150.25,
                        "taxCode": "VAT15",
                    },
                    {
                        "lineType": "Comment",
                        "description": f"AP Sync {make_document().key}",
                    },
                ],
            },
        )
        self.assertEqual(request.headers["x-attempt-id"], "attempt-1")
        self.assertEqual(request.headers["accept-language"], "en-US")
        number = self.documents()[0]["number"]
        self.assertEqual((receipt.number, receipt.notes), (number, ()))
        self.assertTrue(receipt.posted and receipt.ours)
        self.assertTrue(matches(make_document(), receipt), receipt)
        self.assertEqual(
            receipt.url,
            "https://businesscentral.dynamics.com/contoso.com/production/"
            "?company=CRONUS%20USA%2C%20Inc.&page=138&mode=View"
            f"&filter=%27No.%27%20IS%20%27{number}%27",
        )

    def test_a_discount_and_what_costs_nothing(self):
        half = make_line(discount=Decimal(50), subtotal=Decimal("150.25"))
        note = make_line(
            name="For your files", quantity=Decimal(0), subtotal=Decimal(0), taxes=()
        )
        document = make_document(
            lines=(note, half),
            untaxed=Decimal("150.25"),
            tax=Decimal("22.54"),
            total=Decimal("172.79"),
        )
        self.assertEqual(self.send(document).total, document.total)
        lines = self.sent("POST", "/purchaseInvoices")[0].json()["purchaseInvoiceLines"]
        self.assertEqual(
            lines[0], {"lineType": "Comment", "description": "For your files"}
        )
        self.assertEqual(lines[1]["discountPercent"], 50.0)

    def test_a_refund_is_a_credit_memo_with_its_terms(self):
        term = Ref("30 days", "", 3, made.TERM)
        document = make_document(kind="refund", payment_term=term)
        receipt = self.send(document)
        [request] = self.sent("POST", "/purchaseCreditMemos")[:1]
        self.assertEqual(request.json()["paymentTermsId"], made.TERM)
        self.assertEqual(request.json()["vendorCreditMemoNumber"], document.reference)
        self.assertTrue(receipt.erp_id.startswith("credit-memo/"))
        self.assertIn("page=140", receipt.url)
        found = self.look_up(document, erp_id=receipt.erp_id)
        self.assertEqual(found, [replace(receipt, notes=())])
        read = self.connector.read_bills([receipt.erp_id], deadline=self.soon())
        self.assertEqual(list(read), [receipt.erp_id])

    def test_another_vendors_bill_of_that_number_is_none_of_ours(self):
        other = Vendor("Other", "", 8, made.OTHER_VENDOR)
        self.send(make_document(vendor=other, key="another"))
        self.assertEqual(self.look_up(), [])
        self.send()
        self.assertEqual(self.statuses(), ["Open", "Open"])

    def test_a_cancelled_bill_of_that_number_stands_in_nobodys_way(self):
        first = self.send(make_document(key="another"))
        self.documents()[0]["status"] = "Canceled"
        self.assertEqual(self.look_up(erp_id=first.erp_id), [])
        read = self.connector.read_bills([first.erp_id], deadline=self.soon())
        self.assertEqual(read, {})
        self.assertNotEqual(self.send().erp_id, first.erp_id)

    def test_what_waits_for_an_approval_is_not_in_the_books(self):
        receipt = self.send(connector=self.make(options={"post": False}))
        self.documents()[0]["status"] = "In_x0020_Review"
        [found] = self.look_up()
        self.assertEqual((found.erp_id, found.posted), (receipt.erp_id, False))

    def test_nothing_is_changed_or_cancelled_that_is_posted(self):
        receipt = self.send()
        calls = len(self.server.requests)
        for change in (self.connector.update, self.connector.cancel):
            with self.assertRaises(ConnectorError) as caught:
                change(
                    make_document(), receipt.erp_id, attempt="a", deadline=self.soon()
                )
            error = caught.exception
            self.assertEqual(
                (error.kind, error.outcome), ("update_unsupported", Outcome.REJECTED)
            )
        self.assertEqual(len(self.server.requests), calls)


class TestRefusals(BusinessCentralCase):
    def refused(self, kind, outcome=Outcome.REJECTED, **changes):
        error = self.refusal(kind, outcome, make_document(**changes))
        self.assertEqual(self.documents(), [])
        return error

    def test_what_can_be_seen_before_sending_is_not_sent(self):
        two = (Ref("15%", "", 2, "VAT15"), Ref("0%", "", 3, "VAT0"))
        share = ((Ref("North", "", 4, f"{made.DIMENSION}/{made.NORTH}"), Decimal(60)),)
        values = (made.NORTH, made.SOUTH)
        twice = tuple(
            (Ref("x", "", 4, f"{made.DIMENSION}/{value}"), Decimal(100))
            for value in values
        )
        for kind, changes in (
            ("reference_missing", {"reference": ""}),
            ("text_too_long", {"reference": "1" * 36}),
            ("vendor_not_found", {"vendor": Vendor("New", "", 9)}),
            ("gl_account_unmapped", {"lines": (make_line(account=Ref("New")),)}),
            ("tax_unmapped", {"lines": (make_line(taxes=(Ref("New"),)),)}),
            ("tax_form_unsupported", {"lines": (make_line(taxes=two),)}),
            ("dimension_invalid", {"lines": (make_line(analytic=share),)}),
            ("dimension_invalid", {"lines": (make_line(analytic=twice),)}),
            ("mapping_changed", {"lines": (make_line(account=Ref("x", "", 1, "29")),)}),
        ):
            with self.subTest(kind):
                self.refused(kind, **changes)
        self.assertEqual(self.sent("POST", "/purchaseInvoices"), [])

    def test_what_the_erp_refuses_is_told_and_its_draft_removed(self):
        gone = Ref("Gone", "", 9, "b0b0b0b0-0000-4000-8000-0000000000ff")
        blocked = Ref("Old", "", 9, made.BLOCKED_ACCOUNT)
        for kind, changes in (
            ("mapping_changed", {"lines": (make_line(account=gone),)}),
            ("gl_account_inactive", {"lines": (make_line(account=blocked),)}),
            ("tax_invalid", {"lines": (make_line(taxes=(Ref("x", "", 1, "?"),)),)}),
            ("vendor_not_found", {"vendor": Vendor("x", "", 1, gone.erp_id)}),
            ("currency_not_enabled", {"currency": "XAF"}),
            ("totals_differ", {"tax": Decimal("45.07"), "total": Decimal("345.57")}),
        ):
            with self.subTest(kind):
                self.refused(kind, **changes)

    def test_a_closed_period_comes_with_its_date(self):
        self.books.first_day = "2026-12-01"
        error = self.refused("period_closed")
        self.assertEqual(error.lock_date, date(2026, 11, 30))
        self.assertEqual(
            self.connector.lock_date(deadline=self.soon()), date(2026, 11, 30)
        )

    def test_a_draft_is_deleted_under_the_e_tag_it_was_read_with(self):
        self.books.first_day = "2026-12-01"
        self.refused("period_closed")
        [request] = self.sent("DELETE", "/purchaseInvoices")
        self.assertRegex(request.headers["if-match"], r'^W/".+"$')

    def test_a_draft_that_can_not_be_removed_is_told(self):
        self.books.first_day = "2026-12-01"
        self.server.lose("DELETE ", reply({"error": {"code": "Unknown"}}, 500), False)
        error = self.refusal("period_closed", Outcome.AMBIGUOUS)
        self.assertIn("may be left", error.message)
        self.assertEqual(self.statuses(), ["Draft"])

    def test_a_draft_that_changed_meanwhile_is_read_again(self):
        self.books.first_day = "2026-12-01"
        changed = {"error": {"code": "Request_EntityChanged", "message": "Another."}}
        self.server.lose("DELETE ", reply(changed, 409), False)
        self.refused("period_closed")

    def test_two_of_one_number_the_other_in_the_books_first(self):
        """Somebody enters the bill between our look and our posting."""
        self.send(make_document(key="another"))
        row = self.documents()[0]
        row["vendorId"] = made.OTHER_VENDOR  # is not seen when we look
        post = self.books.post

        def late(name, document_id):
            row["vendorId"] = made.VENDOR
            return post(name, document_id)

        self.books.post = late
        self.refusal("duplicate_bill", Outcome.REJECTED)
        self.assertEqual(self.statuses(), ["Open"])

    def test_words_alone_tell_what_the_code_does_not(self):
        for code, words, status, kind, outcome in (
            ("Unknown", "Boom", 500, "no_answer", Outcome.AMBIGUOUS),
            ("Unknown", "Timeout", 408, "no_answer", Outcome.AMBIGUOUS),
            ("Application_x", "Gateway", 504, "no_answer", Outcome.AMBIGUOUS),
            ("Internal_ServerError", "SQL", 503, "no_answer", Outcome.AMBIGUOUS),
            (
                "Internal_ServerError",
                "Sorry, the current permissions prevented the action.",
                400,
                "permission_missing",
                Outcome.REJECTED,
            ),
            ("Authorization_x", "No", 403, "permission_missing", Outcome.REJECTED),
            ("Internal_CompanyNotFound", "", 404, "company_wrong", Outcome.REJECTED),
            (
                "Application_StringExceededLength",
                "The length of the string is 57",
                400,
                "text_too_long",
                Outcome.REJECTED,
            ),
            (
                "Application_FieldValidationException",
                "Direct Posting must be equal to 'Yes'  in G/L Account: No.=10100.",
                400,
                "gl_account_wrong_type",
                Outcome.REJECTED,
            ),
        ):
            with self.subTest(f"{code} {status}"):
                told = f"{words}  CorrelationId:  {made.TERM}."
                body = {"error": {"code": code, "message": told}}
                self.server.lose("POST /v2.0", reply(body, status), False)
                error = self.refusal(kind, outcome)
                self.assertNotIn("CorrelationId", error.message)
                self.assertEqual(self.documents(), [])


class TestDoubt(BusinessCentralCase):
    """Whatever answer is lost, and whenever: there is one bill in the end."""

    def test_each_answer_may_be_lost(self):
        for text in ("POST /v2.0", POST, "GET /v2.0", "/oauth2/"):
            for done in (True, False):
                with self.subTest(text, done=done):
                    self.books.documents.clear()
                    self.connector = self.make()
                    self.server.lose(text, done=done)
                    writing = "POST /v2.0" in text or text == POST
                    self.refusal(
                        "no_answer" if writing else "erp_unavailable",
                        Outcome.AMBIGUOUS if writing else Outcome.NOT_SENT,
                    )
                    found = self.look_up()
                    self.assertLessEqual(len(found), 1)
                    receipt = self.send()
                    self.assertTrue(all(one.erp_id == receipt.erp_id for one in found))
                    self.assertEqual(self.statuses(), ["Open"])

    def test_the_last_answer_may_be_lost_when_all_is_done(self):
        self.server.lose(f"{POST[1:]}")
        self.refusal("no_answer", Outcome.AMBIGUOUS)
        [found] = self.look_up()
        self.assertTrue(found.posted and found.ours)
        calls = len(self.sent("POST", "/purchaseInvoices"))
        self.assertEqual(self.send().erp_id, found.erp_id)
        self.assertEqual(len(self.sent("POST", "/purchaseInvoices")), calls)

    def test_no_answer_to_reading_back_is_a_doubt_as_well(self):
        read = f"GET {ROOT}/companies({made.COMPANY})/purchaseInvoices("
        self.server.lose(read)
        self.refusal("erp_unavailable", Outcome.AMBIGUOUS)
        self.assertEqual(self.look_up(), [self.send()])

    def test_a_draft_of_an_earlier_try_goes_when_the_bill_no_longer_can(self):
        self.server.lose("POST /v2.0")
        self.refusal("no_answer", Outcome.AMBIGUOUS)
        self.assertEqual(self.statuses(), ["Draft"])
        unmapped = make_document(lines=(make_line(account=Ref("New")),))
        self.refusal("gl_account_unmapped", Outcome.REJECTED, unmapped)
        self.assertEqual(self.documents(), [])

    def test_a_bill_in_the_books_is_not_refused_for_a_mapping_that_is_gone(self):
        receipt = self.send()
        unmapped = make_document(lines=(make_line(account=Ref("New")),))
        self.assertEqual(self.send(unmapped), receipt)

    def test_somebody_elses_draft_is_a_duplicate_before_ours_is_made(self):
        drafts = self.make(options={"post": False})
        self.send(make_document(key="another"), connector=drafts)
        made_before = len(self.sent("POST", "/purchaseInvoices"))
        error = self.refusal("duplicate_bill", Outcome.REJECTED, connector=drafts)
        self.assertIn("a draft", error.message)
        self.assertEqual(len(self.sent("POST", "/purchaseInvoices")), made_before)
        [found] = self.look_up()
        self.assertFalse(found.ours)

    def test_a_gateway_that_gives_up_says_nothing_of_the_bill(self):
        for status in (408, 502, 503, 504):
            with self.subTest(status):
                self.books.documents.clear()
                self.server.lose(POST, reply("<h1>Gateway</h1>", status))
                self.refusal("no_answer", Outcome.AMBIGUOUS)
                self.assertTrue(self.send().posted)
                self.assertEqual(self.statuses(), ["Open"])

    def test_a_page_of_html_instead_of_a_list_is_no_empty_list(self):
        connector = self.make()
        self.server.lose("GET /v2.0", reply("<h1>Hello</h1>"), False)
        self.refusal("erp_unavailable", Outcome.NOT_SENT, connector=connector)
        self.assertEqual(self.documents(), [])

    def test_of_eight_at_once_there_is_one_bill(self):
        connectors = [self.make() for _number in range(8)]

        def one(connector):
            try:
                return self.send(connector=connector)
            except ConnectorError as error:
                return error

        self.server.pause = 0.005
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(one, connectors))
        last = self.send()
        self.assertEqual(self.statuses(), ["Open"])
        ids = {result.erp_id for result in results if isinstance(result, Receipt)}
        self.assertLessEqual(ids, {last.erp_id})
        self.assertEqual(self.look_up(), [last])

    def test_drafts_that_two_made_are_one_in_the_end(self):
        self.server.lose("POST /v2.0")
        self.refusal("no_answer", Outcome.AMBIGUOUS)
        [draft] = list(self.books.documents.values())
        twin = json.loads(json.dumps(draft))
        twin["fields"].update(id=made.TERM, number="999")
        self.books.documents[made.TERM] = twin
        receipt = self.send(connector=self.make(options={"post": False}))
        self.assertEqual(receipt.erp_id, draft["fields"]["id"])
        self.assertEqual(self.statuses(), ["Draft"])

    def test_what_is_posted_with_other_amounts_is_in_the_books_and_said(self):
        self.send()
        document = make_document(tax=Decimal(45), total=Decimal("345.50"))
        self.refusal("totals_differ", Outcome.AMBIGUOUS, document)
        self.assertEqual(self.statuses(), ["Open"])


class TestLimits(BusinessCentralCase):
    def test_too_many_at_once_wait_and_then_go_through(self):
        self.send(make_document(key="first", reference="first"))
        self.server.lose("GET /v2.0", reply({}, 429), False)
        self.server.lose("POST /v2.0", reply({}, 429), False)
        self.assertTrue(self.send().posted)

    def test_of_more_than_it_bears_the_rest_waits_for_its_turn(self):
        self.server.at_once, self.server.pause = 5, 0.02
        documents = [
            make_document(key=f"k{number}", reference=f"R{number}")
            for number in range(8)
        ]
        self.look_up()  # signs in
        with (
            patch.object(api, "PAUSES", (0.05,) * 40),
            ThreadPoolExecutor(8) as pool,
        ):
            receipts = list(pool.map(self.send, documents))
        self.assertTrue(all(receipt.posted for receipt in receipts))
        self.assertGreater(self.server.turned_away, 0)
        self.assertEqual(self.statuses(), ["Open"] * 8)

    def test_one_that_is_refused_again_and_again_leaves_the_connection_alone(self):
        self.look_up()  # signs in
        self.server.at_once = 0
        error = self.refusal("rate_limited", Outcome.NOT_SENT)
        self.assertEqual(error.retry_after, BACK_OFF)
        self.assertEqual(self.server.turned_away, 4)

    def test_a_wait_that_is_named_is_not_cut_short(self):
        before = len(self.server.requests)
        self.server.lose("GET /v2.0", reply({}, 429, Retry_After=9), False)
        error = self.refusal("rate_limited", Outcome.NOT_SENT)
        self.assertEqual(error.retry_after, 9)
        self.assertEqual(len(self.server.requests), before + 2)  # the token, and it


class TestToken(BusinessCentralCase):
    def test_one_token_does_for_all_threads(self):
        documents = [
            make_document(key=f"k{number}", reference=f"R{number}")
            for number in range(4)
        ]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.send, documents))
        self.assertEqual(self.server.signed_in, 1)

    def test_one_that_is_refused_is_replaced_once(self):
        self.send()
        self.server.refuse_all_tokens()
        self.assertEqual(len(self.look_up()), 1)
        self.assertEqual(self.server.signed_in, 2)

    def test_one_that_ends_soon_is_not_used(self):
        self.server.lifetime = 0.02
        self.make()
        connector = self.connector
        connector.look_up(make_document(), deadline=self.soon())
        time.sleep(0.02)
        connector.look_up(make_document(), deadline=self.soon())
        self.assertEqual(self.server.signed_in, 2)
        self.assertEqual(len(self.sent("GET", "/purchaseInvoices")), 2)

    def test_a_key_that_signs_in_and_is_refused_all_the_same_needs_a_person(self):
        self.server.lifetime = -1  # over before it is used
        self.refusal("credentials_wrong", Outcome.REJECTED)
        self.assertEqual(self.server.signed_in, 2)
        self.assertEqual(len(self.sent("GET", "/v2.0")), 2)

    def test_a_wrong_secret_is_told_in_microsofts_words(self):
        connector = self.make(secret="wrong-secret-0123")
        error = self.refusal("credentials_wrong", Outcome.REJECTED, connector=connector)
        self.assertIn("AADSTS7000215", error.message)
        self.assertNotIn("Trace ID", error.message)
        self.assertNotIn("wrong-secret-0123", error.message)

    def test_a_wrong_tenant_is_a_wrong_address(self):
        for database in ("fabrikam.com/production", "contoso.com", "a/b/c", "../x/y"):
            with self.subTest(database):
                connector = self.make(database=database)
                self.refusal("address_wrong", Outcome.REJECTED, connector=connector)

    def test_a_sign_in_service_that_is_down_sent_nothing(self):
        connector = self.make(options={"authority": "http://127.0.0.1:9"})
        self.refusal("erp_unavailable", Outcome.NOT_SENT, connector=connector)
        for answer in (reply("<h1>Sorry</h1>", 503), reply({"a": 1}), reply("x")):
            self.server.lose("/oauth2/", answer, False)
            with self.assertRaises(ConnectorError) as caught:
                self.send()
            self.assertEqual(caught.exception.outcome, Outcome.NOT_SENT)


class TestFiles(BusinessCentralCase):
    def document(self, *files):
        files = files or (Attachment("bill.pdf", "application/pdf", "a", PDF),)
        return make_document(attachments=files)

    def contents(self):
        return {
            file["row"]["fileName"]: file["content"]
            for file in self.books.files.values()
        }

    def test_a_file_comes_whole_and_once(self):
        for _time in range(2):
            self.assertEqual(self.send(self.document()).missing_files, ())
        self.assertEqual(self.contents(), {"bill.pdf": PDF})
        self.assertEqual(len(self.books.files), 1)
        [request] = self.sent("POST", "/documentAttachments")
        self.assertEqual(sorted(request.json()), ["fileName", "parentId", "parentType"])
        [upload] = self.sent("PATCH", "/attachmentContent")
        self.assertTrue(upload.headers["if-match"])

    def test_one_whose_bytes_were_lost_is_filled_later(self):
        self.server.lose("PATCH ", done=False)
        receipt = self.send(self.document())
        self.assertTrue(receipt.posted)
        self.assertEqual(receipt.missing_files, ("bill.pdf",))
        self.assertEqual(self.contents(), {"bill.pdf": b""})
        later = self.connector.attach(
            self.document(), receipt.erp_id, attempt="a", deadline=self.soon()
        )
        self.assertEqual(later.missing_files, ())
        self.assertEqual(self.contents(), {"bill.pdf": PDF})
        self.assertEqual(len(self.books.files), 1)

    def test_files_that_are_refused_stand_in_no_bills_way(self):
        self.server.lose("/documentAttachments", reply({}, 403), False)
        receipt = self.send(self.document())
        self.assertTrue(receipt.posted)
        self.assertIn("could not be attached", receipt.notes[0])

    def test_a_long_name_keeps_its_ending(self):
        long = Attachment("x" * 300 + ".pdf", "application/pdf", "a", PDF)
        self.send(self.document(long))
        [name] = self.contents()
        self.assertEqual((len(name), name[-4:]), (250, ".pdf"))

    def test_one_for_a_bill_that_is_gone(self):
        for state, kind in (("Canceled", "edited_in_erp"), ("", "bill_missing_in_erp")):
            receipt = self.send()
            [row] = self.documents()
            row["status"] = state
            if not state:
                self.books.documents.clear()
            with self.assertRaises(ConnectorError) as caught:
                self.connector.attach(
                    self.document(), receipt.erp_id, attempt="a", deadline=self.soon()
                )
            self.assertEqual(caught.exception.kind, kind)
            self.books.documents.clear()


class TestDimensions(BusinessCentralCase):
    def lines(self, *values):
        analytic = tuple((Ref("x", "", 5, value), Decimal(100)) for value in values)
        return (make_line(analytic=analytic),)

    def there(self):
        [document] = self.books.documents.values()
        rows = self.books.dimensions_of[document["lines"][0]["id"]]
        return {dimension: row["valueId"] for dimension, row in rows.items()}

    def test_each_line_gets_its_values_also_over_those_by_default(self):
        self.books.default_dimensions = {made.DIMENSION: made.SOUTH}
        wanted = {
            made.DIMENSION: made.NORTH,
            made.OTHER_DIMENSION: made.PROJECT,
        }
        lines = self.lines(*(f"{name}/{value}" for name, value in wanted.items()))
        self.assertTrue(self.send(make_document(lines=lines)).posted)
        self.assertEqual(self.there(), wanted)

    def test_a_line_that_somebody_else_changes_meanwhile(self):
        self.books.default_dimensions = {made.DIMENSION: made.SOUTH}
        document = make_document(lines=self.lines(f"{made.DIMENSION}/{made.NORTH}"))
        body = {"error": {"code": "Request_EntityChanged", "message": "Another."}}
        for times in (1, ROUNDS):
            for _time in range(times):
                self.server.lose("PATCH ", reply(body, 409), False)
            if times == 1:
                self.assertTrue(self.send(document).posted)
                self.books.documents.clear()
            else:
                self.refusal("stale_version", Outcome.AMBIGUOUS, document)
        self.assertEqual(self.statuses(), ["Draft"])

    def test_what_is_there_by_default_and_right_is_left_alone(self):
        self.books.default_dimensions = {made.DIMENSION: made.NORTH}
        lines = self.lines(f"{made.DIMENSION}/{made.NORTH}")
        self.send(make_document(lines=lines))
        self.assertEqual(self.sent("PATCH", ""), [])
        self.assertEqual(self.sent("POST", "dimensionSetLines"), [])

    def test_a_value_that_is_gone_is_told_and_the_draft_removed(self):
        lines = self.lines(f"{made.DIMENSION}/{made.PROJECT}")
        document = make_document(lines=lines)
        self.refusal("dimension_invalid", Outcome.REJECTED, document)
        self.assertEqual(self.documents(), [])


class TestSetUp(BusinessCentralCase):
    def wrong(self, **changes):
        items = self.make(**changes).check(deadline=self.soon())
        return {item.name: item for item in items if not item.ok}

    def test_all_is_right(self):
        self.assertEqual(self.wrong(), {})

    def test_without_a_company_those_there_are_told(self):
        for company in ("", made.ACCOUNT, "CRONUS"):
            wrong = self.wrong(company=company)
            self.assertEqual(list(wrong), ["Company"])
            self.assertIn(made.COMPANY, wrong["Company"].message)
            self.assertIn(made.OTHER_COMPANY, wrong["Company"].message)

    def test_a_bill_for_a_company_that_is_not_there_is_not_sent(self):
        for company in ("", made.ACCOUNT):
            connector = self.make(company=company)
            self.refusal("company_wrong", Outcome.REJECTED, connector=connector)

    def test_a_wrong_environment_is_told(self):
        wrong = self.wrong(database=f"{TENANT}/sandbox")
        self.assertEqual(list(wrong), ["Company"])
        self.assertIn("Environment does not exist", wrong["Company"].message)

    def test_all_pages_are_read(self):
        self.server.page = 1
        for kind, count in (("account", 2), ("vendor", 2), ("analytic", 3)):
            rows = list(self.connector.fetch(kind, deadline=self.soon()))
            self.assertEqual(len(rows), count, kind)
        request = self.sent("GET", "/accounts")[0]
        self.assertEqual(request.headers["prefer"], "odata.maxpagesize=1000")

    def test_a_next_page_elsewhere_is_not_followed(self):
        page = {"value": [], "@odata.nextLink": "http://127.0.0.2:1/steal?x=1"}
        self.server.lose("/accounts", reply(page), False)
        with self.assertRaises(ConnectorError) as caught:
            list(self.connector.fetch("account", deadline=self.soon()))
        self.assertEqual(caught.exception.kind, "answer_unreadable")

    def test_what_the_mapping_lists_show(self):
        def all_of(kind):
            rows = self.connector.fetch(kind, deadline=self.soon())
            return {row.erp_id: row for row in rows}

        accounts = all_of("account")
        self.assertEqual(list(accounts), [made.ACCOUNT, made.BLOCKED_ACCOUNT])
        self.assertFalse(accounts[made.BLOCKED_ACCOUNT].active)
        vendors = all_of("vendor")
        self.assertEqual(vendors[made.VENDOR].detail, "BE0477472701")
        self.assertFalse(vendors[made.OTHER_VENDOR].active)
        self.assertEqual(all_of("tax")["VAT15"].detail, "VAT")
        north = all_of("analytic")[f"{made.DIMENSION}/{made.NORTH}"]
        self.assertEqual((north.name, north.detail), ("North", "Region"))
        self.assertIsNone(self.connector.lock_date(deadline=self.soon()))


class TestSpec(BaseCase):
    """The checks of the fake check: with Microsoft's description and without."""

    GOOD = {"vendorId": made.VENDOR, "invoiceDate": "2026-11-15"}

    def problem(self, spec, data, path="purchaseInvoices"):
        body = json.dumps(data).encode()
        headers = {"content-type": "application/json"}
        path = f"/companies({made.COMPANY})/{path}"
        return spec.request_problem(Request("POST", path, headers, body))

    def test_what_is_wrong_is_found_with_either(self):
        for description in (published(), None):
            self.check(Spec(description))

    def check(self, spec):
        self.assertEqual(self.problem(spec, self.GOOD), "")
        for wrong in (
            {"vendorID": made.VENDOR},
            {"vendorId": "20000"},
            {"vendorInvoiceNumber": "1" * 36},
            {"invoiceDate": "15.11.2026"},
            {"purchaseInvoiceLines": [{"quantity": "two"}]},
            {"purchaseInvoiceLines": [{"amount": 1}]},
        ):
            with self.subTest(wrong):
                self.assertTrue(self.problem(spec, {**self.GOOD, **wrong}))
        self.assertTrue(self.problem(spec, self.GOOD, "purchaseInvoice"))
        listed = f"/companies({made.COMPANY})/accounts"
        request = Request("GET", listed, {}, b"")
        rows = json.dumps({"value": [{"id": made.ACCOUNT, "blocked": "no"}]}).encode()
        self.assertTrue(spec.answer_problem(request, 200, rows))
        self.assertTrue(spec.answer_problem(request, 200, b'{"value": [{"x": 1}]}'))
        self.assertEqual(spec.answer_problem(request, 200, b'{"value": []}'), "")
        odd = replace(request, path=f"{listed}?$filtre=1")
        self.assertIn("unknown options", spec.request_problem(odd))

    def test_what_microsofts_description_lacks_is_what_we_say_it_lacks(self):
        for name, fields in V2_ONLY.items():
            self.assertLessEqual(fields, set(SHAPES[name]), name)
        description = published()
        schemas = description["components"]["schemas"] if description else None
        for name, shape in SHAPES.items():
            known = shape.keys() - V2_ONLY.get(name, set())
            if schemas is not None:
                known = set(schemas.get(name, {}).get("properties", {}))
            self.assertEqual(
                set(shape) - known, V2_ONLY.get(name, set()) & set(shape), name
            )
