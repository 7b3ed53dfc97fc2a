"""The calls on one bill of Xero: read, find, change its status, compare, attach."""

import uuid
from decimal import Decimal
from urllib.parse import quote

from .base import ConnectorError, Document, Outcome, Receipt
from .transport import Answer
from .xero_api import Session
from .xero_contacts import quoted
from .xero_errors import from_messages, messages_of
from .xero_values import (
    BILL,
    CENT,
    CREDIT_NOTE,
    CREDIT_PREFIX,
    Shape,
    day,
    key,
    marker,
    money,
)

#: Statuses of bills that count; VOIDED and DELETED don't.
ALIVE = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID")
#: In the books.
POSTED = ("AUTHORISED", "PAID")
#: A page of a list [F: up to 100 with their lines].
PAGE = 100
_LINKS = {
    # [M] Used by many, in no description.
    BILL: "https://go.xero.com/AccountsPayable/View.aspx?InvoiceID=",
    CREDIT_NOTE: "https://go.xero.com/AccountsPayable/ViewCreditNote.aspx?creditNoteID=",
}
_LINE = ("LineItemID", "Description", "AccountCode", "TaxType", "Tracking")
_LINE_AMOUNTS = ("Quantity", "UnitAmount", "LineAmount", "TaxAmount")
#: Letters that Xero does not take in names of files [M].
_NOT_IN_FILES = str.maketrans(dict.fromkeys('<>:"/\\|?*', "_"))


def place(erp_id: str) -> tuple[Shape, str]:
    """Return what an id of ours names, and Xero's id of it.

    :raise ConnectorError: ``bill_missing_in_erp``, rejected, when it is none.
    """
    shape = CREDIT_NOTE if erp_id.startswith(CREDIT_PREFIX) else BILL
    text = erp_id.removeprefix(CREDIT_PREFIX)
    try:
        return shape, str(uuid.UUID(text))
    except ValueError:
        raise missing(erp_id) from None


def missing(erp_id: str, outcome: Outcome = Outcome.REJECTED) -> ConnectorError:
    """Return the error for a bill that is not there."""
    return ConnectorError(
        "bill_missing_in_erp", f"Xero has no bill with the id {erp_id[:60]}.", outcome
    )


def read(xero: Session, erp_id: str) -> dict | None:
    """Return a bill whole, of any status, or ``None``."""
    shape, bill_id = place(erp_id)
    try:
        body = xero.ask(f"/{shape.path}/{bill_id}", {"unitdp": 4})
    except ConnectorError as error:
        if error.status == 404:
            return None
        raise
    rows = body.get(shape.path) or []
    return rows[0] if rows else None


def find(
    xero: Session, shape: Shape, contacts: set[str], references: set[str]
) -> list[dict]:
    """Return the bills of these vendors with these references that count."""
    if not contacts or not references:
        return []
    numbers = " OR ".join(f"{shape.number}=={quoted(one)}" for one in references)
    query = {"where": f'Type=="{shape.type}"', "pageSize": PAGE, "unitdp": 4}
    if shape is BILL:
        # Lists are faster for Xero than a where, but know no comma in a value [F].
        query["ContactIDs"] = ",".join(sorted(contacts))
        query["Statuses"] = ",".join(ALIVE)
        if not any("," in one for one in references):
            query["InvoiceNumbers"] = ",".join(sorted(references))
            numbers = ""
    if numbers:
        query["where"] += f" AND ({numbers})"
    found = []
    for page in range(1, 100):
        rows = xero.ask(f"/{shape.path}", {**query, "page": page})[shape.path]
        found += rows
        if len(rows) < PAGE:
            break
    return [
        row
        for row in found
        if row.get("Type") == shape.type
        and row.get("Status") in ALIVE
        and row.get(shape.number) in references
        and contact_of(row) in contacts
    ]


def contact_of(bill: dict) -> str:
    """Return Xero's id of a bill's vendor."""
    return str((bill.get("Contact") or {}).get("ContactID") or "")


def is_ours(bill: dict, document: Document, options: dict) -> bool:
    """Tell whether we made the bill for this very document; see ``marker``."""
    link = marker(document, options)
    return bool(link) and bill.get("Url") == link


def write(
    xero: Session, shape: Shape, method: str, rows: list[dict], operation: str, *parts
) -> list[dict | ConnectorError]:
    """Create (PUT) or change (POST) bills in one call.

    :param rows: what to send; those to be changed have their ids.
    :param operation: and ``parts`` make the ``Idempotency-Key``.
    :return: for each, in their order, what Xero has then, or why it refused it: with
        ``summarizeErrors=false`` a bad one costs the others nothing, and the answer
        has status 200 all the same [F].
    :raise ConnectorError: of the call; ambiguous when it is not clear what was done.
    """
    if method == "POST":
        # Such a call ends in the same bill however often it is done. Its key is the
        # attempt's own: under that of an earlier one Xero would repeat its answer of
        # then, whatever has become of the bill since.
        parts = (*parts, xero.attempt)
    answer = xero.do(
        method,
        f"/{shape.path}",
        key=key(operation, shape.path, *parts),
        query={"summarizeErrors": "false", "unitdp": 4},
        data={shape.path: rows},
    )
    found = answer.json()
    found = found.get(shape.path) if isinstance(found, dict) else None
    if not isinstance(found, list) or len(found) != len(rows):
        raise ConnectorError(
            "answer_unreadable",
            "Xero did not answer for each bill that it was sent.",
            status=answer.status,
            excerpt=xero.transport.excerpt(answer),
        )
    return [_result(xero, shape, row, answer) for row in found]


def _result(xero: Session, shape: Shape, row: dict, answer: Answer):
    if row.get("HasErrors") or row.get("StatusAttributeString") == "ERROR":
        return from_messages(xero.transport, messages_of(row), answer)
    if not row.get(shape.id):
        return ConnectorError(
            "answer_unreadable",
            "Xero's answer has no id for the bill.",
            status=answer.status,
            excerpt=xero.transport.excerpt(answer),
        )
    return row


def set_status(xero: Session, shape: Shape, bill_id: str, status: str) -> dict:
    """Change nothing but a bill's status, and return the bill.

    :raise ConnectorError: rejected, when Xero refuses.
    """
    row = {shape.id: bill_id, "Status": status}
    [result] = write(xero, shape, "POST", [row], status.lower(), bill_id)
    if isinstance(result, ConnectorError):
        raise result
    if result.get("Status") != status:
        raise ConnectorError("invalid_data", f"Xero did not make the bill {status}.")
    return result


def fix_rounding(document: Document, bill: dict) -> list[dict]:
    """Return the bill's lines with the document's tax, where Xero has rounded
    otherwise; empty when the amounts are equal.

    Both round the tax of each line or of the whole, so they may differ by half a cent
    a line. Xero lets the tax of a line be overridden [F]. Any other difference is one
    in the data.

    :raise ConnectorError: ``totals_differ``, rejected.
    """
    lines = bill.get("LineItems") or []
    taxed = [line for line in lines if money(line.get("TaxAmount"))]
    difference = document.tax - money(bill.get("TotalTax"))
    untaxed = money(bill.get("SubTotal"))
    if untaxed == document.untaxed and document.total == untaxed + document.tax:
        if not difference:
            return []
        if len(taxed) > 1 and abs(difference) <= CENT / 2 * len(taxed):
            largest = max(taxed, key=lambda line: abs(money(line["TaxAmount"])))
            return [_line(line, difference * (line is largest)) for line in lines]
    theirs = [money(bill.get(name)) for name in ("SubTotal", "TotalTax", "Total")]
    ours = [document.untaxed, document.tax, document.total]
    raise ConnectorError(
        "totals_differ",
        "Xero computes other amounts: {} + {} tax = {} instead of"
        " {} + {} tax = {}.".format(
            *(f"{one.quantize(CENT):f}" for one in [*theirs, *ours])
        ),
        Outcome.REJECTED,
    )


def copy_lines(bill: dict) -> list[dict]:
    """Return a bill's lines as they can be sent back."""
    return [_line(line, Decimal(0)) for line in bill.get("LineItems") or []]


def _line(line, more_tax):
    amounts = {name: line[name] for name in _LINE_AMOUNTS if line.get(name) is not None}
    if more_tax:
        amounts["TaxAmount"] = money(amounts.get("TaxAmount")) + more_tax
    return {
        **{name: line[name] for name in _LINE if line.get(name)},
        **{name: float(value) for name, value in amounts.items()},
    }


def receipt(
    bill: dict,
    document: Document | None = None,
    *,
    ours: bool = True,
    files: dict[str, str] | None = None,
) -> Receipt:
    """Return the receipt for a bill of Xero.

    :param document: that it was sent for, if any.
    :param files: those that could not be attached: ``{name: why}``.
    """
    shape = CREDIT_NOTE if bill.get("Type") == CREDIT_NOTE.type else BILL
    kind = "refund" if shape is CREDIT_NOTE else "bill"
    if document and shape is BILL and document.kind == "receipt":
        kind = "receipt"  # Xero has bills only
    notes = [
        f"The file {name} could not be attached: {why}"
        for name, why in (files or {}).items()
    ]
    bill_id = str(bill[shape.id])
    return Receipt(
        erp_id=(CREDIT_PREFIX if shape is CREDIT_NOTE else "") + bill_id,
        number=str(bill.get(shape.number) or ""),
        url=_LINKS[shape] + bill_id,
        posted=bill.get("Status") in POSTED,
        kind=kind,
        reference=str(bill.get(shape.number) or ""),
        accounting_date=day(bill.get("Date")),
        currency=str(bill.get("CurrencyCode") or ""),
        total=money(bill.get("Total")),
        vendor_erp_id=contact_of(bill),
        ours=ours,
        notes=tuple(notes),
        missing_files=tuple(files or ()),
    )


def attach(xero: Session, document: Document, bill: dict) -> dict[str, str]:
    """Attach the files that are not there yet; they never stand in the bill's way.

    :return: what could not be attached: ``{name: why}``.
    """
    files = [file for file in document.attachments if file.content]
    if not files or not xero.options.get("send_attachments"):
        return {}
    shape, bill_id = place(receipt(bill).erp_id)
    path = f"/{shape.path}/{bill_id}/Attachments"
    there = set()
    if bill.get("HasAttachments"):
        try:
            rows = xero.ask(path).get("Attachments") or []
        except ConnectorError as error:
            return {file.name: error.message for file in files}
        there = {(row.get("FileName"), row.get("ContentLength")) for row in rows}
    failed = {}
    for file in files:
        name = file.name.translate(_NOT_IN_FILES)
        if (name, len(file.content)) in there:
            continue
        try:
            xero.do(
                "PUT",
                f"{path}/{quote(name, safe='')}",
                key=key("attach", bill_id, name, file.checksum, len(file.content)),
                body=file.content,
            )
        except ConnectorError as error:
            failed[file.name] = error.message
    return failed
