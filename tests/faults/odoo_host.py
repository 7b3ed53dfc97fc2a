"""One Odoo host: prefork, with workers, under a supervisor that restarts it.

Odoo's master ends when it has to start a worker while PostgreSQL is away
(odoo/service/server.py, ``check_registries``), so a host without a supervisor does not
survive a restart of the database; systemd is that supervisor in real life.
"""

import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import shell
from servers import free_port
from ui import DevError

READY_SECONDS = 120
STOP_SECONDS = 20
HTTP_WORKERS = 2
CRON_WORKERS = 2
#: OCA queue_job, where it is installed, runs as many jobs at once as HTTP workers can.
CHANNELS = f"root:{HTTP_WORKERS}"


class OdooHost:
    """A prefork Odoo and its supervisor, as a context manager.

    :param command: starts Odoo, without arguments.
    :param conf: its configuration file.
    :param folder: where its log goes, and what its failpoints are told.
    """

    def __init__(
        self,
        name,
        command,
        conf,
        folder,
        *,
        http_workers=HTTP_WORKERS,
        cron_workers=CRON_WORKERS,
        env=(),
    ):
        self.name = name
        self.folder = Path(folder)
        self.log = self.folder / f"{name}.log"
        self.port = free_port()
        self.gevent_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.restarts = 0
        self._env = {"ODOO_QUEUE_JOB_CHANNELS": CHANNELS, **dict(env)}
        self._command = [
            *command,
            *("-c", str(conf)),
            *("--http-port", str(self.port), "--gevent-port", str(self.gevent_port)),
            *("--workers", str(http_workers)),
            *("--max-cron-threads", str(cron_workers)),
            *("--limit-memory-soft", "0", "--limit-memory-hard", "0"),
        ]
        self._wanted = threading.Event()
        self._process = None
        self._lock = threading.Lock()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def start(self):
        """Start it, supervised from now on, and wait until it answers."""
        self._wanted.set()
        self._launch()
        threading.Thread(target=self._supervise, daemon=True).start()
        self.wait_until_ready()

    def stop(self):
        """End it and all its workers, kindly at first."""
        self._wanted.clear()
        with self._lock:
            process, workers = self._process, self.workers()
            self._process = None
        if not process:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in workers:
            _signal(pid, signal.SIGKILL)

    def restart(self):
        """Restart it as a deployment does: SIGTERM, wait, start."""
        self.stop()
        self.start()

    def configure(self, **env):
        """Restart it with other environment variables."""
        self.stop()
        self._env.update(env)
        self.start()

    def kill_master(self, sig=signal.SIGKILL):
        """Strike the master itself; the supervisor starts another."""
        workers = self.workers()
        _signal(self._process.pid, sig)
        if sig == signal.SIGKILL:
            # Orphans would go on and serve beside the new ones' workers.
            for pid in workers:
                _signal(pid, signal.SIGKILL)

    def kill_worker(self, dice, sig=signal.SIGKILL):
        """Strike one worker at random; the master starts another."""
        workers = self.workers()
        if workers:
            _signal(dice.choice(workers), sig)

    def workers(self):
        """Return the pids of the workers."""
        if not self._process:
            return []
        pid = self._process.pid
        try:
            return [
                int(child)
                for child in Path(f"/proc/{pid}/task/{pid}/children")
                .read_text()
                .split()
            ]
        except OSError:
            return []

    def wait_until_ready(self, seconds=READY_SECONDS):
        """Wait until it answers.

        :raise DevError: when it does not, with the end of its log.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/web/health", timeout=10):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise DevError(
            f"The Odoo host {self.name} does not answer: see {self.log}.",
            shell.tail_file(self.log),
        )

    def _launch(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd="/",
                env=shell.clean_env(AP_SYNC_FAULTS_DIR=str(self.folder), **self._env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=shell.die_with_parent,
            )

    def _supervise(self):
        process = self._process
        while self._wanted.is_set():
            with self._lock:
                ended = self._process and self._process.poll() is not None
                if ended and self._wanted.is_set():
                    self.restarts += 1
                    self._launch()
                    process = self._process
            time.sleep(0.2)
        # Linux signals a process when the thread that started it ends: not before it
        # has ended as it was asked to.
        process.wait()


def _signal(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass
