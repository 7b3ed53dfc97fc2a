"""Tell open screens what a transaction of the engine changed, once it is committed.

In a transaction of its own: Odoo's bus does its work after the commit, on another
connection, and if that fails the step itself must not look as if it had. A message that
is lost costs a screen that shows the old state until the next one.
"""

import logging
import time

from odoo import SUPERUSER_ID, api

_logger = logging.getLogger(__name__)

#: Seconds between two messages of one run: nobody reads faster.
EVERY = 0.5


def take(env):
    """Return what the transaction is to tell, and have it not told in there."""
    return env["ap.sync.job"]._take_announced()


def announce(registry, changes):
    """Tell what ``take`` returned."""
    if not changes:
        return
    try:
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["ap.sync.job"]._send_changes(changes)
    except Exception as error:
        _logger.info("AP Sync: open screens were not told: %s", type(error).__name__)


class News:
    """What the transactions of one run have to tell, told together now and then; the
    first at once, and what is left by ``tell``."""

    def __init__(self, registry):
        self._registry = registry
        self._changes = {}
        self._next = 0.0

    def add(self, changes):
        """Take over what ``take`` returned; tell it if it is time."""
        for company_id, job_ids in changes.items():
            self._changes.setdefault(company_id, set()).update(job_ids)
        if self._changes and time.monotonic() >= self._next:
            self.tell()

    def tell(self):
        """Tell what was not told yet."""
        announce(self._registry, self._changes)
        self._changes = {}
        self._next = time.monotonic() + EVERY
