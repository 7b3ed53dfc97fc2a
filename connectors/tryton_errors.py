"""From what Tryton says to our kinds of error. Pure.

A refusal is JSON with status 400: Tryton raises it inside the transaction, which is
then rolled back (``trytond/protocols/wrappers.py`` of 8.0: ``with_transaction`` commits
only what returned). All other errors are pages in HTML.

The words are matched in English; ``tryton_rest`` asks for it with ``Accept-Language``.
"""

import html
import re

from .base import ConnectorError, Outcome
from .transport import Answer, Transport

#: PostgreSQL or SQLite gave up for another transaction's sake; nothing of it is kept.
_SERIALIZE = re.compile(
    r"could not serialize access|deadlock detected|database is locked"
    r"|could not obtain lock",
    re.I,
)
#: It did not even begin.
_UNREAD = re.compile(r"unable to read json", re.I)
_PARAGRAPH = re.compile(r"<p>(.{1,2000}?)</p>", re.I | re.S)

_INVALID = r' (in record .{0,300})?(of|in) "Account %s" is not valid according to'
_WORDS = [
    (re.compile(pattern, re.I | re.S), kind)
    for pattern, kind in (
        (r"must reopen the (period|fiscal year)", "period_closed"),
        (r"in closed period|the period of move .{1,200} is closed", "period_closed"),
        (r"closed journal-period", "period_closed"),
        (r"must create a (period|fiscal year) for the date", "no_period"),
        (r"is similar to invoice", "duplicate_bill"),
        # Of a record that is gone only the id is left to be named.
        (
            r'^the value "\d+" for field "(Account|Taxes)" .{1,300} is not valid',
            "mapping_changed",
        ),
        # An account that has ended is refused only when the lines are booked.
        (rf'field "Account"{_INVALID % "Move Line"}', "gl_account_inactive"),
        (rf'field "Account"{_INVALID % "Invoice Line"}', "gl_account_wrong_type"),
        (rf'field "Account"{_INVALID % "Invoice"}', "vendor_no_payable_account"),
        (r"must define a payable account", "vendor_no_payable_account"),
        (r"a tax can be added only once", "tax_invalid"),
        (rf'field "Taxe?s?"{_INVALID % "Invoice Line"}', "tax_invalid"),
        (r'is required for field "Invoice Date"', "date_missing"),
        (r'is required for field "Party"', "vendor_missing"),
        (r"is required for field", "field_missing"),
        (r'value ".{0,300}" for field .{1,300} does not exist', "mapping_changed"),
        (r"is too long", "text_too_long"),
        (r"must fill in its lines", "no_lines"),
        (r"no rate found for currency", "currency_not_enabled"),
        (r"must define a currency exchange", "currency_not_enabled"),
        (r"it is posted, paid or cancelled|can not call ", "already_posted"),
        (r"not allowed to modify the field", "already_posted"),
        (r"not allowed", "permission_missing"),
    )
]


def from_answer(transport: Transport, answer: Answer) -> ConnectorError:
    """Return the error that an answer with a status other than 2xx stands for."""
    words = _message(answer)
    if words is not None and answer.status == 400:
        message = transport.redact(words.strip(), 600)
        return ConnectorError(
            by_words(message),
            message or "The ERP refused it and gave no reason.",
            Outcome.REJECTED,
            status=400,
            excerpt=transport.excerpt(answer),
        )
    error = transport.failure(answer)
    page = _page(answer)
    if answer.status == 400 and not _UNREAD.search(page):
        # Any failure of a call with JSON ends so: the server stumbles over the body
        # when it wants to tell (`with_pool`, `JSONRequest.rpc_method`).
        error.kind, error.outcome = "no_answer", Outcome.AMBIGUOUS
        error.message = "The ERP failed and did not tell why; its log does."
    elif answer.status >= 500 and _SERIALIZE.search(page):
        error.kind, error.outcome = "concurrency_limit", Outcome.NOT_SENT
        error.message = "Other bookings kept the ERP busy; it gave this one up."
    elif answer.status >= 500 and page:
        error.message += f" {transport.redact(page, 300)}"
    elif error.kind == "address_wrong":
        error.message = (
            "Tryton's API was not found there: check the address, the name of the"
            " database and that the server is a Tryton 8.0 or newer."
        )
    error.args = (error.message,)
    return error


def by_words(message: str) -> str:
    """Return the kind of a refusal, by Tryton's words."""
    found = (kind for pattern, kind in _WORDS if pattern.search(message))
    return next(found, "invalid_data")


def _message(answer):
    """Return Tryton's own words, ``None`` when a page came in their place."""
    try:
        body = answer.json()
    except ConnectorError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None
    more = body.get("description")
    return f"{body['message']} {more if isinstance(more, str) else ''}"


def _page(answer):
    text = answer.body[:20_000].decode("utf-8", "replace")
    found = _PARAGRAPH.search(text)
    return html.unescape(found[1]).strip() if found else ""
