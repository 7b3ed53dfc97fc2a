"""How soon a thread that waits for Python's lock gets it, while bills are sent."""

import sys
import threading
from contextlib import contextmanager

#: Seconds. A thread takes the lock (the GIL) a few times for each answer of the ERP,
#: and while the next bills are claimed it waits this long each time. Python's 5 ms cost
#: 20 threads and an ERP of 100 ms 7 % of their speed (`dev bench throughput`).
INTERVAL = 0.0005

_lock = threading.Lock()
_open = 0
_before = 0.0


@contextmanager
def quick_switching():
    """Have Python change threads after ``INTERVAL`` as long as this is open anywhere in
    the process; then as before."""
    global _open, _before  # noqa: PLW0603  the setting is the process's, too
    with _lock:
        if not _open:
            _before = sys.getswitchinterval()
            sys.setswitchinterval(min(_before, INTERVAL))
        _open += 1
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if not _open:
                sys.setswitchinterval(_before)
