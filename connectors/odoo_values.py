"""From our document to the values of a bill in another Odoo, with all that has to be
looked up there first. Everything here may be repeated without harm."""

import hashlib
import html
from datetime import date
from decimal import Decimal

from .base import ConnectorError, Document, Outcome, Ref, Vendor
from .odoo_keys import find_key, get_or_create
from .odoo_rpc import Session, number

MOVE_TYPES = {"bill": "in_invoice", "refund": "in_refund", "receipt": "in_receipt"}

#: The lock dates of purchases; what the key's user may pass by an exception (18 and
#: newer) is in the ``user_`` fields.
_LOCKS = (
    "fiscalyear_lock_date",
    "purchase_lock_date",
    "hard_lock_date",
    "period_lock_date",
    "tax_lock_date",
)
_LOCK_FIELDS = _LOCKS + tuple(f"user_{name}" for name in _LOCKS)


def bill_values(odoo: Session, document: Document) -> dict:
    """Return the values for ``account.move.write``: all the bill but its type, its
    journal and its files. Written again they change nothing.

    :raise ConnectorError: rejected, for what is not mapped or not there; not sent.
    """
    lines = [_line(line) for line in document.lines]
    # What matters is when it is due: without a mapped term the date is sent.
    term = document.payment_term and document.payment_term.erp_id
    values = {
        "ref": document.reference or False,
        "invoice_date": document.bill_date.isoformat(),
        "date": document.accounting_date.isoformat(),
        "invoice_origin": document.origin or False,
        "narration": html.escape(document.narration).replace("\n", "<br>") or False,
        "invoice_payment_term_id": bool(term) and number(term),
        # (5) empties the bill's lines first: repeated, this doubles nothing.
        "invoice_line_ids": [[5, 0, 0], *([0, 0, line] for line in lines)],
        "currency_id": _currency(odoo, document.currency),
        "partner_id": _vendor(odoo, document.vendor),
    }
    if document.due_date and not term:
        values["invoice_date_due"] = document.due_date.isoformat()
    return values


def check_period(odoo: Session, document: Document) -> None:
    """Refuse a bill that Odoo would silently book on a later date.

    :raise ConnectorError: ``period_closed``, when the connection holds such bills.
    """
    if odoo.options.get("lock_policy") == "next_open":
        return
    taxed = any(line.taxes for line in document.lines)
    locked = lock_date(odoo, taxed=taxed)
    if locked and document.accounting_date <= locked:
        raise ConnectorError(
            "period_closed",
            f"The ERP is locked up to {locked}; the bill is dated"
            f" {document.accounting_date}.",
            Outcome.REJECTED,
            lock_date=locked,
        )


def lock_date(odoo: Session, *, taxed: bool = False, seconds: float = 30):
    """Return the date up to which purchases are locked, or ``None``.

    :param taxed: look at the lock of the tax return as well, which concerns bills
        with taxes only.
    :param seconds: how old the answer may be.
    """
    locks = odoo.rpc.remember("locks", seconds, lambda: _ask_locks(odoo))
    dates = [day for name, day in locks.items() if taxed or "tax" not in name]
    return max(dates, default=None)


def _ask_locks(odoo):
    names = odoo.existing("res.company", _LOCK_FIELDS)
    names = {name for name in names if f"user_{name}" not in names}
    rows = odoo.ask("res.company", "read", ids=[odoo.company], fields=sorted(names))
    if not rows:
        raise ConnectorError(
            "company_wrong",
            f"The ERP has no company with the id {odoo.company}.",
            Outcome.REJECTED,
        )
    # Computed lock dates that are not set are the first day of the calendar, and
    # that is spelled 1-01-01.
    days = {
        name: date(*map(int, rows[0][name].split("-")))
        for name in names
        if rows[0].get(name)
    }
    return {name: day for name, day in days.items() if day != date.min}


def _line(line):
    shares = [
        (str(_mapped(ref, "dimension_invalid")), float(share))
        for ref, share in line.analytic
    ]
    return {
        "name": line.name,
        "quantity": float(line.quantity),
        "price_unit": float(line.price_unit),
        "discount": float(line.discount),
        "account_id": _mapped(line.account, "gl_account_unmapped"),
        "tax_ids": [[6, 0, [_mapped(tax, "tax_unmapped") for tax in line.taxes]]],
        "analytic_distribution": dict(shares) or False,
    }


def _mapped(ref: Ref, kind: str) -> int:
    if not ref.erp_id:
        name = f"{ref.code} {ref.name}".strip()
        raise ConnectorError(
            kind, f"“{name}” has no counterpart in the ERP yet.", Outcome.REJECTED
        )
    return number(ref.erp_id)


def _currency(odoo, code):
    rows = odoo.rpc.remember(
        f"currency {code}",
        600,
        lambda: odoo.ask(
            "res.currency",
            "search_read",
            domain=[["name", "=", code]],
            fields=["active"],
            limit=1,
            context={"active_test": False},
        ),
    )
    if not rows or not rows[0]["active"]:
        raise ConnectorError(
            "currency_not_enabled",
            f"The currency {code} is not active in the ERP.",
            Outcome.REJECTED,
        )
    return rows[0]["id"]


def _vendor(odoo, vendor: Vendor) -> int:
    if vendor.erp_id:
        return number(vendor.erp_id)
    found = _vendors_by_vat(odoo, vendor.vat) if vendor.vat else []
    if len(found) == 1:
        return found[0]["id"]
    if found or not odoo.options.get("create_vendors"):
        several = f"Several vendors of the ERP have the VAT number {vendor.vat}."
        none = f"The ERP has no vendor {vendor.name}."
        raise ConnectorError(
            "vendor_not_found", several if found else none, Outcome.REJECTED
        )
    return _create_vendor(odoo, vendor)


def known_vendor(odoo: Session, vendor: Vendor) -> int | None:
    """Return the ERP's id of the vendor: the mapped one, the only one of its VAT
    number, or the one we created; ``None`` when it has none yet."""
    if vendor.erp_id:
        return number(vendor.erp_id)
    found = _vendors_by_vat(odoo, vendor.vat) if vendor.vat else []
    if len(found) == 1:
        return found[0]["id"]
    return find_key(odoo, _vendor_key(odoo, vendor))


def _vendors_by_vat(odoo, vat):
    compact = "".join(vat.split()).upper()
    return odoo.ask(
        "res.partner",
        "search_read",
        domain=[
            ["vat", "in", [vat, compact]],
            ["parent_id", "=", False],
            ["company_id", "in", [False, odoo.company]],
        ],
        fields=["name"],
        limit=2,
    )


def _create_vendor(odoo, vendor):
    """Create the vendor under a key of its own, so that it exists once however often
    this is repeated, and by however many threads."""
    values = {
        "name": vendor.name,
        "vat": vendor.vat,
        "email": vendor.email,
        "phone": vendor.phone,
        "street": vendor.street,
        "street2": vendor.street2,
        "zip": vendor.zip,
        "city": vendor.city,
        "country_id": _country(odoo, vendor.country_code),
        "is_company": vendor.is_company,
        "supplier_rank": 1,
    }
    key = _vendor_key(odoo, vendor)
    return get_or_create(odoo, "res.partner", key, values, odoo.ask)


def _vendor_key(odoo, vendor):
    origin = f"{odoo.options.get('origin', '')} {vendor.local_id or vendor.name}"
    digest = hashlib.sha256(origin.encode()).hexdigest()[:12]
    return f"vendor_{vendor.local_id}_{digest}"


def _country(odoo, code):
    if not code:
        return None
    rows = odoo.rpc.remember(
        f"country {code}",
        3600,
        lambda: odoo.ask(
            "res.country",
            "search_read",
            domain=[["code", "=", code]],
            fields=["code"],
            limit=1,
        ),
    )
    return rows[0]["id"] if rows else None


def money(value) -> Decimal:
    """Return an amount of the ERP; it travels as a binary float."""
    return round(Decimal(str(value or 0)), 6)
