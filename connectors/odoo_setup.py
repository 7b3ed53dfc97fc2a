"""Testing the connection to another Odoo, and its master data for the mapping lists."""

from collections.abc import Iterator

from . import checking
from .base import CheckItem, ErpRecord
from .odoo_rpc import Session, number
from .odoo_values import lock_date

PAGE = 500
MAX_FETCH_BYTES = 30_000_000
OLDEST = 16

#: Model, domain, and the fields for code and detail (if the version has them).
_FETCHES = {
    "account": ("account.account", [], "code", "account_type"),
    "vendor": (
        "res.partner",
        ["|", ["is_company", "=", True], ["supplier_rank", ">", 0]],
        "ref",
        "vat",
    ),
    "tax": ("account.tax", [["type_tax_use", "=", "purchase"]], "", "amount"),
    "journal": ("account.journal", [["type", "=", "purchase"]], "code", ""),
    "payment_term": ("account.payment.term", [], "", ""),
    "analytic": ("account.analytic.account", [], "code", "plan_id"),
    "currency": ("res.currency", [["active", "=", True]], "name", "full_name"),
}
_OF_COMPANY = {"tax", "journal"}


def fetch(odoo: Session, kind: str) -> Iterator[ErpRecord]:
    """Yield the ERP's records of one kind, 500 to a call.

    :raise ConnectorError: never ambiguous.
    """
    model, domain, code, detail = _FETCHES[kind]
    wanted = ("name", "active", "amount_type", code, detail)
    names = odoo.existing(model, tuple(name for name in wanted if name))
    if kind in _OF_COMPANY:
        domain = [*domain, ["company_id", "=", odoo.company]]
    last = 0
    while True:
        # By id, not by offset: nothing is skipped when records vanish meanwhile.
        rows = odoo.ask(
            model,
            "search_read",
            domain=[["id", ">", last], *domain],
            fields=sorted(names),
            limit=PAGE,
            order="id",
            context={"active_test": False},
            max_bytes=MAX_FETCH_BYTES,
        )
        for row in rows:
            yield ErpRecord(
                kind=kind,
                erp_id=str(row["id"]),
                name=row["name"] or "",
                code=str(row.get(code) or ""),
                detail=_detail(kind, row, detail),
                active=row.get("active", True),
            )
        if len(rows) < PAGE:
            return
        last = rows[-1]["id"]


def _detail(kind, row, name):
    value = row.get(name) or ""
    if kind == "tax":
        unit = "%" if row.get("amount_type") in ("percent", "division") else ""
        return f"purchase {float(value or 0):g}{unit}"
    return str(value[1] if isinstance(value, list) else value)


def check(odoo: Session) -> list[CheckItem]:
    """Return what works and what does not, up to the first thing that makes the rest
    pointless (address, certificate, version, database, key, company)."""
    return checking.in_order(
        checking.server(
            odoo.rpc.transport.base_url, "An Odoo", lambda: _version(odoo), _HELP
        ),
        checking.login(
            odoo.database or "The only one of the server",
            lambda: _sign_in(odoo),
            _HELP,
        ),
        checking.steps(_STEPS, odoo),
    )


def _version(odoo):
    return odoo.version >= OLDEST, f"Odoo {odoo.version}"


def _sign_in(odoo):
    uid = odoo.ask_anywhere("res.users", "context_get").get("uid")
    [user] = odoo.ask_anywhere("res.users", "read", ids=[uid], fields=["name", "login"])
    return f"Signed in as {user['name']} ({user['login']})."


def _company(odoo):
    rows = odoo.ask_anywhere(
        "res.company",
        "search_read",
        domain=[["id", "=", odoo.company]],
        fields=["name"],
    )
    if not rows:
        return False, f"There is no company with the id {odoo.company} for this user."
    return True, f"Bills go to {rows[0]['name']}."


def _rights(odoo):
    needed = [
        ("account.move", "create"),
        ("account.move", "write"),
        ("account.move", "unlink"),
        ("account.account", "read"),
        ("account.tax", "read"),
        ("res.partner", "read"),
    ]
    if odoo.options.get("create_vendors"):
        needed.append(("res.partner", "create"))
    missing = [
        f"{operation} {model}"
        for model, operation in needed
        if not _may(odoo, model, operation)
    ]
    if missing:
        return False, f"The user may not: {', '.join(missing)}."
    return True, "The user may read master data and write bills."


def _may(odoo, model, operation):
    if odoo.version >= 18:
        return odoo.ask(model, "has_access", operation=operation)
    return odoo.ask(
        model, "check_access_rights", operation=operation, raise_exception=False
    )


def _journal(odoo):
    domain = [["type", "=", "purchase"], ["company_id", "=", odoo.company]]
    chosen = str(odoo.options.get("journal_id") or "")
    if chosen:
        domain.append(["id", "=", number(chosen)])
    rows = odoo.ask(
        "account.journal",
        "search_read",
        domain=domain,
        fields=["name"],
        limit=1,
    )
    if not rows:
        which = "The chosen" if chosen else "No"
        return False, f"{which} purchase journal was found in this company."
    return True, f"Bills are booked in {rows[0]['name']}."


def _accounts(odoo):
    count = odoo.ask("account.account", "search_count", domain=[])
    return count > 0, f"{count} accounts can be read."


def _locks(odoo):
    locked = lock_date(odoo, seconds=0)
    if not locked:
        return True, "No period is locked for purchases."
    return True, f"Purchases are locked up to {locked}."


#: What to do when a thing is wrong that all else needs.
_HELP = {
    "address": "Check the address; it has to be the one people open Odoo with.",
    "version": f"Bills can be sent to Odoo {OLDEST} and newer.",
    "database": "Check the name of the database: it is in that Odoo under Settings,"
    " or ask its administrator.",
    "key": "Make a new API key in that Odoo (Preferences, Security) and enter it"
    " here; check the login as well where one is asked for.",
}

_STEPS = [
    (
        "Company",
        _company,
        "Enter the id of a company the key's user works for, or leave it empty.",
        True,
    ),
    ("Rights", _rights, "Make the key's user a bookkeeper in that Odoo.", False),
    (
        "Purchase journal",
        _journal,
        "Choose a journal of type Purchase of that company.",
        False,
    ),
    (
        "Chart of accounts",
        _accounts,
        "Install a chart of accounts in that Odoo, or give the user the right to it.",
        False,
    ),
    ("Lock date", _locks, "Give the key's user the right to read the company.", False),
]
