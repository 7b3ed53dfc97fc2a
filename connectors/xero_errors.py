"""What Xero's refusals mean: read in the body, by the status where there is none.

The words in ``_WORDS`` were seen in the examples of Xero's OpenAPI description, in the
issues of its own client libraries and in lists of messages other integrators publish;
Xero has no list of its own. What none of them fits is ``invalid_data``, with Xero's
words.
"""

import re
from datetime import date

from .base import ConnectorError, Outcome
from .transport import Answer, Transport

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_LOCKED = re.compile(r"currently set at (\d{1,2})-([A-Z][a-z]{2})-(\d{4})")

#: The first that fits one of the messages decides; the cause comes before what only
#: follows from it.
_WORDS = [
    (re.compile(pattern, re.I), kind)
    for pattern, kind in (
        (r"(period|end of year) lock date", "period_closed"),
        (r"payment or credit note allocated", "bill_paid_in_erp"),
        (r"payment amount exceeds", "bill_paid_in_erp"),
        (r"not of valid status for modification", "edited_in_erp"),
        (r"contact.{1,100}has been archived", "vendor_inactive"),
        (r"'ARCHIVED' is not valid for contacts", "vendor_inactive"),
        (r"contact name.{1,300}already assigned", "vendor_name_taken"),
        (r"another contact has this contact number", "vendor_name_taken"),
        (r"contact (must contain|cannot be empty|could not)", "vendor_not_found"),
        (r"account.{1,40}must be specified", "gl_account_missing"),
        (r"account.{1,40}archived", "gl_account_inactive"),
        (r"account.{1,40}not a valid code for this", "gl_account_wrong_type"),
        (r"account.{1,60}(has been removed|recognised)", "mapping_changed"),
        (r"account must be valid", "mapping_changed"),
        (r"tax ?(type|rate)", "tax_invalid"),
        (r"tracking", "dimension_invalid"),
        (r"subscribed to (the )?currency|currency code", "currency_not_enabled"),
        (r"due ?date", "due_date_invalid"),
        (r"line total.{1,80}does not match", "totals_differ"),
        (r"must not be less than zero|negative", "negative_total"),
        (r"must be unique", "duplicate_bill"),
        (r"at least (1|one) line", "no_lines"),
        (r"max(imum)? length|too long|exceed.{1,40}characters", "text_too_long"),
    )
]


def from_answer(transport: Transport, answer: Answer) -> ConnectorError:
    """Return the error that an answer with a status other than 200 stands for."""
    body = _body(answer)
    messages = list(messages_of(body))
    if answer.status == 429:
        return _limited(transport, answer)
    if answer.status in (401, 403):
        return _refused(transport, answer, body)
    if answer.status == 400 and body.get("Type") == "ValidationException":
        return from_messages(transport, messages, answer)
    words = body.get("Message") or body.get("Detail") or ""
    # An XML or HTML page, or a status of a gateway: nothing was said about the bill.
    return transport.failure(answer, f"Xero says: {words}"[:600] if words else "")


def from_messages(
    transport: Transport, messages: list[str], answer: Answer
) -> ConnectorError:
    """Return the error for what Xero's validation says of one bill; rejected.

    :param messages: of ``ValidationErrors``; may be empty.
    """
    text = " ".join(dict.fromkeys(message.strip() for message in messages))
    found = (kind for pattern, kind in _WORDS if pattern.search(text))
    return ConnectorError(
        next(found, "invalid_data"),
        transport.redact(text, 600) or "Xero refused it and gave no reason.",
        Outcome.REJECTED,
        status=answer.status,
        excerpt=transport.excerpt(answer),
        lock_date=_lock_date(text),
    )


def messages_of(body: object) -> list[str]:
    """Return all messages of ``ValidationErrors`` in a body, or a part of one: those
    of a contact or a line stand beside it."""
    found = []
    if isinstance(body, dict):
        for name, value in body.items():
            if name == "ValidationErrors" and isinstance(value, list):
                errors = [one for one in value if isinstance(one, dict)]
                found += [str(one.get("Message") or "") for one in errors]
            else:
                found += messages_of(value)
    elif isinstance(body, list):
        for value in body:
            found += messages_of(value)
    return found


def from_identity(transport: Transport, answer: Answer) -> ConnectorError:
    """Return the error for a refusal of Xero's token endpoint (RFC 6749, 5.2)."""
    code = _body(answer).get("error")
    match code:
        case "invalid_grant":
            # Used already, not used for 60 days, or the user has disconnected us.
            kind, words = "token_expired", "Xero no longer takes the refresh token."
        case "invalid_client" | "unauthorized_client":
            kind, words = "credentials_wrong", "Xero refuses the client id and secret."
        case "invalid_scope":
            kind, words = "permission_missing", "Xero refuses the rights asked for."
        case _:
            # No bill is sent in this call: whatever became of it, none is there.
            error = transport.failure(answer)
            if error.outcome is Outcome.AMBIGUOUS:
                error.kind = "erp_unavailable"
            error.outcome = Outcome.NOT_SENT
            return error
    return ConnectorError(
        kind,
        words,
        Outcome.REJECTED,
        status=answer.status,
        excerpt=transport.excerpt(answer),
    )


def _limited(transport, answer):
    """Xero's header says which of its limits it was: the minute's, the day's, that of
    all tenants, or too many at once [M: the header's values are not in its OpenAPI
    description]."""
    problem = answer.headers.get("x-rate-limit-problem", "").strip().lower()
    error = transport.failure(answer)
    if problem.startswith(("day", "daily")):
        error.kind = "rate_limited_daily"
        error.message = "Xero's limit of calls a day is used up."
    elif problem.startswith("concurrent"):
        error.kind = "concurrency_limit"
        error.message = "Xero is asked too many things at once."
    else:
        error.kind = "rate_limited"
        error.message = "Xero asks for fewer calls a minute."
    return error


def _refused(transport, answer, body):
    """401 and 403 [M: the words in ``Detail`` were seen in public threads, Xero's
    OpenAPI description has none]."""
    detail = str(body.get("Detail") or body.get("Message") or "")
    error = transport.failure(answer, f"Xero refuses access. {detail[:200]}".strip())
    if re.search(r"AuthorizationUnsuccessful|scope", detail, re.I):
        error.kind = "permission_missing"
    elif answer.status == 403 and re.search(r"Authentication|tenant", detail, re.I):
        error.kind = "company_wrong"
        error.message = "This Xero login is not connected to the organisation."
    elif answer.status == 401 and re.search(r"token_?expired", detail, re.I):
        error.kind = "token_expired"
    return error


def _body(answer):
    try:
        body = answer.json()
    except ConnectorError:
        return {}
    return body if isinstance(body, dict) else {}


def _lock_date(text):
    days = []
    for day, month, year in _LOCKED.findall(text):
        try:
            days.append(date(int(year), _MONTHS.index(month) + 1, int(day)))
        except ValueError:
            continue
    return max(days, default=None)
