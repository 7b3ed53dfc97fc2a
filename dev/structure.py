"""Checks of how the project is built that no general linter knows."""

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import paths

MAX_LINES = 400
MARKER = re.compile(r"^(<{7}|>{7})", re.MULTILINE)
# Who may open cursors, commit and start threads: see the design.
ENGINE = ("engine", "tests", "dev")
THREADS = {"Thread", "Timer", "Process", "ThreadPoolExecutor", "ProcessPoolExecutor"}
# Looking up a name knows no time limit, so one thread waits for it.
MAY_START_THREADS = {"connectors/addresses.py"}


def findings() -> list[str]:
    """All that is wrong, one line each."""
    found = []
    for name in paths.files(".py", ".js", ".xml", ".csv", ".scss", ".md"):
        text = (paths.CHECKOUT / name).read_text(errors="replace")
        if MARKER.search(text):
            found.append(f"{name}: a conflict marker was left")
        if name.suffix in (".py", ".js"):
            found += _too_long(name, text)
        if name.suffix == ".xml":
            found += _broken_xml(name)
        if name.suffix == ".py":
            found += _python(name, text)
    return found


def _too_long(name: Path, text: str) -> list[str]:
    lines = text.count("\n")
    in_tests = "tests" in name.parts or "lib" in name.parts
    if lines <= MAX_LINES or in_tests:
        return []
    return [f"{name}: {lines} lines, more than {MAX_LINES}: split it by subject"]


def _broken_xml(name: Path) -> list[str]:
    try:
        ElementTree.parse(paths.CHECKOUT / name)
    except ElementTree.ParseError as error:
        return [f"{name}: not well-formed XML: {error}"]
    return []


def _python(name: Path, text: str) -> list[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return [f"{name}:{error.lineno}: {error.msg}"]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += _import(name, node)
        elif isinstance(node, ast.Call) and name.parts[0] not in ENGINE:
            found += _call(name, node)
    return found


def _import(name: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        base = "." * node.level + (node.module or "")
        dot = "" if base.endswith(".") else "."
        modules = [base, *(f"{base}{dot}{alias.name}" for alias in node.names)]
    found = []
    for module in modules:
        parts = module.split(".")
        if name.parts[0] == "connectors" and parts[0] == "odoo":
            found.append(f"{name}:{node.lineno}: connectors are pure Python, no `odoo`")
        named = module.strip(".").removeprefix(f"odoo.addons.{paths.TECHNICAL_NAME}.")
        if named.split(".")[0] == "dev" and name.parts[0] != "dev":
            found.append(f"{name}:{node.lineno}: nothing imports `dev`")
    return found[:1]


def _call(name: Path, node: ast.Call) -> list[str]:
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in ("commit", "cursor"):
        what = f"`.{called.attr}()`"
    elif (
        getattr(called, "attr", getattr(called, "id", None)) in THREADS
        and name.as_posix() not in MAY_START_THREADS
    ):
        what = "threads and processes"
    else:
        return []
    return [f"{name}:{node.lineno}: {what} only in {', '.join(ENGINE)}"]
