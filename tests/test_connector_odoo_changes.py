"""The Odoo connector on bills that are there already, against scripted answers."""

import time

from ..connectors.base import Attachment, ConnectorError, Outcome
from .test_connector_odoo import (
    BILL,
    DRAFT,
    MISSING_KEY,
    FakeOdoo,
    OdooCase,
    made_by,
    make_document,
)

CANCELLED = {**BILL, "state": "cancel"}
FILE = Attachment("a.pdf", "application/pdf", "", b"one")


class ChangesCase(OdooCase):
    def change(self, server, method, document=None, **options):
        """Return the receipt of ``cancel`` or ``attach`` of the bill 57."""
        call = getattr(made_by(server, **options), method)
        return call(
            document or make_document(cancelled=method == "cancel"),
            "57",
            attempt="attempt-1",
            deadline=time.monotonic() + 5,
        )

    def assert_refused(self, server, method, kind, outcome=Outcome.REJECTED):
        with self.assertRaises(ConnectorError) as caught:
            self.change(server, method, send_attachments=True)
        error = caught.exception
        self.assertEqual((error.kind, error.outcome), (kind, outcome), error.message)


class TestCancel(ChangesCase):
    def test_a_posted_bill_is_cancelled_by_one_call(self):
        answers = {
            "account.move/search_read": [[BILL], [CANCELLED]],
            "account.move/button_cancel": False,
        }
        with FakeOdoo(**answers) as server:
            receipt = self.change(server, "cancel")
            writes = [name for name in server.called if "button" in name]
        self.assertEqual(writes, ["account.move/button_cancel"])
        self.assertEqual(receipt.number, "BILL/2026/11/0003")

    def test_a_bill_that_is_cancelled_already_is_left_alone(self):
        with FakeOdoo(**{"account.move/search_read": [[CANCELLED]]}) as server:
            self.change(server, "cancel")
        self.assertNotIn("account.move/button_cancel", server.called)

    def test_a_bill_that_is_gone_needs_no_cancelling(self):
        with FakeOdoo(**{"account.move/search_read": [[]]}) as server:
            receipt = self.change(server, "cancel")
        self.assertIn("deleted", receipt.notes[0])

    def test_a_paid_bill_is_not_cancelled(self):
        paid = {**BILL, "payment_state": "partial"}
        with FakeOdoo(**{"account.move/search_read": [[paid]]}) as server:
            self.assert_refused(server, "cancel", "bill_paid_in_erp")
        self.assertNotIn("account.move/button_cancel", server.called)

    def test_a_bill_that_stays_as_it_was_is_no_success(self):
        answers = {
            "account.move/search_read": [[BILL], [BILL]],
            "account.move/button_cancel": False,
        }
        with FakeOdoo(**answers) as server:
            self.assert_refused(server, "cancel", "invalid_data", Outcome.AMBIGUOUS)

    def test_bills_alike_are_not_what_is_asked_about(self):
        answers = {
            "account.move/search_read": [[], [BILL]],
            "ir.model.data/check_object_reference": MISSING_KEY,
        }
        document = make_document(cancelled=True)
        with FakeOdoo(**answers) as server:
            connector = made_by(server)
            deadline = time.monotonic() + 5
            found = connector.look_up(document, deadline=deadline, erp_id="57")
        self.assertEqual(found, [])


class TestAttach(ChangesCase):
    def test_only_the_file_goes(self):
        answers = {
            "account.move/search_read": [[BILL]],
            "ir.attachment/search_read": [],
            "ir.attachment/create": [9],
            "ir.attachment/register_as_main_attachment": True,
        }
        document = make_document(attachments=(FILE,))
        with FakeOdoo(**answers) as server:
            receipt = self.change(server, "attach", document, send_attachments=True)
        self.assertNotIn("account.move/write", server.called)
        self.assertIn("ir.attachment/create", server.called)
        self.assertEqual(receipt.missing_files, ())

    def test_a_file_that_is_refused_is_named(self):
        answers = {
            "account.move/search_read": [[BILL]],
            "ir.attachment/search_read": [],
            "ir.attachment/create": ("odoo.exceptions.AccessError", "No.", 403),
        }
        document = make_document(attachments=(FILE,))
        with FakeOdoo(**answers) as server:
            receipt = self.change(server, "attach", document, send_attachments=True)
        self.assertEqual(receipt.missing_files, ("a.pdf",))
        self.assertIn("a.pdf", receipt.notes[0])

    def test_a_bill_that_is_gone_or_cancelled_gets_no_file(self):
        for found, kind in (
            ([], "bill_missing_in_erp"),
            ([CANCELLED], "edited_in_erp"),
        ):
            with FakeOdoo(**{"account.move/search_read": [found]}) as server:
                self.assert_refused(server, "attach", kind)


class TestRead(ChangesCase):
    def test_what_is_there_comes_by_its_id(self):
        with FakeOdoo(**{"account.move/search_read": [[DRAFT]]}) as server:
            deadline = time.monotonic() + 5
            found = made_by(server).read_bills(["57", "58"], deadline=deadline)
            [asked] = [one.json() for one in server.requests]
        self.assertEqual(list(found), ["57"])
        self.assertFalse(found["57"].posted)
        self.assertIn(["id", "in", [57, 58]], asked["domain"])
