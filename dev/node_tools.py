"""What checks XML and JavaScript: prettier with its XML plugin, and eslint. Both run on
node and come from npm, pinned, into the cache."""

import shutil
from pathlib import Path

import paths
import shell
import system
from locks import only_one
from ui import DevError, step

PACKAGES = ("prettier@3.6.2", "@prettier/plugin-xml@3.4.2", "eslint@9.39.1")
FORMATTED = (".xml", ".js", ".cjs", ".scss", ".css")


def prettier(fix: bool) -> str:
    """Format or check the files; returns what is wrong, nothing when all is well.

    :raises DevError: when prettier cannot be had, e.g. without node for ordinary users.
    """
    modules = _modules()
    command = [
        "node",
        modules / "prettier/bin/prettier.cjs",
        "--plugin",
        modules / "@prettier/plugin-xml/src/plugin.js",
        "--log-level",
        "warn",
        "--write" if fix else "--check",
    ]
    return _findings(
        [*command, "--", *_ours(*FORMATTED)],
        "prettier wants other formatting: `python3 dev lint --fix` does it.",
    )


def eslint(fix: bool) -> str:
    """Look for mistakes in JavaScript; returns them, nothing when all is well.

    :param fix: repair what eslint can repair by itself.
    :raises DevError: when eslint cannot be had, e.g. without node for ordinary users.
    """
    names = _ours(".js")
    command = ["node", _modules() / "eslint/bin/eslint.js", "--max-warnings=0"]
    return _findings(
        [*command, *(["--fix"] if fix else []), "--", *names],
        "eslint.config.cjs says what is asked of JavaScript here.",
    )


def _modules() -> Path:
    """The folder with the packages, installed when they are not there yet."""
    if not (shutil.which("node") and shutil.which("npm")):
        system.apt_install(["nodejs", "npm"], "node (to check XML and JavaScript)")
    folder = paths.subfolder("npm") / paths.digest(*PACKAGES)
    complete = folder / "complete"
    with only_one("npm", "installing prettier and eslint"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with step("Installing prettier and eslint"):
                shell.run(
                    ["npm", "install", "--no-save", "--prefix", folder, *PACKAGES],
                    cwd=folder,
                    error="Could not install prettier and eslint, which check XML and"
                    " JavaScript: look at the network and npm, then run this again.",
                )
            complete.touch()
    return folder / "node_modules"


def _findings(command: list, advice: str) -> str:
    """What a tool says about the files when it is not content, and the advice."""
    try:
        shell.run(command, cwd=paths.CHECKOUT, error=advice, tail_lines=400)
    except DevError as error:
        return f"{error.details}\n{error.message}"
    return ""


def _ours(*suffixes: str) -> list[Path]:
    return [name for name in paths.files(*suffixes) if "lib" not in name.parts]
