"""Tell open screens what a transaction of the engine changed, once it is committed.

In a transaction of its own: Odoo's bus does its work after the commit, on another
connection, and if that fails the step itself must not look as if it had. A message that
is lost costs a screen that shows the old state until the next one.
"""

import logging

from odoo import SUPERUSER_ID, api

_logger = logging.getLogger(__name__)


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
