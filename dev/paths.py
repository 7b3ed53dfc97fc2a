"""Where things are: the checkout, and the cache that holds all else."""

import hashlib
import os
from pathlib import Path

from ui import DevError

TECHNICAL_NAME = "ap_sync"
ROOT_CACHE = "/var/cache/ap_sync"

# `resolve` makes the tool work from any folder, and through a link to the checkout.
CHECKOUT = Path(__file__).resolve().parent.parent


def is_root() -> bool:
    """Whether we run as root, for whom PostgreSQL needs another account."""
    return os.geteuid() == 0


def digest(*parts: object) -> str:
    """A short stable name for anything that can be printed."""
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cache_dir() -> Path:
    """The cache folder, created when missing.

    `AP_SYNC_CACHE` decides. Root gets a folder the `postgres` account can enter, as
    PostgreSQL refuses to run as root and `/root` is closed to others.
    :raises DevError: when the folder cannot be made.
    """
    if given := os.environ.get("AP_SYNC_CACHE"):
        path = Path(given).expanduser().absolute()
    elif is_root():
        path = Path(ROOT_CACHE)
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        path = Path(base) / TECHNICAL_NAME
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable")
    except OSError as error:
        raise DevError(
            f"Cannot use the cache folder {path} ({error.strerror}): set AP_SYNC_CACHE"
            " to a folder you may write to."
        ) from error
    return path


def subfolder(*names: str) -> Path:
    """A folder inside the cache, created when missing."""
    path = cache_dir().joinpath(*names)
    path.mkdir(parents=True, exist_ok=True)
    return path


def addon_parent() -> Path:
    """The folder for `addons_path`: it holds the checkout under its technical name.

    Odoo takes an addon's name from its folder, so a checkout that is called anything
    else is reached through a link. One folder per checkout keeps several apart.
    """
    parent = subfolder("links", digest(CHECKOUT))
    link = parent / TECHNICAL_NAME
    if not link.is_symlink():
        # Two runs may come here at once: the loser finds the winner's link.
        try:
            link.symlink_to(CHECKOUT, target_is_directory=True)
        except FileExistsError:
            pass
    return parent


def files(*suffixes: str) -> list[Path]:
    """The checkout's own files, relative to it and in order; hidden ones left out.

    :param suffixes: keep only files that end so, e.g. ".py"; all without any.
    """
    found = []
    for folder, names, file_names in os.walk(CHECKOUT):
        # Changed in place, `os.walk` leaves those folders out.
        names[:] = [name for name in names if _is_ours(name)]
        here = Path(folder).relative_to(CHECKOUT)
        found += [
            here / name
            for name in file_names
            if _is_ours(name) and (not suffixes or name.endswith(suffixes))
        ]
    return sorted(found)


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name not in ("__pycache__", "node_modules")
