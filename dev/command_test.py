"""`dev test`: the addon's tests on a real Odoo, with a second one as external ERP."""

import os
import signal
import subprocess
import time
from pathlib import Path

import paths
import shell
import system
import templates
import uninstall_check
from servers import OdooServer
from ui import say
from workspace import Workspace

# pytest's code for "no tests were collected".
NOTHING_COLLECTED = 5


def run(odoo: str | None, pytest_arguments: list[str]) -> int:
    """Set up, run the tests, and return pytest's exit code.

    Without arguments all tests run, Odoo's own lint tests on the addon as well, and
    the addon is uninstalled for real.
    """
    started = time.monotonic()
    system.find_browser()
    with Workspace(odoo) as workspace:
        database = templates.main_database(workspace, "main")
        erp, key = templates.erp_database(workspace, "erp")
        with OdooServer(workspace, "erp", erp, demo=False) as server:
            env = {
                "AP_SYNC_TEST_ERP_URL": server.url,
                "AP_SYNC_TEST_ERP_DB": erp,
                "AP_SYNC_TEST_ERP_KEY": key,
                "AP_SYNC_TEST_ERP_DSN": workspace.postgres.dsn(erp),
                "AP_SYNC_TEST_ERP_LOG": str(server.log),
            }
            code = _pytest(workspace, database, pytest_arguments, env)
            extra_code = 0
            if not pytest_arguments:
                say("-> Odoo's own lint tests on this addon")
                extra_code = _odoo_lint(workspace, database)
                extra_code = uninstall_check.run(workspace) or extra_code
    seconds = time.monotonic() - started
    if not pytest_arguments and code == NOTHING_COLLECTED:
        say("There are no tests yet.")
        code = 0
    worst = code or extra_code
    verdict = "passed" if not worst else f"FAILED (exit code {worst})"
    say(f"dev test: {verdict}, {seconds:.0f} s in all, logs in {workspace.log_dir}")
    return worst


def _pytest(
    workspace: Workspace, database: str, arguments: list[str], env: dict[str, str]
) -> int:
    """Run pytest-odoo over the linked addon and return its exit code."""
    addon = paths.addon_parent() / paths.TECHNICAL_NAME
    given = [_through_link(argument, addon) for argument in arguments]
    if not any(argument.startswith(str(addon)) for argument in given):
        given.append(str(addon / "tests"))
    return _run_pytest(workspace, database, ["--odoo-http", *given], env)


def _odoo_lint(workspace: Workspace, database: str) -> int:
    """Run the tests of Odoo's `test_lint` that say something about an addon.

    They scan every addon on the path; `odoo_lint.py` narrows them down to ours.
    """
    code = "import odoo.addons.test_lint.tests as t; print(t.__path__[0])"
    conf = workspace.configuration(database)
    names = shell.run(
        [workspace.python, "-c", code],
        error="This Odoo has no `test_lint` addon to check ours with: use a complete"
        " Odoo 19 (git checkout or Debian's package).",
        env=shell.clean_env(ODOO_RC=str(conf)),
    )
    folder = names.strip().splitlines()[-1]
    env = {
        "PYTHONPATH": str(Path(__file__).parent),
        # Odoo's test looks for pylint among the programs.
        "PATH": f"{workspace.python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    return _run_pytest(workspace, database, ["-q", "-p", "odoo_lint", folder], env)


def _run_pytest(
    workspace: Workspace, database: str, arguments: list[str], env: dict[str, str]
) -> int:
    conf = workspace.configuration(database)
    addon = paths.addon_parent() / paths.TECHNICAL_NAME
    cache = paths.subfolder("pytest", paths.addon_parent().name)
    command = [
        workspace.python,
        "-m",
        "pytest",
        f"--rootdir={addon}",
        f"--config-file={addon / 'pyproject.toml'}",
        f"--odoo-config={conf}",
        f"--odoo-database={database}",
        # Odoo's own messages would drown pytest's; they are shown for failed tests.
        "--odoo-log-level=warn",
        "-o",
        f"cache_dir={cache}",
        *arguments,
    ]
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=addon,
        env=shell.clean_env(**env),
        preexec_fn=shell.die_with_parent,
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # pytest got it too and sums up; a second one is for the impatient.
            process.send_signal(signal.SIGINT)


def _through_link(argument: str, addon: Path) -> str:
    """A path in the checkout, by its technical name; other arguments as they are.

    People name files relative to where they stand or to the checkout.
    """
    name, separator, test = argument.partition("::")
    if name.startswith("-") or not name:
        return argument
    for path in (Path(name), paths.CHECKOUT / name):
        if path.exists() and path.resolve().is_relative_to(paths.CHECKOUT):
            inside = path.resolve().relative_to(paths.CHECKOUT)
            return f"{addon / inside}{separator}{test}"
    return argument
