"""The fault matrix: its rows, which behaviours they are run for, and what can't be run
on one machine. Row numbers are those of the reliability reference, section 4.2."""

from collections.abc import Callable
from dataclasses import dataclass

from case import BEHAVIOURS

ROWS = []
#: Rows of the matrix that are not run here, each with its reason.
UNABLE = {}


@dataclass(frozen=True)
class Row:
    """One fault and what is expected of it.

    :param quick: it belongs to the short set that every change has to pass.
    """

    number: int
    letter: str
    title: str
    run: Callable
    behaviours: tuple[str, ...]
    quick: bool = False

    @property
    def name(self):
        return f"{self.number}{self.letter}"


def row(number, title, *, behaviours=BEHAVIOURS, letter="", quick=False):
    """Register a function of a ``Case`` as a row; run once for each behaviour."""

    def register(function):
        ROWS.append(Row(number, letter, title, function, tuple(behaviours), quick))
        return function

    return register
