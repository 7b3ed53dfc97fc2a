"""The connector of one connection, ready to be used without a transaction."""

import dataclasses

from ..connectors import make_connector
from .tokens import SecretTokens
from .transaction import transact


def open_client(registry, connection_id):
    """Return ``(connector, concurrency)`` of a connection.

    Its settings are read once and the transaction is over before the connector is
    used, so what changes meanwhile counts from the next call of this.

    :raise ConnectorError: ``secret_unreadable``.
    """
    code, settings, concurrency, renewed = transact(registry, _read, connection_id)
    if renewed:
        tokens = SecretTokens(registry, connection_id)
        settings = dataclasses.replace(settings, tokens=tokens)
    return make_connector(code, settings), concurrency


def _read(env, connection_id):
    connection = env["ap.sync.connection"].browse(connection_id)
    renewed = env["ap.sync.secret"]._has_tokens(connection)
    return (
        connection.connector,
        connection._get_settings(),
        connection.concurrency,
        renewed,
    )
