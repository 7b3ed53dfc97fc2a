"""T2: the calls to the ERP, with no transaction open. Knows no database."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from ..connectors import ConnectorError, Outcome, Receipt
from ..connectors.kinds import KINDS
from . import failpoints
from .claim import UPDATE, VERIFY, Work

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What became of one claimed job: ``receipts`` (one for a write, any number for
    a look-up), or ``error``. ``duration`` is in seconds."""

    work: Work
    receipts: tuple[Receipt, ...] = ()
    error: ConnectorError | None = None
    duration: float = 0.0


def send_all(connector, works, concurrency):
    """Serve claimed jobs, ``concurrency`` of them at once.

    :return: an iterator of lists of ``Result``: whatever was ready each time, so that
        outcomes are recorded while others are still under way. Once the ERP asks to
        wait, or only a person can mend the connection, those not begun stay here.
    """
    halt = threading.Event()
    with ThreadPoolExecutor(
        max_workers=max(1, min(concurrency, len(works))), thread_name_prefix="ap_sync"
    ) as pool:
        futures = {pool.submit(perform, connector, work, halt) for work in works}
        while futures:
            first = next(as_completed(futures))
            ready = {future for future in futures if future.done()} | {first}
            futures -= ready
            yield [future.result() for future in ready]


def perform(connector, work, halt):
    """Serve one claimed job; never raises.

    :param halt: set by whichever job of the round learns that nothing more may go.
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
    if work.mode == UPDATE:
        return (connector.update(work.document, work.erp_id, **options),)
    return (connector.send(work.document, **options),)
