"""PostgreSQL as in real life, one Odoo host and an ERP of a set speed: where every
peer does the same work."""

import contextlib
import os
import time

from bench import Bench
from slow_erp import SlowErp

LATENCY = 0.1
LIMIT = 20
#: No work may take longer: what is stuck must not look like what is slow.
PATIENCE = 900
PARKED = "2100-01-01"
#: What Odoo's manual asks for on this machine: twice its cores and one, of which OCA
#: queue_job leaves one to people.
HTTP_WORKERS = 2 * (os.cpu_count() or 1) + 1


class Stage(Bench):
    """The running parts, as a context manager; the fault bench's, without faults."""

    def __init__(self, given):
        super().__init__(given)
        self.slow_erp = SlowErp(LATENCY, LIMIT)

    def __enter__(self):
        super().__enter__()
        self._stack.enter_context(self.slow_erp)
        return self

    def make_host(self, name, env=(), **options):
        channels = {"ODOO_QUEUE_JOB_CHANNELS": f"root:{HTTP_WORKERS - 1}"}
        return super().make_host(
            name,
            env={**channels, **dict(env)},
            **{"http_workers": HTTP_WORKERS, **options},
        )

    def _start_clock(self):
        """Nothing is woken but by AP Sync itself."""

    @contextlib.contextmanager
    def on_host(self, name, **options):
        """Play on another host meanwhile, while the usual one is down."""
        usual = self.host
        usual.stop()
        with self.make_host(name, **options) as other:
            self.hosts[0] = other
            try:
                yield other
            finally:
                self.hosts[0] = usual
        usual.start()

    def connect_erp(self, **values):
        """Return the id of a new connection to the ERP of a set speed, of which nothing
        is sent before ``go``."""
        values = {
            "name": f"Speed {self.new_name()}",
            "url": self.slow_erp.url,
            "api_key": "speed",
            "concurrency": LIMIT,
            **values,
        }
        connection = self.call("ap.sync.speed", "make_connection", values=values)
        self.park(connection)
        return connection

    def park(self, connection):
        """Have a connection wait, as it does when its ERP has asked for that."""
        self.sql(
            "UPDATE ap_sync_connection SET not_before = %s WHERE id = %s",
            PARKED,
            connection,
        )

    def submit(self, connection, bills):
        """Press Sync on bills; returns the seconds it took."""
        started = time.perf_counter()
        self.call("ap.sync.speed", "submit", connection_id=connection, move_ids=bills)
        return time.perf_counter() - started

    def go(self, connection):
        """Let a parked connection send, woken as its scheduler wakes it."""
        self.sql(
            "UPDATE ap_sync_connection SET not_before = NULL WHERE id = %s", connection
        )
        self.wake("SELECT cron_id FROM ap_sync_connection WHERE id = %s", connection)

    def wake(self, cron, *arguments):
        """Trigger a scheduled action as Odoo does (``ir.cron._trigger``)."""
        self.sql(
            "INSERT INTO ir_cron_trigger (cron_id, call_at) "
            f"VALUES (({cron}), now() AT TIME ZONE 'UTC')",
            *arguments,
        )
        with self.connect("postgres") as postgres, postgres.cursor() as cr:
            cr.execute("SELECT pg_notify('cron_trigger', %s)", [self.database])

    def until(self, query, *arguments, every=0.05):
        """Wait until a query's only value is true.

        :raise TimeoutError: after ``PATIENCE`` seconds.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            (row,) = self.sql(query, *arguments)
            if next(iter(row.values())):
                return
            time.sleep(every)
        raise TimeoutError(f"did not come true: {query}")
