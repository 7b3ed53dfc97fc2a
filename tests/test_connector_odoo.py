"""The Odoo connector against scripted answers: what it calls, and what it makes of
every answer. Names and messages of errors are those a real Odoo 19 gave."""

import json
import time
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
    Settings,
    Vendor,
    matches,
)
from ..connectors.odoo import OdooConnector
from .connector_server import ScriptedServer, answer, hang, message, reset

KEY = "0c315d8cdbc6eb3bf69f127789e4b307dd71c23e"
BILL = {
    "id": 57,
    "name": "BILL/2026/11/0003",
    "state": "posted",
    "date": "2026-11-15",
    "move_type": "in_invoice",
    "ref": "INV-1",
    "currency_id": [1, "USD"],
    "partner_id": [45, "Deco"],
    "amount_untaxed": 300.5,
    "amount_tax": 45.08,
    "amount_total": 345.58,
    "payment_state": "not_paid",
}
DRAFT = {**BILL, "state": "draft", "name": False}
MISSING_KEY = ("builtins.ValueError", "External ID not found in the system: x.y", 500)


def make_document(**changes) -> Document:
    """Return a bill of 300.50 + 45.08 tax, mapped as in ``BILL``."""
    line = Line(
        name="Consulting",
        quantity=Decimal(2),
        price_unit=Decimal("150.25"),
        discount=Decimal(0),
        subtotal=Decimal("300.50"),
        account=Ref("Expenses", "600000", 1, "29"),
        taxes=(Ref("15%", "", 2, "2"),),
    )
    values = {
        "key": "0b6c1c3e-0000-4000-8000-000000000001",
        "kind": "bill",
        "reference": "INV-1",
        "bill_date": date(2026, 11, 15),
        "accounting_date": date(2026, 11, 15),
        "due_date": None,
        "currency": "USD",
        "vendor": Vendor("Deco", "", 7, "45"),
        "lines": (line,),
        "untaxed": Decimal("300.50"),
        "tax": Decimal("45.08"),
        "total": Decimal("345.58"),
    }
    return Document(**{**values, **changes})


class FakeOdoo(ScriptedServer):
    """Answers ``model/method`` from a table: data, an error ``(name, message,
    status)``, a list of answers one after the other, or a step of the server."""

    def __init__(self, **answers):
        self.answers = {
            "res.company/fields_get": {"hard_lock_date": {"type": "date"}},
            "res.company/read": [{"id": 1, "hard_lock_date": False}],
            "res.currency/search_read": [{"id": 1, "active": True}],
            "account.move/alike": [],
            "account.move/load": {"ids": [57], "messages": []},
            "account.move/write": True,
            "account.move/search_read": [[DRAFT], [BILL]],
            "account.move/action_post": False,
            "account.move/unlink": True,
            **answers,
        }
        self.called = []
        super().__init__(self._step)

    def _step(self, sock, request, stop):
        name = request.path.removeprefix("/json/2/")
        self.called.append(name)
        if name == "account.move/search_read" and request.json()["fields"] == ["ref"]:
            name = "account.move/alike"  # does somebody else's bill stand there?
        found = self.answers[name]
        if isinstance(found, list) and found and isinstance(found[0], list | tuple):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            return found(sock, request, stop)
        if isinstance(found, tuple):
            name, text, status = found
            found = error_body(name, text)
        else:
            status = 200
        sock.sendall(message(found, status))


def error_body(name, text):
    return {
        "name": name,
        "message": text,
        "arguments": [text],
        "context": {},
        "debug": f"Traceback: secret path, {KEY}",
    }


def made_by(server, **options):
    """Return a connector for the server."""
    settings = {
        name: options.pop(name) for name in ("database", "login") if name in options
    }
    return OdooConnector(
        Settings(
            url=server.url,
            secret=KEY,
            company="1",
            timeout=3,
            allowed_hosts=("127.0.0.1",),
            options={"protocol": "json2", "post": True, **options},
            **settings,
        ),
    )


class OdooCase(BaseCase):
    def send(self, server, document=None, **options):
        deadline = time.monotonic() + options.pop("seconds", 5)
        connector = made_by(server, **options)
        return connector.send(
            document or make_document(), attempt="attempt-1", deadline=deadline
        )

    def refusal(self, server, kind, outcome, document=None, **options):
        with self.assertRaises(ConnectorError) as caught:
            self.send(server, document, **options)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)
        texts = f"{error} {error.message} {error.excerpt}"
        self.assertNotIn(KEY, texts)
        self.assertNotIn("Traceback", texts)
        return error


class TestSend(OdooCase):
    def test_a_bill_takes_six_calls_once_the_rest_is_known(self):
        with FakeOdoo() as server:
            connector = made_by(server, database="books")
            deadline = time.monotonic() + 9
            options = {"attempt": "attempt-1", "deadline": deadline}
            receipt = connector.send(make_document(), **options)
            server.answers["account.move/search_read"] = [[DRAFT], [BILL]]
            server.called.clear()
            connector.send(make_document(), **options)
        self.assertEqual(
            [name.partition("/")[2] for name in server.called],
            [
                "search_read",
                "load",
                "write",
                "search_read",
                "action_post",
                "search_read",
            ],
        )
        self.assertTrue(matches(make_document(), receipt))
        self.assertEqual(receipt.number, "BILL/2026/11/0003")
        self.assertEqual(receipt.total, Decimal("345.58"))
        self.assertEqual(
            (receipt.posted, receipt.ours, receipt.notes), (True, True, ())
        )
        for request in server.requests:
            self.assertEqual(request.headers["x-attempt-id"], "attempt-1")
            self.assertEqual(request.headers["authorization"], f"Bearer {KEY}")
            self.assertEqual(request.headers["x-odoo-database"], "books")

    def test_a_bill_that_somebody_else_entered_there_is_not_entered_again(self):
        answers = {
            "account.move/alike": [{"id": 99}],
            "account.move/get_external_id": {"99": "other.bill"},
            "ir.model.data/check_object_reference": MISSING_KEY,
        }
        with FakeOdoo(**answers) as server:
            self.refusal(server, "duplicate_bill", Outcome.REJECTED)
        self.assertNotIn("account.move/load", server.called)

    def test_our_own_unfinished_draft_is_no_duplicate(self):
        key = "__ap_sync__.bill_0b6c1c3e_0000_4000_8000_000000000001"
        answers = {
            "account.move/alike": [{"id": 57}],
            "account.move/get_external_id": {"57": key},
        }
        with FakeOdoo(**answers) as server:
            self.assertEqual(self.send(server).erp_id, "57")

    def test_what_is_written_doubles_nothing_when_written_again(self):
        with FakeOdoo() as server:
            self.send(server)
            sent = {request.path: request.json() for request in server.requests}
        load = sent["/json/2/account.move/load"]
        self.assertEqual(load["fields"], ["id"], "a column would change a posted bill")
        key = "__ap_sync__.bill_0b6c1c3e_0000_4000_8000_000000000001"
        self.assertEqual(load["data"], [[key]])
        self.assertEqual(load["context"]["default_move_type"], "in_invoice")
        values = sent["/json/2/account.move/write"]["vals"]
        self.assertEqual(values["invoice_line_ids"][0], [5, 0, 0])
        line = values["invoice_line_ids"][1][2]
        self.assertEqual((line["account_id"], line["tax_ids"]), (29, [[6, 0, [2]]]))

    def test_a_bill_may_be_left_a_draft(self):
        with FakeOdoo() as server:
            receipt = self.send(server, post=False)
        self.assertFalse(receipt.posted)
        self.assertNotIn("account.move/action_post", server.called)

    def test_text_of_the_bill_is_no_markup_in_the_erp(self):
        with FakeOdoo() as server:
            self.send(server, make_document(narration="<b>1\n2</b>"))
            [write] = [one for one in server.requests if one.path.endswith("/write")]
        narration = write.json()["vals"]["narration"]
        self.assertEqual(narration, "&lt;b&gt;1<br>2&lt;/b&gt;")

    def test_a_moved_date_is_noted(self):
        moved = {**BILL, "date": "2026-11-22"}
        with FakeOdoo(**{"account.move/search_read": [[DRAFT], [moved]]}) as server:
            receipt = self.send(server, lock_policy="next_open")
        [note] = receipt.notes
        self.assertIn("2026-11-22 instead of 2026-11-15", note)

    def test_a_bill_posted_by_an_earlier_try_is_taken_as_it_is(self):
        refusal = (
            "odoo.exceptions.UserError",
            "You cannot modify the following readonly fields on a posted move: date",
            422,
        )
        answers = {"account.move/write": refusal, "account.move/search_read": [BILL]}
        with FakeOdoo(**answers) as server:
            self.assertTrue(self.send(server).posted)
        self.assertNotIn("account.move/unlink", server.called)

    def test_a_bill_posted_with_other_amounts_is_no_success(self):
        refusal = ("odoo.exceptions.UserError", "must be in draft", 422)
        other = {**BILL, "amount_total": 1.0}
        answers = {"account.move/write": refusal, "account.move/search_read": [other]}
        with FakeOdoo(**answers) as server:
            self.refusal(server, "totals_differ", Outcome.AMBIGUOUS)
        self.assertNotIn("account.move/unlink", server.called)

    def test_a_bill_cancelled_there_is_not_made_again(self):
        cancelled = {**BILL, "state": "cancel"}
        with FakeOdoo(**{"account.move/search_read": [cancelled]}) as server:
            self.refusal(server, "edited_in_erp", Outcome.REJECTED)
        self.assertNotIn("account.move/action_post", server.called)
        self.assertNotIn("account.move/unlink", server.called)


class TestRefused(OdooCase):
    def test_other_totals_are_refused_and_the_draft_removed(self):
        draft = {**DRAFT, "amount_tax": 45.07, "amount_total": 345.57}
        with FakeOdoo(**{"account.move/search_read": [draft]}) as server:
            error = self.refusal(server, "totals_differ", Outcome.REJECTED)
        self.assertIn("345.57 instead of 300.5 + 45.08 tax = 345.58", error.message)
        self.assertEqual(server.called[-1], "account.move/unlink")
        self.assertNotIn("account.move/action_post", server.called)

    def test_what_posting_refuses_has_a_kind_of_its_own(self):
        table = {
            "A line of this move is using a archived account, you cannot post it.": (
                "gl_account_inactive"
            ),
            "The account Dead account (696103) is archived.": "gl_account_inactive",
            "You cannot validate a document with an inactive currency: EUR": (
                "currency_not_enabled"
            ),
            "The Bill/Refund date is required to validate this document.": (
                "date_missing"
            ),
            "The field 'Vendor' is required, please complete it to validate the"
            " Vendor Bill.": "vendor_missing",
            "Even magicians can't post nothing!": "no_lines",
            "You cannot validate an invoice with a negative total amount.": (
                "negative_total"
            ),
            "You cannot add/modify entries prior to and inclusive of: Global Lock"
            " Date (10/31/2026).": "period_closed",
            "Etwas ist falsch.": "invalid_data",
        }
        for words, kind in table.items():
            refusal = ("odoo.exceptions.UserError", words, 422)
            answers = {
                "account.move/action_post": refusal,
                "account.move/search_read": [DRAFT],
            }
            with self.subTest(words), FakeOdoo(**answers) as server:
                error = self.refusal(server, kind, Outcome.REJECTED)
                self.assertEqual(error.message, words)
                self.assertEqual(server.called[-1], "account.move/unlink")

    def test_a_draft_that_cannot_be_removed_is_named(self):
        answers = {
            "account.move/action_post": ("odoo.exceptions.UserError", "No.", 422),
            "account.move/search_read": [DRAFT],
            "account.move/unlink": ("odoo.exceptions.AccessError", "No.", 403),
        }
        with FakeOdoo(**answers) as server:
            error = self.refusal(server, "outcome_unknown", Outcome.REJECTED)
        self.assertIn("draft with the id 57", error.message)

    def test_a_removal_without_an_answer_is_unclear(self):
        answers = {
            "account.move/action_post": ("odoo.exceptions.UserError", "No.", 422),
            "account.move/search_read": [DRAFT],
            "account.move/unlink": reset(),
        }
        with FakeOdoo(**answers) as server:
            self.refusal(server, "invalid_data", Outcome.AMBIGUOUS)

    def test_what_is_not_mapped_is_refused_before_any_call(self):
        line = make_document().lines[0]
        table = {
            "gl_account_unmapped": {"account": Ref("Expenses", "600000")},
            "tax_unmapped": {"taxes": (Ref("15%"),)},
            "dimension_invalid": {"analytic": ((Ref("Site"), Decimal(100)),)},
            "mapping_changed": {"account": Ref("Expenses", erp_id="x29")},
        }
        missing = {"ir.model.data/check_object_reference": MISSING_KEY}
        for kind, change in table.items():
            changed = make_document(lines=(Line(**{**vars(line), **change}),))
            with self.subTest(kind), FakeOdoo(**missing) as server:
                self.refusal(server, kind, Outcome.REJECTED, changed)
                self.assertNotIn("account.move/load", server.called)

    def test_a_closed_period_is_refused_before_anything_is_made(self):
        answers = {
            "res.company/fields_get": {
                name: {"type": "date"}
                for name in (
                    "purchase_lock_date",
                    "user_purchase_lock_date",
                    "tax_lock_date",
                    "hard_lock_date",
                )
            },
            "res.company/read": [
                {
                    "user_purchase_lock_date": "2026-11-15",
                    "tax_lock_date": "2026-10-31",
                    "hard_lock_date": "1-01-01",
                }
            ],
            "ir.model.data/check_object_reference": MISSING_KEY,
        }
        with FakeOdoo(**answers) as server:
            error = self.refusal(server, "period_closed", Outcome.REJECTED)
            self.assertEqual(error.lock_date, date(2026, 11, 15))
            asked = [one for one in server.requests if one.path.endswith("y/read")]
            self.assertNotIn("purchase_lock_date", asked[0].json()["fields"])
        self.assertNotIn("account.move/load", server.called)

    def test_an_inactive_currency_is_refused(self):
        for rows in ([], [{"id": 2, "active": False}]):
            answers = {
                "res.currency/search_read": rows,
                "ir.model.data/check_object_reference": MISSING_KEY,
            }
            with FakeOdoo(**answers) as server:
                self.refusal(server, "currency_not_enabled", Outcome.REJECTED)

    def test_what_an_earlier_try_left_is_removed_when_this_one_is_refused(self):
        answers = {
            "res.currency/search_read": [],
            "ir.model.data/check_object_reference": ["account.move", 57],
            "account.move/search_read": [DRAFT],
        }
        with FakeOdoo(**answers) as server:
            self.refusal(server, "currency_not_enabled", Outcome.REJECTED)
        self.assertEqual(server.called[-1], "account.move/unlink")


class TestVendors(OdooCase):
    NEW = make_document(vendor=Vendor("New", local_id=7, vat="BE 0477472701"))

    def answers(self, rows):
        return {
            "res.partner/search_read": rows,
            "ir.model.data/check_object_reference": MISSING_KEY,
            "res.partner/load": {"ids": [46]},
        }

    def test_a_vendor_is_found_by_its_vat_number(self):
        with FakeOdoo(**self.answers([{"id": 45}])) as server:
            self.assertEqual(self.send(server, self.NEW).vendor_erp_id, "45")
        self.assertNotIn("res.partner/load", server.called)

    def test_several_vendors_with_that_number_are_left_to_a_person(self):
        with FakeOdoo(**self.answers([{"id": 45}, {"id": 46}])) as server:
            kind = "vendor_not_found"
            self.refusal(server, kind, Outcome.REJECTED, self.NEW, create_vendors=True)

    def test_a_new_vendor_is_made_only_where_that_is_wanted(self):
        with FakeOdoo(**self.answers([])) as server:
            self.refusal(server, "vendor_not_found", Outcome.REJECTED, self.NEW)
            self.assertNotIn("res.partner/load", server.called)

    def test_a_new_vendor_has_a_key_of_this_database(self):
        keys = []
        for origin in ("one", "one", "two"):
            with FakeOdoo(**self.answers([])) as server:
                options = {"create_vendors": True, "origin": origin}
                self.send(server, self.NEW, **options)
                [load] = [one for one in server.requests if "partner/load" in one.path]
            keys.append(load.json()["data"][0][0])
            self.assertEqual(load.json()["context"]["default_name"], "New")
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])
        self.assertTrue(keys[0].startswith("__ap_sync__.vendor_7_"))


class TestErrors(OdooCase):
    TABLE = (
        ("werkzeug.exceptions.Unauthorized", 401, "credentials_wrong", "rejected"),
        ("odoo.exceptions.AccessError", 403, "permission_missing", "rejected"),
        ("odoo.exceptions.MissingError", 404, "mapping_changed", "rejected"),
        ("werkzeug.exceptions.NotFound", 404, "address_wrong", "rejected"),
        ("odoo.exceptions.ValidationError", 422, "invalid_data", "rejected"),
        ("builtins.ValueError", 500, "invalid_data", "rejected"),
        ("builtins.TypeError", 500, "invalid_data", "rejected"),
        (
            "psycopg2.errors.SerializationFailure",
            500,
            "concurrency_limit",
            "not_sent",
        ),
        ("psycopg2.errors.DeadlockDetected", 500, "concurrency_limit", "not_sent"),
        ("odoo.exceptions.LockError", 409, "concurrency_limit", "not_sent"),
        ("psycopg2.OperationalError", 500, "no_answer", "ambiguous"),
        ("psycopg2.InterfaceError", 500, "no_answer", "ambiguous"),
        ("builtins.ZeroDivisionError", 500, "no_answer", "ambiguous"),
    )

    def test_the_name_of_an_error_decides_when_nothing_was_made_yet(self):
        for name, status, kind, outcome in self.TABLE:
            answers = {"account.move/load": (name, "Ouch", status)}
            with self.subTest(name), FakeOdoo(**answers) as server:
                self.refusal(server, kind, Outcome(outcome))

    def test_once_the_draft_is_there_nothing_is_surely_not_sent(self):
        for name, status, kind, outcome in self.TABLE:
            answers = {
                "account.move/write": (name, "Ouch", status),
                "account.move/search_read": [DRAFT],
            }
            if outcome == "not_sent":
                outcome = "ambiguous"
            with self.subTest(name), FakeOdoo(**answers) as server:
                self.refusal(server, kind, Outcome(outcome))
                removed = "account.move/unlink" in server.called
                self.assertEqual(removed, outcome == "rejected")

    def test_the_older_protocol_has_the_same_errors_in_a_plain_answer(self):
        for name, _status, kind, outcome in self.TABLE:
            if "werkzeug" in name:
                continue

            def respond(request, name=name):
                service = request.json()["params"]["service"]
                if service == "common":
                    return {"jsonrpc": "2.0", "id": 1, "result": 2}
                error = {
                    "message": "Odoo Server Error",
                    "data": error_body(name, "Ouch"),
                }
                return {"jsonrpc": "2.0", "id": 1, "error": error}

            with self.subTest(name), ScriptedServer(answer(respond)) as server:
                if outcome == "ambiguous":
                    kind, outcome = "erp_unavailable", "not_sent"  # of a read
                options = {"protocol": "jsonrpc", "database": "b", "login": "me"}
                self.refusal(server, kind, Outcome(outcome), **options)

    def test_reading_is_never_unclear(self):
        for step in (reset(), hang(9), (), ("x.Y", "", 500)):
            step = step or (lambda sock, *_: sock.sendall(message("<html>", 200)))
            answers = {"res.currency/search_read": step}
            with FakeOdoo(**answers) as server:
                options = {"seconds": 1}
                self.refusal(server, "erp_unavailable", Outcome.NOT_SENT, **options)
                self.assertNotIn("account.move/load", server.called)

    def test_every_write_without_an_answer_is_unclear(self):
        for method in ("load", "write", "action_post"):
            for step in (reset(), lambda sock, *_: sock.sendall(message("<html>"))):
                answers = {
                    f"account.move/{method}": step,
                    "account.move/search_read": [DRAFT],
                }
                with self.subTest(method), FakeOdoo(**answers) as server:
                    with self.assertRaises(ConnectorError) as caught:
                        self.send(server)
                    self.assertEqual(caught.exception.outcome, Outcome.AMBIGUOUS)
                    self.assertEqual(server.called[-1], f"account.move/{method}")

    def test_reading_back_without_an_answer_is_unclear(self):
        answers = {"account.move/search_read": reset()}
        with FakeOdoo(**answers) as server:
            self.refusal(server, "erp_unavailable", Outcome.AMBIGUOUS)

    def test_an_answer_of_the_wrong_shape_is_unclear(self):
        for shape in (None, 7, "57", True):
            with (
                self.subTest(shape),
                FakeOdoo(**{"account.move/load": shape}) as server,
            ):
                self.refusal(server, "answer_unreadable", Outcome.AMBIGUOUS)

    def test_rights_that_load_hides_are_told(self):
        refusal = {
            "ids": False,
            "messages": [{"message": "You are not allowed to create 'Journal Entry'."}],
        }
        with FakeOdoo(**{"account.move/load": refusal}) as server:
            self.refusal(server, "permission_missing", Outcome.REJECTED)

    def test_a_missing_database_is_a_wrong_address(self):
        step = lambda sock, *_: sock.sendall(message("<html>No database", 404))  # noqa: E731
        with ScriptedServer(step) as server:
            error = self.refusal(server, "address_wrong", Outcome.REJECTED)
        self.assertIn("database", error.message)

    def test_a_rate_limit_comes_with_its_wait(self):
        answers = {
            "account.move/load": lambda sock, *_: sock.sendall(
                message("slow down", 429, Retry_After=7)
            )
        }
        with FakeOdoo(**answers) as server:
            error = self.refusal(server, "rate_limited", Outcome.NOT_SENT)
        self.assertEqual(error.retry_after, 7)

    def test_a_race_for_the_key_is_run_again(self):
        lost = {
            "ids": False,
            "messages": [
                {"message": "could not serialize access due to concurrent update"}
            ],
        }
        tries = iter([lost, lost, {"ids": [57]}])
        step = lambda sock, *_: sock.sendall(message(next(tries)))  # noqa: E731
        with FakeOdoo(**{"account.move/load": step}) as server:
            self.send(server)
        self.assertEqual(server.called.count("account.move/load"), 3)


class TestFiles(OdooCase):
    DOCUMENT = make_document(
        attachments=(
            Attachment("a.pdf", "application/pdf", "", b"one"),
            Attachment("b.pdf", "application/pdf", "", b"two"),
        )
    )
    ONE = "fe05bcdcdc4928012781a5f1a2a77cbb5398e106"

    def test_a_file_is_attached_once(self):
        answers = {
            "ir.attachment/search_read": [{"name": "a.pdf", "checksum": self.ONE}],
            "ir.attachment/create": [9],
            "ir.attachment/register_as_main_attachment": reset(),
        }
        with FakeOdoo(**answers) as server:
            receipt = self.send(server, self.DOCUMENT, send_attachments=True)
            made = [one.json() for one in server.requests if "/create" in one.path]
        self.assertEqual([one["vals_list"][0]["name"] for one in made], ["b.pdf"])
        self.assertLess(
            server.called.index("ir.attachment/create"),
            server.called.index("account.move/action_post"),
        )
        self.assertEqual(receipt.notes, ())

    def test_a_file_that_is_refused_is_a_note(self):
        answers = {
            "ir.attachment/search_read": [],
            "ir.attachment/create": ("odoo.exceptions.AccessError", "No.", 403),
        }
        with FakeOdoo(**answers) as server:
            receipt = self.send(server, self.DOCUMENT, send_attachments=True)
        self.assertTrue(receipt.posted)
        self.assertEqual(len(receipt.notes), 2)
        self.assertIn("a.pdf", receipt.notes[0])

    def test_files_stay_here_unless_wanted(self):
        with FakeOdoo() as server:
            self.send(server, self.DOCUMENT)
        self.assertNotIn("ir.attachment/create", server.called)


class TestLookUp(OdooCase):
    def look_up(self, server, document=None, **options):
        deadline = time.monotonic() + 5
        connector = made_by(server)
        return connector.look_up(
            document or make_document(), deadline=deadline, **options
        )

    def test_another_vendors_bill_of_the_same_number_is_never_found(self):
        answers = {
            "ir.model.data/check_object_reference": MISSING_KEY,
            "account.move/search_read": [BILL],
        }
        unknown = make_document(vendor=Vendor("Deco", "", 7))
        with FakeOdoo(**answers) as server:
            self.assertEqual(self.look_up(server, unknown), [])
        self.assertNotIn("account.move/search_read", server.called)

    def test_a_bill_under_our_key_is_ours(self):
        answers = {
            "ir.model.data/check_object_reference": ["account.move", 57],
            "account.move/search_read": [DRAFT],
        }
        with FakeOdoo(**answers) as server:
            [receipt] = self.look_up(server)
        self.assertEqual((receipt.ours, receipt.posted), (True, False))

    def test_a_bill_with_the_same_reference_is_somebody_elses(self):
        answers = {
            "ir.model.data/check_object_reference": MISSING_KEY,
            "account.move/search_read": [BILL],
        }
        with FakeOdoo(**answers) as server:
            [receipt] = self.look_up(server)
            domain = server.requests[-1].json()["domain"]
        self.assertFalse(receipt.ours)
        self.assertIn(["partner_id", "=", 45], domain)
        self.assertIn(["company_id", "=", 1], domain)
        self.assertIn(["move_type", "=", "in_invoice"], domain)

    def test_a_bill_without_reference_is_not_guessed(self):
        answers = {"ir.model.data/check_object_reference": MISSING_KEY}
        with FakeOdoo(**answers) as server:
            self.assertEqual(self.look_up(server, make_document(reference="")), [])
        self.assertNotIn("account.move/search_read", server.called)

    def test_a_bill_that_is_hidden_from_us_is_not_taken_as_missing(self):
        answers = {"ir.model.data/check_object_reference": ["account.move", False]}
        with FakeOdoo(**answers) as server, self.assertRaises(ConnectorError) as caught:
            self.look_up(server)
        self.assertEqual(caught.exception.kind, "permission_missing")


class TestSetUp(OdooCase):
    def test_the_version_chooses_the_protocol_once(self):
        def respond(request):
            if request.path == "/web/webclient/version_info":
                return {"jsonrpc": "2.0", "result": {"server_version_info": [version]}}
            if request.path == "/jsonrpc":
                return {"jsonrpc": "2.0", "result": [{"id": 1, "active": True}]}
            return []

        for version, path in (
            (19, "/json/2/account.journal/search_read"),
            ("saas~19", "/json/2/account.journal/search_read"),
            (18, "/jsonrpc"),
            ("saas~17", "/jsonrpc"),
        ):
            with self.subTest(version), ScriptedServer(answer(respond)) as server:
                options = {"protocol": "auto", "database": "b", "login": "me"}
                connector = made_by(server, **options)
                connector._rpc.remember("fields", 1, dict)
                for _time in range(2):
                    connector._rpc.call(
                        "account.journal",
                        "search_read",
                        {},
                        deadline=time.monotonic() + 5,
                    )
            asked = [one for one in server.paths if "version_info" in one]
            self.assertEqual(len(asked), 1)
            self.assertEqual(server.paths[-1], path)

    def test_checks_end_with_what_makes_the_rest_pointless(self):
        step = lambda sock, *_: sock.sendall(message("<html>Hello"))  # noqa: E731
        with ScriptedServer(step) as server:
            items = made_by(server).check(deadline=time.monotonic() + 5)
        [item] = items
        self.assertEqual((item.name, item.ok), ("Address", False))
        self.assertTrue(item.todo)

    def test_master_data_comes_in_pages(self):
        def respond(request):
            if "fields_get" in request.path:
                return {"name": {}, "code": {}, "active": {}}
            domain = request.json()["domain"]
            last = domain[0][2]
            ids = range(last + 1, min(last + 500, 1200) + 1)
            return [{"id": one, "name": f"A{one}", "code": "6"} for one in ids]

        with ScriptedServer(answer(respond)) as server:
            connector = made_by(server)
            found = list(connector.fetch("account", deadline=time.monotonic() + 9))
        self.assertEqual([int(one.erp_id) for one in found], [*range(1, 1201)])
        self.assertEqual(len(server.requests), 4)

    def test_settings_never_show_the_key(self):
        with FakeOdoo() as server:
            self.assertNotIn(KEY, repr(made_by(server).settings))
            self.assertEqual(made_by(server, settle_seconds=2).settle_seconds, 2)
        self.assertNotIn(KEY, json.dumps(made_by(server).settings.options))
