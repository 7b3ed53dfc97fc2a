"""What strikes at the engine's failpoints: told by files in ``AP_SYNC_FAULTS_DIR``.

A file with the name of a failpoint is taken by the first process that comes by, so
that one order hits once. ``chaos`` is for all, and stays; so does ``note``, which names
a failpoint and has all that come by it written down.
"""

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

from odoo.addons.ap_sync.engine import failpoints

FOLDER = os.environ.get("AP_SYNC_FAULTS_DIR")


def set_up():
    if FOLDER:
        failpoints.reach = _reach


def _reach(name):
    folder = Path(FOLDER)
    order = _take(folder, name)
    if order:
        _strike(folder, name, order)
        return
    try:
        if (folder / "note").read_text() == name:
            _write_down(folder, name, {"do": "note"})
    except OSError:
        pass
    try:
        chaos = json.loads((folder / "chaos").read_text())
    except (OSError, ValueError):
        return
    if random.random() < chaos["kill"]:
        _strike(folder, name, {"do": "kill"})


def _take(folder, name):
    path = folder / name
    if not path.exists():
        return None
    mine = folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
    try:
        path.rename(mine)
    except FileNotFoundError:
        return None
    order = json.loads(mine.read_text())
    mine.unlink()
    return order


def _strike(folder, name, order):
    _write_down(folder, name, order)
    match order["do"]:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            time.sleep(order["seconds"])
        case "raise":
            raise RuntimeError(f"the fault bench strikes at {name}")


def _write_down(folder, name, order):
    with open(folder / "struck", "a", encoding="utf-8") as log:
        log.write(json.dumps({"name": name, "pid": os.getpid(), **order}) + "\n")
