from decimal import Decimal

from odoo.fields import Command

from .common import ApSyncCommon


class TestDocument(ApSyncCommon):
    """A bill as plain data: what the ERP gets to see."""

    def document(self, bill, contents=False):
        job = bill.ap_sync_job_ids or self.submit(bill)
        return bill._prepare_ap_sync_document(job, contents)

    def assert_adds_up(self, document):
        self.assertEqual(
            sum(line.subtotal for line in document.lines), document.untaxed
        )
        self.assertEqual(document.untaxed + document.tax, document.total)

    def test_a_plain_bill(self):
        bill = self.make_bill(
            invoice_origin="PO-7",
            narration="<p>Pay <b>soon</b></p>",
            invoice_payment_term_id=self.pay_terms_a.id,
        )
        document = self.document(bill)
        self.assertEqual(document.kind, "bill")
        self.assertEqual(document.reference, bill.ref)
        self.assertEqual(document.bill_date, bill.invoice_date)
        self.assertEqual(document.accounting_date, bill.date)
        self.assertEqual(document.due_date, bill.invoice_date_due)
        self.assertEqual(document.currency, "USD")
        self.assertEqual(document.origin, "PO-7")
        self.assertIn("Pay", document.narration)
        self.assertNotIn("<", document.narration)
        self.assertEqual(document.payment_term.local_id, self.pay_terms_a.id)
        self.assertEqual(document.vendor.name, "partner_a")
        line = document.lines[0]
        self.assertEqual((line.quantity, line.price_unit), (2, 50))
        self.assertEqual(line.account.erp_id, "600")
        self.assertEqual(line.account.code, self.expense.code)
        self.assert_adds_up(document)

    def test_a_contact_s_bill_is_its_company_s(self):
        contact = self.env["res.partner"].create(
            {"name": "Billing", "parent_id": self.partner_a.id}
        )
        document = self.document(self.make_bill(partner_id=contact.id))
        self.assertEqual(document.vendor.local_id, self.partner_a.id)

    def test_a_discount(self):
        bill = self.make_bill(lines=[{"discount": 12.5}])
        line = self.document(bill).lines[0]
        self.assertEqual(line.discount, Decimal("12.5"))
        self.assertEqual(line.price_unit, 50)
        self.assertEqual(line.subtotal, Decimal("87.5"))

    def test_several_taxes(self):
        other = self.purchase_tax.copy({"name": "Levy", "amount": 5})
        taxes = self.purchase_tax | other
        document = self.document(
            self.make_bill(lines=[{"tax_ids": [Command.set(taxes.ids)]}])
        )
        refs = document.lines[0].taxes
        self.assertEqual({ref.local_id for ref in refs}, set(taxes.ids))
        by_id = {ref.local_id: ref.erp_id for ref in refs}
        self.assertEqual(by_id, {self.purchase_tax.id: "15", other.id: ""})
        self.assertEqual(document.tax, 20)
        self.assert_adds_up(document)

    def test_a_price_that_includes_its_tax_is_sent_without_it(self):
        tax = self.purchase_tax.copy(
            {"name": "Included", "price_include_override": "tax_included"}
        )
        document = self.document(
            self.make_bill(lines=[{"price_unit": 57.5, "tax_ids": [tax.id]}])
        )
        line = document.lines[0]
        self.assertEqual(line.quantity * line.price_unit, 100)
        self.assertEqual((document.untaxed, document.tax), (100, 15))
        self.assert_adds_up(document)

    def test_a_foreign_currency(self):
        currency = self.setup_other_currency("EUR", rates=[("2020-01-01", 2.0)])
        document = self.document(self.make_bill(currency_id=currency.id))
        self.assertEqual((document.currency, document.total), ("EUR", 100))

    def test_a_credit_note_has_positive_amounts(self):
        document = self.document(self.make_bill(move_type="in_refund"))
        self.assertEqual((document.kind, document.total), ("refund", 100))
        self.assertEqual(document.lines[0].subtotal, 100)

    def test_a_receipt(self):
        document = self.document(self.make_bill(move_type="in_receipt"))
        self.assertEqual((document.kind, document.total), ("receipt", 100))

    def test_a_line_with_a_negative_price(self):
        document = self.document(self.make_bill(lines=[{}, {"price_unit": -10.0}]))
        self.assertEqual([line.subtotal for line in document.lines], [100, -20])
        self.assert_adds_up(document)

    def test_cash_rounding_is_a_line(self):
        for strategy, move_type, price, expected in [
            ("add_invoice_line", "in_invoice", 49.99, "0.02"),
            ("add_invoice_line", "in_refund", 50.01, "-0.02"),
        ]:
            rounding = self.env["account.cash.rounding"].create(
                {
                    "name": "To 5 cents",
                    "rounding": 0.05,
                    "strategy": strategy,
                    "rounding_method": "HALF-UP",
                    "profit_account_id": self.expense.id,
                    "loss_account_id": self.expense.id,
                }
            )
            document = self.document(
                self.make_bill(
                    move_type=move_type,
                    invoice_cash_rounding_id=rounding.id,
                    lines=[{"price_unit": price}],
                )
            )
            self.assertEqual(document.total, 100)
            self.assertEqual(document.lines[-1].subtotal, Decimal(expected))
            self.assert_adds_up(document)

    def test_cash_rounding_of_the_tax_stays_in_the_tax(self):
        rounding = self.env["account.cash.rounding"].create(
            {"name": "Tax", "rounding": 0.05, "strategy": "biggest_tax"}
        )
        document = self.document(
            self.make_bill(
                invoice_cash_rounding_id=rounding.id,
                lines=[{"price_unit": 49.99, "tax_ids": [self.purchase_tax.id]}],
            )
        )
        self.assertEqual(len(document.lines), 1)
        self.assert_adds_up(document)

    def test_sections_and_notes_are_left_out_and_the_order_is_the_bill_s(self):
        def line(name, sequence, **values):
            return Command.create(
                {
                    "name": name,
                    "sequence": sequence,
                    "price_unit": 10.0,
                    "account_id": self.expense.id,
                    "tax_ids": [],
                    **values,
                }
            )

        def text(kind, sequence):
            values = {"display_type": kind, "name": kind, "sequence": sequence}
            return Command.create(values)

        bill = self.make_bill(
            lines=[],
            invoice_line_ids=[
                line("Second", 30),
                text("line_section", 10),
                line("First", 20),
                text("line_note", 40),
            ],
        )
        document = self.document(bill)
        self.assertEqual([line.name for line in document.lines], ["First", "Second"])

    def test_the_analytic_distribution(self):
        plans = self.env["account.analytic.plan"].create([{"name": "A"}, {"name": "B"}])
        one, two, other = self.env["account.analytic.account"].create(
            [
                {"name": "One", "code": "1", "plan_id": plans[0].id},
                {"name": "Two", "plan_id": plans[0].id},
                {"name": "Other", "plan_id": plans[1].id},
            ]
        )
        self._map(one, "A1")
        self._map(two, "A2")
        self._map(other, "B1")
        shares = {f"{one.id},{other.id}": 60.0, str(two.id): 40.0}
        document = self.document(
            self.make_bill(lines=[{"analytic_distribution": shares}])
        )
        self.assertEqual(
            {(ref.erp_id, share) for ref, share in document.lines[0].analytic},
            {("A1", 60), ("B1", 60), ("A2", 40)},
        )

    # -- Attachments

    def attach(self, bill, name, content, **values):
        return self.env["ir.attachment"].create(
            {
                "name": name,
                "raw": content,
                "res_model": bill._name,
                "res_id": bill.id,
                **values,
            }
        )

    def test_the_vendor_s_document_comes_first(self):
        bill = self.make_bill()
        self.attach(bill, "notes.txt", b"notes")
        bill.message_main_attachment_id = self.attach(bill, "bill.pdf", b"%PDF-1.4")
        self.attach(bill, "link", False, type="url", url="https://example.com")
        self.attach(bill, "field", b"x", res_field="ap_sync_ready")
        files = self.document(bill, contents=True).attachments
        self.assertEqual(
            [(file.name, file.content) for file in files],
            [("bill.pdf", b"%PDF-1.4"), ("notes.txt", b"notes")],
        )
        self.assertFalse(self.document(bill).attachments[0].content)

    def test_no_documents_where_the_connection_sends_none(self):
        bill = self.make_bill()
        self.attach(bill, "bill.pdf", b"%PDF-1.4")
        self.connection.send_attachments = False
        self.assertFalse(self.document(bill).attachments)

    def test_a_file_too_large_is_left_out_and_the_next_one_goes(self):
        bill = self.make_bill()
        big = self.attach(bill, "big.bin", b"x")
        self.attach(bill, "small.txt", b"y")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_attachment SET file_size = %s WHERE id = %s",
            [21 * 1024 * 1024, big.id],
        )
        self.env.invalidate_all()
        names = [file.name for file in self.document(bill).attachments]
        self.assertEqual(names, ["small.txt"])
