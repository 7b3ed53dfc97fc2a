"""What the engine and every connector agree on: the document that goes out, the
receipt that comes back, and how a failure is told. The calls: ``protocol.py``.

Amounts are ``Decimal`` in the bill's own currency, dates are ``datetime.date``,
deadlines are values of ``time.monotonic()``.
"""

import dataclasses
import enum
import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from .kinds import KINDS
from .tokens import TokenStore


class Outcome(enum.StrEnum):
    """What is known of a write after it was tried. The default is ``AMBIGUOUS``."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # the ERP surely did not keep it, and says why
    NOT_SENT = "not_sent"  # surely nothing was created; may be tried again
    AMBIGUOUS = "ambiguous"  # anything else: look it up before anything more


class Capability(enum.StrEnum):
    """How an unclear outcome can be cleared up; the promise follows from it."""

    IDEMPOTENT = "idempotent"  # the ERP honours our key: the same key may be re-sent
    LOOKUP = "lookup"  # the ERP can be asked for our key or reference
    NONE = "none"  # neither: a person decides


class ConnectorError(Exception):
    """Why a call to the ERP did not give what was asked.

    :param kind: a code of ``kinds.KINDS``.
    :param message: one or two sentences for people, already free of secrets; the
        ERP's own words where it gave some.
    :param outcome: what is known of the write. For reads it is always ``NOT_SENT``
        or ``REJECTED``: a read changes nothing.
    :param status: the HTTP status, when there was one.
    :param retry_after: seconds the ERP asked us to wait; concerns the whole
        connection, not this bill alone.
    :param excerpt: at most 2 kB of the answer, free of secrets, for the attempt.
    :param lock_date: for the closed-period kinds, the date the ERP is locked up to.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        outcome: Outcome = Outcome.AMBIGUOUS,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        excerpt: str = "",
        lock_date: date | None = None,
    ):
        super().__init__(message)
        if kind not in KINDS:
            raise ValueError(f"unknown kind of error: {kind}")
        self.kind = kind
        self.message = message
        self.outcome = outcome
        self.status = status
        self.retry_after = retry_after
        self.excerpt = excerpt
        self.lock_date = lock_date

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Ref:
    """A piece of master data: ours by ``code`` and ``name``, the ERP's by ``erp_id``.

    ``local_id`` is the id in our database (used to make stable keys), ``erp_id`` is
    empty when no mapping exists yet.
    """

    name: str
    code: str = ""
    local_id: int = 0
    erp_id: str = ""


@dataclass(frozen=True)
class Vendor(Ref):
    """The vendor, with what is needed to find or create it in the ERP."""

    vat: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    street2: str = ""
    zip: str = ""
    city: str = ""
    country_code: str = ""
    is_company: bool = True


@dataclass(frozen=True)
class Line:
    """One bill line. ``price_unit`` is before discount, ``discount`` in percent,
    ``subtotal`` after discount and without tax; ``analytic`` maps references to
    percentages."""

    name: str
    quantity: Decimal
    price_unit: Decimal
    discount: Decimal
    subtotal: Decimal
    account: Ref
    taxes: tuple[Ref, ...] = ()
    analytic: tuple[tuple[Ref, Decimal], ...] = ()


@dataclass(frozen=True)
class Attachment:
    """A file that goes with the bill; ``content`` stays out of the stored JSON."""

    name: str
    mimetype: str
    checksum: str
    content: bytes = field(default=b"", repr=False, compare=False)


#: What of a document is not what the bill says.
_VOLATILE = {"key", "version", "attachments", "left_out", "cancelled"}


@dataclass(frozen=True)
class Document:
    """A bill as it is sent: frozen when the job is claimed, the same on every try
    of one revision.

    ``kind`` is ``bill``, ``refund`` or ``receipt``; totals are positive for all.
    ``key`` is the idempotency key of this revision. ``left_out`` names files that are
    too large to go along. ``cancelled`` is a bill that is to count no more.
    ``version`` is the format of the stored JSON, so that an old one can still be read
    after an upgrade.
    """

    key: str
    kind: str
    reference: str
    bill_date: date
    accounting_date: date
    due_date: date | None
    currency: str
    vendor: Vendor
    lines: tuple[Line, ...]
    untaxed: Decimal
    tax: Decimal
    total: Decimal
    payment_term: Ref | None = None
    origin: str = ""
    narration: str = ""
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[str, ...] = ()
    cancelled: bool = False
    version: int = 1

    def to_json(self) -> dict:
        """Return plain JSON data: decimals and dates as text, no file contents."""
        return _plain(self)

    @classmethod
    def from_json(cls, data: dict) -> "Document":
        """Return the document that ``to_json`` was made of, without file contents."""
        data = dict(data)
        data["vendor"] = Vendor(**data["vendor"])
        data["lines"] = tuple(_line(line) for line in data["lines"])
        term = data.get("payment_term")
        data["payment_term"] = Ref(**term) if term else None
        data["attachments"] = tuple(
            Attachment(**{k: v for k, v in item.items() if k != "content"})
            for item in data["attachments"]
        )
        data["left_out"] = tuple(data.get("left_out", ()))
        for name in ("bill_date", "accounting_date", "due_date"):
            data[name] = date.fromisoformat(data[name]) if data[name] else None
        for name in ("untaxed", "tax", "total"):
            data[name] = Decimal(data[name])
        return cls(**data)

    def fingerprint(self, data: dict | None = None) -> str:
        """Return a hash of what the bill says, whatever its key, files and mappings,
        whether it is cancelled, and whatever the vendor's telephone number or an
        account's name are today.

        Two equal fingerprints mean that the ERP would get the same bill, so a bill
        whose fingerprint moved since the sync was changed since the sync.

        :param data: what ``to_json`` returned, if that is at hand.
        """
        says = {
            name: value
            for name, value in (data or self.to_json()).items()
            if name not in _VOLATILE
        }
        text = json.dumps(_identities(says), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Receipt:
    """What the ERP holds for a document, read back from the ERP itself.

    ``posted`` tells whether it is booked or still a draft there. ``vendor_erp_id`` is
    the ERP's id of the vendor that was used, so that it becomes a mapping. ``ours``
    is False for a bill that was found by vendor and reference, not under our key:
    somebody else entered it.
    ``notes`` are things a person should see although the bill is in the books (it
    was booked on another date, the file could not be attached, ...).
    ``missing_files`` names the files that it has not and may take another time.
    """

    erp_id: str
    number: str = ""
    url: str = ""
    posted: bool = True
    kind: str = ""
    reference: str = ""
    accounting_date: date | None = None
    currency: str = ""
    total: Decimal | None = None
    vendor_erp_id: str = ""
    ours: bool = True
    notes: tuple[str, ...] = ()
    missing_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckItem:
    """One line of *Test connection*: what was looked at, whether it is right, and
    what to do when it is not."""

    name: str
    ok: bool
    message: str
    todo: str = ""


@dataclass(frozen=True)
class ErpRecord:
    """One record of the ERP that ours can be mapped to.

    ``kind`` is ``account``, ``vendor``, ``tax``, ``journal``, ``payment_term``,
    ``analytic`` or ``currency``; ``detail`` carries what tells two records of one
    name apart (a VAT number, a tax rate such as ``purchase 15%``).
    """

    kind: str
    erp_id: str
    name: str
    code: str = ""
    detail: str = ""
    active: bool = True


@dataclass(frozen=True)
class Settings:
    """Address, credentials and options of one connection, read once per batch.

    :param allowed_hosts: host names or networks (CIDR) that may be called although
        they are private; they come from odoo.conf, never from the database.
    :param timeout: the hard total time of one HTTP call, in seconds.
    :param options: see each connector's documentation.
    :param tokens: keeps the tokens of an ERP that gives new ones all the time; None
        where the secret alone opens it.
    """

    url: str
    secret: str = field(repr=False)
    database: str = ""
    login: str = ""
    company: str = ""
    timeout: float = 60.0
    allowed_hosts: tuple[str, ...] = ()
    ca_file: str = ""
    options: dict = field(default_factory=dict)
    tokens: TokenStore | None = field(default=None, repr=False, compare=False)


def matches(document: Document, receipt: Receipt) -> bool:
    """Tell whether a bill found in the ERP is this document: same kind, vendor,
    reference, currency and total. Only such a bill may ever be adopted."""
    vendor = document.vendor.erp_id
    return (
        receipt.kind == document.kind
        and receipt.reference == document.reference
        and receipt.currency == document.currency
        and receipt.total == document.total
        and (not vendor or receipt.vendor_erp_id == vendor)
    )


def _plain(value):
    # By far the most of them. Not dataclasses.asdict(): it copies all it meets, which
    # cost more than reading the bill.
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Decimal | date):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return ""
    if dataclasses.is_dataclass(value):
        return {name: _plain(item) for name, item in vars(value).items()}
    raise TypeError(f"not JSON: {type(value).__name__}")


def _line(data):
    data = dict(data)
    for name in ("quantity", "price_unit", "discount", "subtotal"):
        data[name] = Decimal(data[name])
    data["account"] = Ref(**data["account"])
    data["taxes"] = tuple(Ref(**tax) for tax in data["taxes"])
    data["analytic"] = tuple(
        (Ref(**ref), Decimal(share)) for ref, share in data["analytic"]
    )
    return Line(**data)


def _identities(data):
    """Return the data with each reference reduced to which record it is."""
    if isinstance(data, dict):
        if "local_id" in data:
            return data["local_id"] or data["name"]
        return {name: _identities(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_identities(value) for value in data]
    return data
