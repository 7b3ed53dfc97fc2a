"""The states of a job and the moves between them, as data.

A state is the job's status, with its phase while In Progress::

    submit ─▶ evaluate ─┬─ block rule ──────▶ blocked ──(rule gone, or released)──┐
                        ├─ hold rule/paused ▶ on_hold ──(cause gone, or Sync)─────┤
                        └─ clear ─▶ in_progress/queued ◀──────────────────────────┘
    in_progress: queued ─claim─▶ sending ─┬─ accepted ──────────────────▶ success
       ▲                                  ├─ rejected ───────────────────▶ failed
       ├── retrying (next_try_at) ◀───────┼─ surely not sent (window over ▶ failed)
       └── verifying (settle, look up) ◀──┴─ anything unclear
              ├─ found, the same bill ─▶ success (adopted)
              ├─ not there ────────────▶ queued, same key
              └─ differs, or no look-up ▶ failed (outcome unknown)
    queued, retrying ─the database was restored─▶ verifying
    queued, retrying, verifying ─abort─▶ failed
    failed ─Sync─▶ evaluate      success ─bill changed─▶ flagged ─Sync─▶ evaluate
"""

from typing import NamedTuple

STATUSES = [
    ("in_progress", "In Progress"),
    ("failed", "Failed"),
    ("on_hold", "On Hold"),
    ("blocked", "Blocked"),
    ("success", "Success"),
]

PHASES = [
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("retrying", "Waiting to retry"),
    ("verifying", "Verifying"),
    ("ready", "Ready, press Sync"),
]

#: A job that no longer waits for an answer from the ERP: what it sends may change.
SETTLED = {"new", "failed", "on_hold", "on_hold/ready", "blocked", "success"}
WAITING = {"in_progress/queued", "in_progress/retrying"}
IN_DOUBT = {"in_progress/verifying"}
SENDING = {"in_progress/sending"}


class Move(NamedTuple):
    """One allowed change of state: from any of ``sources`` to ``target``."""

    sources: frozenset
    target: str


MOVES = {
    event: Move(frozenset(sources), target)
    for event, sources, target in [
        # Rules and people
        ("queue", SETTLED | WAITING, "in_progress/queued"),
        ("hold", SETTLED | WAITING, "on_hold"),
        ("ready", {"on_hold", "on_hold/ready", "blocked"}, "on_hold/ready"),
        ("block", SETTLED | WAITING, "blocked"),
        ("mark_synced", SETTLED - {"new"}, "success"),
        ("verify", {"failed"}, "in_progress/verifying"),
        ("abort", WAITING | IN_DOUBT, "failed"),
        # The engine
        ("claim", WAITING, "in_progress/sending"),
        ("ask_first", WAITING, "in_progress/verifying"),
        ("succeed", SENDING | IN_DOUBT, "success"),
        ("fail", SENDING | IN_DOUBT | WAITING, "failed"),
        ("retry", SENDING, "in_progress/retrying"),
        ("doubt", SENDING | IN_DOUBT, "in_progress/verifying"),
        ("resend", IN_DOUBT, "in_progress/queued"),
    ]
}


def state_of(status, phase):
    """Return the state's name in ``MOVES`` for a status and a phase.

    :param status: a key of ``STATUSES``, or False for a job that has none yet.
    :param phase: a key of ``PHASES`` or False.
    """
    if not status:
        return "new"
    return f"{status}/{phase}" if phase else status


def split_state(state):
    """Return ``(status, phase)`` for a target of ``MOVES``; phase may be False."""
    status, _slash, phase = state.partition("/")
    return status, phase or False
