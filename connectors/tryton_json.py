"""Values as Tryton's JSON has them: decimals, dates and bytes go by class
(``trytond/protocols/jsonrpc.py``)."""

import base64
import json
from datetime import date
from decimal import Decimal
from typing import Any


def encode(value: Any) -> Any:
    """Return the value as Tryton's JSON has it, decimals, dates and bytes by class."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": f"{value:f}"}
    if isinstance(value, date):
        parts = {"year": value.year, "month": value.month, "day": value.day}
        return {"__class__": "date", **parts}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: encode(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [encode(one) for one in value]
    return value


def decode(value: Any) -> Any:
    """Return what ``encode`` was given; classes that are not expected stay as they
    are."""
    if isinstance(value, list):
        return [decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return date(value["year"], value["month"], value["day"])
    return {name: decode(one) for name, one in value.items()}


def base64_json(value: Any) -> str:
    """Return a value as it goes into an address or header."""
    return base64.urlsafe_b64encode(json.dumps(encode(value)).encode()).decode()
