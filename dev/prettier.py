"""Prettier with its XML plugin, pinned, from npm into the cache."""

import shutil
from pathlib import Path

import paths
import shell
import system
from locks import only_one
from ui import DevError, step

PACKAGES = ("prettier@3.6.2", "@prettier/plugin-xml@3.4.2")
SUFFIXES = (".xml", ".js", ".scss", ".css")


def command() -> list:
    """The command line of prettier, without files.

    :raises DevError: when it cannot be had, e.g. without node for ordinary users.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        system.apt_install(["nodejs", "npm"], "node (to check XML and JavaScript)")
    folder = paths.subfolder("npm") / paths.digest(*PACKAGES)
    modules = folder / "node_modules"
    complete = folder / "complete"
    with only_one("npm", "installing prettier"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with step("Installing prettier"):
                shell.run(
                    ["npm", "install", "--no-save", "--prefix", folder, *PACKAGES],
                    cwd=folder,
                    error="Could not install prettier: check the network and npm.",
                )
            complete.touch()
    return [
        "node",
        modules / "prettier/bin/prettier.cjs",
        "--plugin",
        modules / "@prettier/plugin-xml/src/plugin.js",
    ]


def check(fix: bool) -> str:
    """Format or check the files; returns what is wrong, nothing when all is well.

    :raises DevError: when prettier cannot be had.
    """
    names = [name for name in paths.files(*SUFFIXES) if not _foreign(name)]
    if not names:
        return ""
    option = "--write" if fix else "--check"
    try:
        shell.run(
            [*command(), "--log-level", "warn", option, "--", *names],
            cwd=paths.CHECKOUT,
            error="prettier wants other formatting: `python3 dev lint --fix` does it.",
        )
    except DevError as error:
        if "prettier wants" not in error.message:
            raise
        return f"{error.details}\n{error.message}"
    return ""


def _foreign(name: Path) -> bool:
    return "lib" in name.parts
