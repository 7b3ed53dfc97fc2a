"""T2: the calls to the ERP, with no transaction open. Knows no database."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from ..connectors import ConnectorError, Outcome, Receipt
from ..connectors.kinds import KINDS
from . import failpoints
from .claim import SEND, VERIFY, Work

_logger = logging.getLogger(__name__)

#: Seconds that an outcome waits for others.
GATHER = 0.1


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
        for work in works:
            self._under_way += 1
            future = self._pool.submit(perform, self.connector, work, self._halt)
            future.add_done_callback(self._done.put)

    def take(self):
        """Return results, as a list of ``Result``: waits for the first, and a moment
        for others to be recorded in one transaction with it."""
        results = [self._done.get().result()]
        until = time.monotonic() + GATHER
        while len(results) < min(self.concurrency, self._under_way):
            try:
                wait = max(0.0, until - time.monotonic())
                results.append(self._done.get(timeout=wait).result())
            except Empty:
                break
        self._under_way -= len(results)
        return results


def perform(connector, work, halt):
    """Serve one claimed job; never raises.

    :param halt: set by whichever job learns that nothing more may go.
    :return: its ``Result``. What is not foreseen counts as unclear, never as refused.
    """
    started = time.monotonic()
    receipts, error = (), None
    failpoints.reach("sending")
    try:
        if halt.is_set():
            raise ConnectorError(
                "not_sent_in_time",
                "The ERP asked to wait before this bill's turn came.",
                Outcome.NOT_SENT,
            )
        receipts = _call(connector, work)
    except ConnectorError as problem:
        error = problem
        if error.retry_after is not None or KINDS[error.kind].person:
            halt.set()
    except Exception as problem:
        # Not logged with its text: a foreign exception may quote the request.
        _logger.error(
            "AP Sync: job %s failed in the connector with %s",
            work.job_id,
            type(problem).__name__,
            exc_info=_logger.isEnabledFor(logging.DEBUG),
        )
        error = ConnectorError(
            "no_answer",
            f"The connector stopped with an internal error ({type(problem).__name__}).",
            Outcome.AMBIGUOUS,
        )
    failpoints.reach("answered")
    return Result(work, receipts, error, time.monotonic() - started)


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
