"""`dev test`: the addon's tests on a real Odoo, with real ERPs beside it."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import paths
import shell
import system
import templates
import uninstall_check
from servers import OdooServer
from tryton import TrytonServer
from tryton_postgres import TrytonOnPostgres
from ui import say
from workspace import Workspace

# What is tested on a database with OCA queue_job, apart from all else.
QUEUE_JOB_TESTS = "tests/with_queue_job"


def run(odoo: str | None, pytest_arguments: list[str]) -> int:
    """Set up, run the tests, and return pytest's exit code.

    Without arguments all tests run, Odoo's own lint tests on the addon as well, and
    the addon is uninstalled for real.
    """
    started = time.monotonic()
    system.find_browser()
    codes = []
    wanted = any(QUEUE_JOB_TESTS in argument for argument in pytest_arguments)
    if not wanted:
        codes += _without_queue_job(odoo, pytest_arguments)
    if wanted or not pytest_arguments:
        say("-> The tests with OCA queue_job installed")
        codes.append(_with_queue_job(odoo, pytest_arguments))
    seconds = time.monotonic() - started
    worst = next(filter(None, codes), 0)
    verdict = "passed" if not worst else f"FAILED (exit code {worst})"
    logs = paths.subfolder("logs")
    say(f"dev test: {verdict}, {seconds:.0f} s in all, logs in {logs}")
    return worst


def _without_queue_job(odoo: str | None, arguments: list[str]) -> list[int]:
    """Run nearly all tests, as the addon is installed by most; returns exit codes."""
    with Workspace(odoo) as workspace, ExitStack() as stack:
        database = templates.main_database(workspace, "main")
        erp, key = templates.erp_database(workspace, "erp")
        server = OdooServer(workspace, "erp", erp, demo=False)
        stack.enter_context(server)
        env = {
            "AP_SYNC_TEST_ERP_URL": server.url,
            "AP_SYNC_TEST_ERP_DB": erp,
            "AP_SYNC_TEST_ERP_KEY": key,
            "AP_SYNC_TEST_ERP_DSN": workspace.postgres.dsn(erp),
            "AP_SYNC_TEST_ERP_LOG": str(server.log),
        }
        if _want_tests_of("tryton", arguments):
            env |= stack.enter_context(TrytonServer(workspace, web=True)).told()
        if _want_tests_of("tryton_postgres", arguments):
            env |= stack.enter_context(TrytonOnPostgres(workspace)).told()
        left_out = paths.addon_parent() / paths.TECHNICAL_NAME / QUEUE_JOB_TESTS
        given = [*arguments, f"--ignore={left_out}"]
        codes = [_pytest(workspace, database, given, env)]
        if not arguments:
            say("-> Odoo's own lint tests on this addon")
            codes.append(_odoo_lint(workspace, database))
            codes.append(uninstall_check.run(workspace))
    return codes


def _want_tests_of(name: str, arguments: list[str]) -> bool:
    """Whether tests with a name may be among those that are asked for: all are, or
    files with it."""
    files = [one for one in arguments if ".py" in one and not one.startswith("-")]
    return not files or any(name in file for file in files)


def _with_queue_job(odoo: str | None, arguments: list[str]) -> int:
    """Run what is about OCA queue_job, on a database that has it installed."""
    with Workspace(odoo, with_queue_job=True) as workspace:
        database = templates.main_database(workspace, "main")
        given = [*(arguments or [QUEUE_JOB_TESTS]), "-o", "python_files=*.py"]
        # pytest's Odoo is a server like any, and would start queue_job's runner.
        env = {"ODOO_QUEUE_JOB_CHANNELS": "root:0"}
        return _pytest(workspace, database, given, env)


def _pytest(
    workspace: Workspace, database: str, arguments: list[str], env: dict[str, str]
) -> int:
    """Run pytest-odoo over the linked addon and return its exit code."""
    addon = paths.addon_parent() / paths.TECHNICAL_NAME
    given = [_through_link(argument, addon) for argument in arguments]
    if not any(argument.startswith(str(addon)) for argument in given):
        given.append(str(addon / "tests"))
    # Without a browser its tests are skipped, and it was said; nothing else may be.
    strict = ["-p", "no_skips"] if system.find_browser(install=False) else []
    env = {**env, "PYTHONPATH": str(Path(__file__).parent)}
    return _run_pytest(workspace, database, ["--odoo-http", *strict, *given], env)


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
        env=workspace.env(**env),
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
