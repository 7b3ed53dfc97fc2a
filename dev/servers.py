"""Servers as processes of their own: start, wait until they answer, stop."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import shell
from ui import DevError
from workspace import Workspace

READY_SECONDS = 180
STOP_SECONDS = 15
PORT_TRIES = 3
PORT_TAKEN = "Address already in use"


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server(ABC):
    """A server as a process of its own; a context manager too.

    `url` and `log` are set once it is started.
    :raises DevError: when it ends, or does not answer in time.
    """

    #: What answers so once all is loaded.
    ready_path = "/"
    ready_status = 200

    def __init__(self, workspace: Workspace, name: str, database: str):
        self.workspace = workspace
        self.name = name
        self.database = database
        self.log: Path = workspace.log_dir / f"{name}.log"
        self.url = ""
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers; stops it again on failure."""
        for _attempt in range(PORT_TRIES):
            self._launch(free_port())
            try:
                self._wait_until_ready()
                return
            except DevError as error:
                self.stop()
                # Between our look and Odoo's somebody else took the port.
                if PORT_TAKEN not in error.details:
                    raise
                last = error
            except BaseException:
                self.stop()
                raise
        raise last

    @property
    def pid(self) -> int | None:
        """The number of the process, None when stopped."""
        return self._process.pid if self._process else None

    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server, kindly at first; it has its own pid, nobody else's."""
        if not self._process:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @abstractmethod
    def _command(self, port: int) -> tuple[list[str], dict[str, str]]:
        """The command line that listens on this port of 127.0.0.1, and the
        environment it needs."""

    def _launch(self, port: int) -> None:
        command, env = self._command(port)
        self.url = f"http://127.0.0.1:{port}"
        with open(self.log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal is for us; we stop our servers in order.
                start_new_session=True,
                preexec_fn=shell.die_with_parent,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            seen = shell.tail_file(self.log)
            # Without its port, a server may live on and somebody else answers us.
            if not self.running() or PORT_TAKEN in seen:
                raise DevError(
                    f"The {self.name} server did not start: see its last lines above"
                    f" (the whole log is {self.log}).",
                    seen,
                )
            if self._status() == self.ready_status:
                return
            time.sleep(0.2)
        raise DevError(
            f"The {self.name} server did not answer within {READY_SECONDS} s: see its"
            f" last lines above (the whole log is {self.log}).",
            shell.tail_file(self.log),
        )

    def _status(self) -> int | None:
        try:
            with urllib.request.urlopen(
                f"{self.url}{self.ready_path}", timeout=30
            ) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None


class OdooServer(Server):
    """One threaded Odoo server on one database."""

    ready_path = "/web/login"

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        database: str,
        cron_threads: int = 0,
        demo: bool = True,
    ):
        super().__init__(workspace, name, database)
        self.cron_threads = cron_threads
        self.demo = demo

    def _command(self, port: int) -> tuple[list[str], dict[str, str]]:
        conf = self.workspace.configuration(
            self.database, port, self.cron_threads, self.demo
        )
        return self.workspace.odoo_command("-c", conf), self.workspace.env()
