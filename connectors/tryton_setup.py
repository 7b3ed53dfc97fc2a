"""Testing the connection to Tryton, and its master data for the mapping lists."""

from collections.abc import Iterator
from datetime import date

from . import checking
from .base import CheckItem, ErpRecord
from .tryton_session import Session
from .tryton_values import journals, lock_date, periods

PAGE = 500
MAX_FETCH_BYTES = 30_000_000
OLDEST = 8

#: Model, domain (with the company's id to fill in), fields.
_COMPANY = ["company", "=", "COMPANY"]
_FETCHES = {
    "account": (
        "account.account",
        # Without a type it only groups others.
        [_COMPANY, ["type", "!=", None], ["closed", "!=", True]],
        ("code", "name", "type.name", "end_date"),
    ),
    "vendor": (
        "party.party",
        [],
        ("code", "name", "active", "tax_identifier.code", "identifiers.code"),
    ),
    "tax": (
        "account.tax",
        [
            _COMPANY,
            ["parent", "=", None],
            ["OR", ["group", "=", None], ["group.kind", "in", ["purchase", "both"]]],
        ],
        ("name", "active", "type", "rate", "amount"),
    ),
    "journal": ("account.journal", [["type", "=", "expense"]], ("code", "name")),
    "payment_term": ("account.invoice.payment_term", [], ("name", "active")),
    "currency": ("currency.currency", [], ("code", "name", "active")),
}
KINDS = tuple(_FETCHES)


def fetch(tryton: Session, kind: str) -> Iterator[ErpRecord]:
    """Yield the ERP's records of one kind, 500 to a call; none of a kind that it has
    not.

    :raise ConnectorError: never ambiguous.
    """
    if kind not in _FETCHES:
        return
    model, domain, fields = _FETCHES[kind]
    if _COMPANY in domain:
        domain = [["company", "=", tryton.company], *domain[1:]]
    last = 0
    while True:
        # By id, not by offset: nothing is skipped when records vanish meanwhile.
        rows = tryton.find(
            model,
            [["id", ">", last], *domain],
            fields,
            limit=PAGE,
            order="id",
            native=True,
            max_bytes=MAX_FETCH_BYTES,
        )
        for row in rows:
            yield ErpRecord(
                kind=kind,
                erp_id=str(row["id"]),
                name=row["name"] or "",
                code=str(row.get("code") or ""),
                detail=_detail(kind, row),
                active=_is_active(row),
            )
        if len(rows) < PAGE:
            return
        last = rows[-1]["id"]


def _is_active(row):
    ended = row.get("end_date")
    return bool(row.get("active", True)) and (not ended or ended >= date.today())


def _detail(kind, row):
    match kind:
        case "tax":
            if row["type"] == "percentage":
                return f"purchase {float(row['rate'] * 100):g}%"
            return f"purchase {float(row['amount'] or 0):g}"
        case "vendor":
            tax = row["tax_identifier"]
            codes = [one["code"] for one in row["identifiers"] or []]
            codes = [code for code in codes if not code.startswith("ap_sync:")]
            return tax["code"] if tax else next(iter(codes), "")
        case "account":
            return row["type"]["name"] or ""
        case "currency":
            return row["name"]
    return ""


def check(tryton: Session) -> list[CheckItem]:
    """Return what works and what does not, up to the first thing that makes the rest
    pointless (address, certificate, version, database, key, company)."""
    return checking.in_order(
        checking.server(
            tryton.rest.transport.base_url, "A Tryton", lambda: _version(tryton), _HELP
        ),
        checking.login(tryton.database, lambda: _sign_in(tryton), _HELP),
        checking.steps(_STEPS, tryton),
    )


def _version(tryton):
    version = tryton.version
    major = version.partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST, f"Tryton {version[:20]}"


def _sign_in(tryton):
    tryton.find("company.company", [], ["rec_name"], limit=1, anywhere=True)
    return "The key is accepted."


def _company(tryton):
    company = tryton.company
    domain = [["id", "=", company]]
    rows = tryton.find("company.company", domain, ["rec_name"], anywhere=True)
    if not rows:
        return False, f"There is no company with the id {company} for this user."
    return True, f"Bills go to {rows[0]['rec_name']}."


def _rights(tryton):
    needed = {
        "account.invoice": ("read", "create", "write", "delete"),
        "account.invoice.line": ("read", "create", "write", "delete"),
        "account.account": ("read",),
        "account.tax": ("read",),
        "account.period": ("read",),
        "currency.currency": ("read",),
        "party.party": ("read",),
    }
    if tryton.options.get("create_vendors"):
        needed["party.party"] = ("read", "create")
    if tryton.options.get("send_attachments"):
        needed["ir.attachment"] = ("read", "create")
    access = tryton.ask("ir.model.access/get_access", {"models": list(needed)})
    missing = [
        f"{right} {model}"
        for model, rights in needed.items()
        for right in rights
        if not access[model][right]
    ]
    if missing:
        return False, f"The user may not: {', '.join(missing)}."
    return True, "The user may read master data and write bills."


def _journal(tryton):
    rows = journals(tryton)
    if not rows:
        which = "The chosen" if tryton.options.get("journal_id") else "No"
        return False, f"{which} journal of the type Expense was found."
    return True, f"Bills are booked in {rows[0]['name']}."


def _accounts(tryton):
    domain = [
        ["company", "=", tryton.company],
        ["type.expense", "=", True],
        ["closed", "!=", True],
    ]
    rows = tryton.find("account.account", domain, ["code"], limit=1000)
    return bool(rows), f"{len(rows)} expense accounts can be read."


def _year(tryton):
    today = date.today()
    rows = periods(tryton, seconds=0)
    here = [row for row in rows if row["start_date"] <= today <= row["end_date"]]
    if not here:
        return False, "There is no period for today."
    if here[0]["state"] != "open":
        return False, f"Today's period, {here[0]['name']}, is closed."
    locked = lock_date(tryton)
    return True, f"Closed up to {locked}." if locked else "No period is closed."


#: What to do when a thing is wrong that all else needs.
_HELP = {
    "address": "Check the address; it has to be the one of Tryton's web client.",
    "version": f"Bills can be sent to Tryton {OLDEST}.0 and newer.",
    "database": "Check the name of the database: Tryton's login shows it, or ask its"
    " administrator.",
    "key": "Make a new key in Tryton (the user's preferences, Applications, REST) and"
    " enter it here.",
}

_STEPS = [
    (
        "Company",
        _company,
        "Enter the id of a company of the key's user; it may be left empty only where"
        " there is one alone.",
        True,
    ),
    ("Rights", _rights, "Put the key's user in the group Accounting.", False),
    ("Journal", _journal, "Make or choose a journal of the type Expense.", False),
    (
        "Chart of accounts",
        _accounts,
        "Create a chart of accounts for that company.",
        False,
    ),
    (
        "Fiscal year",
        _year,
        "Create the fiscal year with its periods in Tryton, or reopen the period.",
        False,
    ),
]
