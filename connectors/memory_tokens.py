"""Access tokens that the client's own key buys again at any time: one process keeps
them, and nothing is lost with it."""

import threading
import time

from .base import ConnectorError, Outcome
from .tokens import Exchange, Tokens


class MemoryTokens:
    """A ``TokenStore`` of this process. Safe for many threads: one of them buys, the
    others wait for what it brings."""

    def __init__(self):
        self._tokens = Tokens()
        self._lock = threading.Lock()

    def current(self) -> Tokens:
        """See ``TokenStore.current``."""
        return self._tokens

    def renew(self, exchange: Exchange, *, instead_of: str, deadline: float) -> Tokens:
        """See ``TokenStore.renew``; ``exchange`` needs no refresh token."""
        # Held during the call: the other threads could do nothing without its result.
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise ConnectorError(
                "not_sent_in_time",
                "There was no time left to sign in.",
                Outcome.NOT_SENT,
            )
        try:
            if not self._tokens.usable or self._tokens.access == instead_of:
                # What is no longer good is not used again, whatever comes of this.
                self._tokens = Tokens(refresh=self._tokens.refresh)
                self._tokens = exchange(self._tokens.refresh)
            return self._tokens
        finally:
            self._lock.release()
