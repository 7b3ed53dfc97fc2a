"""One run of `dev`: its Odoo, Python, PostgreSQL, and databases that are gone after."""

import os
import secrets
import shutil
import time
from pathlib import Path

import odoo_source
import paths
import postgres
import python_env
import queue_job
import shell
from database import Databases
from locks import FileLock
from ui import DevError

KEEP_LOGS = 20
RUN_PREFIX = "run_"
CONFIGURATION = """[options]
addons_path = {addons_path}
data_dir = {data_dir}
db_host = {db_host}
db_port = {db_port}
db_user = {db_user}
db_name = {database}
dbfilter = ^{database}$
list_db = False
admin_passwd = {admin_password}
http_interface = 127.0.0.1
http_port = {http_port}
max_cron_threads = {cron_threads}
without_demo = {without_demo}
# Connectors refuse private addresses; here the external ERP is on this machine.
ap_sync_allowed_hosts = 127.0.0.1
"""
# Without `rpc`, which is there by default, /jsonrpc would be off.
WITH_QUEUE_JOB = """server_wide_modules = base,rpc,web,queue_job
"""


class Workspace:
    """The shared set-up, as a context manager.

    Inside: `odoo`, `python`, `postgres`, `databases`, `run_id` (unique), `run_dir`
    (configurations) and `log_dir` (kept for a while). Leaving drops what is the
    run's own. A killed run is cleaned up after by the next one: the lock in its
    folder tells that its owner is gone.
    """

    def __init__(
        self,
        odoo_path: str | None = None,
        extra_addons: tuple[Path, ...] = (),
        with_queue_job: bool = False,
    ):
        """:param with_queue_job: whether OCA queue_job is there to be installed."""
        self.odoo = odoo_source.locate(odoo_path)
        programs, extra = postgres.provide_programs()
        self.python = python_env.for_odoo(self.odoo, extra)
        self.postgres = postgres.Postgres(
            programs or postgres.carried_programs(self.python)
        )
        self.addons = [
            *self.odoo.addons_paths,
            paths.addon_parent(),
            *extra_addons,
        ]
        self.python_path: list[Path] = []
        self.with_queue_job = with_queue_job
        if with_queue_job:
            folder = queue_job.provide(self.python)
            self.addons.append(folder / "odoo/addons")
            self.python_path.append(folder)
        self.databases = Databases(self.postgres)
        self.run_id = time.strftime("%m%d%H%M%S") + secrets.token_hex(2)
        self.run_dir = paths.subfolder("runs") / self.run_id
        self.log_dir = paths.subfolder("logs") / self.run_id
        self._lock = FileLock(paths.subfolder("runs") / f"{self.run_id}.lock")

    def __enter__(self) -> "Workspace":
        self._lock.acquire()
        self.run_dir.mkdir()
        self.log_dir.mkdir()
        try:
            self.postgres.start()
            self._clean_up_after_killed_runs()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error) -> None:
        try:
            if self.postgres.answers():
                self._forget(self.run_id)
        finally:
            self.postgres.stop()
            self._lock.path.unlink(missing_ok=True)
            self._lock.release()

    def database(self, name: str) -> str:
        """The name of a database of this run's own."""
        return f"{RUN_PREFIX}{self.run_id}_{name}"

    def configuration(
        self,
        database: str,
        http_port: int = 0,
        cron_threads: int = 0,
        demo: bool = True,
    ) -> Path:
        """Write Odoo's configuration file for one database and return its path."""
        path = self.run_dir / f"{database}.conf"
        text = CONFIGURATION.format(
            addons_path=",".join(str(folder) for folder in self.addons),
            data_dir=self.databases.data_dir,
            db_host=self.postgres.socket,
            db_port=postgres.PORT,
            db_user=postgres.USER,
            database=database,
            admin_password=secrets.token_hex(),
            http_port=http_port,
            cron_threads=cron_threads,
            without_demo="False" if demo else "True",
        )
        if self.with_queue_job:
            text += WITH_QUEUE_JOB
        path.write_text(text)
        path.chmod(0o600)
        return path

    def env(self, **extra: str) -> dict[str, str]:
        """The environment of this run's programs, with some variables more.

        A PYTHONPATH among them goes before what this run has on it anyway.
        """
        folders = [extra.get("PYTHONPATH"), *self.python_path]
        path = os.pathsep.join(str(folder) for folder in folders if folder)
        return shell.clean_env(**{**extra, "PYTHONPATH": path})

    def odoo_command(self, *arguments: object) -> list[str]:
        """The command line of Odoo with some arguments."""
        return [str(part) for part in (self.python, self.odoo.script, *arguments)]

    def install(self, database: str, modules: list[str], demo: bool) -> None:
        """Install addons in a database and check that they are.

        :raises DevError: when Odoo fails, with the last lines of its log.
        """
        log = self.log_dir / f"install-{'-'.join(modules)}-{database}.log"
        names = ", ".join(modules)
        failed = f"Odoo could not install {names}: see its words above."
        arguments = ["-c", self.configuration(database, demo=demo)]
        arguments += ["-i", ",".join(modules), "--stop-after-init", "--no-http"]
        if demo:
            arguments.append("--with-demo")
        command = self.odoo_command(*arguments)
        shell.run(command, error=failed, log=log, env=self.env())
        listed = ", ".join(f"'{name}'" for name in modules)
        done = self.postgres.sql(
            "SELECT name FROM ir_module_module WHERE state = 'installed'"
            f" AND name IN ({listed})",
            database,
        )
        if len(done) != len(modules):
            raise DevError(f"{failed} (The whole log is {log}.)", shell.tail_file(log))

    def shell_script(self, database: str, script: str, demo: bool = True) -> str:
        """Run a script in `odoo shell` (it must commit itself); returns its output.

        :raises DevError: with the traceback above.
        """
        conf = self.configuration(database, demo=demo)
        # Printed last: tells a finished script, whatever Odoo's exit code is.
        marker = f"done-{secrets.token_hex(4)}"
        script = f"{script}\nprint({marker!r})\n"
        failed = f"A script in Odoo's shell failed on {database}: see above."
        command = self.odoo_command("shell", "-c", conf, "-d", database, "--no-http")
        output = shell.run(
            [*command, "--log-level=warn"], error=failed, stdin=script, env=self.env()
        )
        if marker not in output:
            raise DevError(failed, shell.tail(output))
        return output.split(marker)[0]

    def _forget(self, run_id: str) -> None:
        """Drop the databases, unfinished templates and folder of a run."""
        for prefix in (f"{RUN_PREFIX}{run_id}_", f"new_{run_id}_"):
            for name in self.databases.names(prefix):
                self.databases.drop(name)
        shutil.rmtree(paths.subfolder("runs") / run_id, ignore_errors=True)

    def _clean_up_after_killed_runs(self) -> None:
        for path in paths.subfolder("runs").glob("*.lock"):
            lock = FileLock(path)
            if path.stem != self.run_id and lock.acquire(blocking=False):
                self._forget(path.stem)
                path.unlink(missing_ok=True)
            lock.release()
        logs = sorted(paths.subfolder("logs").iterdir(), key=os.path.getmtime)
        for folder in logs[:-KEEP_LOGS]:
            shutil.rmtree(folder, ignore_errors=True)
