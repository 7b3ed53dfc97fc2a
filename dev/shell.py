"""Starting other programs: clean environments, logs, and errors in one sentence."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from ui import DevError

TAIL_LINES = 25
# Settings of the person's shell that would lead PostgreSQL, Odoo or Python astray.
PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec is no place to do more than a call.
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
UNWANTED = ("ODOO_RC", "OPENERP_SERVER", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def clean_env(**extra: str) -> dict[str, str]:
    """The environment for our programs: ours, without what could mislead them."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in UNWANTED and not name.startswith("PG")
    }
    return {**env, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **extra}


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel ends the child when we are killed outright."""
    if LIBC:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a text."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def tail_file(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or nothing when there is none."""
    try:
        return tail(path.read_text(errors="replace"), lines)
    except OSError:
        return ""


def run(
    command: list,
    *,
    error: str,
    cwd: Path | str = "/",
    env: dict[str, str] | None = None,
    stdin: str | None = None,
    log: Path | None = None,
    tail_lines: int = TAIL_LINES,
) -> str:
    """Run a program to its end and return what it wrote.

    With `log` its output goes to that file instead and an empty text is returned.
    :raises DevError: with `error` as its sentence and the last lines of output.
    """
    command = [str(part) for part in command]
    try:
        with open(log or os.devnull, "a", encoding="utf-8") as stream:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=env or clean_env(),
                input=stdin if stdin is not None else "",
                stdout=stream if log else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                preexec_fn=die_with_parent,
            )
    except FileNotFoundError as missing:
        raise DevError(f"{error} ({command[0]} is not installed.)") from missing
    if done.returncode:
        seen = tail_file(log) if log else tail(done.stdout, tail_lines)
        where = f" (The whole log is {log}.)" if log else ""
        raise DevError(error + where, seen)
    return done.stdout or ""


def succeeds(command: list, cwd: Path | str = "/") -> bool:
    """Whether a program runs and ends with 0; its output is dropped."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=clean_env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except OSError:
        return False
    return done.returncode == 0
