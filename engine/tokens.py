"""Tokens that are renewed with one that is good for one time, kept in the database.

Of all threads and processes one at a time may send the refresh token. So that no
transaction is open during the call, and no lock is held that a crash would leave or a
pooled connection would carry on, the right to send it is a lease on the row::

    T1  take the lease, unless somebody has it or has brought new tokens; commit
        HTTP, no transaction open; shorter than the lease
    T2  store the new tokens if the lease is still ours, and give it back; commit

Only then are the new tokens used: the old refresh token is worth nothing from the
moment the ERP has answered, so the new one must not depend on what happens next.

A crash between the ERP's answer and T2 leaves the lease, for ``LEASE`` seconds, and the
old refresh token. Whoever comes then sends that once more: some ERPs take it for a
while (Xero for 30 minutes, its staff says). Where it is refused the connection waits
for a person to connect again (``token_expired``); no bill is lost or sent twice by it.
"""

import logging
import time
import uuid

from ..connectors import ConnectorError, Outcome
from ..connectors.tokens import EXCHANGE_SECONDS, Tokens
from . import failpoints
from .transaction import transact

_logger = logging.getLogger(__name__)

#: Seconds after which a renewal counts as dead. Twice what the call may take: one that
#: is only slow must not be overtaken.
LEASE = 2 * EXCHANGE_SECONDS
#: How long one waits for another's renewal, and looks how often.
PATIENCE, PAUSE = 30.0, 0.2
#: What is lost when the new tokens can't be stored is the connection.
STORE_TRIES = 10


class SecretTokens:
    """The ``TokenStore`` of one connection; see ``connectors.tokens``."""

    def __init__(self, registry, connection_id):
        self._registry = registry
        self._connection_id = connection_id
        # What was read last, so that not every call of the ERP asks the database. Two
        # threads may set it at once: either is right.
        self._known = Tokens()

    def current(self):
        """See ``TokenStore.current``."""
        if not self._known.usable:
            self._known = transact(self._registry, _read, self._connection_id)
        return self._known

    def renew(self, exchange, *, instead_of, deadline):
        """See ``TokenStore.renew``."""
        holder = str(uuid.uuid4())
        found, refresh = self._take_lease(holder, instead_of, deadline)
        if found:
            self._known = found
            return found
        try:
            tokens = exchange(refresh)
        except BaseException:
            # Whether the token was used up or not: the next one has to try it.
            self._transact(_store, holder, None)
            raise
        failpoints.reach("exchanged")
        if not self._transact(_store, holder, tokens):
            # The lease ran out while this process stood still, or a person has entered
            # another refresh token. What is stored is newer.
            _logger.warning(
                "AP Sync: connection %s: new tokens came too late to be stored",
                self._connection_id,
            )
            raise _busy(0)
        self._known = tokens
        return tokens

    def _take_lease(self, holder, worn, deadline):
        """Return ``(tokens, "")`` that another has brought, or, with the lease taken,
        ``(None, refresh token)``."""
        until = min(deadline, time.monotonic() + PATIENCE)
        while True:
            found, refresh, wait = self._transact(_begin, worn, holder)
            if found:
                return found, ""
            if wait is None:
                return None, refresh
            if time.monotonic() + PAUSE >= until:
                raise _busy(wait)
            time.sleep(PAUSE)

    def _transact(self, step, *args):
        return transact(
            self._registry, step, self._connection_id, *args, tries=STORE_TRIES
        )


def _read(env, connection_id):
    return env["ap.sync.secret"]._read_tokens(
        env["ap.sync.connection"].browse(connection_id)
    )


def _begin(env, connection_id, worn, holder):
    connection = env["ap.sync.connection"].browse(connection_id)
    Secret = env["ap.sync.secret"]
    wait = Secret._lock_renewal(connection)
    tokens = Secret._read_tokens(connection)
    if tokens.usable and tokens.access != worn:
        return tokens, "", None
    if wait:
        return None, "", wait
    if not tokens.refresh:
        raise ConnectorError(
            "token_expired",
            "The connection has no refresh token.",
            Outcome.REJECTED,
        )
    Secret._write_renewal(connection, holder, LEASE)
    return None, tokens.refresh, None


def _store(env, connection_id, holder, tokens):
    connection = env["ap.sync.connection"].browse(connection_id)
    return env["ap.sync.secret"]._end_renewal(connection, holder, tokens)


def _busy(wait):
    return ConnectorError(
        "sync_overlap",
        "The access to the ERP is being renewed by another process.",
        Outcome.NOT_SENT,
        retry_after=max(wait, 1.0),
    )
