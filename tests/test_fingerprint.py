from dataclasses import replace
from datetime import date
from decimal import Decimal

from odoo.fields import Command

from ..connectors.base import Document
from .common import ApSyncCommon


class TestFingerprint(ApSyncCommon):
    """A document survives its storage, and its fingerprint moves with the business."""

    def document(self, bill):
        job = bill.ap_sync_job_ids or self.submit(bill)
        return bill._prepare_ap_sync_document(job)

    def rich_bill(self):
        bill = self.make_bill(
            currency_id=self.setup_other_currency("EUR").id,
            invoice_payment_term_id=self.pay_terms_a.id,
            lines=[
                {"discount": 10.0, "tax_ids": [self.purchase_tax.id]},
                {"price_unit": 0.333333, "quantity": 1.5},
            ],
        )
        self.env["ir.attachment"].create(
            {"name": "a.txt", "raw": b"a", "res_model": bill._name, "res_id": bill.id}
        )
        return bill

    def test_a_document_is_read_back_as_it_was_stored(self):
        document = self.document(self.rich_bill())
        again = Document.from_json(document.to_json())
        self.assertEqual(again, document)
        self.assertEqual(again.fingerprint(), document.fingerprint())
        self.assertEqual(again.to_json(), document.to_json())

    def test_the_stored_document_holds_no_files(self):
        bill = self.rich_bill()
        job = self.submit(bill)
        stored = bill._prepare_ap_sync_document(job, contents=True).to_json()
        self.assertEqual(stored["attachments"][0]["content"], "")

    def test_it_is_the_same_whenever_and_by_whomever_it_is_read(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.expense.with_context(lang="de_DE").name = "Aufwand"
        self.purchase_tax.with_context(lang="de_DE").name = "Vorsteuer"
        self.pay_terms_a.with_context(lang="de_DE").name = "Sofort"
        bill = self.rich_bill()
        first = self.document(bill).fingerprint()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.document(bill).fingerprint(), first)
        german = bill.with_context(lang="de_DE", tz="Asia/Tokyo")
        self.assertEqual(self.document(german).fingerprint(), first)
        self.assertEqual(self.document(german), self.document(bill))
        self.assertEqual(self.document(bill.sudo()).fingerprint(), first)

    def test_key_mappings_and_files_do_not_move_it(self):
        bill = self.rich_bill()
        first = self.document(bill).fingerprint()
        bill.ap_sync_job_ids.sudo().key = "another"
        self._map(self.partner_a, "77")
        self.connection.send_attachments = False
        self.assertEqual(self.document(bill).fingerprint(), first)

    def test_every_business_field_moves_it(self):
        document = self.document(self.rich_bill())
        line = document.lines[0]
        ref = replace(line.account, local_id=0, code="999", name="Other")
        changes = {
            "kind": "refund",
            "reference": "OTHER",
            "bill_date": date(2020, 1, 1),
            "accounting_date": date(2020, 1, 1),
            "due_date": None,
            "currency": "JPY",
            "vendor": replace(document.vendor, local_id=0, name="Other"),
            "lines": document.lines[:1],
            "untaxed": Decimal(1),
            "tax": Decimal(1),
            "total": Decimal(1),
            "payment_term": None,
        }
        line_changes = {
            "name": "Other",
            "quantity": Decimal(7),
            "price_unit": Decimal(7),
            "discount": Decimal(7),
            "subtotal": Decimal(7),
            "account": ref,
            "taxes": (),
            "analytic": ((ref, Decimal(100)),),
        }
        others = {name: replace(document, **{name: v}) for name, v in changes.items()}
        for name, value in line_changes.items():
            changed = (replace(line, **{name: value}), *document.lines[1:])
            others[f"line {name}"] = replace(document, lines=changed)
        seen = {document.fingerprint(): "the bill itself"}
        for name, other in others.items():
            fingerprint = other.fingerprint()
            self.assertNotIn(fingerprint, seen, f"{name} and {seen.get(fingerprint)}")
            seen[fingerprint] = name

    def test_an_edit_of_the_synced_bill_moves_it_and_a_payment_does_not(self):
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        payment = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=bill.ids
        )
        payment.create({})._create_payments()
        self.commit()
        self.assertFalse(job._is_bill_changed())
        self.assertFalse(job.changed_since_sync)
        other = self.make_bill()
        job = self.submit(other)
        self.dispatch()
        other.button_draft()
        other.invoice_line_ids = [
            Command.update(other.invoice_line_ids.id, {"quantity": 9})
        ]
        self.commit()
        self.assertTrue(job._is_bill_changed())
        self.assertTrue(job.changed_since_sync)
