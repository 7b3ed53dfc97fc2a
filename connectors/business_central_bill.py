"""From our document to a purchase document of Business Central, and back.

Fields are those of API v2.0: ``dynamics_purchaseinvoice.md``,
``dynamics_purchasecreditmemo.md`` and the pages on their lines.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import quote

from . import drafts
from .base import ConnectorError, Document, Outcome, Receipt, Ref
from .business_central_api import GUID, Session

WEB = "https://businesscentral.dynamics.com"
#: As long as the fields are; a longer text is refused by the ERP.
REFERENCE, DESCRIPTION, TAX_CODE = 35, 100, 20
#: A document under one of these is in the books. *Draft* and *In Review* (waiting for
#: an approval) are not; *Canceled* was, and counts no more.
_POSTED = {"Open", "Paid", "Corrective"}
CANCELLED = "Canceled"


@dataclass(frozen=True)
class Entity:
    """What bills and refunds differ in: the sets, the names of two fields, the type
    that files name, and the numbers of the pages in the web client (51 and 138, 52
    and 140 in the base application's source)."""

    path: str
    lines: str
    number: str
    day: str
    parent: str
    draft_page: int
    posted_page: int
    kind: str
    prefix: str = ""


INVOICE = Entity(
    "purchaseInvoices",
    "purchaseInvoiceLines",
    "vendorInvoiceNumber",
    "invoiceDate",
    "Purchase Invoice",
    51,
    138,
    "bill",
)
MEMO = Entity(
    "purchaseCreditMemos",
    "purchaseCreditMemoLines",
    "vendorCreditMemoNumber",
    "creditMemoDate",
    "Purchase Credit Memo",
    52,
    140,
    "refund",
    "credit-memo/",
)


def entity_of(document: Document) -> Entity:
    """Return what the document is there. A receipt is an invoice like others."""
    return MEMO if document.kind == "refund" else INVOICE


def from_erp_id(erp_id: str) -> tuple[Entity, str]:
    """Return the entity and id that a receipt's ``erp_id`` stands for: ids alone do
    not tell an invoice from a credit memo.

    :raise ConnectorError: ``bill_missing_in_erp``, rejected, when it is none.
    """
    entity = MEMO if erp_id.startswith(MEMO.prefix) else INVOICE
    return entity, guid(erp_id.removeprefix(entity.prefix), "bill_missing_in_erp")


def guid(value: str, kind: str = "mapping_changed") -> str:
    """Return an id of the ERP.

    :raise ConnectorError: of the given kind, rejected, when it is none.
    """
    if GUID.fullmatch(value):
        return value.lower()
    raise ConnectorError(
        kind, f"“{value[:40]}” is no id of Business Central.", Outcome.REJECTED
    )


def marker(document: Document) -> str:
    """Return the text of the comment line by which our document is known.

    Business Central has no field for a key of the client's, but a document may have
    lines of type *Comment*, and they are kept when it is posted.
    """
    return f"AP Sync {document.key}"


def is_ours(bill: dict, document: Document) -> bool:
    """Tell whether a document that was read with its lines bears our key."""
    entity = entity_of(document)
    texts = (line.get("description") for line in bill.get(entity.lines) or ())
    return marker(document) in texts


def bill_values(document: Document) -> dict:
    """Return what is posted to create the document, lines included (deep insert).

    The order of the fields is the one they are set in there: of the vendor come the
    currency and the terms, of those the due date.

    :raise ConnectorError: rejected, for what is missing, too long or not mapped.
    """
    entity = entity_of(document)
    values = {
        "vendorId": _mapped(document.vendor, "vendor_not_found"),
        entity.number: checked_reference(document),
        entity.day: document.bill_date.isoformat(),
        "postingDate": document.accounting_date.isoformat(),
        "currencyCode": document.currency,
    }
    # An invoice has its vendor's terms; only a credit memo's can be set by the API.
    term = document.payment_term and document.payment_term.erp_id
    if entity is MEMO and term:
        values["paymentTermsId"] = guid(term)
    if document.due_date:
        values["dueDate"] = document.due_date.isoformat()
    lines = [_line(line) for line in document.lines]
    lines.append(_comment(marker(document)))
    return {**values, entity.lines: lines}


def checked_reference(document: Document) -> str:
    """Return the vendor's number of the document.

    :raise ConnectorError: ``reference_missing`` or ``text_too_long``, rejected.
    """
    if not document.reference:
        raise ConnectorError(
            "reference_missing",
            "Business Central needs the vendor's own number of the bill.",
            Outcome.REJECTED,
        )
    if len(document.reference) > REFERENCE:
        raise ConnectorError(
            "text_too_long",
            f"The bill's reference has {len(document.reference)} letters; Business"
            f" Central takes {REFERENCE}.",
            Outcome.REJECTED,
        )
    return document.reference


def _line(line):
    if not line.quantity:
        # It costs nothing, and a line without quantity can't be posted.
        return _comment(line.name)
    values = {
        "lineType": "Account",
        "accountId": _mapped(line.account, "gl_account_unmapped"),
        "description": line.name[:DESCRIPTION],
        "quantity": float(line.quantity),
        "unitCost": float(line.price_unit),
    }
    if line.discount:
        values["discountPercent"] = float(line.discount)
    if len(line.taxes) > 1:
        raise ConnectorError(
            "tax_form_unsupported",
            f"“{line.name[:40]}” has several taxes; a line in Business Central has one"
            " tax code.",
            Outcome.REJECTED,
        )
    for tax in line.taxes:
        if not tax.erp_id:
            raise _unmapped(tax, "tax_unmapped")
        values["taxCode"] = tax.erp_id
    return values


def _comment(words):
    return {"lineType": "Comment", "description": words[:DESCRIPTION]}


def _mapped(ref: Ref, kind: str) -> str:
    if not ref.erp_id:
        raise _unmapped(ref, kind)
    return guid(ref.erp_id)


def _unmapped(ref, kind):
    name = f"{ref.code} {ref.name}".strip()
    words = f"“{name}” has no counterpart in the ERP yet."
    return ConnectorError(kind, words, Outcome.REJECTED)


def status(bill: dict) -> str:
    """Return the document's status."""
    return str(bill.get("status") or "")


def is_posted(bill: dict) -> bool:
    """Tell whether the document is in the books."""
    return status(bill) in _POSTED


def money(value) -> Decimal:
    """Return an amount of the ERP."""
    return round(Decimal(str(value or 0)), 6)


def compare(document: Document, bill: dict) -> None:
    """As ``drafts.compare``, with a document as the ERP gives it."""
    names = (
        "totalAmountExcludingTax",
        "totalTaxAmount",
        "totalAmountIncludingTax",
    )
    drafts.compare(document, [money(bill.get(name)) for name in names])


def receipt(
    bc: Session,
    entity: Entity,
    bill: dict,
    document: Document | None = None,
    missing: dict[str, str] | None = None,
    ours: bool = True,
) -> Receipt:
    """Return the receipt for a document of the ERP, with a note when it was booked on
    another date than ours, and for each file that is missing."""
    booked = _day(bill.get("postingDate"))
    notes = [
        f"The file {name} could not be attached: {why}"
        for name, why in (missing or {}).items()
    ]
    if document and booked and booked != document.accounting_date:
        notes.append(f"Booked on {booked} instead of {document.accounting_date}.")
    same = document and entity_of(document) is entity
    return Receipt(
        erp_id=entity.prefix + str(bill["id"]).lower(),
        number=str(bill.get("number") or ""),
        url=_url(bc, entity, bill),
        posted=is_posted(bill),
        # A receipt and a bill are the same there.
        kind=document.kind if same else entity.kind,
        reference=str(bill.get(entity.number) or ""),
        accounting_date=booked,
        currency=str(bill.get("currencyCode") or ""),
        total=money(bill.get("totalAmountIncludingTax")),
        vendor_erp_id=str(bill.get("vendorId") or "").lower(),
        ours=ours,
        notes=tuple(notes),
        missing_files=tuple(missing or ()),
    )


def _day(value):
    """``0001-01-01`` is how Business Central says that there is no date."""
    day = date.fromisoformat(value[:10]) if value else date.min
    return day if day != date.min else None


def _url(bc, entity, bill):
    """The form is that of devenv-web-client-urls.md."""
    place, company = bc.erp.place, bc.erp.company_names.get(bc.company)
    page = entity.posted_page if is_posted(bill) else entity.draft_page
    what = quote(f"'No.' IS '{bill.get('number') or ''}'")
    where = f"company={quote(company)}&" if company else ""
    return (
        f"{WEB}/{place[1]}/{quote(place[2])}/?{where}page={page}&mode=View"
        f"&filter={what}"
    )
