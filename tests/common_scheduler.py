"""Odoo's scheduler beside the browser of a tour."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.tests.common import release_test_lock

from ..engine import worker


def call_here(run):
    """Do as ``worker.lend`` does, but on the caller's own thread: tests share one real
    cursor, and another thread would wait for its lock for ever."""
    run(worker.Worker())


class SchedulerMixin:
    @contextmanager
    def scheduler(self):
        """Run a connection's scheduled action whenever a request triggers it, as
        Odoo's scheduler does beside its web server; an error of it fails the test.

        Nothing is looked for before the first trigger: until the browser is open, the
        test itself uses the one real cursor that all others share here.
        """
        cron, wakes = self.env["ir.cron"], SimpleQueue()
        trigger = type(cron)._trigger_list

        def notify(triggered, at_list):
            if "_cron_dispatch" in (triggered.sudo().code or ""):
                wakes.put(triggered.id)
            return trigger(triggered, at_list)

        with (
            patch.object(type(cron), "_trigger_list", notify),
            patch.object(worker, "lend", call_here),
            ThreadPoolExecutor(1) as pool,
        ):
            future = pool.submit(self._schedule, wakes)
            try:
                yield
            finally:
                wakes.put(None)
                with release_test_lock():
                    future.result()

    def _schedule(self, wakes):
        while cron_id := wakes.get():
            # Waits here for the end of the request that triggered it.
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["ir.cron"].browse(cron_id).method_direct_trigger()
