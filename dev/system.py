"""What comes from the machine's own package manager: installed for root, else named."""

import os
import shutil

import paths
import shell
from locks import only_one
from ui import DevError, say, step


def apt_install(packages: list[str], needed_for: str) -> None:
    """Have Debian packages on the machine.

    Root gets them installed and is told so; anyone else is told what to install.
    :raises DevError: when they cannot be had.
    """
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise DevError(
            f"{needed_for} is missing: install what this system calls the Debian"
            f" packages {names}, then run this again."
        )
    if not paths.is_root():
        raise DevError(
            f"{needed_for} is missing: run `sudo apt-get install {names}`, then this"
            " again."
        )
    env = shell.clean_env(DEBIAN_FRONTEND="noninteractive")
    failed = (
        f"Could not install {names} for {needed_for}: check the network and the"
        " machine's package sources, or install them yourself."
    )
    with only_one("apt", "installing system packages"):
        with step(f"Installing {needed_for} on this machine: {names}"):
            shell.run(["apt-get", "update", "-q"], env=env, error=failed)
            shell.run(
                ["apt-get", "install", "-qy", "--no-install-recommends", *packages],
                env=env,
                error=failed,
            )


def find_program(names: list[str], folders: list[str] | None = None) -> str | None:
    """The path of the first of some programs that exists, or None."""
    path = os.pathsep.join([*(folders or []), os.environ.get("PATH", os.defpath)])
    return next(
        (found for name in names if (found := shutil.which(name, path=path))), None
    )


def find_browser(install: bool = True) -> str | None:
    """Chromium or Chrome for browser tests; None (and a note) when there is none."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    found = find_program(names)
    if found or not install:
        return found
    try:
        apt_install(["chromium"], "a browser for the browser tests")
    except DevError as error:
        say(f"Note: browser tests will be skipped. {error.message}")
    return find_program(names)
