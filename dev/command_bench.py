"""`dev bench`: how fast AP Sync is beside its peers, measured by `tests/speed`."""

import json

import bench_set_up
import paths
import templates
from ui import step
from workspace import Workspace

BENCH = paths.CHECKOUT / "tests" / "speed"
ADDONS = BENCH / "addons"
BILLS = 2000
STEP = 200

BILLS_SCRIPT = f"""
env["ap.sync.connection"].search([]).write(dict(active=False))
for first in range(0, {BILLS}, {STEP}):
    env["ap.sync.speed"].make_bills({STEP}, f"POOL-{{first:06}}")
    env.cr.commit()
    env.invalidate_all()
"""


def run(odoo: str | None, arguments: list[str]) -> int:
    """Set up, run the bench, and return its exit code: 0 when all goals were met.

    :param arguments: the parts to measure (none: all), `--runs N`, `--bills N`,
        `--out FILE`; see `tests/speed/__main__.py`.
    """
    python = Workspace(odoo).python
    # What can't be understood is said before minutes are spent on setting up.
    code = bench_set_up.run(python, BENCH, arguments)
    if code:
        return code
    with Workspace(odoo, (ADDONS,), with_queue_job=True) as workspace:
        folder = workspace.run_dir / "speed"
        database = _database(workspace)
        prepared = bench_set_up.prepare(workspace, database, folder)
        path = folder / "prepared.json"
        path.write_text(json.dumps(prepared))
        code = bench_set_up.run(
            workspace.python, BENCH, ["--prepared", str(path), *arguments]
        )
        if code:
            bench_set_up.keep_logs(workspace, folder)
        return code


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
