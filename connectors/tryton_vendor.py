"""The vendor of a bill in Tryton: its party, address and payable account."""

import hashlib

from .base import ConnectorError, Outcome, Vendor
from .calls import repeatable
from .tryton_session import Session, number

_READ = (
    "name",
    "active",
    "account_payable",
    "addresses.id",
    "addresses.invoice",
    "addresses.active",
)


def find_or_create(tryton: Session, vendor: Vendor) -> dict:
    """Return ``id``, ``address`` and payable ``account`` of the vendor's party: the
    mapped one, the only one of its VAT number, or one that is created.

    :raise ConnectorError: ``vendor_not_found``, ``vendor_inactive``,
        ``vendor_no_payable_account``, rejected; never ambiguous.
    """
    party = known(tryton, vendor) or _create(tryton, vendor)
    rows = tryton.find("party.party", [["id", "=", party]], _READ)
    if not rows:
        raise ConnectorError(
            "vendor_not_found",
            f"The ERP has no vendor with the id {party}: {vendor.name}.",
            Outcome.REJECTED,
        )
    if not rows[0]["active"]:
        raise ConnectorError(
            "vendor_inactive",
            f"The vendor {rows[0]['name']} is archived in the ERP.",
            Outcome.REJECTED,
        )
    return {
        "id": party,
        "address": _address(tryton, vendor, rows[0]),
        "account": rows[0]["account_payable"] or _payable(tryton, rows[0]),
    }


def known(tryton: Session, vendor: Vendor) -> int | None:
    """Return the ERP's id of the vendor: the mapped one, the only one of its VAT
    number, or the one we created; ``None`` when it has none yet.

    :raise ConnectorError: ``vendor_not_found`` when several have the VAT number.
    """
    if vendor.erp_id:
        return number(vendor.erp_id)
    found = _with_code(tryton, _forms(vendor.vat)) if vendor.vat else []
    if len(found) > 1:
        raise ConnectorError(
            "vendor_not_found",
            f"Several vendors of the ERP have the VAT number {vendor.vat}.",
            Outcome.REJECTED,
        )
    if found:
        return found[0]
    # Of those that were created at the same time the first one counts.
    return min(_with_code(tryton, [_key(tryton, vendor)]), default=None)


def _create(tryton, vendor):
    """Create the party under an identifier of ours, so that it is found again.

    Nothing in Tryton is unique about a party, so two that are created in the same
    moment are both there: the second goes.
    """
    if not tryton.options.get("create_vendors"):
        raise ConnectorError(
            "vendor_not_found",
            f"The ERP has no vendor {vendor.name}.",
            Outcome.REJECTED,
        )
    key = _key(tryton, vendor)
    made = _create_party(tryton, vendor, key)["id"]
    first = min(_with_code(tryton, [key]), default=made)
    if first != made:
        with repeatable():
            tryton.delete("party.party", made)
    return first


def _create_party(tryton, vendor, key):
    """Create it with all that is known; without what Tryton finds invalid (a VAT
    number, a telephone number) when it refuses that."""
    ours = {"type": None, "code": key}
    plain = {"type": None, "code": vendor.vat}
    known_type = {**plain, "type": "eu_vat"}
    contacts = [("email", vendor.email), ("phone", vendor.phone)]
    contacts = [{"type": kind, "value": value} for kind, value in contacts if value]
    tries = [
        ([known_type, ours] if vendor.vat else [ours], contacts),
        ([plain, ours] if vendor.vat else [ours], contacts),
        ([plain, ours] if vendor.vat else [ours], []),
    ]
    address = _address_values(tryton, vendor)
    for left, (identifiers, mechanisms) in zip((2, 1, 0), tries, strict=True):
        values = {
            "name": vendor.name,
            "identifiers": [["create", identifiers]],
            "addresses": [["create", [address]]],
            "contact_mechanisms": [["create", mechanisms]] if mechanisms else [],
        }
        try:
            with repeatable():  # it is found by our identifier
                return tryton.insert("party.party", values)
        except ConnectorError as error:
            if not left or error.kind != "invalid_data":
                raise


def _address(tryton, vendor, row):
    addresses = [one for one in row["addresses"] or [] if one["active"]]
    # Those meant for invoices first.
    addresses.sort(key=lambda one: (not one["invoice"], one["id"]))
    if addresses:
        return addresses[0]["id"]
    values = {**_address_values(tryton, vendor), "party": row["id"]}
    with repeatable():
        return tryton.insert("party.address", values)["id"]


def _address_values(tryton, vendor):
    street = "\n".join(filter(None, (vendor.street, vendor.street2)))
    return {
        "street": street or None,
        "postal_code": vendor.zip or None,
        "city": vendor.city or None,
        "country": _country(tryton, vendor.country_code),
    }


def _payable(tryton, party):
    """Return the company's payable account for parties without one of their own."""

    def ask():
        return tryton.find(
            "account.configuration", [["id", "=", 1]], ["default_account_payable"]
        )

    rows = tryton.rest.remember("payable", 600, ask)
    account = rows and rows[0]["default_account_payable"]
    if not account:
        raise ConnectorError(
            "vendor_no_payable_account",
            f"The vendor {party['name']} has no payable account in the ERP, and there"
            " is no default one.",
            Outcome.REJECTED,
        )
    return account


def _with_code(tryton, codes):
    """Return the ids of the active parties with an identifier of these codes."""
    rows = tryton.find(
        "party.identifier",
        ["OR", ["code", "in", codes], ["code_compact", "in", codes]],
        ["party.id", "party.active"],
    )
    return sorted({row["party"]["id"] for row in rows if row["party"]["active"]})


def _forms(vat):
    """Return the ways a VAT number is written: as given, and without separators."""
    compact = "".join(letter for letter in vat if letter.isalnum()).upper()
    return [vat, compact]


def _key(tryton, vendor):
    origin = f"{tryton.options.get('origin', '')} {vendor.local_id or vendor.name}"
    digest = hashlib.sha256(origin.encode()).hexdigest()[:12]
    return f"ap_sync:{vendor.local_id}:{digest}"


def _country(tryton, code):
    if not code:
        return None
    rows = tryton.rest.remember(
        f"country {code}",
        3600,
        lambda: tryton.find("country.country", [["code", "=", code]], ["code"]),
    )
    return rows[0]["id"] if rows else None
