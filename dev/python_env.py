"""The Python environments in the cache: to run Odoo, to lint, to run Tryton."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import paths
import shell
import system
from locks import only_one
from odoo_source import Odoo
from ui import DevError, step, warn

HERE = Path(__file__).parent
OWN = HERE / "requirements.txt"
CONSTRAINTS = HERE / "constraints.txt"
LINT_TOOLS = ("ruff", "pylint-odoo")
# Odoo's name -> what installs without a compiler and does the same.
REPLACED = {"psycopg2": "psycopg2-binary", "pypdf2": "pypdf"}
# Playwright needs a newer greenlet than the one Odoo's checkout pins with gevent.
LOOSE = {"greenlet", "gevent"}
# Needs OpenLDAP's headers; only the LDAP addon uses it.
LEFT_OUT = {"python-ldap"}
# How pip says that a version is the trouble, and not the network or the disk.
UNFIT_VERSIONS = (
    "No matching distribution",
    "ResolutionImpossible",
    "Failed building",
    "Failed to build",
    "metadata-generation-failed",
    "subprocess-exited-with-error",
)
# How it says that it found nothing at all: the index is out of reach.
NOTHING_FOUND = "(from versions: none)"
# Which Python an environment is for. Not its build: bare Debian's is updated when we
# install its venv module, and all would be made a second time.
INTERPRETER = (sys.base_prefix, sys.implementation.cache_tag)
NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def for_odoo(odoo: Odoo, extra: tuple[str, ...] = ()) -> Path:
    """The Python that runs this Odoo with all its packages and the test tools.

    :param extra: further packages, e.g. a PostgreSQL for a machine without one.
    """
    wanted = [*_installable(odoo), *_own(odoo), *extra]
    constraints = odoo.from_debian and sys.version_info[:2] == (3, 11)
    python = _environment(
        "odoo-" + paths.digest(odoo.key, *wanted, *INTERPRETER),
        wanted,
        CONSTRAINTS if constraints else None,
        library=odoo.library,
    )
    return python


def for_lint() -> Path:
    """The Python with the linters and nothing else: needs no Odoo."""
    wanted = [line for line in _lines(OWN) if line.split("==")[0] in LINT_TOOLS]
    return _environment("lint-" + paths.digest(*wanted, *INTERPRETER), wanted, None)


def for_tryton(packages: tuple[str, ...]) -> Path:
    """The Python with Tryton, apart from all of ours: it is only ever run."""
    name = "tryton-" + paths.digest(*packages, *INTERPRETER)
    return _environment(name, list(packages), None)


def _lines(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _installable(odoo: Odoo) -> list[str]:
    """Odoo's requirements, changed so that they install beside the test tools."""
    wanted = []
    for line in odoo.requirements:
        name = _name(line)
        if name in LEFT_OUT or "extra ==" in line:
            continue
        if name in LOOSE or name == "pypdf2":
            line = _without_version(line)
        wanted.append(REPLACED.get(name, line[: len(name)]) + line[len(name) :])
    return wanted


def _own(odoo: Odoo) -> list[str]:
    """Our tools; where Odoo has a version of its own of one, it decides."""
    names = {_name(line) for line in odoo.requirements}
    return [line for line in _lines(OWN) if _name(line) not in names]


def _name(line: str) -> str:
    return NAME.match(line).group().lower()


def _environment(
    name: str, wanted: list[str], constraints: Path | None, library: Path | None = None
) -> Path:
    """Make a virtual environment unless it is there whole; returns its Python."""
    folder = paths.subfolder("venv") / name
    python, complete = folder / "bin/python", folder / "complete"
    if complete.exists() and shell.succeeds([python, "-c", ""]):
        return python
    _require_venv()
    with only_one("venv", "installing Python packages"):
        if complete.exists() and shell.succeeds([python, "-c", ""]):
            return python
        # What an interrupted installation left, or a Python that has since gone.
        shutil.rmtree(folder, ignore_errors=True)
        shell.run(
            [sys.executable, "-m", "venv", folder],
            error=f"Could not make a Python environment in {folder}: install Python's"
            " venv module (Debian: python3-venv).",
        )
        with step(f"Installing {len(wanted)} Python packages and what they need"):
            _pip_install(python, wanted, constraints)
        if library:
            _make_importable(python, library)
        complete.touch()
    return python


def _pip_install(python: Path, wanted: list[str], constraints: Path | None) -> None:
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    failed = (
        "Could not install the Python packages: check the network and pip's package"
        " index, then run this again (it goes on where it stopped)."
    )
    try:
        pinned = ["-c", constraints] if constraints else []
        shell.run([*pip, *pinned, *wanted], error=failed)
    except DevError as error:
        unfit = any(sign in error.details for sign in UNFIT_VERSIONS)
        if not unfit or NOTHING_FOUND in error.details:
            raise
        # Odoo's checkout pins versions for whole distributions, and ours were tried
        # with one Python: a few have no wheel for another. The newest usually do.
        warn("Odoo's pinned packages do not install here; taking newer versions.")
        own = set(_lines(OWN))
        loose = [line if line in own else _without_version(line) for line in wanted]
        shell.run([*pip, *loose], error=failed)


def _without_version(line: str) -> str:
    """A requirement that takes any version, its `; condition` kept."""
    wanted, separator, condition = line.partition(";")
    return f"{NAME.match(wanted).group()}{separator and ' ;'}{condition}"


def _make_importable(python: Path, library: Path) -> None:
    """Put Odoo on the environment's path, so that `import odoo` works."""
    site = shell.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        error=f"The new Python environment of {python} does not run: remove it.",
    ).strip()
    (Path(site) / "odoo.pth").write_text(f"{library}\n")


def _require_venv() -> None:
    """Bare Debian has a Python without venv and pip."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    system.apt_install([f"python{version}-venv"], "Python's venv module")
