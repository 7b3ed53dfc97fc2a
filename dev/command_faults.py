"""`dev faults`: the fault bench `tests/faults`: real processes that are broken."""

import json
from contextlib import ExitStack
from glob import glob
from pathlib import Path

import bench_set_up
import paths
import system
import templates
from servers import OdooServer
from tryton import TrytonServer
from ui import say, step
from workspace import Workspace

BENCH = paths.CHECKOUT / "tests" / "faults"
ADDONS = BENCH / "addons"
BILLS = 150
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"
# What may wake the dispatchers; each has a set-up of its own.
ENGINES = ("scheduler", "queue_job")
# The bench's exit code when an engine has nothing to run of what was asked for.
NOTHING = 5

# The bench's bills: all different, on ten vendors, posted.
BILLS_SCRIPT = f"""
env["res.partner"].create(
    [
        dict(name=f"Faults Vendor {{n}}", ref=f"FAULTS-{{n}}", is_company=True)
        for n in range(10)
    ]
)
env["ap.sync.connection"].search([]).write(dict(active=False))
if "queue.job" in env:
    env["ir.config_parameter"].set_param("ap_sync.wake_up_engine", "queue_job")
env["ap.sync.faults"].make_bills({BILLS}, "POOL")
"""


def run(odoo: str | None, arguments: list[str]) -> int:
    """Set up, run the bench, and return its exit code: 0 when all held.

    :param arguments: `--rows 5,24`, `--list`, `--seeds N`, `--real N` (seeds
        against a real second Odoo), `--tryton N` (against a real Tryton),
        `--first-seed N`, `--quick`; none: all rows.
        Rows about OCA queue_job run in a set-up of their own, with it installed and
        chosen; `--queue-job` has whatever is asked for run there.
    """
    engines = ["queue_job"] if "--queue-job" in arguments else list(ENGINES)
    python = Workspace(odoo).python
    for engine in list(engines):
        # What can't be understood is said before minutes are spent on setting up.
        code = _bench(python, ["--engine", engine, *arguments])
        if code == NOTHING:
            engines.remove(engine)
        elif code or "--list" in arguments:
            return code
    codes = [_run_engine(odoo, engine, arguments) for engine in engines]
    if any(codes[:-1]):
        say("dev faults: FAILED, see further up")
    return next(filter(None, codes), 0)


def _run_engine(odoo: str | None, engine: str, arguments: list[str]) -> int:
    """Run what is for one wake-up engine, on an Odoo set up for that."""
    arguments = ["--engine", engine, *arguments]
    with Workspace(odoo, (ADDONS,), engine == "queue_job") as workspace:
        database = _database(workspace)
        folder = workspace.run_dir / "faults"
        prepared = bench_set_up.prepare(workspace, database, folder)
        prepared["faketime"] = "" if "--quick" in arguments else _faketime()
        code = _run(workspace, folder, prepared, arguments)
        if code:
            bench_set_up.keep_logs(workspace, folder)
        return code


def _faketime() -> str:
    """The library that gives a process another clock, for the row that needs one; root
    gets it installed, others see that row fail and say what is missing."""
    if not glob(FAKETIME) and paths.is_root():
        system.apt_install(["libfaketime"], "another clock for one process")
    return next(iter(glob(FAKETIME)), "")


def _run(
    workspace: Workspace, folder: Path, prepared: dict, arguments: list[str]
) -> int:
    """Run the bench, beside the real ERPs that the arguments ask for."""
    path = folder / "prepared.json"
    asked = {argument.partition("=")[0] for argument in arguments}
    env = {}
    with ExitStack() as stack:
        if "--real" in asked:
            erp, key = templates.erp_database(workspace, "erp")
            server = stack.enter_context(OdooServer(workspace, "erp", erp, demo=False))
            prepared["erp"] = {
                "url": server.url,
                "database": erp,
                "key": key,
                "dsn": workspace.postgres.dsn(erp),
            }
        if "--tryton" in asked:
            tryton = stack.enter_context(TrytonServer(workspace))
            prepared["tryton"] = {
                "url": tryton.url,
                "database": tryton.database,
                "key": tryton.facts["bot_key"],
                "file": str(tryton.file),
                "facts": tryton.facts,
            }
        if asked & {"--real", "--tryton"}:
            # Real ones take longer than the fake.
            env["AP_SYNC_FAULTS_LEASE"] = "60"
        path.write_text(json.dumps(prepared))
        return _bench(workspace.python, ["--prepared", str(path), *arguments], **env)


def _bench(python: Path, arguments: list[str], **env: str) -> int:
    return bench_set_up.run(python, BENCH, arguments, **env)


def _database(workspace: Workspace) -> str:
    """A database with the addon, the bench's addon and its bills; returns its name."""
    target = workspace.database("faults")
    key = paths.digest(
        templates.content_digest(),
        bench_set_up.digest(ADDONS),
        BILLS_SCRIPT,
        workspace.with_queue_job,
    )

    def fill(database: str) -> None:
        source = templates.main_database(workspace, "faults_source")
        workspace.databases.copy(source, database)
        with step(f"Making the fault bench's database with {BILLS} bills"):
            workspace.install(database, ["ap_sync_faults"], demo=True)
            workspace.shell_script(database, BILLS_SCRIPT + bench_set_up.KEY_SCRIPT)

    templates.make(workspace, "tpl_faults_", key, fill, 2, target)
    return target
