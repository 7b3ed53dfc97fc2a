"""The end of a consent that a person gave in the browser: its code becomes tokens.

    T0  the controller's: the state is taken, once for all, and committed
        HTTP, no transaction open: the code buys tokens
    T1  store them instead of those that are there; commit

A renewal of the old tokens (``tokens.py``) may be under way meanwhile, on any process.
It is left alone: should the consent fail, what it brings is still needed. Once T1 has
stored the new tokens that renewal has lost its lease, so what it brings later is thrown
away, and who waited for it goes on with the new ones.

A crash between T0 and T1 leaves the old tokens; the person consents again. So it is if
another consent was begun meanwhile: the newest is the one that counts.
"""

import logging
import time

from ..connectors import ConnectorError, Outcome
from ..connectors.tokens import EXCHANGE_SECONDS
from .client import open_client
from .tokens import STORE_TRIES
from .transaction import transact

_logger = logging.getLogger(__name__)


def finish(registry, connection_id, holder, code, redirect_uri):
    """Buy tokens with the code and store them.

    :param holder: whom ``ap.sync.secret._take_consent`` gave the consent to.
    :param redirect_uri: what the browser was sent to the ERP with.
    :raise ConnectorError: what ``Connector.redeem`` raised; ``secret_unreadable``, not
        sent, when the tokens could not be encrypted; ``sync_overlap`` when another
        consent was begun meanwhile. Nothing has changed then.
    """
    # Before the code is used up, not after.
    transact(registry, _check)
    connector, _concurrency = open_client(registry, connection_id)
    tokens = connector.redeem(
        code,
        redirect_uri=redirect_uri,
        deadline=time.monotonic() + EXCHANGE_SECONDS,
    )
    if not transact(registry, _store, connection_id, holder, tokens, tries=STORE_TRIES):
        raise ConnectorError(
            "sync_overlap",
            "Another consent to this connection was begun meanwhile.",
            Outcome.REJECTED,
        )
    _logger.info("AP Sync: connection %s was given access", connection_id)


def _check(env):
    env["ap.sync.secret"]._check_can_seal()


def _store(env, connection_id, holder, tokens):
    connection = env["ap.sync.connection"].browse(connection_id)
    if not env["ap.sync.secret"]._end_consent(connection, holder, tokens):
        return False
    # What was found out with other tokens says nothing about these.
    connection.write({"check_result": False, "checked_at": False})
    return True
