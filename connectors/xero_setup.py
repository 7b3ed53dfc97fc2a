"""Testing the connection to Xero, its lock dates, and its master data."""

from collections.abc import Iterator
from datetime import date

from . import checking
from .base import CheckItem, ConnectorError, Document, ErpRecord, Outcome
from .xero_api import Session, describe
from .xero_bill import PAGE
from .xero_values import NO_TAX, day, money

MAX_FETCH_BYTES = 30_000_000


def lock_date(xero: Session, *, seconds: float = 30) -> date | None:
    """Return the date up to which the organisation is locked, or ``None``: the later
    of its two lock dates [F: ``PeriodLockDate``, ``EndOfYearLockDate``].

    :param seconds: how old the answer may be.
    """
    rows = xero.api.remember(
        f"organisation {xero.company}",
        seconds,
        lambda: xero.ask("/Organisation").get("Organisations") or [],
    )
    days = [
        day(row.get(name))
        for row in rows[:1]
        for name in ("PeriodLockDate", "EndOfYearLockDate")
    ]
    return max(filter(None, days), default=None)


def check_period(xero: Session, document: Document) -> None:
    """Refuse a bill of a locked period before a draft of it is made: a draft could be
    made, but not authorised. Xero never moves a bill to another date by itself.

    :raise ConnectorError: ``period_closed``, rejected.
    """
    locked = lock_date(xero)
    if locked and document.accounting_date <= locked:
        raise ConnectorError(
            "period_closed",
            f"Xero is locked up to {locked}; the bill is dated"
            f" {document.accounting_date}.",
            Outcome.REJECTED,
            lock_date=locked,
        )


def fetch(xero: Session, kind: str) -> Iterator[ErpRecord]:
    """Yield Xero's records of one kind; none for what Xero has no records of, such as
    payment terms.

    :raise ConnectorError: never ambiguous.
    """
    match kind:
        case "account":
            yield from _accounts(xero)
        case "vendor":
            yield from _contacts(xero)
        case "tax":
            yield from _taxes(xero)
        case "currency":
            for row in _ask(xero, "Currencies"):
                yield ErpRecord(kind, row["Code"], row["Code"], row["Code"])
        case "analytic":
            yield from _tracking(xero)


def _accounts(xero):
    for row in _ask(xero, "Accounts"):
        # A line names its account by code [F]; what has none, or is a bank account,
        # can't be on a bill.
        if row.get("Code") and row.get("Type") != "BANK":
            yield ErpRecord(
                kind="account",
                erp_id=row["Code"],
                name=row.get("Name") or row["Code"],
                code=row["Code"],
                detail=row.get("Type") or "",
                active=row.get("Status", "ACTIVE") == "ACTIVE",
            )


def _contacts(xero):
    page = 1
    while True:
        query = {"page": page, "pageSize": PAGE, "includeArchived": "true"}
        rows = _ask(xero, "Contacts", {**query, "order": "ContactID"})
        for row in rows:
            yield ErpRecord(
                kind="vendor",
                erp_id=row["ContactID"],
                name=row.get("Name") or row["ContactID"],
                code=row.get("AccountNumber") or "",
                detail=row.get("TaxNumber") or "",
                active=row.get("ContactStatus", "ACTIVE") == "ACTIVE",
            )
        if len(rows) < PAGE:
            return
        page += 1


def _taxes(xero):
    for row in _ask(xero, "TaxRates"):
        # The tax of a bill goes with expenses; that without a rate needs no mapping.
        if row.get("CanApplyToExpenses") is False or row.get("TaxType") == NO_TAX:
            continue
        rate = money(row.get("EffectiveRate")).normalize()
        yield ErpRecord(
            kind="tax",
            erp_id=row["TaxType"],
            name=row.get("Name") or row["TaxType"],
            code=row["TaxType"],
            detail=f"purchase {rate:f}%",
            active=row.get("Status", "ACTIVE") == "ACTIVE",
        )


def _tracking(xero):
    query = {"includeArchived": "true"}
    for category in _ask(xero, "TrackingCategories", query):
        for option in category.get("Options") or []:
            active = {category.get("Status"), option.get("Status")} <= {"ACTIVE", None}
            yield ErpRecord(
                kind="analytic",
                erp_id="{}/{}".format(
                    category["TrackingCategoryID"], option["TrackingOptionID"]
                ),
                name=option.get("Name") or "",
                detail=category.get("Name") or "",
                active=active,
            )


def _ask(xero, path, query=None):
    return xero.ask(f"/{path}", query, max_bytes=MAX_FETCH_BYTES).get(path) or []


def check(xero: Session) -> list[CheckItem]:
    """Return what works and what does not, up to the first thing that makes the rest
    pointless."""
    return list(checking.steps(_STEPS, xero, _HELP))


def _login(xero):
    xero.sign_in()
    return True, "Xero has given access."


def _company(xero):
    tenants = xero.tenants()
    wanted = [row for row in tenants if row.get("tenantId") == xero.company]
    if not xero.company and len(tenants) == 1:
        wanted = tenants
    if not wanted:
        what = "Enter one of them" if not xero.company else "It is not among these"
        return False, f"{what}: {describe(tenants)}."
    return True, f"Bills go to {wanted[0].get('tenantName')}."


def _chart(xero):
    count = sum(record.active for record in fetch(xero, "account"))
    return count > 0, f"{count} accounts can be read."


def _bills(xero):
    # Who may read none may write none; that one may write shows with the first bill.
    xero.ask("/Invoices", {"where": 'Type=="ACCPAY"', "page": 1, "pageSize": 1})
    return True, "Bills can be read."


def _locks(xero):
    locked = lock_date(xero, seconds=0)
    if not locked:
        return True, "No period is locked."
    return True, f"Xero is locked up to {locked}."


_HELP = {
    "token_expired": "Press Connect to Xero again: the refresh token was used"
    " elsewhere, not used for 60 days, or the connection was removed.",
    "permission_missing": "Give the app the rights to invoices, contacts, attachments"
    " and settings, then press Connect to Xero again.",
    "redirected": checking.REDIRECTED,
}

_STEPS = [
    (
        "Login",
        _login,
        "Check the client id and secret of the app in Xero's developer portal; for an"
        " app that is no Custom Connection press Connect to Xero as well.",
        True,
    ),
    (
        "Organisation",
        _company,
        "Enter the id of the organisation, as given here, in Company.",
        True,
    ),
    (
        "Chart of accounts",
        _chart,
        "Give the app the right accounting.settings.read.",
        True,
    ),
    (
        "Bills",
        _bills,
        "Give the app the right accounting.invoices, which older apps have as"
        " accounting.transactions.",
        True,
    ),
    ("Lock date", _locks, "Give the app the right accounting.settings.read.", True),
]
