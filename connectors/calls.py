"""What the clients of all ERPs do around their calls: ask only once in a while, take an
unclear question for one that was not asked, and never wait beyond the deadline."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .base import ConnectorError, Outcome, Settings
from .transport import Transport


def connect(settings: Settings, url: str = "") -> Transport:
    """Return the transport to a connection's ERP, which hides the connection's secret.

    :param url: another address than the connection's, with the same secret.
    """
    return Transport(
        url or settings.url,
        secrets=(settings.secret.strip(),),
        allowed_hosts=settings.allowed_hosts,
        ca_file=settings.ca_file,
        timeout=settings.timeout,
    )


class Memo:
    """What an ERP was asked, by names. Safe for many threads."""

    def __init__(self):
        self._known: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, name: str, seconds: float, ask: Callable[[], Any]) -> Any:
        """Return what ``ask`` returned at most that long ago; raises what it raises,
        and remembers nothing of that."""
        with self._lock:
            asked, value = self._known.get(name, (-math.inf, None))
        if time.monotonic() - asked < seconds:
            return value
        # Not under the lock: two threads may ask twice, none waits for the other's
        # slow answer.
        value = ask()
        with self._lock:
            self._known[name] = (time.monotonic(), value)
        return value


@contextmanager
def repeatable() -> Iterator[None]:
    """Around calls that only read, or whose repetition finds what they made: they can
    simply be made again, so a lost answer says nothing about the bill.

    :raise ConnectorError: as inside, ``erp_unavailable`` and not sent where it was
        ambiguous.
    """
    try:
        yield
    except ConnectorError as error:
        if error.outcome is Outcome.AMBIGUOUS:
            error.outcome, error.kind = Outcome.NOT_SENT, "erp_unavailable"
        raise


def sleep(seconds: float, deadline: float) -> bool:
    """Wait, unless the deadline (of ``time.monotonic``) comes first; tell whether there
    is time left."""
    left = deadline - time.monotonic() - seconds
    if left > 0:
        time.sleep(seconds)
    return left > 0
