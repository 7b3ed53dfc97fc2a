"""Tryton's web client, from npm: what a bill's link opens in `dev run --erp tryton`."""

import shutil
from pathlib import Path

import paths
import shell
import system
from locks import only_one
from ui import step

#: Of the server's series.
PACKAGE = "tryton-sao@8.0.11"


def provide() -> Path:
    """The folder that the server gives to browsers, installed when it is not there.

    Its parts are looked for inside the package, where npm puts them only when it is
    installed from there, and their versions contradict each other.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        system.apt_install(["nodejs", "npm"], "node (for Tryton's web client)")
    folder = paths.subfolder("npm") / paths.digest(PACKAGE)
    with only_one("npm", "installing Tryton's web client"):
        if not folder.exists():
            building = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            with step("Installing Tryton's web client (once)"):
                _install(building)
            building.rename(folder)
    return folder / "package"


def _install(folder: Path) -> None:
    error = (
        "Could not install Tryton's web client: look at the network and npm, then run"
        " this again."
    )
    packed = shell.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, error=error)
    archive = folder / packed.split()[-1]
    shutil.unpack_archive(archive, folder, filter="data")
    archive.unlink()
    options = ("--omit=dev", "--legacy-peer-deps", "--no-audit", "--no-fund")
    shell.run(["npm", "install", *options], cwd=folder / "package", error=error)
