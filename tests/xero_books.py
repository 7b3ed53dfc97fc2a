"""The books of the fake Xero: contacts, accounts, bills and credit notes, with the
rules and words of the real one where those are known."""

import re
import threading
import uuid
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
NOBODY = "00000000-0000-0000-0000-000000000000"
#: From each status to which; see Xero's page on voiding and deleting.
MOVES = {
    None: {"DRAFT", "SUBMITTED", "AUTHORISED"},
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
}
NAMES = {
    "Invoices": ("InvoiceID", "InvoiceNumber", "ACCPAY"),
    "CreditNotes": ("CreditNoteID", "CreditNoteNumber", "ACCPAYCREDIT"),
}


def ms_date(day):
    """Return a date as Xero writes it."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return f"/Date({int(moment.timestamp() * 1000)}+0000)/"


def plain_date(text):
    """Return the date that ``ms_date`` wrote."""
    stamp = int(re.match(r"/Date\((-?\d+)", text)[1])
    return datetime.fromtimestamp(stamp / 1000, UTC).date()


class XeroBooks:
    """One organisation. Attributes may be changed by tests: ``period_lock`` and
    ``year_lock`` are dates or None, ``bills`` has ``{"Invoices": {id: row}}``."""

    def __init__(self):
        self.lock = threading.RLock()
        self.tenant = str(uuid.uuid4())
        self.period_lock = None
        self.year_lock = None
        self.currencies = ["USD", "NZD"]
        self.accounts = [
            self._account("429", "General Expenses", "EXPENSE"),
            self._account("493", "Travel", "EXPENSE"),
            self._account("620", "Old", "EXPENSE", Status="ARCHIVED"),
            {**self._account("", "Bank", "BANK"), "BankAccountNumber": "1"},
        ]
        self.tax_rates = [
            self._tax("INPUT", "Tax on Purchases", 15.0),
            self._tax("INPUT2", "Reduced", 5.0),
            self._tax("OUTPUT", "Tax on Sales", 15.0, expenses=False),
            self._tax("NONE", "Tax Exempt", 0.0),
        ]
        region = str(uuid.uuid4())
        self.tracking = [
            {
                "TrackingCategoryID": region,
                "Name": "Region",
                "Status": "ACTIVE",
                "Options": [
                    {"TrackingOptionID": str(uuid.uuid4()), "Name": name, **status}
                    for name, status in (
                        ("North", {"Status": "ACTIVE"}),
                        ("South", {"Status": "ARCHIVED"}),
                    )
                ],
            }
        ]
        self.contacts = {}
        self.bills = {"Invoices": {}, "CreditNotes": {}}
        self.files = {}
        self.vendor = self.add_contact(Name="City Agency", TaxNumber="GB 123456")

    def add_contact(self, **values):
        """Add a contact and return its id."""
        row = {"ContactID": str(uuid.uuid4()), "ContactStatus": "ACTIVE", **values}
        self.contacts[row["ContactID"]] = row
        return row["ContactID"]

    def pay(self, bill_id, amount):
        """Book a payment on a bill, or a part of it."""
        row = self.bills["Invoices"][bill_id]
        row["AmountPaid"] = float(amount)
        row["AmountDue"] = row["Total"] - row["AmountPaid"]
        if not row["AmountDue"]:
            row["Status"] = "PAID"

    @property
    def organisation(self):
        row = {"Name": "Demo Company", "OrganisationID": self.tenant}
        for name, day in (
            ("PeriodLockDate", self.period_lock),
            ("EndOfYearLockDate", self.year_lock),
        ):
            if day:
                row[name] = ms_date(day)
        return row

    def save_contact(self, row):
        """Create a contact; return it, or with errors."""
        with self.lock:
            errors = []
            for other in self.contacts.values():
                if other["Name"].casefold() == row["Name"].casefold():
                    errors.append(
                        f"The contact name {row['Name']} is already assigned to"
                        " another contact. The contact name must be unique across all"
                        " active contacts."
                    )
                elif row.get("ContactNumber") and (
                    other.get("ContactNumber") == row["ContactNumber"]
                ):
                    errors.append("Another contact has this contact number.")
            if errors:
                return {
                    **row,
                    "HasValidationErrors": True,
                    "StatusAttributeString": "ERROR",
                    "ValidationErrors": [{"Message": text} for text in errors],
                }
            return self.contacts[self.add_contact(**row)]

    def save_bill(self, kind, row):
        """Create or change a bill; return it, or what was sent with errors."""
        id_name, _number, _type = NAMES[kind]
        with self.lock:
            old = self.bills[kind].get(row.get(id_name))
            if row.get(id_name) and not old:
                errors = ["The document with the supplied id was not found."]
            else:
                new, errors = self._changed(kind, old, row)
            if errors:
                return {
                    **row,
                    id_name: (old or {}).get(id_name, NOBODY),
                    "HasErrors": True,
                    "StatusAttributeString": "ERROR",
                    "ValidationErrors": [{"Message": text} for text in errors],
                }
            self.bills[kind][new[id_name]] = new
            return {**new, "StatusAttributeString": "OK"}

    # -- The rules

    def _changed(self, kind, old, row):
        id_name, number, kind_type = NAMES[kind]
        before = old and old["Status"]
        status = row.get("Status") or before or "DRAFT"
        if before == "PAID" or (old or {}).get("AmountPaid"):
            return None, [
                "This document cannot be edited as it has a payment or credit note"
                " allocated to it."
            ]
        if status not in MOVES.get(before, ()):
            return None, ["Invoice not of valid status for modification"]
        new = {
            id_name: str(uuid.uuid4()),
            "Type": kind_type,
            "LineAmountTypes": "Exclusive",
            "CurrencyCode": "USD",
            "LineItems": [],
            "HasAttachments": False,
            "HasErrors": False,
            **(old or {}),
            **{
                name: value
                for name, value in row.items()
                if name not in ("LineItems", "Date", "DueDate", "Contact")
            },
            "Status": status,
        }
        errors = self._check_head(kind, new, row)
        errors += self._set_dates(new, row, before)
        if "LineItems" in row:
            if kind == "CreditNotes" and before == "AUTHORISED":
                errors.append("Lines of an approved credit note cannot be changed.")
            new["LineItems"], more = self._lines(row["LineItems"])
            errors += more
        _total(new)
        if status == "AUTHORISED" and not new["LineItems"]:
            errors.append("An invoice must have at least one line item.")
        new[number] = new.get(number) or ""
        return new, errors

    def _check_head(self, kind, new, row):
        errors = []
        if "Contact" in row:
            contact = self.contacts.get(row["Contact"].get("ContactID"))
            if not contact:
                errors.append("The Contact could not be found.")
            elif contact["ContactStatus"] != "ACTIVE":
                errors.append(
                    "The contact with the specified contact details has been archived."
                    " The contact must be un-archived before creating new invoices or"
                    " credit notes."
                )
            else:
                new["Contact"] = contact
        elif "Contact" not in new:
            errors.append("The Contact cannot be empty.")
        if new["CurrencyCode"] not in self.currencies:
            errors.append(
                f"Organisation is not subscribed to currency {new['CurrencyCode']}"
            )
        return errors

    def _set_dates(self, new, row, before):
        # Both days count: a bill is moved neither into a locked period nor out of it.
        days = [new["Date"]] if before == "AUTHORISED" else []
        for name in ("Date", "DueDate"):
            if name in row:
                new[name] = ms_date(date.fromisoformat(row[name]))
        if "AUTHORISED" not in (new["Status"], before):
            return []
        if new["Type"] == "ACCPAY" and "DueDate" not in new:
            return ["Due Date cannot be empty."]
        days = [plain_date(one) for one in (*days, new["Date"])]
        return [
            f"The document date cannot be before the {name} lock date, currently set at"
            f" {lock:%d-%b-%Y}"
            for name, lock in (
                ("period", self.period_lock),
                ("end of year", self.year_lock),
            )
            if lock and min(days) <= lock
        ]

    def _lines(self, rows):
        codes = {one.get("Code") for one in self.accounts if one["Status"] == "ACTIVE"}
        rates = {one["TaxType"]: one for one in self.tax_rates}
        options = {
            option["TrackingOptionID"]
            for category in self.tracking
            for option in category["Options"]
        }
        lines, errors = [], []
        for row in rows:
            code, tax = row.get("AccountCode"), rates.get(row.get("TaxType"))
            if not code or code not in codes:
                errors.append(
                    f"Account code '{code}' is not a valid code for this document."
                )
            if not tax or not tax["CanApplyToExpenses"]:
                errors.append(
                    f"The TaxType code {row.get('TaxType')} does not exist or cannot be"
                    " used for this type of transaction."
                )
                continue
            for one in row.get("Tracking", []):
                if one.get("TrackingOptionID") not in options:
                    errors.append("The tracking option could not be found.")
            line, more = _line(row, tax)
            lines.append(line)
            errors += more
        return lines, errors

    def _account(self, code, name, kind, **more):
        row = {"AccountID": str(uuid.uuid4()), "Name": name, "Type": kind}
        return {**row, **({"Code": code} if code else {}), "Status": "ACTIVE", **more}

    def _tax(self, code, name, rate, expenses=True):
        return {
            "TaxType": code,
            "Name": name,
            "Status": "ACTIVE",
            "EffectiveRate": rate,
            "DisplayTaxRate": rate,
            "CanApplyToExpenses": expenses,
        }


def _line(row, tax):
    errors = []
    quantity = Decimal(str(row.get("Quantity", 1)))
    if quantity < 0:
        errors.append(f"The quantity value '{quantity}' is invalid.")
    if "UnitAmount" in row:
        price = Decimal(str(row["UnitAmount"]))
        amount = _cents(quantity * price)
        given = Decimal(str(row.get("LineAmount", amount)))
        if given != amount:
            errors.append(
                f"The line total {given} does not match the expected line total"
                f" {amount}"
            )
    else:
        amount = Decimal(str(row["LineAmount"]))
        price = round(amount / quantity, 4)
    computed = _cents(amount * Decimal(str(tax["EffectiveRate"])) / 100)
    return {
        "LineItemID": str(uuid.uuid4()),
        "Tracking": [],
        **row,
        "Quantity": float(quantity),
        "UnitAmount": float(price),
        "LineAmount": float(amount),
        "TaxAmount": row.get("TaxAmount", float(computed)),
    }, errors


def _total(bill):
    def total(name):
        return sum((Decimal(str(line[name])) for line in bill["LineItems"]), Decimal(0))

    untaxed, tax = total("LineAmount"), total("TaxAmount")
    bill |= {
        "SubTotal": float(untaxed),
        "TotalTax": float(tax),
        "Total": float(untaxed + tax),
    }
    if bill["Type"] == "ACCPAY":
        bill |= {"AmountDue": bill["Total"], "AmountPaid": 0.0, "AmountCredited": 0.0}


def _cents(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)
