"""The fault matrix: its rows, which behaviours they are run for, and what can't be run
on one machine. Row numbers are those of the reliability reference, section 4.2."""

from collections.abc import Callable
from dataclasses import dataclass

from case import BEHAVIOURS, LOOKUP

ROWS = []
#: Rows of the matrix that are not run here, each with its reason.
UNABLE = {
    15: "the fake ERP gives no tokens: see tests/test_tokens.py, on real connections",
    50: "there are no webhooks yet",
    51: "there are no webhooks yet",
}


@dataclass(frozen=True)
class Row:
    """One fault and what is expected of it.

    :param quick: the behaviours it is run for in the short set of every change.
    """

    number: int
    letter: str
    title: str
    run: Callable
    behaviours: tuple[str, ...]
    quick: tuple[str, ...] = ()
    queue_job: bool = False

    @property
    def name(self):
        return f"{self.number}{self.letter}"


def row(number, title, *, behaviours=BEHAVIOURS, letter="", quick=(), queue_job=False):
    """Register a function of a ``Case`` as a row; run once for each behaviour.

    :param quick: True: in the short set for ``lookup``, what a second Odoo is; or the
        behaviours.
    :param queue_job: it is about OCA queue_job, and needs it.
    """
    quick = (LOOKUP,) if quick is True else tuple(quick)

    def register(function):
        ROWS.append(
            Row(number, letter, title, function, tuple(behaviours), quick, queue_job)
        )
        return function

    return register
