"""What the benches `tests/faults` and `tests/speed` are given: a database in a dump, a
key, Odoo's command; and how they are run."""

import hashlib
import signal
import subprocess
from pathlib import Path

import paths
import shell
from ui import say, step
from workspace import Workspace

BENCHES = paths.CHECKOUT / "tests"
# Ends every script that fills a bench's database.
KEY_SCRIPT = """
admin = env.ref("base.user_admin")
key = env["res.users.apikeys"].with_user(admin).sudo()._generate("rpc", "bench", None)
env["ir.config_parameter"].set_param("ap_sync_bench.api_key", key)
env.cr.commit()
"""


def prepare(workspace: Workspace, database: str, folder: Path) -> dict:
    """Copy a database that `KEY_SCRIPT` has run in, for a PostgreSQL of the bench's
    own; return what `tests/faults/bench.py` calls a `Set`."""
    given = describe(workspace, database, folder)
    dump = folder / "database.dump"
    with step("Copying the database to a PostgreSQL of the bench's own"):
        shell.run(
            [
                *(workspace.postgres.programs / "pg_dump", "-Fc", "-Z1"),
                *("-d", workspace.postgres.dsn(database), "-f", dump),
            ],
            error="The bench's database can't be copied.",
        )
    return {**given, "dump": str(dump)}


def describe(workspace: Workspace, database: str, folder: Path) -> dict:
    """Make a bench's folder; return a `Set` of a database that `KEY_SCRIPT` has run in,
    without a dump: it is used where it is."""
    rows = workspace.postgres.sql(
        "SELECT value FROM ir_config_parameter WHERE key = 'ap_sync_bench.api_key'",
        database,
    )
    folder.mkdir()
    return {
        "programs": str(workspace.postgres.programs),
        "database": database,
        "dump": "",
        "conf": str(workspace.configuration(database)),
        "odoo": workspace.odoo_command(),
        "folder": str(folder),
        "api_key": rows[0][0],
        "python_path": workspace.env()["PYTHONPATH"],
    }


def run(python: Path, bench: Path, arguments: list[str], **env: str) -> int:
    """Run a bench in Odoo's Python, which has a driver for PostgreSQL."""
    folders = (Path(__file__).parent, BENCHES, BENCHES / "faults")
    process = subprocess.Popen(
        [str(python), str(bench), *arguments],
        env=shell.clean_env(PYTHONPATH=":".join(map(str, folders)), **env),
        preexec_fn=shell.die_with_parent,
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # It ends its own children; twice interrupted is interrupted.
            process.send_signal(signal.SIGINT)


def keep_logs(workspace: Workspace, folder: Path) -> None:
    """Keep the logs of a bench that failed, and say where."""
    workspace.log_dir.mkdir(exist_ok=True)  # old ones are pruned by others
    for log in folder.glob("*.log"):
        log.rename(workspace.log_dir / log.name)
    say(f"Odoo's logs are in {workspace.log_dir}")


def digest(addons: Path) -> str:
    """A digest of a bench's own addons."""
    total = hashlib.sha256()
    for path in sorted(addons.rglob("*")):
        if path.suffix in (".py", ".xml", ".csv"):
            total.update(path.read_bytes())
    return total.hexdigest()
