"""The worker of Odoo's that a wake-up is on: one of few, so no ERP may keep it waiting.

A run of the dispatcher has a thread of its own. The worker waits for it as long as
there is work to do, and is let go once all that is left is to wait for the ERP: then it
serves other connections, and the run goes on beside them. So an ERP that hangs costs
the others a moment, however few workers there are.

A process that dies meanwhile loses what it loses with any run, nothing: leases run out,
and the reaper mends what was under way. One that ends in order waits for its runs,
which claim nothing more once their worker has ended.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

_logger = logging.getLogger(__name__)

#: How many runs may go on in one process when their worker has left; each has as many
#: threads as its connection sends bills at once. The next one keeps its worker.
ALONE_AT_MOST = 8
_alone = threading.BoundedSemaphore(ALONE_AT_MOST)


class Worker:
    """The thread of Odoo's that waits for a run: the one that makes this object."""

    def __init__(self):
        self._thread = threading.current_thread()
        self._free = threading.Event()

    @property
    def ended(self):
        """Whether the thread has ended: its process is about to, or it was there for
        one request. Then a run claims nothing more and finishes what is under way."""
        return not self._thread.is_alive()

    @property
    def free(self):
        """Whether it was let go."""
        return self._free.is_set()

    def let_go(self):
        """Say that only an ERP is waited for, or nothing any more."""
        self._free.set()

    def wait(self):
        """Wait until it is let go."""
        self._free.wait()


def lend(run):
    """Call ``run(worker)`` in a thread of its own and wait until it is done, or lets
    the worker go.

    :raise: what ``run`` raised; once the worker has left, that is logged.
    """
    worker = Worker()
    dbname = getattr(threading.current_thread(), "dbname", None)
    pool = ThreadPoolExecutor(1, thread_name_prefix="ap_sync_run")
    future = pool.submit(_run, run, worker, dbname)
    pool.shutdown(wait=False)
    future.add_done_callback(lambda _future: worker.let_go())
    worker.wait()
    if not future.done() and _alone.acquire(blocking=False):
        future.add_done_callback(_end_alone)
    else:
        future.result()


def _run(run, worker, dbname):
    threading.current_thread().dbname = dbname  # Odoo's log names it
    run(worker)


def _end_alone(future):
    _alone.release()
    if error := future.exception():
        # What it had under way is mended by the reaper.
        _logger.error("AP Sync: a run that went on alone failed", exc_info=error)
