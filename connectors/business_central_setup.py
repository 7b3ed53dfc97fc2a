"""Testing the connection to Business Central, its master data for the mapping lists,
and from when on it may be posted there."""

from collections.abc import Iterator
from datetime import date, timedelta

from . import checking
from .base import CheckItem, ConnectorError, ErpRecord, Outcome
from .business_central_api import Session
from .business_central_bill import INVOICE, MEMO
from .business_central_dimensions import erp_id_of

KINDS = ("account", "vendor", "tax", "payment_term", "analytic", "currency")


def fetch(bc: Session, kind: str) -> Iterator[ErpRecord]:
    """Yield the ERP's records of one kind.

    A tax is a *tax group*, which API v2.0 gives for VAT product posting groups and
    sales-tax groups alike; a line names it by its code. What is posted for it depends
    on the vendor as well, so it has no rate here.

    :raise ConnectorError: never ambiguous.
    """
    if kind == "analytic":
        yield from _dimension_values(bc)
        return
    path, make = _FETCHES[kind]
    for row in bc.each(path):
        record = make(row)
        if record:
            yield record


def _account(row):
    # Headings and totals are accounts there as well; nothing is booked on them.
    if _word(row.get("accountType")) not in ("", "Posting"):
        return None
    direct = row.get("directPosting", True) is not False
    return ErpRecord(
        kind="account",
        erp_id=row["id"].lower(),
        name=row.get("displayName") or "",
        code=row.get("number") or "",
        detail=_word(row.get("category")),
        active=direct and not row.get("blocked"),
    )


def _vendor(row):
    return ErpRecord(
        kind="vendor",
        erp_id=row["id"].lower(),
        name=row.get("displayName") or "",
        code=row.get("number") or "",
        detail=row.get("taxRegistrationNumber") or "",
        # One that is blocked for payments still takes bills.
        active=_word(row.get("blocked")) != "All",
    )


def _tax(row):
    code = row.get("code") or ""
    return ErpRecord(
        kind="tax",
        erp_id=code,
        name=row.get("displayName") or code,
        code=code,
        detail=_word(row.get("taxType")),
    )


def _payment_term(row):
    code = row.get("code") or ""
    return ErpRecord(
        kind="payment_term",
        erp_id=row["id"].lower(),
        name=row.get("displayName") or code,
        code=code,
        detail=row.get("dueDateCalculation") or "",
    )


def _currency(row):
    return ErpRecord(
        kind="currency",
        erp_id=row["code"],
        name=row["code"],
        code=row["code"],
        detail=row.get("displayName") or "",
    )


_FETCHES = {
    "account": ("accounts", _account),
    "vendor": ("vendors", _vendor),
    "tax": ("taxGroups", _tax),
    "payment_term": ("paymentTerms", _payment_term),
    "currency": ("currencies", _currency),
}


def _dimension_values(bc):
    names = {
        row["id"].lower(): row.get("displayName") or row.get("code") or ""
        for row in bc.each("dimensions")
    }
    for row in bc.each("dimensionValues"):
        dimension = str(row.get("dimensionId")).lower()
        if dimension in names:
            yield ErpRecord(
                kind="analytic",
                erp_id=erp_id_of(dimension, row["id"]),
                name=row.get("displayName") or row.get("code") or "",
                code=row.get("code") or "",
                detail=names[dimension],
            )


def _word(value):
    return str(value or "").replace("_x0020_", " ").strip()


def lock_date(bc: Session, *, quiet: bool = False) -> date | None:
    """Return the last day before those on which posting is allowed, of the general
    ledger setup; a user's own range, which counts instead, is not to be seen. The ERP
    refuses what it does not allow, so nothing rests on this.

    :param quiet: return nothing instead of raising.
    """
    try:
        rows = bc.find("generalLedgerSetup")
    except ConnectorError as error:
        # Older versions have no such page, and the right to it may be missing.
        if quiet or error.status in (403, 404):
            return None
        raise
    first = rows and rows[0].get("allowPostingFrom")
    day = date.fromisoformat(first[:10]) if first else date.min
    return day - timedelta(days=1) if day != date.min else None


def remember_company(bc: Session) -> None:
    """Note the company's name, which links to its documents need.

    :raise ConnectorError: ``company_wrong``, rejected, when there is no such company.
    """
    if bc.company in bc.erp.company_names:
        return
    for row in bc.companies():
        bc.erp.company_names[row["id"].lower()] = row["name"]
    if bc.company not in bc.erp.company_names:
        raise ConnectorError(
            "company_wrong",
            f"The environment has no company with the id {bc.company} for this app.",
            Outcome.REJECTED,
        )


def check(bc: Session) -> list[CheckItem]:
    """Return what works and what does not, up to the first thing that makes the rest
    pointless (address, sign-in, environment, company)."""
    return list(checking.steps(_STEPS, bc))


def _address(bc):
    bc.erp.root()
    return True, f"Tenant {bc.erp.place[1]}, environment {bc.erp.place[2]}."


def _sign_in(bc):
    bc.erp.token(bc.deadline)
    return True, "Microsoft gives the app an access token."


def _company(bc):
    rows = bc.companies()
    names = {row["id"].lower(): row["name"] for row in rows}
    known = "; ".join(f"{name}: {company}" for company, name in names.items())
    entered = bc.erp.settings.company.strip().lower()
    if entered not in names:
        there = f"The environment has {known}." if known else "It has no company."
        return False, there
    return True, f"Bills go to {names[entered]}."


def _rights(bc):
    missing = []
    for path in (INVOICE.path, MEMO.path, "vendors", "taxGroups"):
        try:
            bc.ask(path, top=1)
        except ConnectorError as error:
            if error.kind not in ("permission_missing", "invalid_data"):
                raise
            missing.append(path)
    if missing:
        return False, f"The app may not read: {', '.join(missing)}."
    return True, "The app may read master data and purchase documents."


def _accounts(bc):
    count = sum(1 for record in fetch(bc, "account") if record.active)
    return count > 0, f"{count} accounts can be booked on."


def _locks(bc):
    locked = lock_date(bc)
    if not locked:
        return True, "Posting is limited by no date that can be seen."
    return True, f"Posting is allowed from {locked + timedelta(days=1)} on."


_STEPS = [
    (
        "Address",
        _address,
        "Enter the tenant's domain or id and the environment's name with a slash"
        " between them.",
        True,
    ),
    (
        "Sign-in",
        _sign_in,
        "Check the app's client id and secret in Microsoft Entra; a secret ends after"
        " two years at the latest.",
        True,
    ),
    (
        "Company",
        _company,
        "Enter the id of one of these companies. When none can be read, register the"
        " app in Business Central under Microsoft Entra Applications.",
        True,
    ),
    (
        "Rights",
        _rights,
        "Give the app permission sets for purchasing, under Microsoft Entra"
        " Applications in Business Central.",
        False,
    ),
    (
        "Chart of accounts",
        _accounts,
        "Give the app the right to read G/L accounts.",
        False,
    ),
    ("Lock date", _locks, "Give the app the right to read the G/L setup.", False),
]
