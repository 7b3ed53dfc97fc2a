from decimal import ROUND_HALF_UP, Decimal

from odoo import api, fields, models
from odoo.tools import html2plaintext

from ..connectors import base

KIND_BY_TYPE = {"in_invoice": "bill", "in_refund": "refund", "in_receipt": "receipt"}

#: Files larger than this together stay out; the receipt's notes say so.
MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024


class AccountMove(models.Model):
    """The document a bill is sent as: plain data, built while the job is claimed."""

    _inherit = "account.move"

    # Asked for by every check of one evaluation, hence kept for the transaction.
    ap_sync_line_ids = fields.Many2many(
        "account.move.line", string="Lines to Sync", compute="_compute_ap_sync_line_ids"
    )

    @api.depends(
        "line_ids.display_type", "line_ids.sequence", "line_ids.tax_repartition_line_id"
    )
    def _compute_ap_sync_line_ids(self):
        """The lines that make up the untaxed amount, in the bill's order: what is
        bought and what cash rounding adds; no sections, notes, taxes, payables."""
        for move in self:
            bought = move.line_ids.filtered(
                lambda line: (
                    line.display_type == "product"
                    or (
                        line.display_type == "rounding"
                        and not line.tax_repartition_line_id
                    )
                )
            )
            move.ap_sync_line_ids = bought.sorted(lambda line: (line.sequence, line.id))

    def _get_ap_sync_analytic_accounts(self):
        """Return the analytic accounts that the lines are spread over."""
        lines = self.ap_sync_line_ids.sudo()
        # Most have none, and the field is computed for each that is asked.
        return lines.filtered("analytic_distribution").distribution_analytic_account_ids

    def _get_ap_sync_mapped_records(self):
        """Return what these bills use that may have a counterpart in an ERP: a list
        of recordsets."""
        lines = self.ap_sync_line_ids
        return [
            self.commercial_partner_id,
            lines.account_id,
            lines.tax_ids,
            self.invoice_payment_term_id,
            self._get_ap_sync_analytic_accounts(),
        ]

    def _prepare_ap_sync_document(self, job, contents=False, erp_ids=None, files=None):
        """Return this bill as a ``Document``, with the ERP's ids of what is mapped.

        :param job: the job that gives connection and key.
        :param contents: True: read the attached files as well.
        :param erp_ids: ``{record: ERP id}`` and
        :param files: ``{bill: attachments}``, where they were read for many bills.
        """
        self.ensure_one()
        # sudo and no language: what a bill says does not depend on who looks at it.
        move = self.sudo().with_company(self.company_id).with_context(lang=None)
        vendor = move.commercial_partner_id
        lines = move.ap_sync_line_ids
        term = move.invoice_payment_term_id
        if erp_ids is None:
            erp_ids = self.env["ap.sync.mapping"]._get_erp_ids(
                job.connection_id, move._get_ap_sync_mapped_records()
            )
        if files is None:
            files = move._get_ap_sync_attachments(job.connection_id)
        taken, left_out = _split_by_size(files.get(move, ()))
        digits = move.currency_id.decimal_places
        return base.Document(
            key=job.key,
            kind=KIND_BY_TYPE[move.move_type],
            reference=(move.ref or "").strip(),
            bill_date=move.invoice_date or move.date,
            accounting_date=move.date,
            due_date=move.invoice_date_due or None,
            currency=move.currency_id.name,
            vendor=base.Vendor(
                **_ref(vendor, vendor.ref, erp_ids),
                vat=vendor.vat or "",
                email=vendor.email or "",
                phone=vendor.phone or "",
                street=vendor.street or "",
                street2=vendor.street2 or "",
                zip=vendor.zip or "",
                city=vendor.city or "",
                country_code=vendor.country_id.code or "",
                is_company=vendor.is_company,
            ),
            lines=tuple(_line(line, erp_ids, digits) for line in lines),
            untaxed=_decimal(move.amount_untaxed, digits),
            tax=_decimal(move.amount_tax, digits),
            total=_decimal(move.amount_total, digits),
            payment_term=base.Ref(**_ref(term, "", erp_ids)) if term else None,
            origin=move.invoice_origin or "",
            narration=html2plaintext(move.narration or "").strip(),
            attachments=tuple(_attachment(file, contents) for file in taken),
            left_out=tuple(file.name for file in left_out),
            cancelled=move.state == "cancel",
        )

    def _get_ap_sync_attachments(self, connection):
        """Return ``{bill: attachments}``: the bills' own files, the vendor's document
        first; none when the connection sends none. One query for all bills."""
        if not connection.send_attachments:
            return {}
        attachments = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", "account.move"),
                    ("res_id", "in", self.ids),
                    ("res_field", "=", False),
                    ("type", "=", "binary"),
                ],
                order="id",
            )
        )
        by_bill = attachments.grouped("res_id")
        return {
            move: move.sudo().message_main_attachment_id
            | by_bill.get(move.id, attachments.browse())
            for move in self
        }


def _split_by_size(attachments):
    """Return which files go along and which are too many bytes together."""
    total, taken, left_out = 0, [], []
    for attachment in attachments:
        if total + attachment.file_size <= MAX_ATTACHMENT_BYTES:
            total += attachment.file_size
            taken.append(attachment)
        else:
            left_out.append(attachment)
    return taken, left_out


def _attachment(attachment, contents):
    return base.Attachment(
        name=attachment.name,
        mimetype=attachment.mimetype or "application/octet-stream",
        checksum=attachment.checksum or "",
        content=attachment.raw or b"" if contents else b"",
    )


def _ref(record, code, erp_ids):
    return {
        "name": record.name or "",
        "code": code or "",
        "local_id": record.id,
        "erp_id": erp_ids.get(record, ""),
    }


def _line(line, erp_ids, digits):
    quantity, price, discount, subtotal = _amounts(line, digits)
    return base.Line(
        name=line.name or line.product_id.display_name or "/",
        quantity=quantity,
        price_unit=price,
        discount=discount,
        subtotal=subtotal,
        account=base.Ref(**_ref(line.account_id, line.account_id.code, erp_ids)),
        taxes=tuple(base.Ref(**_ref(tax, "", erp_ids)) for tax in line.tax_ids),
        analytic=tuple(_analytic(line, erp_ids)),
    )


def _amounts(line, digits):
    """Return quantity, price before discount, discount and subtotal of a line, such
    that an ERP that keeps two decimals comes to the same subtotal.

    Odoo keeps discounts and some prices with more digits than that (an e-invoice's
    allowance becomes 11.1333...%), and a price may include taxes that the ERP would
    count twice. Then the net price is sent, or the whole line as one unit.
    """
    if line.display_type == "rounding":
        amount = _decimal(line.move_id.direction_sign * line.amount_currency, digits)
        return Decimal(1), amount, Decimal(0), amount
    subtotal = _decimal(line.price_subtotal, digits)
    quantity = _decimal(line.quantity or 0.0, 6)
    choices = []
    if not any(line.tax_ids.flatten_taxes_hierarchy().mapped("price_include")):
        choices.append((_decimal(line.price_unit, 6), _decimal(line.discount, 6)))
    if quantity:
        choices.append((_decimal(float(subtotal / quantity), 6), Decimal(0)))
    for price, discount in choices:
        if _reproduces(quantity, price, discount, subtotal, digits):
            return quantity, price, discount, subtotal
    return Decimal(1), subtotal, Decimal(0), subtotal


def _reproduces(quantity, price, discount, subtotal, digits):
    if any(value != round(value, 2) for value in (quantity, price, discount)):
        return False
    amount = quantity * price * (1 - discount / 100)
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) == subtotal


def _analytic(line, erp_ids):
    """Shares of a key with several accounts (one per plan) are given to each."""
    Account = line.env["account.analytic.account"].sudo()
    for ids, share in sorted((line.analytic_distribution or {}).items()):
        for account_id in ids.split(","):
            account = Account.browse(int(account_id)).exists()
            if account:
                yield (
                    base.Ref(**_ref(account, account.code, erp_ids)),
                    _decimal(share, 4),
                )


def _decimal(value, digits):
    """Return a float of the database as the decimal it stands for."""
    number = Decimal(f"{value:.{digits}f}")
    # No exponent and no trailing zeros, so that equal bills have equal fingerprints.
    return Decimal(f"{number.normalize():f}")
