"""Fills a fresh Tryton: a company that keeps books, and a bookkeeper with a key.

Run by Tryton's own Python (see `tryton.py`), with the address of the database and the
file to write what was made to. It uses the helpers that Tryton's packages bring for
their own tests; they are part of the wheels.
"""

import json
import sys
from datetime import date
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import (
    create_chart,
    create_fiscalyear,
    create_tax,
    get_accounts,
)
from trytond.modules.account_invoice.tests.tools import (
    set_fiscalyear_invoice_sequences,
)
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency as make_currency

#: Codes as in Odoo's generic chart, so that mappings are proposed by them.
ACCOUNTS = {
    "600000": "Expenses",
    "612000": "Rent",
    "961000": "Research and Development",
    "962000": "Sales Expenses",
}
ENDED_ACCOUNT = ("690000", "Closed Costs")
#: The bookkeeper's, for people who look in; the server listens on this machine only.
LOGIN, PASSWORD = "bookkeeper", "try-it-out"
VENDOR = ("Deco Supplies", "BE0477472701")


def make_fiscal_years(company, today):
    """Last year, this one and the next, with monthly periods; January of last year is
    closed. Returns the closed period."""
    for year in (today.year - 1, today.year, today.year + 1):
        dates = (date(year, 1, 1), date(year, 12, 31))
        fiscal_year = create_fiscalyear(company, dates)
        fiscal_year.name = str(year)
        fiscal_year = set_fiscalyear_invoice_sequences(fiscal_year)
        fiscal_year.click("create_period")
    first = date(today.year - 1, 1, 1)
    [closed] = Model.get("account.period").find([("start_date", "=", first)])
    closed.click("close")
    return closed


def make_accounts(company, today):
    """Expense accounts beside those of the chart, one of which ended last year."""
    Account = Model.get("account.account")
    like = get_accounts(company)["expense"]
    made = {}
    for code, name in (*ACCOUNTS.items(), ENDED_ACCOUNT):
        account = Account(code=code, name=name, company=company)
        account.type, account.parent = like.type, like.parent
        if code == ENDED_ACCOUNT[0]:
            account.start_date = date(today.year - 1, 1, 1)
            account.end_date = date(today.year - 1, 12, 31)
        account.save()
        made[code] = account.id
    return made


def make_foreign_currency():
    """A currency with a rate, and where differences are booked. (Not the euro: that
    the ERP has none is a case the demo shows.)"""
    currency = make_currency("CHF")
    Rate = Model.get("currency.currency.rate")
    Rate(currency=currency, date=date.min, rate=Decimal("0.8")).save()
    configuration = Model.get("account.configuration")(1)
    accounts = get_accounts()
    configuration.currency_exchange_credit_account = accounts["revenue"]
    configuration.currency_exchange_debit_account = accounts["expense"]
    configuration.save()
    return currency.code


def make_tax(percent):
    """A tax under the name that Odoo's generic chart gives it."""
    tax = create_tax(Decimal(percent) / 100)
    tax.name = tax.description = f"{percent}%"
    tax.save()
    return tax.id


def make_term():
    """A payment term of 30 days."""
    term = Model.get("account.invoice.payment_term")(name="30 Days")
    term.lines.new(type="remainder").relativedeltas.new(days=30)
    term.save()
    return term.id


def make_vendor():
    """A vendor with a VAT number."""
    name, vat = VENDOR
    party = Model.get("party.party")(name=name)
    party.identifiers.new(type="eu_vat", code=vat)
    party.addresses[0].city = "Brussels"
    party.save()
    return party


def make_bot(company):
    """A user who keeps the books and nothing else."""
    bot = Model.get("res.user")(name="AP Sync", login=LOGIN, password=PASSWORD)
    [group] = Model.get("res.group").find([("name", "=", "Accounting")])
    bot.groups.append(group)
    bot.companies.append(company)
    bot.company = company
    bot.save()
    return bot


def make_key(user):
    """A key for the REST API, as a user makes one in the preferences."""
    application = Model.get("res.user.application")(user=user, application="rest")
    application.save()
    return application.key


def fill(today):
    """Make all of it and return what a client needs to know."""
    create_company(currency=make_currency("USD"))
    company = get_company()
    create_chart(company)
    closed = make_fiscal_years(company, today)
    vendor = make_vendor()
    User = Model.get("res.user")
    [admin] = User.find([("login", "=", "admin")])
    bot = make_bot(company)
    return {
        "company": company.id,
        "accounts": make_accounts(company, today),
        "ended_account": ENDED_ACCOUNT[0],
        "taxes": {percent: make_tax(percent) for percent in ("10", "15")},
        "foreign_currency": make_foreign_currency(),
        "term": make_term(),
        "vendor": vendor.id,
        "vendor_vat": VENDOR[1],
        "closed_period": {"id": closed.id, "until": str(closed.end_date)},
        "login": LOGIN,
        "password": PASSWORD,
        "admin_key": make_key(admin),
        "bot_key": make_key(bot),
    }


if __name__ == "__main__":
    database, target = sys.argv[1:]
    config.set_trytond(database, user="admin")
    facts = fill(date.today())
    with open(target, "w", encoding="utf-8") as stream:
        json.dump(facts, stream, indent=1)
