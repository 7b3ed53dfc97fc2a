"""`dev conformance`: what every connector has to do, run against each ERP; the tables
in doc/connectors.md are made of the result."""

import importlib
import re
import sys
import types
import xml.etree.ElementTree as ET
from pathlib import Path

import command_test
import paths
from ui import DevError, say

PAGE = paths.CHECKOUT / "doc" / "connectors.md"
#: A part of the page is found between these two lines.
BEGIN, END = "<!-- {}: made by `dev conformance` -->", "<!-- end of {} -->"
SUITE = re.compile(r"test_conformance_(\w+)$")


def run(odoo: str | None) -> int:
    """Run the suite against every ERP, write the tables, and return 0 when all cases
    passed."""
    files = sorted((paths.CHECKOUT / "tests").glob("test_conformance_*.py"))
    result = paths.subfolder("conformance") / "result.xml"
    code = command_test.run(odoo, [*map(str, files), f"--junitxml={result}"])
    profiles = _profiles()
    page = PAGE.read_text()
    page = _replace(page, "profiles", _profile_table(profiles))
    page = _replace(page, "conformance", _case_table(_read(result), profiles))
    PAGE.write_text(page)
    say(f"The tables are in {PAGE.relative_to(paths.CHECKOUT)}.")
    return code


def _profiles() -> dict:
    """Return ``{code: Profile}`` of all connectors, which need no Odoo."""
    package = types.ModuleType("ap_sync")
    package.__path__ = [str(paths.CHECKOUT)]
    sys.modules.setdefault("ap_sync", package)
    connectors = importlib.import_module("ap_sync.connectors")
    return {code: one.profile for code, one in connectors.CONNECTORS.items()}


def _read(result: Path) -> dict[str, dict[str, bool]]:
    """Return ``{case: {code: whether it passed}}``."""
    cases: dict[str, dict[str, bool]] = {}
    for case in ET.parse(result).getroot().iter("testcase"):
        module = case.get("classname", "").rsplit(".", 1)[0]
        code = SUITE.search(module)
        if not code:
            raise DevError(f"A test outside of the suite was run: {module}.")
        passed = case.find("failure") is None and case.find("error") is None
        known = cases.setdefault(case.get("name", ""), {})
        known[code[1]] = known.get(code[1], True) and passed
    return cases


def _case_table(cases, profiles) -> str:
    codes = [code for code in profiles if any(code in row for row in cases.values())]
    lines = [_row("", *(profiles[code].name for code in codes))]
    lines.append(_row(*["---"] * (len(codes) + 1)))
    for name, row in cases.items():
        title = name.removeprefix("test_").replace("_", " ").capitalize()
        marks = {True: "passed", False: "**failed**", None: "not run"}
        lines.append(_row(title, *(marks[row.get(code)] for code in codes)))
    return "\n".join(lines)


def _profile_table(profiles) -> str:
    rows = {
        "Into the books": lambda p: {
            "draft": "a draft, then posted",
            "direct": "at once",
        }[p.posting],
        "Key of the client": lambda p: (
            f"kept for {p.key_seconds:.0f} s"
            if p.client_key == "expiring"
            else p.client_key
        ),
        "A bill is found by": lambda p: ", ".join(p.look_up) or "nothing",
        "In doubt": lambda p: {
            "lookup": "the ERP is asked",
            "idempotent": "the same key is sent again",
            "none": "a person decides",
        }[p.capability],
        "Settles within": lambda p: f"{p.settle_seconds:.0f} s",
        "Later": lambda p: ", ".join(sorted(p.changes)) or "nothing",
        "Files": lambda p: "yes" if p.attachments else "no",
        "Link to the bill": lambda p: "yes" if p.deep_link else "no",
        "Vendors are created": lambda p: "yes" if p.creates_vendors else "no",
        "Master data": lambda p: ", ".join(p.master_data).replace("_", " "),
        "Must be mapped": lambda p: ", ".join(sorted(p.mapped)),
        "Bills at once": lambda p: f"{p.concurrency}, at most {p.most_at_once}",
        "Bills in one call": lambda p: str(p.batch),
        "Its limits": lambda p: p.limits,
    }
    lines = [_row("", *(profile.name for profile in profiles.values()))]
    lines.append(_row(*["---"] * (len(profiles) + 1)))
    for title, tell in rows.items():
        lines.append(_row(title, *(tell(profile) for profile in profiles.values())))
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _replace(page: str, name: str, table: str) -> str:
    begin, end = BEGIN.format(name), END.format(name)
    if begin not in page or end not in page:
        raise DevError(f"{PAGE.name} has no place for the table: {begin} … {end}.")
    before, _begin, rest = page.partition(begin)
    after = rest.partition(end)[2]
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"
