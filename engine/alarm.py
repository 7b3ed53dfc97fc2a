"""Has Odoo's scheduler come at a moment, to the second.

Its workers look once a minute for actions that were set for a later time; at once they
come when they are notified (`SLEEP_INTERVAL` and `cron_trigger` in Odoo's
`service/server.py`), which Odoo does only for an action that is due. So who sets one
for later has them notified then, or an ERP that asked for five seconds of peace would
be left alone for a minute.

Nothing depends on it: a process that ends takes its alarms along, and the workers look
within the minute.
"""

import logging
import threading
import time

from odoo import sql_db
from odoo.tools import SQL

from odoo.addons.base.models.ir_cron import ODOO_NOTIFY_FUNCTION

_logger = logging.getLogger(__name__)

#: In seconds. What is further off may come a minute late.
FARTHEST = 900.0


class Clock:
    """The alarms of a process, and the thread that waits for the next of them; there
    is one as long as there are alarms."""

    def __init__(self):
        self._due = {}
        self._changed = threading.Condition()
        self._thread = None

    def set(self, dbname, purpose, seconds):
        """Notify the scheduler's workers of a database in so many seconds.

        :param purpose: an alarm that is set for the same is replaced.
        """
        if seconds > FARTHEST:
            return
        with self._changed:
            self._due[dbname, purpose] = time.monotonic() + seconds
            # Not alive in a process that was forked meanwhile.
            if not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(
                    target=self._keep, name="ap_sync_alarm", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def _keep(self):
        while True:
            with self._changed:
                if not self._due:
                    self._thread = None
                    return
                key = min(self._due, key=self._due.get)
                wait = self._due[key] - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                del self._due[key]
            _notify(*key)


def _notify(dbname, purpose):
    try:
        with sql_db.db_connect("postgres").cursor() as cr:
            cr.execute(
                SQL(
                    "SELECT %s('cron_trigger', %s)",
                    SQL.identifier(ODOO_NOTIFY_FUNCTION),
                    dbname,
                )
            )
    except Exception as error:
        _logger.info(
            "AP Sync: the scheduler comes up to a minute late for %s: %s",
            purpose,
            type(error).__name__,
        )


clock = Clock()
