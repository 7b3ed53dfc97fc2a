"""What an error of another Odoo means for the bill.

An error carries the path of the Python exception (``name``) and a message in the
language of the key's user. The name decides; English messages only refine the kind.
The traceback in ``debug`` is never looked at. Names and messages were seen on Odoo 19.
"""

import re

from .base import ConnectorError, Outcome
from .redact import Redactor
from .transport import Answer, Transport

#: The transaction was rolled back by the server, so nothing of it is there.
_ROLLED_BACK = re.compile(
    r"SerializationFailure|DeadlockDetected|LockNotAvailable"
    r"|exceptions\.(LockError|ConcurrencyError)"
)
_SERIALIZE = re.compile(r"could not serialize access|deadlock detected", re.I)

_WORDS = [
    (re.compile(pattern, re.I), kind)
    for pattern, kind in (
        (r"archived account|account .{1,200} is archived", "gl_account_inactive"),
        (r"inactive currency", "currency_not_enabled"),
        (r"date is required", "date_missing"),
        (r"'Vendor' is required", "vendor_missing"),
        (r"even magicians", "no_lines"),
        (r"negative total", "negative_total"),
        (r"lock date|prior to and inclusive of", "period_closed"),
        (r"analytic .{1,200} (missing|required|mandatory)", "dimension_missing"),
        (r"you are not allowed to", "permission_missing"),
        (r"must be in draft|on a posted move", "already_posted"),
        (r"from a different company|incompatible compan", "mapping_changed"),
    )
]


def is_rolled_back(message: str) -> bool:
    """Tell whether a message of ``load``, which hides the exception, means that the
    server gave up for another transaction's sake."""
    return bool(_SERIALIZE.search(message))


def from_answer(transport: Transport, answer: Answer) -> ConnectorError:
    """Return the error a JSON-2 answer with a status other than 200 stands for."""
    try:
        body = answer.json()
    except ConnectorError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        error = transport.failure(answer)
        if error.kind == "address_wrong":
            error.message = (
                "Odoo's API was not found there: check the address, the name of the"
                " database and that the server is an Odoo."
            )
        return error
    return from_exception(
        body["name"],
        str(body.get("message") or ""),
        transport.redact,
        status=answer.status,
        retry_after=answer.retry_after if answer.status in (429, 503) else None,
    )


def from_exception(
    name: str,
    message: str,
    redact: Redactor,
    *,
    status: int | None = None,
    retry_after: float | None = None,
) -> ConnectorError:
    """Return the error for an exception the other Odoo reports.

    :param name: such as ``odoo.exceptions.UserError``.
    :param message: the ERP's words; they become the error's message.
    :param status: the HTTP status; 200 with the older JSON-RPC.
    """
    message = redact(message.strip(), 600)
    kind, outcome = _classify(name, message, status)
    return ConnectorError(
        kind,
        message or f"The ERP reports {redact(name, 100)}.",
        outcome,
        status=status,
        retry_after=retry_after,
        excerpt=redact(f"{name}: {message}"),
    )


def _classify(name, message, status):
    short = name.rpartition(".")[2]
    rejected = Outcome.REJECTED
    if status == 429:
        return "rate_limited", Outcome.NOT_SENT
    if _ROLLED_BACK.search(name):
        return "concurrency_limit", Outcome.NOT_SENT
    if short == "OperationalError" and "does not exist" in message:
        return "address_wrong", rejected  # of the database, before anything was done
    match short:
        case "Unauthorized" | "AccessDenied":
            return "credentials_wrong", rejected
        case "AccessError" | "Forbidden":
            return "permission_missing", rejected
        case "MissingError":
            return "mapping_changed", rejected
        case "NotFound":
            return "address_wrong", rejected
        case "UserError" | "ValidationError" | "RedirectWarning":
            return _by_words(message), rejected
        case "ValueError" | "TypeError" | "KeyError":
            return "invalid_data", rejected
        case "BadRequest" | "UnprocessableEntity" | "UnsupportedMediaType":
            return "invalid_data", rejected
    return "no_answer", Outcome.AMBIGUOUS


def _by_words(message):
    found = (kind for pattern, kind in _WORDS if pattern.search(message))
    return next(found, "invalid_data")
