"""Questions to the ERP that write nothing there: the test and the master data."""

import time

from ..connectors import ConnectorError
from ..connectors.base import CheckItem
from .client import open_client
from .transaction import now, transact

CHECK_SECONDS = 30
FETCH_SECONDS = 90


def check_connection(registry, connection_id):
    """Ask the ERP item by item what is right and wrong; store the result on the
    connection, and let its jobs go when all is well.

    :return: whether all items are right.
    """
    problem = None
    try:
        connector, _concurrency = open_client(registry, connection_id)
        items = list(connector.check(deadline=time.monotonic() + CHECK_SECONDS))
    except ConnectorError as error:
        problem, items = error, [CheckItem("Connection", False, error.message)]
    good = bool(items) and all(item.ok for item in items)
    lock_date = False
    if good:
        try:
            lock_date = connector.lock_date(deadline=time.monotonic() + CHECK_SECONDS)
        except ConnectorError as error:
            good, problem = False, error
            items.append(CheckItem("Lock date", False, error.message))

    def store(env):
        connection = env["ap.sync.connection"].browse(connection_id)
        found = [{**vars(item)} for item in items]
        if problem:
            found[-1]["todo"] = connection._get_todo(problem.kind)
        values = {
            "check_result": found,
            "checked_at": now(env),
        }
        if good:
            values["erp_lock_date"] = lock_date
        connection.write(values)
        if good:
            connection._set_mended()

    transact(registry, store)
    return good


def refresh_data(registry, connection_id, context):
    """Pull the ERP's master data, propose mappings.

    :return: the notification for the user.
    """
    deadline = time.monotonic() + FETCH_SECONDS
    fetched, problem = {}, None
    try:
        connector, _concurrency = open_client(registry, connection_id)
        for kind in connector.profile.master_data:
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
