"""Clients for the books a bill can go to: HTTP and data, no Odoo.

Nothing here imports ``odoo`` or opens a cursor, and every connector may be used by
several threads at once. A new ERP is one file here and one line in ``CONNECTORS``.
"""

from .base import (
    Capability,
    ConnectorError,
    Document,
    Outcome,
    Receipt,
    Settings,
)
from .business_central import BusinessCentralConnector
from .incoming import Guarded
from .odoo import OdooConnector
from .profile import ClientKey, Posting, Profile
from .protocol import Connector
from .tryton import TrytonConnector
from .xero import XeroConnector

__all__ = [
    "CONNECTORS",
    "Capability",
    "ClientKey",
    "Connector",
    "ConnectorError",
    "Document",
    "Outcome",
    "Posting",
    "Profile",
    "Receipt",
    "Settings",
    "make_connector",
]

CONNECTORS: dict[str, type[Connector]] = {
    OdooConnector.code: OdooConnector,
    TrytonConnector.code: TrytonConnector,
    XeroConnector.code: XeroConnector,
    BusinessCentralConnector.code: BusinessCentralConnector,
}


def make_connector(code: str, settings: Settings) -> Connector:
    """Return the client for one connection.

    What the ERP says comes through ``incoming.Guarded``.

    :param code: a key of ``CONNECTORS``, the connection's ``connector``.
    :param settings: address, credentials and options of that connection.
    :raise KeyError: when no connector has that code.
    """
    return Guarded(CONNECTORS[code](settings), settings)
