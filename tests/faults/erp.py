"""The fake ERP as the bench sees it: start, stop, tell it what to break, read its
ledger."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import shell
from servers import free_port

SCRIPT = Path(__file__).parent / "fake_erp.py"


class FakeErp:
    """The process that plays all ERPs, as a context manager."""

    def __init__(self, folder):
        self.path = Path(folder) / "ledger.jsonl"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def start(self):
        """Open the port; the bills of before are still there."""
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(self.port), str(self.path)],
            env=shell.clean_env(),
            stdin=subprocess.DEVNULL,
            preexec_fn=shell.die_with_parent,
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/_alive", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError("the fake ERP does not start")

    def stop(self):
        """Close the port."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def script(self, behaviour, name, faults):
        """Set what the next writes of one ERP meet, one fault each."""
        self._tell(f"/_script/{name}", {"behaviour": behaviour, "faults": faults})

    def chaos(self, behaviour, name, rate, seed):
        """Have every write meet a fault with this probability."""
        told = {"behaviour": behaviour, "rate": rate, "seed": seed}
        self._tell(f"/_chaos/{name}", told)

    def plant(self, behaviour, name, bill):
        """Put a bill in one ERP that none of us sent."""
        self._tell(f"/_plant/{name}", {"behaviour": behaviour, "bill": bill})

    def events(self, name):
        """Return what happened at one ERP, in order; see ``fake_erp.World.note``."""
        if not self.path.exists():
            return []
        with open(self.path, encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines if f'"erp": "{name}"' in line]
        return [row for row in rows if row["erp"] == name]

    def kept(self, name):
        """Return the bills that one ERP ever made, in order."""
        return [row["bill"] for row in self.events(name) if row["event"] == "kept"]

    def _tell(self, path, data):
        request = urllib.request.Request(
            self.url + path, data=json.dumps(data).encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=10):
            pass
