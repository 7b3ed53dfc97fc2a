"""File locks: they vanish with their process, however it ends."""

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path

import paths
from ui import say


class FileLock:
    """A `flock` on a file of its own. Not inherited by programs we start."""

    def __init__(self, path: Path):
        self.path = path
        self._fd: int | None = None

    def acquire(self, shared: bool = False, blocking: bool = True) -> bool:
        """Take the lock; returns False when it is taken and `blocking` is off."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._fd, kind if blocking else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def named_lock(name: str) -> FileLock:
    """The lock that `only_one` takes under a name, not taken yet."""
    return FileLock(paths.subfolder("locks") / f"{name}.lock")


@contextmanager
def only_one(name: str, doing: str):
    """Let one process at a time do `doing`; says so when it has to wait."""
    lock = named_lock(name)
    if not lock.acquire(blocking=False):
        say(f"-> waiting for another `dev` that is {doing}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
