"""`dev lint`: style, mistakes and structure. Needs no Odoo."""

from pathlib import Path

import node_tools
import paths
import python_env
import shell
import structure
from ui import DevError, say


def run(fix: bool = False) -> int:
    """Run all checks and return 0 when all are clean, else 1.

    :param fix: let the formatters repair what they can first.
    """
    python = python_env.for_lint()
    checks = {
        "structure": lambda: "\n".join(structure.findings()),
        "ruff format": lambda: _ruff(python, ["format"], [] if fix else ["--diff"]),
        "ruff check": lambda: _ruff(
            python, ["check", "--output-format=concise"], ["--fix"] if fix else []
        ),
        "pylint-odoo": lambda: _pylint(python),
        "prettier": lambda: node_tools.prettier(fix),
        "eslint": lambda: node_tools.eslint(fix),
    }
    failed = []
    for name, check in checks.items():
        try:
            findings = check()
        except DevError as error:
            # Left out it would look clean, so it counts as failed; the others go on.
            findings = f"{error.details}\nIt could not be run. {error.message}".strip()
        say(f"{name}: {'clean' if not findings else 'see below'}")
        if findings:
            say(findings)
            failed.append(name)
    say(f"dev lint: {'FAILED: ' + ', '.join(failed) if failed else 'passed'}")
    return 1 if failed else 0


def _ruff(python: Path, command: list[str], options: list[str]) -> str:
    cache = paths.subfolder("ruff")
    env = shell.clean_env(RUFF_CACHE_DIR=str(cache), RUFF_NO_COLOR="1")
    base = [python, "-m", "ruff", *command, "--quiet", *options, "."]
    return _output(base, paths.CHECKOUT, env)


def _pylint(python: Path) -> str:
    """pylint-odoo on the addon under its technical name: the name tells it apart."""
    if not (paths.CHECKOUT / "__manifest__.py").exists():
        return "__manifest__.py is missing"
    rcfile = paths.CHECKOUT / ".pylintrc"
    command = [python, "-m", "pylint", f"--rcfile={rcfile}", paths.TECHNICAL_NAME]
    env = shell.clean_env(PYLINTHOME=str(paths.subfolder("pylint")))
    return _output(command, paths.addon_parent(), env)


def _output(command: list, cwd: Path, env: dict[str, str]) -> str:
    """What a linter says when it finds something, else nothing."""
    try:
        shell.run(command, cwd=cwd, env=env, error="findings", tail_lines=400)
    except DevError as error:
        return error.details or "it failed without a word"
    return ""
