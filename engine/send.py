"""T2: the calls to the ERP, with no transaction open. Knows no database."""

import logging
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from queue import Empty, SimpleQueue

from ..connectors import ConnectorError, Outcome, Receipt
from ..connectors.kinds import KINDS
from . import failpoints
from .claim import SEND, VERIFY, Work

_logger = logging.getLogger(__name__)

#: Seconds that an outcome waits for others.
GATHER = 0.1
#: Seconds without any outcome after which the ERP is said to keep us waiting.
PATIENCE = 1.0
#: How many are recorded in one transaction at most: it locks their jobs.
TOGETHER = 100


@dataclass(frozen=True)
class Result:
    """What became of one claimed job: ``receipts`` (one for a write, any number for
    a look-up), or ``error``. ``duration`` is in seconds."""

    work: Work
    receipts: tuple[Receipt, ...] = ()
    error: ConnectorError | None = None
    duration: float = 0.0


class Sender:
    """Serves claimed jobs, ``concurrency`` of them at once, while the caller claims the
    next and records what is done. A context manager; one thread uses it.

    Once the ERP asks to wait, or only a person can mend the connection, those not begun
    come back unsent. Left with an exception, they are not sent either: nobody would
    record it.
    """

    def __init__(self, connector, concurrency):
        self.connector = connector
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="ap_sync")
        self.concurrency = concurrency
        #: How many bills go in one call, when there are that many.
        self.batch = connector.profile.batch
        #: Seconds that the last call took that was recorded.
        self.duration = math.inf
        self._halt = threading.Event()
        self._done = SimpleQueue()
        self._under_way = 0

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._halt.set()
        self._pool.shutdown()

    def __len__(self):
        """How many were put in and not yet taken out."""
        return self._under_way

    @property
    def halted(self):
        return self._halt.is_set()

    def halt(self):
        """Send nothing more; what is not begun comes back unsent."""
        self._halt.set()

    def put(self, works):
        """Serve these too."""
        for group in self._group(works):
            future = self._pool.submit(perform_many, self.connector, group, self._halt)
            future.add_done_callback(self._done.put)
            self._under_way += len(group)

    def _group(self, works):
        """Return the works of each call: new bills together where the ERP takes many,
        in calls of about one size, and as many of them for each thread."""
        new = [work for work in works if work.mode == SEND]
        for_each = math.ceil(len(new) / (self.concurrency * self.batch))
        calls = self.concurrency * for_each
        if calls >= len(new):
            return [[work] for work in works]
        ends = [len(new) * number // calls for number in range(calls + 1)]
        groups = [new[first:end] for first, end in pairwise(ends)]
        return groups + [[work] for work in works if work.mode != SEND]

    def take(self):
        """Return results, as a list of ``Result``: waits for the first, and a moment
        for others to be recorded in one transaction with it; with all that came while
        something else was done. Empty when none came for ``PATIENCE``."""
        try:
            results = self._done.get(timeout=PATIENCE).result()
        except Empty:
            return []
        until = time.monotonic() + GATHER
        while len(results) < min(TOGETHER, self._under_way):
            enough = len(results) >= self.concurrency
            wait = 0.0 if enough else max(0.0, until - time.monotonic())
            try:
                results += self._done.get(timeout=wait).result()
            except Empty:
                break
        self._under_way -= len(results)
        self.duration = max(results[-1].duration, 0.001)
        return results


def perform(connector, work, halt):
    """Serve one claimed job; never raises.

    :return: its ``Result``, see ``perform_many``.
    """
    return perform_many(connector, [work], halt)[0]


def perform_many(connector, works, halt):
    """Serve claimed jobs with one call, or one of any mode; never raises.

    :param works: of ``SEND``, where they are several.
    :param halt: set by whichever job learns that nothing more may go.
    :return: their ``Result``s. What is not foreseen counts as unclear, never as
        refused.
    """
    started = time.monotonic()
    failpoints.reach("sending")
    try:
        if halt.is_set():
            raise ConnectorError(
                "not_sent_in_time",
                "The ERP asked to wait before this bill's turn came.",
                Outcome.NOT_SENT,
            )
        if len(works) == 1:
            answers = [_call(connector, works[0])]
        else:
            answers = _call_many(connector, works)
    except ConnectorError as problem:
        answers = [problem] * len(works)
    except Exception as problem:
        answers = [_unforeseen(works, problem)] * len(works)
    results = []
    for work, answer in zip(works, answers, strict=True):
        error = answer if isinstance(answer, ConnectorError) else None
        if error and (error.retry_after is not None or KINDS[error.kind].person):
            halt.set()
        receipts = () if error else answer
        results.append(Result(work, receipts, error, time.monotonic() - started))
    failpoints.reach("answered")
    return results


def _unforeseen(works, problem):
    # Not logged with its text: a foreign exception may quote the request.
    _logger.error(
        "AP Sync: jobs %s failed in the connector with %s",
        [work.job_id for work in works],
        type(problem).__name__,
        exc_info=_logger.isEnabledFor(logging.DEBUG),
    )
    return ConnectorError(
        "no_answer",
        f"The connector stopped with an internal error ({type(problem).__name__}).",
        Outcome.AMBIGUOUS,
    )


def _call_many(connector, works):
    answers = connector.send_many(
        [work.document for work in works],
        attempts=[work.attempt_uuid for work in works],
        deadline=min(work.deadline for work in works),
    )
    if len(answers) != len(works):
        raise ValueError("as many answers as bills are expected")
    return [
        answer if isinstance(answer, ConnectorError) else (answer,)
        for answer in answers
    ]


def _call(connector, work):
    if work.mode == VERIFY:
        return tuple(
            connector.look_up(work.document, deadline=work.deadline, erp_id=work.erp_id)
        )
    options = {"attempt": work.attempt_uuid, "deadline": work.deadline}
    if work.mode == SEND:
        return (connector.send(work.document, **options),)
    change = getattr(connector, work.mode)  # update, cancel or attach
    return (change(work.document, work.erp_id, **options),)
