"""What the source must not hold: the list is short, and was read line by line."""

import ast
import re
from pathlib import Path

from odoo.http import Controller
from odoo.tests import BaseCase

ROOT = Path(__file__).parents[1]

#: How often each file acts as superuser. Every place says why in a comment, and none
#: uses an id that a user gave without having checked it before. A new one is reviewed
#: like these: is the record checked, does it read or write more than it has to?
SUDO = {
    "models/account_move.py": 3,
    "models/account_move_document.py": 5,
    "models/account_move_preflight.py": 1,
    "models/ap_sync_connection.py": 6,
    "models/ap_sync_connection_bills.py": 3,
    "models/ap_sync_connection_compare.py": 1,
    "models/ap_sync_connection_health.py": 4,
    "models/ap_sync_connection_late.py": 3,
    "models/ap_sync_connection_pause.py": 2,
    "models/ap_sync_connection_retry.py": 2,
    "models/ap_sync_connection_setup.py": 2,
    "models/ap_sync_connection_wake.py": 2,
    "models/ap_sync_job_actions.py": 2,
    "models/ap_sync_job_bulk.py": 1,
    "models/ap_sync_job_decide.py": 6,
    "models/ap_sync_job_decide_many.py": 1,
    "models/ap_sync_job_evaluate.py": 1,
    "models/ap_sync_job_follow_up.py": 1,
    "models/ap_sync_job_groups.py": 1,
    "models/ap_sync_job_mail.py": 1,
    "models/ap_sync_job_owner.py": 2,
    "models/ap_sync_job_preflight.py": 1,
    "models/ap_sync_job_submit.py": 1,
    "models/ap_sync_mapping.py": 3,
    "models/ap_sync_mapping_accept.py": 1,
    "models/ap_sync_mapping_missing.py": 1,
    "models/ap_sync_rule.py": 3,
    "models/ap_sync_rule_checks.py": 2,
    "models/ap_sync_rule_evaluate.py": 1,
    "models/ap_sync_rule_preview.py": 2,
    "models/ir_module_module.py": 1,
    "models/res_company.py": 2,
    "models/res_currency.py": 1,
    "models/res_users.py": 1,
    "wizards/ap_sync_map.py": 1,
    "wizards/ap_sync_preflight.py": 1,
    "wizards/ap_sync_trial.py": 1,
}

#: Code that runs text. A rule's condition is read by ``ast.literal_eval`` alone.
RUNS_TEXT = {"eval", "exec", "compile", "safe_eval", "test_python_expr", "__import__"}


def sources():
    """Yield the path and text of each Python file that ships and runs in Odoo."""
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        if name.parts[0] not in {"tests", "dev", "demo"}:
            yield name.as_posix(), path.read_text()


class TestSource(BaseCase):
    def test_the_source_is_found(self):
        names = [name for name, _text in sources()]
        self.assertIn("models/ap_sync_job.py", names)
        self.assertGreater(len(names), 40)

    def test_every_sudo_was_reviewed(self):
        # `sudo(False)` gives rights up.
        found = {
            name: count
            for name, text in sources()
            if (count := len(re.findall(r"\.sudo\((?!False)", text)))
        }
        self.assertEqual(found, SUDO)

    def test_no_text_is_run_as_code(self):
        for name, text in sources():
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call):
                    called = node.func
                    word = getattr(called, "attr", getattr(called, "id", ""))
                    plain = isinstance(called, ast.Name) or word == "safe_eval"
                    if plain and word in RUNS_TEXT:
                        self.fail(f"{name}:{node.lineno}: {word}()")

    def test_no_route_is_open_to_strangers(self):
        """There is no webhook yet: whoever calls a route of ours has signed in."""
        for controller in Controller.children_classes.get("ap_sync", []):
            for name in dir(controller):
                routing = getattr(getattr(controller, name), "original_routing", None)
                if routing:
                    with self.subTest(controller=controller.__name__, method=name):
                        self.assertIn(routing.get("auth", "user"), ("user", "bearer"))
        # As it is written, too: a controller that is not imported yet is a trap.
        for name, text in sources():
            with self.subTest(name):
                self.assertNotRegex(text, r"auth\s*=\s*[\"'](public|none)")
