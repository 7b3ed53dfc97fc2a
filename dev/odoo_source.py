"""Which Odoo 19 is used: the one a person points at, or Debian's in the cache."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import debian_odoo
import paths
from locks import only_one
from ui import DevError

RELEASE_NAME = re.compile(r"version_info\s*=\s*\(\s*'?(?:saas~)?(\d+)")
LAUNCHER = """import odoo.cli

if __name__ == "__main__":
    odoo.cli.main()
"""


@dataclass(frozen=True)
class Odoo:
    """An Odoo 19 on the disk.

    `library` makes `import odoo` work when on the Python path, `script` starts it,
    `requirements` are its Python packages, `key` names it in the cache.
    """

    library: Path
    script: Path
    requirements: tuple[str, ...]
    key: str
    from_debian: bool

    @property
    def addons_paths(self) -> list[Path]:
        """The folders with Odoo's own addons."""
        candidates = [self.library / "odoo/addons", self.library / "addons"]
        return [path for path in candidates if path.is_dir()]


def locate(given: str | None) -> Odoo:
    """The Odoo to use: `given`, else `AP_SYNC_ODOO`, else Debian's (downloaded once).

    :raises DevError: when it is not there, or is not version 19.
    """
    given = given or os.environ.get("AP_SYNC_ODOO")
    if given:
        root = Path(given).expanduser().absolute()
        library = _find_library(root)
        if not library:
            raise DevError(
                f"There is no Odoo in {root}: give --odoo the folder of a git checkout"
                " (with odoo-bin) or one from which `import odoo` works."
            )
    else:
        with only_one("odoo", "downloading Odoo 19"):
            root = debian_odoo.fetch()
        library = root / debian_odoo.LIBRARY
    _check_version(library)
    requirements = _requirements(library)
    return Odoo(
        library=library,
        script=_find_script(root, library),
        requirements=requirements,
        key=paths.digest(root, _revision(library), *requirements),
        from_debian=not given,
    )


def _find_library(root: Path) -> Path | None:
    """The folder that holds the `odoo` package, in any layout people have."""
    layouts = [
        root,
        root / debian_odoo.LIBRARY,
        # the `odoo` package itself
        root.parent,
        # an installed system, or a virtual environment
        *root.glob("lib/python3*/*-packages"),
    ]
    for library in layouts:
        if (library / "odoo/release.py").is_file():
            return library
    return None


def _check_version(library: Path) -> None:
    """Read the version without running anything of that Odoo."""
    text = (library / "odoo/release.py").read_text(errors="replace")
    found = RELEASE_NAME.search(text)
    version = found.group(1) if found else "an unknown version"
    if version != "19":
        raise DevError(
            f"The Odoo in {library} is {version}, and AP Sync needs 19: give --odoo"
            " an Odoo 19.0, or leave it out to have one downloaded."
        )


def _find_script(root: Path, library: Path) -> Path:
    """The script that starts the server.

    A script and not `python -m odoo`: with workers, Odoo starts its own script again
    for the gevent process, and under `-m` that respawns for ever.
    """
    for script in (library / "odoo-bin", root / "usr/bin/odoo", root / "bin/odoo"):
        if script.is_file():
            return script
    script = paths.subfolder("launchers") / "odoo"
    script.write_text(LAUNCHER)
    return script


def _requirements(library: Path) -> tuple[str, ...]:
    """The Python packages this Odoo asks for, in pip's own notation."""
    pinned = library / "requirements.txt"
    if pinned.is_file():
        lines = pinned.read_text().splitlines()
        found = [line.split(" #")[0].strip() for line in lines]
        return tuple(line for line in found if line and not line.startswith("#"))
    for info in sorted(library.glob("odoo-*.*-info")):
        for name in ("METADATA", "PKG-INFO"):
            if (info / name).is_file():
                return tuple(
                    line.split(":", 1)[1].strip()
                    for line in (info / name).read_text().splitlines()
                    if line.startswith("Requires-Dist:")
                )
    raise DevError(
        f"The Odoo in {library} does not say which Python packages it needs: use a git"
        " checkout, or leave out --odoo to have one downloaded."
    )


def _revision(library: Path) -> str:
    """What changes when this Odoo is updated in place: templates must follow."""
    if (library / ".git").exists():
        asked = subprocess.run(
            ["git", "-C", str(library), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
        )
        return asked.stdout.strip()
    release = library / "odoo/release.py"
    return str(release.stat().st_mtime_ns)
