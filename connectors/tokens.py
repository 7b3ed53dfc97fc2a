"""Access to an ERP that is given for minutes and renewed with a token which is good
for one time: who keeps the tokens, and what a keeper has to promise.

No HTTP and no database here: the connector brings the HTTP, the engine the database.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

#: Seconds before its end from which an access token counts as used up: a call that
#: begins now must not arrive too late with it.
MARGIN = 60.0
#: Seconds that an exchange may take at most, so that a keeper knows a dead one from a
#: slow one.
EXCHANGE_SECONDS = 60.0


@dataclass(frozen=True)
class Tokens:
    """What the ERP gave: ``access`` goes with each call until ``until`` (seconds since
    1970, by our clock), ``refresh`` buys the next pair."""

    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    until: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether a call can still begin with this access token."""
        return bool(self.access) and time.time() < self.until - MARGIN


#: Buys new tokens with a refresh token: one HTTP call, of ``EXCHANGE_SECONDS`` at most.
#: May raise ``ConnectorError``.
Exchange = Callable[[str], Tokens]


class TokenStore(Protocol):
    """Keeps the tokens of one connection. Used by several threads, and by several
    processes, at once."""

    def current(self) -> Tokens:
        """Return what is stored, usable or not; empty when nothing is."""

    def renew(self, exchange: Exchange, *, instead_of: str, deadline: float) -> Tokens:
        """Return tokens other than those the ERP no longer takes.

        ``exchange`` is called with the stored refresh token by one caller at a time,
        whatever their process; the others wait for what it brings. What it returns is
        stored for good before it is returned here: once an ERP has given a new refresh
        token the old one is worth nothing.

        :param instead_of: the access token that is no longer good; empty for none.
        :param deadline: of ``time.monotonic()``.
        :raise ConnectorError: what ``exchange`` raised; ``token_expired`` when there
            is nothing to renew with; ``sync_overlap`` or ``not_sent_in_time``, not
            sent, when somebody else's renewal did not end in time.
        """
