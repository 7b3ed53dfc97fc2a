"""`dev bench`: how fast AP Sync is beside its peers, measured by `tests/speed`."""

import argparse
import json
from contextlib import ExitStack
from pathlib import Path

import bench_set_up
import paths
import templates
from servers import OdooServer
from ui import step
from workspace import Workspace

BENCH = paths.CHECKOUT / "tests" / "speed"
ADDONS = BENCH / "addons"
BILLS = 2000
STEP = 200
JOBS = 1_000_000
#: The parts that are measured on a database at size; the others on a small one.
AT_SIZE = {"list", "rules"}

BILLS_SCRIPT = f"""
env["ap.sync.connection"].search([]).write(dict(active=False))
for first in range(0, {BILLS}, {STEP}):
    env["ap.sync.speed"].make_bills({STEP}, f"POOL-{{first:06}}")
    env.cr.commit()
    env.invalidate_all()
"""

SEED_SCRIPT = (
    """
env["ap.sync.speed.seed"].make({jobs})
"""
    + bench_set_up.KEY_SCRIPT
)


def run(odoo: str | None, arguments: list[str]) -> int:
    """Set up, run the bench, and return its exit code: 0 when all goals were met.

    :param arguments: the parts to measure (none: all), `--runs N`, `--bills N`,
        `--jobs N`, `--most N`, `--flat N`, `--only TEXT`, `--out FILE`; see
        `tests/speed/__main__.py`.
    """
    python = Workspace(odoo).python
    # What can't be understood is said before minutes are spent on setting up.
    code = bench_set_up.run(python, BENCH, arguments)
    if code:
        return code
    options, _rest = _parser().parse_known_args(arguments)
    with (
        Workspace(odoo, (ADDONS,), with_queue_job=True) as workspace,
        ExitStack() as stack,
    ):
        folder = workspace.run_dir / "speed"
        prepared = {}
        if not options.parts or set(options.parts) - AT_SIZE:
            prepared["small"] = bench_set_up.prepare(
                workspace, _database(workspace), folder
            )
            if not options.parts or "real" in options.parts:
                prepared["small"]["erp"] = _start_erp(workspace, stack)
        if not options.parts or set(options.parts) & AT_SIZE:
            prepared["sized"] = bench_set_up.describe(
                workspace,
                _sized_database(workspace, options.jobs),
                workspace.run_dir / "sized",
            )
        path = workspace.run_dir / "prepared.json"
        path.write_text(json.dumps(prepared))
        code = bench_set_up.run(
            workspace.python, BENCH, ["--prepared", str(path), *arguments]
        )
        if code:
            for given in prepared.values():
                bench_set_up.keep_logs(workspace, Path(given["folder"]))
        return code


def _start_erp(workspace: Workspace, stack: ExitStack) -> dict[str, str]:
    """Start a second Odoo; return what `tests/faults/bench.py` calls the `erp`."""
    database, key = templates.erp_database(workspace, "erp")
    server = stack.enter_context(OdooServer(workspace, "erp", database, demo=False))
    return {
        "url": server.url,
        "database": database,
        "key": key,
        "dsn": workspace.postgres.dsn(database),
    }


def _parser() -> argparse.ArgumentParser:
    """What has to be known of the arguments to set up; the bench reads all of them."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--jobs", type=int, default=JOBS)
    for name in ("--runs", "--bills", "--peers", "--most", "--flat", "--only", "--out"):
        parser.add_argument(name)
    return parser


def _database(workspace: Workspace) -> str:
    """A database with the addon, the peers and posted bills; returns its name."""
    target = workspace.database("speed")
    key = paths.digest(
        templates.content_digest(), bench_set_up.digest(ADDONS), BILLS_SCRIPT
    )

    def fill(database: str) -> None:
        source = templates.main_database(workspace, "speed_source")
        workspace.databases.copy(source, database)
        with step(f"Making the bench's database with {BILLS} bills"):
            workspace.install(database, ["ap_sync_speed"], demo=True)
            workspace.shell_script(database, BILLS_SCRIPT + bench_set_up.KEY_SCRIPT)

    templates.make(workspace, "tpl_speed_", key, fill, 2, target)
    return target


def _sized_database(workspace: Workspace, jobs: int) -> str:
    """A database with a million jobs, made once for a state of the addon."""
    target = workspace.database("sized")
    key = paths.digest(
        templates.content_digest(), bench_set_up.digest(ADDONS), SEED_SCRIPT, jobs
    )

    def fill(database: str) -> None:
        source = templates.main_database(workspace, "sized_source")
        workspace.databases.copy(source, database)
        with step(f"Making a database with {jobs} jobs (once)"):
            workspace.install(database, ["ap_sync_speed"], demo=True)
            workspace.shell_script(database, SEED_SCRIPT.format(jobs=jobs))
            # As autovacuum would have done, over the three years that this stands for.
            workspace.postgres.sql("VACUUM ANALYZE", database)

    templates.make(workspace, "tpl_sized_", key, fill, 1, target)
    return target
