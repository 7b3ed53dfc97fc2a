"""Many bills in one call, against the real second Odoo."""

import time
import uuid
from decimal import Decimal

from ..connectors import ConnectorError, Outcome, Receipt
from ..connectors.base import Attachment, Ref
from ..connectors.odoo_rpc import OdooRpc
from .test_connector_odoo_real import PDF, Crash, RealOdooCase, dying

SIZE = 6


class TestSendMany(RealOdooCase):
    def send_many(self, documents, connector=None, **options):
        connector = connector or self.make(**options)
        return connector.send_many(
            documents,
            attempts=[str(uuid.uuid4()) for _document in documents],
            deadline=time.monotonic() + 120,
        )

    def documents(self, size=SIZE, **changes):
        return [self.document(**changes) for _number in range(size)]

    def calls(self, connector):
        """Collect the methods that a connector calls from now on."""
        made, rpc = [], connector._rpc

        def call(model, method, *arguments, **options):
            made.append(method)
            return OdooRpc.call(rpc, model, method, *arguments, **options)

        rpc.call = call
        return made

    def test_all_are_booked_with_the_calls_of_one(self):
        documents, connector = self.documents(), self.make()
        self.send(self.document(), connector)  # what is remembered is asked once
        made = self.calls(connector)
        receipts = self.send_many(documents, connector)
        self.assertEqual(
            made,
            [
                *["search_read", "load", "search_read", "web_save_multi"],
                *["search_read", "action_post", "search_read"],
            ],
        )
        for document, receipt in zip(documents, receipts, strict=True):
            self.assertEqual(receipt.reference, document.reference)
            self.assertTrue(receipt.posted and receipt.ours)
            self.assert_one_bill(document)

    def test_each_gets_its_own_files(self):
        documents = [
            self.document(
                attachments=(Attachment(f"{n}.pdf", "application/pdf", "", PDF),)
            )
            for n in range(3)
        ]
        receipts = self.send_many(documents, send_attachments=True)
        for number, receipt in enumerate(receipts):
            files = self.ask(
                "ir.attachment",
                "search_read",
                domain=[
                    ["res_model", "=", "account.move"],
                    ["res_id", "=", int(receipt.erp_id)],
                    ["mimetype", "=", "application/pdf"],
                ],
                fields=["name"],
            )
            self.assertEqual([file["name"] for file in files], [f"{number}.pdf"])

    def test_sent_again_nothing_is_doubled(self):
        documents = self.documents()
        first = self.send_many(documents)
        again = self.send_many(documents)
        self.assertEqual(
            [receipt.erp_id for receipt in first],
            [receipt.erp_id for receipt in again],
        )
        for document in documents:
            self.assert_one_bill(document)

    def test_one_that_the_erp_refuses_costs_the_others_nothing(self):
        documents = self.documents()
        wrong = Ref("Gone", erp_id="99999999")
        lines = tuple(
            line.__class__(**{**vars(line), "account": wrong})
            for line in documents[2].lines
        )
        documents[2] = self.document(lines=lines)
        self.expect_one_refused(documents, 2, "mapping_changed")

    def test_one_of_another_total_is_refused_alone_and_its_draft_removed(self):
        documents = self.documents()
        documents[4] = self.document(total=Decimal("352.59"), tax=Decimal("45.09"))
        self.expect_one_refused(documents, 4, "totals_differ")

    def test_one_of_a_locked_period_is_refused_alone(self):
        documents = self.documents()
        documents[0] = self.document(
            accounting_date=documents[0].accounting_date.replace(year=2025)
        )
        with self.locked_until("2025-12-31"):
            self.expect_one_refused(documents, 0, "period_closed")

    def test_one_that_somebody_entered_there_is_refused_alone(self):
        documents = self.documents()
        entered = documents[3]
        self.send(self.document(reference=entered.reference))
        results = self.send_many(documents)
        self.assertEqual(results[3].kind, "duplicate_bill")
        self.assert_accepted(documents, results, 3)

    def test_two_alike_in_one_call_make_one_bill(self):
        documents = self.documents(3)
        documents.append(self.document(reference=documents[0].reference))
        results = self.send_many(documents)
        kinds = [
            result.kind for result in results if isinstance(result, ConnectorError)
        ]
        self.assertEqual(kinds, ["duplicate_bill"])
        for document in documents[:3]:
            self.assert_one_bill(document)

    def test_bills_and_refunds_go_together(self):
        documents = [*self.documents(2), *self.documents(2, kind="refund")]
        results = self.send_many(documents)
        kinds = [receipt.kind for receipt in results]
        self.assertEqual(kinds, ["bill", "bill", "refund", "refund"])

    def test_after_a_crash_anywhere_sending_again_completes_each_once(self):
        for step in ("load", "web_save_multi", "action_post"):
            with self.subTest(step):
                documents, connector = self.documents(3), self.make()
                with dying(connector, step), self.assertRaises(Crash):
                    self.send_many(documents, connector)
                for document in documents:
                    self.assertTrue(self.send(document).posted)
                    self.assert_one_bill(document)

    def test_what_no_answer_came_for_is_unclear_for_each(self):
        documents, connector = self.documents(3), self.make()
        rpc = connector._rpc

        def call(model, method, *arguments, **options):
            result = OdooRpc.call(rpc, model, method, *arguments, **options)
            if method == "action_post":
                raise ConnectorError("no_answer", "Cut off.")
            return result

        rpc.call = call
        results = self.send_many(documents, connector)
        self.assertEqual({result.outcome for result in results}, {Outcome.AMBIGUOUS})
        for document in documents:
            [found] = self.make().look_up(document, deadline=time.monotonic() + 60)
            self.assertTrue(found.posted and found.ours)

    def test_an_older_odoo_gets_them_one_by_one(self):
        documents, connector = self.documents(2), self.make()
        connector._rpc.version = lambda deadline: 18
        made = self.calls(connector)
        for receipt in self.send_many(documents, connector):
            self.assertTrue(receipt.posted)
        self.assertNotIn("web_save_multi", made)

    def expect_one_refused(self, documents, place, kind):
        results = self.send_many(documents)
        error = results[place]
        self.assertIsInstance(error, ConnectorError)
        self.assertEqual((error.kind, error.outcome), (kind, Outcome.REJECTED))
        self.assertFalse(self.bills(documents[place]))
        self.assert_accepted(documents, results, place)

    def assert_accepted(self, documents, results, but):
        for number, (document, result) in enumerate(
            zip(documents, results, strict=True)
        ):
            if number != but:
                self.assertIsInstance(result, Receipt)
                self.assert_one_bill(document)
