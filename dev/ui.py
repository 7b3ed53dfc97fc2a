"""What a person sees: messages, progress of long steps, and the one error class."""

import sys
import threading
import time
from contextlib import contextmanager

TICK_SECONDS = 10


class DevError(Exception):
    """A foreseeable failure.

    `message` is one sentence that says what is wrong and what to do; `details` may
    hold the last lines of a log and is shown above it.
    """

    def __init__(self, message: str, details: str = ""):
        super().__init__(message)
        self.message = message
        self.details = details


def say(text: str) -> None:
    """Print a line at once: the output is often a pipe into a CI log."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print something a person should know although the work goes on."""
    print(f"Note: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str):
    """Announce a long step, say every few seconds that it goes on, and its duration.

    Nothing is caught: an error inside ends the step silently and travels on.
    """
    start = time.monotonic()
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(TICK_SECONDS):
            say(f"   ... {text}: {time.monotonic() - start:.0f} s")

    say(f"-> {text}")
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
    say(f"   done in {time.monotonic() - start:.1f} s")
