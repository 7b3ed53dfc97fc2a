"""What was measured, for people and for later: medians, and the least and the most."""

import os
import platform
import statistics
from pathlib import Path


def machine(stage):
    """Return what the figures were measured on."""
    cpus = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    (postgres,) = stage.sql("SHOW server_version")
    return {
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        ),
        "postgresql": postgres["server_version"],
        "python": platform.python_version(),
        "odoo": "19.0",
    }


def spread(values, digits=1):
    """Return values in words: the median, the least and the most of them."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def table(head, rows):
    """Return the lines of a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]
