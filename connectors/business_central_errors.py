"""What an error of Business Central means for the bill.

The status alone says little: nearly all that the application refuses is a 400. The
code in the body decides, ``{"error": {"code": …, "message": …}}``, and for the codes
that stand for any refusal of the application its English words refine the kind (each
request asks for English). The codes are those of Microsoft's page *Troubleshooting
REST API/OData calls* (dynamics-error-codes.md), the words those of the labels in the
published source of the base application. No live tenant was asked.
"""

import re

from .base import ConnectorError, Outcome
from .transport import Answer, Transport

#: Seconds to leave the connection alone after a 429: Business Central names none
#: (operational-limits-online.md), and counts requests over five minutes.
BACK_OFF = 30.0

#: The gateway gave up, the request may still be at work (dynamics-rate-limits.md).
_GATEWAY = (408, 502, 503, 504)

_CODES = {
    "Authentication_": "credentials_wrong",
    "Authorization_": "permission_missing",
    "Internal_CompanyNotFound": "company_wrong",
    "Internal_RecordNotFound": "mapping_changed",
    "Internal_DataNotFoundFilter": "mapping_changed",
    "Internal_InvalidTableRelation": "mapping_changed",
    "Internal_EntityWithSameKeyExists": "duplicate_bill",
    "Request_EntityChanged": "stale_version",
    "BadRequest_InvalidToken": "stale_version",
    "BadRequest_RequiredParamNotProvided": "field_missing",
    # Not on that page; what an unknown environment is answered with is unconfirmed.
    "NoEnvironment": "address_wrong",
    "BadRequest_NotFound": "address_wrong",
    "BadRequest_ResourceNotFound": "address_wrong",
    "BadRequest": "invalid_data",
    "Application_StringExceededLength": "text_too_long",
    "Application_": "invalid_data",
}
#: Kinds that the words of a message may put more precisely.
_VAGUE = {"invalid_data", "mapping_changed", "field_missing"}

_WORDS = [
    (re.compile(pattern, re.I), kind)
    for pattern, kind in (
        (r"range of allowed posting dates", "period_closed"),
        (r"accounting period .{0,80}closed", "period_closed"),
        (r"already exists for this vendor", "duplicate_bill"),
        (r"document number of the document from the vendor", "reference_missing"),
        (r"direct posting must be|account type must be", "gl_account_wrong_type"),
        (r"blocked must be .{0,40}G/L account", "gl_account_inactive"),
        (r"vendor .{0,80}is blocked|blocked .{0,40}vendor", "vendor_on_hold"),
        (r"related table \(vendor\)|the vendor cannot be found", "vendor_not_found"),
        (r"related table \(currency\)|match to a currency", "currency_not_enabled"),
        (r"related table \(payment terms\)|match to a payment terms", "term_unknown"),
        (r"related table \((tax|vat)|VAT posting setup|tax group code", "tax_invalid"),
        (r"select a dimension value", "dimension_missing"),
        (r"dimension", "dimension_invalid"),
        (r"account does not exist", "mapping_changed"),
        (r"there is nothing to post|at least one line", "no_lines"),
        (
            r"permissions prevented|you do not have .{0,60}permissions",
            "permission_missing",
        ),
    )
]
_CORRELATION = re.compile(r"\s*CorrelationId:\s*[0-9a-f-]{36}\.?\s*$", re.I)


def from_answer(transport: Transport, answer: Answer) -> ConnectorError:
    """Return the error that an answer with a status of 400 or more stands for.

    Its outcome is that of a write: ``Session.ask`` turns it into one for reading.
    """
    code, message = _body(answer)
    if answer.status in _GATEWAY or (not code and answer.status != 429):
        return transport.failure(answer, message)
    message = transport.redact(message, 600)
    kind, outcome = _classify(code, message, answer.status)
    return ConnectorError(
        kind,
        message or f"Business Central reports {transport.redact(code, 100)}.",
        outcome,
        status=answer.status,
        retry_after=answer.retry_after or BACK_OFF if answer.status == 429 else None,
        excerpt=transport.excerpt(answer),
    )


def is_gone(error: ConnectorError) -> bool:
    """Tell whether an error says that the record which was named is not there."""
    return error.status == 404


def _body(answer):
    try:
        error = answer.json()["error"]
        message = _CORRELATION.sub("", str(error.get("message") or ""))
        return str(error["code"]), message.strip()
    except (ConnectorError, TypeError, KeyError, AttributeError):
        return "", ""


def _classify(code, message, status):
    if status == 429:
        return "rate_limited", Outcome.NOT_SENT
    if code == "Internal_TenantUnavailable":
        return "erp_unavailable", Outcome.NOT_SENT  # it was never reached
    kind = next((kind for name, kind in _CODES.items() if code.startswith(name)), None)
    if kind is None:
        # Internal_ServerError, Unknown and what is still to come: by the status.
        if status >= 500:
            return "no_answer", Outcome.AMBIGUOUS
        kind = "credentials_wrong" if status == 401 else "invalid_data"
    if kind in _VAGUE:
        kind = _by_words(message) or kind
    # Somebody changed it meanwhile: nothing was written, and the next try reads anew.
    stale = kind == "stale_version"
    return kind, Outcome.NOT_SENT if stale else Outcome.REJECTED


def _by_words(message):
    found = (kind for pattern, kind in _WORDS if pattern.search(message))
    return next(found, "")
