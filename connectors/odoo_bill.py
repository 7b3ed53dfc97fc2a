"""The steps of writing a bill into another Odoo, each of which may be repeated."""

import base64
import contextlib
import hashlib
from datetime import date

from . import drafts
from .base import ConnectorError, Document, Outcome, Receipt
from .odoo_rpc import Session
from .odoo_values import MOVE_TYPES, money

READ = (
    "name",
    "state",
    "date",
    "move_type",
    "ref",
    "currency_id",
    "partner_id",
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "payment_state",
)
_KINDS = {move_type: kind for kind, move_type in MOVE_TYPES.items()}


def read(odoo: Session, bill_id: int) -> dict | None:
    """Return the bill's fields as the ERP has them, or ``None``."""
    rows = odoo.ask(
        "account.move",
        "search_read",
        domain=[["id", "=", bill_id]],
        fields=list(READ),
        limit=1,
    )
    return rows[0] if rows else None


def read_all(odoo: Session, bill_ids: list[int]) -> list[dict]:
    """Return the fields of these bills, without those that are gone or cancelled."""
    return odoo.ask(
        "account.move",
        "search_read",
        domain=[["id", "in", bill_ids], ["state", "!=", "cancel"]],
        fields=list(READ),
    )


def fill(odoo: Session, document: Document, bill_id: int, values: dict):
    """Write everything into a draft, compare the totals and attach the files.

    :return: the bill as read back, and the files that are not there: ``{name: why}``.
    :raise ConnectorError: ``totals_differ``, rejected; or as ``Session.do``.
    """
    odoo.do("account.move", "write", ids=[bill_id], vals=values)
    bill = read(odoo, bill_id)
    if not bill:
        return None, {}
    compare(document, bill)
    return bill, attach(odoo, document, bill_id)


def post(odoo: Session, document: Document, bill_id: int) -> dict | None:
    """Post a draft and return it as read back.

    :raise ConnectorError: rejected, when the ERP refuses or leaves it a draft.
    """
    odoo.do("account.move", "action_post", ids=[bill_id])
    bill = read(odoo, bill_id)
    if bill and bill["state"] != "posted":
        raise ConnectorError(
            "invalid_data", "The ERP left the bill a draft.", Outcome.REJECTED
        )
    return bill


def receipt(
    odoo: Session,
    bill: dict,
    document: Document | None = None,
    missing: dict[str, str] | None = None,
) -> Receipt:
    """Return the receipt for a bill of the ERP, with a note when it was booked on
    another date than the document's, and for each file that is missing."""
    booked = date.fromisoformat(bill["date"]) if bill["date"] else None
    notes = [
        f"The file {name} could not be attached: {why}"
        for name, why in (missing or {}).items()
    ]
    if document and booked and booked != document.accounting_date:
        notes.append(
            f"Booked on {booked} instead of {document.accounting_date}:"
            " the period is locked in the ERP."
        )
    return Receipt(
        erp_id=str(bill["id"]),
        number=(bill["name"] or "").strip("/"),
        url=_url(odoo, bill["id"]),
        posted=bill["state"] == "posted",
        kind=_KINDS.get(bill["move_type"], ""),
        reference=bill["ref"] or "",
        accounting_date=booked,
        currency=bill["currency_id"][1] if bill["currency_id"] else "",
        total=money(bill["amount_total"]),
        vendor_erp_id=str(bill["partner_id"][0]) if bill["partner_id"] else "",
        notes=tuple(notes),
        missing_files=tuple(missing or ()),
    )


def compare(document: Document, bill: dict) -> None:
    """As ``drafts.compare``, with a bill as ``read`` returns it."""
    names = ("amount_untaxed", "amount_tax", "amount_total")
    drafts.compare(document, [money(bill[name]) for name in names])


def attach(odoo: Session, document: Document, bill_id: int) -> dict[str, str]:
    """Attach the files that are not there yet. They come before posting, but
    never stand in its way.

    :return: what could not be attached: ``{name: why}``.
    """
    files = [file for file in document.attachments if file.content]
    if not files or not odoo.options.get("send_attachments"):
        return {}
    try:
        there = odoo.ask(
            "ir.attachment",
            "search_read",
            domain=[["res_model", "=", "account.move"], ["res_id", "=", bill_id]],
            fields=["name", "checksum"],
        )
    except ConnectorError as error:
        return {file.name: error.message for file in files}
    known = {(row["name"], row["checksum"]) for row in there}
    missing, made = {}, []
    for file in files:
        # Odoo's checksum of an attachment is its SHA-1.
        checksum = hashlib.sha1(file.content, usedforsecurity=False).hexdigest()
        if (file.name, checksum) in known:
            continue
        values = {
            "name": file.name,
            "mimetype": file.mimetype,
            "datas": base64.b64encode(file.content).decode(),
            "res_model": "account.move",
            "res_id": bill_id,
        }
        try:
            made += odoo.do("ir.attachment", "create", vals_list=[values])
        except ConnectorError as error:
            missing[file.name] = error.message
    if made:
        # Only then the ERP shows the file beside the bill; no harm without.
        with contextlib.suppress(ConnectorError):
            odoo.do("ir.attachment", "register_as_main_attachment", ids=made)
    return missing


def _url(odoo, bill_id):
    base = odoo.rpc.transport.base_url
    try:
        if odoo.rpc.protocol == "json2" or odoo.version >= 18:
            return f"{base}/odoo/account.move/{bill_id}"
    except ConnectorError:  # only a link: this one redirects, in any version
        return f"{base}/mail/view?model=account.move&res_id={bill_id}"
    return f"{base}/web#id={bill_id}&model=account.move&view_type=form"
