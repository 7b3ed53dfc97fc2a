"""Template databases: made once, copied for every run in a second or two.

Their names carry a digest of all they depend on, so an outdated one is never used:
it is no longer asked for, and pruned in time. A template is built under another name
and renamed when whole, so an interrupted build is never taken for one.
"""

import ast
import hashlib
from collections.abc import Callable
from pathlib import Path

import paths
import queue_job
from locks import only_one
from ui import DevError, step, warn
from workspace import Workspace

KEEP_APP = 4
KEEP_BASE = 2
BUILD_TRIES = 3
# What does not end up in a database: the web client reads its files from the disk.
NOT_IN_DATABASE = ("tests", "dev", "docs", "static/src", "static/tests")
NOT_IN_DATABASE_SUFFIXES = {".md", ".pyc", ".toml", ".orig", ".swp"}

ERP_SCRIPT = """
company = env.company
if not company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company)
assert company.chart_template == "generic_coa", company.chart_template
for model in ("account.account", "account.journal", "account.tax"):
    assert env[model].search_count([]), model + " is empty"
admin = env.ref("base.user_admin")
key = env["res.users.apikeys"].with_user(admin).sudo()._generate("rpc", "ap_sync", None)
env["ir.config_parameter"].set_param("ap_sync_dev.api_key", key)
env.cr.commit()
"""


def main_database(workspace: Workspace, name: str) -> str:
    """A fresh database with the addon and its demo data; returns its name."""
    target = workspace.database(name)
    base = _main_template(workspace)
    modules = [paths.TECHNICAL_NAME]
    if workspace.with_queue_job:
        modules.append(queue_job.ADDON)

    def fill(database: str) -> None:
        workspace.databases.copy(base, database)
        with step(f"Installing {' and '.join(modules)} with demo data"):
            workspace.install(database, modules, demo=True)

    for _attempt in range(BUILD_TRIES):
        content = content_digest()
        key = paths.digest(base, content, *modules[1:])
        make(workspace, "tpl_app_", key, fill, KEEP_APP, target)
        if content_digest() == content:
            return target
        # Somebody saved a file meanwhile: what was installed may be a mixture.
        with only_one(f"tpl_app_{key}", "making the same database"):
            workspace.databases.drop(f"tpl_app_{key}")
    warn("the addon's files keep changing; testing them as last seen.")
    fill(target)
    return target


def erp_database(workspace: Workspace, name: str) -> tuple[str, str]:
    """A fresh external ERP: generic chart of accounts, no demo data, nothing of ours.

    Returns (name of the database, API key of its administrator).
    """
    target = workspace.database(name)
    key = paths.digest(workspace.odoo.key, workspace.python.parts[-3], ERP_SCRIPT)

    def fill(database: str) -> None:
        with step("Making the database of the external ERP (once)"):
            workspace.databases.create(database)
            workspace.install(database, ["account"], demo=False)
            workspace.shell_script(database, ERP_SCRIPT, demo=False)

    make(workspace, "tpl_erp_", key, fill, KEEP_BASE, target)
    rows = workspace.postgres.sql(
        "SELECT value FROM ir_config_parameter WHERE key = 'ap_sync_dev.api_key'",
        target,
    )
    return target, rows[0][0]


def dependencies() -> list[str]:
    """The addons ours depends on, from its manifest.

    :raises DevError: when the manifest cannot be read.
    """
    manifest = paths.CHECKOUT / "__manifest__.py"
    try:
        return sorted(ast.literal_eval(manifest.read_text())["depends"])
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        raise DevError(
            f"Cannot read the addons depended on in {manifest}: {error}."
        ) from error


def content_digest() -> str:
    """A digest of the addon's files that leave a trace in a database."""
    total = hashlib.sha256()
    for name in filter(_leaves_trace, paths.files()):
        total.update(f"{name}\0".encode())
        total.update(hashlib.sha256((paths.CHECKOUT / name).read_bytes()).digest())
    return total.hexdigest()[:12]


def _leaves_trace(name: Path) -> bool:
    left_out = any(name.is_relative_to(folder) for folder in NOT_IN_DATABASE)
    return not left_out and name.suffix not in NOT_IN_DATABASE_SUFFIXES


def _main_template(workspace: Workspace) -> str:
    """The template of all the addon depends on, with demo data, without the addon."""
    modules = dependencies()
    key = paths.digest(workspace.odoo.key, workspace.python.parts[-3], *modules)

    def fill(database: str) -> None:
        text = f"Making the database of {', '.join(modules)} with demo data (once)"
        with step(text):
            workspace.databases.create(database)
            workspace.install(database, modules, demo=True)

    return make(workspace, "tpl_main_", key, fill, KEEP_BASE)


def make(
    workspace: Workspace,
    prefix: str,
    key: str,
    fill: Callable[[str], None],
    keep: int,
    target: str | None = None,
) -> str:
    """Return the name of a template; `fill(database)` makes it when it is missing.

    :param keep: how many templates with this prefix stay, the last used ones.
    :param target: a database to make as a copy, before anybody can drop the template.
    """
    databases = workspace.databases
    template = prefix + key
    with only_one(template, "making the same database"):
        if template not in databases.names(prefix):
            building = f"new_{workspace.run_id}_{template}"
            fill(building)
            databases.publish(building, template)
            databases.prune(prefix, keep)
        databases.used_now(template)
        if target:
            databases.copy(template, target)
    return template
