"""Questions to the ERP that write nothing there: the test and the master data."""

import time

from ..connectors import ConnectorError, make_connector
from .transaction import now, transact

CHECK_SECONDS = 30
FETCH_SECONDS = 90
KINDS = ["account", "vendor", "tax", "payment_term", "analytic", "journal", "currency"]


def _connect(registry, connection_id):
    def get_setup(env):
        connection = env["ap.sync.connection"].browse(connection_id)
        return connection.connector, connection._get_settings()

    code, settings = transact(registry, get_setup)
    return make_connector(code, settings)


def check_connection(registry, connection_id):
    """Ask the ERP item by item what is right and wrong; store the result on the
    connection, and let its jobs go when all is well.

    :return: whether all items are right.
    """
    connector = _connect(registry, connection_id)
    items = connector.check(deadline=time.monotonic() + CHECK_SECONDS)
    good = bool(items) and all(item.ok for item in items)
    lock_date = False
    if good:
        try:
            lock_date = connector.lock_date(deadline=time.monotonic() + CHECK_SECONDS)
        except ConnectorError:
            good = False

    def store(env):
        connection = env["ap.sync.connection"].browse(connection_id)
        values = {
            "check_result": [vars(item) for item in items],
            "checked_at": now(env),
        }
        if good:
            values["erp_lock_date"] = lock_date
        connection.write(values)
        if good:
            connection._set_mended()

    transact(registry, store)
    return good


def mend_by_itself(registry, connection_id):
    """Look whether an outage that held a connection's jobs is over."""
    check_connection(registry, connection_id)


def refresh_data(registry, connection_id, context):
    """Pull the ERP's master data, propose mappings.

    :return: the notification for the user.
    """
    connector = _connect(registry, connection_id)
    deadline = time.monotonic() + FETCH_SECONDS
    fetched, problem = {}, None
    try:
        for kind in KINDS:
            fetched[kind] = [
                {name: value for name, value in vars(row).items() if name != "kind"}
                for row in connector.fetch(kind, deadline=deadline)
            ]
        lock_date = connector.lock_date(deadline=deadline)
    except ConnectorError as error:
        problem, lock_date = error, None

    def store(env):
        connection = env["ap.sync.connection"].browse(connection_id)
        return connection._store_erp_data(fetched, lock_date, problem)

    return transact(registry, store, lang=context.get("lang"))
