"""The vendor in Xero: a contact, mapped, found or created."""

import hashlib

from .base import ConnectorError, Outcome, Vendor
from .calls import repeatable
from .xero_api import Session
from .xero_errors import from_messages, messages_of
from .xero_values import key


def known_contact(xero: Session, vendor: Vendor) -> str:
    """Return Xero's id of the vendor: the mapped one, the one we created, the only one
    of its tax number or of its name; empty when there is none yet.

    :raise ConnectorError: ``vendor_not_found`` when several have the tax number,
        ``vendor_name_taken``, ``vendor_inactive``.
    """
    if vendor.erp_id:
        return vendor.erp_id
    # One call for all three. The description has `where` as free text; comparing
    # these fields by == in it is [M].
    terms = [_is("ContactNumber", _number(xero, vendor)), _is("Name", _name(vendor))]
    if vendor.vat:
        terms += [_is("TaxNumber", vat) for vat in sorted(_spellings(vendor.vat))]
    rows = xero.ask(
        "/Contacts", {"where": " OR ".join(terms), "includeArchived": "true"}
    ).get("Contacts", [])
    return _choose(xero, vendor, rows)


def _choose(xero, vendor, rows):
    ours = [row for row in rows if row.get("ContactNumber") == _number(xero, vendor)]
    vats = _spellings(vendor.vat)
    same_vat = [row for row in rows if _compact(row.get("TaxNumber")) in vats]
    active = [row for row in same_vat if row.get("ContactStatus") == "ACTIVE"]
    if not ours and len(active) > 1:
        raise _refusal(
            "vendor_not_found",
            f"Several contacts of Xero have the tax number {vendor.vat}.",
        )
    # Names are unique among active contacts, so one of that name is it, unless its
    # tax number says that it is another.
    name = _name(vendor).casefold()
    named = [
        row
        for row in rows
        if str(row.get("Name") or "").casefold() == name
        and row.get("ContactStatus") == "ACTIVE"
    ]
    found = ours or active or same_vat or named
    if not found:
        return ""
    theirs = _compact(found[0].get("TaxNumber"))
    if found is named and theirs and vats and theirs not in vats:
        raise _refusal(
            "vendor_name_taken",
            f"Xero's contact {vendor.name} has another tax number than the vendor.",
        )
    if found[0].get("ContactStatus") != "ACTIVE":
        raise _refusal("vendor_inactive", f"Xero's contact {vendor.name} is archived.")
    return str(found[0].get("ContactID") or "")


def create_contact(xero: Session, vendor: Vendor) -> str:
    """Create the vendor and return its id. Xero keeps our number for it, and lets no
    second contact have that, so it exists once however often this is repeated.

    :raise ConnectorError: never ambiguous: it may simply be done again.
    """
    if not xero.options.get("create_vendors"):
        raise _refusal("vendor_not_found", f"Xero has no contact {vendor.name}.")
    contact = _values(xero, vendor)
    try:
        with repeatable():
            answer = xero.do(
                "PUT",
                "/Contacts",
                key=key("contact", contact),
                query={"summarizeErrors": "false"},
                data={"Contacts": [contact]},
            )
            [row] = answer.json()["Contacts"]
    except ConnectorError as error:
        # Of several that do this at once all but one are refused; then it is there.
        if error.kind == "vendor_name_taken":
            if found := known_contact(xero, vendor):
                return found
        raise
    except (TypeError, KeyError, ValueError):
        raise ConnectorError(
            "answer_unreadable",
            "Xero's answer to creating the vendor could not be read.",
            Outcome.NOT_SENT,
        ) from None
    if row.get("HasValidationErrors") or messages_of(row):
        error = from_messages(xero.transport, messages_of(row), answer)
        found = error.kind == "vendor_name_taken" and known_contact(xero, vendor)
        if not found:
            raise error
        return found
    return str(row["ContactID"])


def _values(xero, vendor):
    address = {
        "AddressType": "STREET",
        "AddressLine1": vendor.street[:500],
        "AddressLine2": vendor.street2[:500],
        "City": vendor.city[:255],
        "PostalCode": vendor.zip[:50],
        "Country": vendor.country_code[:50],
    }
    address = {name: value for name, value in address.items() if value}
    found = {
        "Name": _name(vendor),
        "ContactNumber": _number(xero, vendor),
        "TaxNumber": vendor.vat[:50],
        "EmailAddress": vendor.email[:255],
    }
    found = {name: value for name, value in found.items() if value}
    if len(address) > 1:
        found["Addresses"] = [address]
    if vendor.phone:
        found["Phones"] = [{"PhoneType": "DEFAULT", "PhoneNumber": vendor.phone[:50]}]
    return found


def _number(xero, vendor):
    """Return the number that we give the contact: stable, and of at most 50 letters."""
    origin = f"{xero.options.get('origin', '')} {vendor.local_id or vendor.name}"
    digest = hashlib.sha256(origin.encode()).hexdigest()[:12]
    return f"ap-sync-{vendor.local_id}-{digest}"


def _name(vendor):
    return vendor.name.strip()[:255]


def _compact(text):
    return "".join(str(text or "").split()).upper()


def _spellings(vat):
    return {vat, _compact(vat)} - {""}


def _is(name, value):
    return f"{name}=={quoted(value)}"


def quoted(text: str) -> str:
    """Return a text as a literal of Xero's ``where`` [M: how quotes are escaped]."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _refusal(kind, message):
    return ConnectorError(kind, message, Outcome.REJECTED)
