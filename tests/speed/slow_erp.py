"""The ERP of a set speed as the bench sees it: start, stop, set, ask."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import shell
from servers import free_port

SCRIPT = Path(__file__).parent / "slow_erp_server.py"


class SlowErp:
    """The process, as a context manager.

    :param latency: seconds that every bill takes it.
    :param limit: how many bills it takes at once.
    """

    def __init__(self, latency=0.1, limit=20):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = [str(self.port), str(latency), str(limit)]
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *self._arguments],
            env=shell.clean_env(),
            stdin=subprocess.DEVNULL,
            preexec_fn=shell.die_with_parent,
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.stats()
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError("the ERP of a set speed does not start")

    def __exit__(self, *_error):
        self._process.kill()
        self._process.wait()

    def set(self, **values):
        """Set ``latency``, ``limit`` or ``down``; ``reset=True`` forgets what came."""
        request = urllib.request.Request(
            f"{self.url}/set", data=json.dumps(values).encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def stats(self):
        """Return what came since the last reset; times are of ``time.time()``."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:
            return json.load(answer)
