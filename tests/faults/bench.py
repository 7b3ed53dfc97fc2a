"""All parts of the bench together: PostgreSQL, Odoo hosts, the fake ERP, and a clock
that wakes the reaper more often than every minute."""

import contextlib
import itertools
import json
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import psycopg2.extras

import backup
from erp import FakeErp
from odoo_client import OdooClient
from odoo_host import OdooHost
from postgres import PORT, USER, Postgres
from ui import DevError

#: What is never to be read anywhere but in the table of secrets.
CANARY = "canary-7f3a9c51e0"
TICK_SECONDS = 0.5
#: PostgreSQL as in real life: what it says is committed stays so after a crash.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}


@dataclass
class Set:
    """What `dev faults` has prepared, as it comes in a file of JSON.

    ``dump`` is the database with the addon and its bills; ``api_key`` belongs to the
    administrator in it.
    """

    programs: str
    database: str
    dump: str
    conf: str
    odoo: list[str]
    folder: str
    api_key: str
    #: Where Odoo finds OCA queue_job, if that wakes.
    python_path: str = ""
    #: The library that gives a process another clock; empty when there is none.
    faketime: str = ""
    #: The second Odoo, if one runs: url, database, key, dsn.
    erp: dict | None = None
    #: The Tryton, if one runs: url, database, key, file, facts.
    tryton: dict | None = None


@dataclass
class Bench:
    """The running parts. ``with Bench(prepared) as bench:`` starts and stops them."""

    given: Set
    hosts: list[OdooHost] = field(default_factory=list)

    def __post_init__(self):
        self.folder = Path(self.given.folder)
        self.database = self.given.database
        (self.folder / "pg").mkdir()
        self.postgres = Postgres(Path(self.given.programs), self.folder / "pg")
        self.erp = FakeErp(self.folder)
        self.pool = []
        self._names = itertools.count(1)
        self._stack = contextlib.ExitStack()
        self._ticking = threading.Event()
        self._local = threading.local()

    def __enter__(self):
        with self._stack as stack:
            self.postgres.start()
            stack.callback(self.postgres.stop)
            self._restore()
            stack.enter_context(self.erp)
            self.hosts.append(self.make_host("main"))
            stack.enter_context(self.hosts[0])
            self._start_clock()
            stack.callback(self._ticking.set)
            self.pool = [
                row["id"]
                for row in self.sql(
                    "SELECT id FROM account_move WHERE ref LIKE 'POOL-%%' ORDER BY id"
                )
            ]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error):
        self._stack.close()
        shutil.rmtree(self.postgres.folder, ignore_errors=True)

    # -- Odoo

    def make_host(self, name, env=(), **options):
        """Return another Odoo host on the same database, not started."""
        env = {"PYTHONPATH": self.given.python_path, **dict(env)}
        return OdooHost(
            name, self.given.odoo, self._write_conf(), self.folder, env=env, **options
        )

    @property
    def host(self):
        return self.hosts[0]

    def call(self, model, method, host=None, **arguments):
        """Call a method through the front door of a host, with its API key."""
        client = OdooClient((host or self.host).url, self.database, self.given.api_key)
        return client.call(model, method, **arguments)

    def await_host(self, patience=30):
        """Wait until every worker of the host answers: after a crash of PostgreSQL the
        first request to each finds a dead session and gets a 500."""
        end, good = time.monotonic() + patience, 0
        while good < 6:
            try:
                self.call("ap.sync.connection", "search_count", domain=[])
                good += 1
            except DevError:
                if time.monotonic() > end:
                    raise
                good = 0
                time.sleep(0.2)

    def make_bills(self, count, post=True):
        """Return the ids of new bills, for rows that change them."""
        return self.call(
            "ap.sync.faults",
            "make_bills",
            count=count,
            prefix=f"NEW-{next(self._names)}",
            post=post,
        )

    def memory(self):
        """Return the most memory that any of Odoo's workers ever had, in MB."""
        most = 0
        for pid in self.host.workers():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        most = max(most, int(line.split()[1]))
        return most / 1024

    def failpoint(self, name, do="kill", **order):
        """Have the next process that comes by one of the engine's failpoints struck."""
        part = self.folder / f"{name}.part"
        part.write_text(json.dumps({"do": do, **order}))
        part.rename(self.folder / name)

    def note(self, name):
        """Have every process noted that comes by a failpoint, see ``struck``."""
        (self.folder / "note").write_text(name)

    def struck(self):
        """Return what struck so far, in order."""
        path = self.folder / "struck"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def chaos(self, kill):
        """Have each failpoint kill with this probability; 0 ends it."""
        path = self.folder / "chaos"
        if kill:
            path.write_text(json.dumps({"kill": kill}))
        else:
            path.unlink(missing_ok=True)

    # -- PostgreSQL

    def connect(self, database=None):
        """Return a new psycopg2 connection of the bench's own, autocommit."""
        connection = psycopg2.connect(
            host=str(self.postgres.socket),
            port=PORT,
            user=USER,
            dbname=database or self.database,
            application_name="bench",
        )
        connection.autocommit = True
        return connection

    def sql(self, query, *arguments, patience=60):
        """Run SQL and return its rows as dicts; waits for a PostgreSQL that is away."""
        end = time.monotonic() + patience
        while True:
            try:
                connection = getattr(self._local, "connection", None)
                if connection is None or connection.closed:
                    connection = self._local.connection = self.connect()
                with connection.cursor(
                    cursor_factory=psycopg2.extras.RealDictCursor
                ) as cr:
                    cr.execute(query, arguments)
                    return (
                        [dict(row) for row in cr.fetchall()] if cr.description else []
                    )
            except psycopg2.Error as error:
                self._local.connection = None
                # Without a code it was not PostgreSQL that refused: it was away.
                away = error.pgcode is None or error.pgcode[:2] in ("08", "57")
                if not away or time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def idle_transactions(self):
        """Return the last statements of transactions of Odoo's that stand open for
        more than a second and wait for something else than PostgreSQL; but not of the
        one in which its scheduler locks its own row as long as something runs."""
        rows = self.sql(
            """
            SELECT query FROM pg_stat_activity
             WHERE datname = %s AND application_name != 'bench'
               AND state LIKE 'idle in transaction%%'
               AND state_change < now() - interval '1 s'
               AND query !~ 'ir_cron'
            """,
            self.database,
        )
        return [row["query"][:200] for row in rows]

    def kill_sessions(self, dice=None):
        """End the database sessions of Odoo, or one of them at random."""
        rows = self.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            " AND application_name != 'bench' AND pid != pg_backend_pid()",
            self.database,
        )
        pids = [row["pid"] for row in rows]
        if dice and pids:
            pids = [dice.choice(pids)]
        for pid in pids:
            self.sql("SELECT pg_terminate_backend(%s)", pid)

    # -- The ERP

    def new_name(self):
        """Return a name for another ERP."""
        return f"erp{next(self._names)}"

    # -- Set-up

    def _restore(self):
        """Fill the database, in a hurry at first, then with all that makes it safe."""
        backup.fill(self.postgres, self.database, self.given.dump)
        for name, value in DURABLE.items():
            self.sql(f"ALTER SYSTEM SET {name} = {value}")
        self._local.connection.close()
        self.postgres.restart("fast")

    def _write_conf(self):
        """Odoo's configuration with the bench's own PostgreSQL and pace."""
        changed = {
            "db_host": self.postgres.socket,
            # More than the latest write, and a second: the engine counts whole ones.
            "ap_sync_settle_seconds": 3,
            "ap_sync_allowed_hosts": "127.0.0.1",
            "limit_time_real": 120,
        }
        lines = [
            line
            for line in Path(self.given.conf).read_text().splitlines()
            if line.split(" =")[0] not in changed
        ]
        lines += [f"{name} = {value}" for name, value in changed.items()]
        path = self.folder / "odoo.conf"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)
        return path

    def _start_clock(self):
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self):
        """Wake the reaper as its scheduled action would be, only more often."""
        postgres = None
        while not self._ticking.wait(TICK_SECONDS):
            try:
                self.sql(
                    """
                    INSERT INTO ir_cron_trigger (cron_id, call_at)
                    SELECT res_id, now() AT TIME ZONE 'UTC' FROM ir_model_data
                     WHERE module = 'ap_sync' AND name = 'ir_cron_reap'
                       AND NOT EXISTS (
                           SELECT FROM ir_cron_trigger
                            WHERE cron_id = res_id
                              AND call_at <= now() AT TIME ZONE 'UTC')
                    """,
                    patience=0,
                )
                if postgres is None or postgres.closed:
                    postgres = self.connect("postgres")
                with postgres.cursor() as cr:
                    cr.execute("SELECT pg_notify('cron_trigger', %s)", [self.database])
            except psycopg2.Error:
                postgres = None  # PostgreSQL is away: that is being tested
