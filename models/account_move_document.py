from decimal import Decimal

from odoo import models

from ..connectors import base

KIND_BY_TYPE = {"in_invoice": "bill", "in_refund": "refund", "in_receipt": "receipt"}

#: Files larger than this together stay out; the receipt's notes say so.
MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024


class AccountMove(models.Model):
    """The document a bill is sent as: plain data, built while the job is claimed."""

    _inherit = "account.move"

    def _get_ap_sync_lines(self):
        """Return the lines that are bought: no sections, notes, taxes or payables."""
        return self.invoice_line_ids.filtered(
            lambda line: line.display_type in {"product", "rounding"}
        )

    def _prepare_ap_sync_document(self, job, contents=False):
        """Return this bill as a ``Document``, with the ERP's ids of what is mapped.

        :param job: the job that gives connection and key.
        :param contents: True: read the attached files as well.
        """
        self.ensure_one()
        # sudo: what a bill says does not depend on who looks at it.
        move = self.sudo().with_company(self.company_id)
        vendor = move.commercial_partner_id
        lines = move._get_ap_sync_lines()
        term = move.invoice_payment_term_id
        analytic = (
            self.env["account.analytic.account"]
            .sudo()
            .browse(
                {
                    int(account_id)
                    for line in lines
                    for ids in line.analytic_distribution or {}
                    for account_id in ids.split(",")
                }
            )
        )
        erp_ids = self.env["ap.sync.mapping"]._get_erp_ids(
            job.connection_id,
            [vendor, lines.account_id, lines.tax_ids, term, analytic],
        )
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
            attachments=move._prepare_ap_sync_attachments(contents)
            if job.connection_id.send_attachments
            else (),
        )

    def _prepare_ap_sync_attachments(self, contents):
        """Return the bill's own files, the vendor's document first."""
        attachments = self.env["ir.attachment"].search(
            [
                ("res_model", "=", "account.move"),
                ("res_id", "=", self.id),
                ("res_field", "=", False),
                ("type", "=", "binary"),
            ],
            order="id",
        )
        attachments = self.message_main_attachment_id | attachments
        total, taken = 0, []
        for attachment in attachments:
            total += attachment.file_size
            if total <= MAX_ATTACHMENT_BYTES:
                taken.append(attachment)
        return tuple(
            base.Attachment(
                name=attachment.name,
                mimetype=attachment.mimetype or "application/octet-stream",
                checksum=attachment.checksum or "",
                content=attachment.raw or b"" if contents else b"",
            )
            for attachment in taken
        )


def _ref(record, code, erp_ids):
    return {
        "name": record.name or "",
        "code": code or "",
        "local_id": record.id,
        "erp_id": erp_ids.get(record, ""),
    }


def _line(line, erp_ids, digits):
    """Prices are sent before tax and discount; with taxes included in the price the
    ERP could count them twice, so the price without them is sent."""
    quantity = _decimal(line.quantity or 0.0, 6)
    price, discount = _decimal(line.price_unit, 6), _decimal(line.discount, 4)
    subtotal = _decimal(line.price_subtotal, digits)
    if line.display_type == "rounding":
        sign = line.move_id.direction_sign
        quantity, discount = Decimal(1), Decimal(0)
        price = subtotal = _decimal(sign * line.amount_currency, digits)
    elif any(line.tax_ids.flatten_taxes_hierarchy().mapped("price_include")):
        quantity, discount, price = Decimal(1), Decimal(0), subtotal
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
