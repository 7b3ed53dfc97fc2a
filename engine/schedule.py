"""When something is tried again. Pure."""

import math
import random
from datetime import timedelta

#: Pauses between tries; the last one repeats until the window is over.
STEPS = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=60),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(hours=24),
]
#: Counted in time, not in tries, so that an ERP's weekend outage fails no bill.
WINDOW = timedelta(days=3)
JITTER = 0.2

#: A connection that fails this often in a row is left alone for a while...
BREAKER_AFTER = 5
BREAKER_STEPS = [timedelta(seconds=30), *STEPS[:3]]
#: ...and after this long it needs a person.
BREAKER_LONG = timedelta(hours=24)

#: How long the outcome of one claim may take; a crash is noticed after that.
LEASE = timedelta(minutes=5)
#: No byte is written in the lease's last seconds: an answer must fit in before the
#: reaper calls the attempt unclear.
LEASE_MARGIN = timedelta(seconds=45)


def after(moment, seconds):
    """Return when at least so many seconds have passed, not one less.

    :param moment: as it is written down, in whole seconds: up to one earlier than it
        truly was.
    :param seconds: 0 returns the moment itself.
    """
    return moment + timedelta(seconds=math.ceil(seconds) + 1 if seconds else 0)


def delay(retry_count):
    """Return the pause before the next try: a step of ``STEPS`` +- 20 %.

    :param retry_count: how often it was tried again already, from 0.
    """
    step = STEPS[min(retry_count, len(STEPS) - 1)]
    return step * random.uniform(1 - JITTER, 1 + JITTER)


def count_failures(failures, more):
    """Return how many failures in a row there are after ``more`` that came together: of
    one outage, so they open the breaker by one step at most."""
    step = failures // BREAKER_AFTER + 1
    return min(failures + more, step * BREAKER_AFTER)


def breaker_pause(failures):
    """Return how long a connection is left alone after so many failures in a row, or
    None while the breaker stays closed."""
    if failures < BREAKER_AFTER:
        return None
    step = BREAKER_STEPS[min(failures // BREAKER_AFTER, len(BREAKER_STEPS)) - 1]
    return step * random.uniform(1 - JITTER, 1 + JITTER)
