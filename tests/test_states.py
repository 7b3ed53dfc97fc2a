import ast
from pathlib import Path

from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path

from ..connectors.kinds import AUTO, CHECK, FIX, KINDS, NO
from ..models.ap_sync_guidance import FALLBACK, GUIDANCE, describe
from ..models.ap_sync_states import (
    MOVES,
    PHASES,
    STATUSES,
    split_state,
    state_of,
)
from .common import ApSyncCommon

WAITING_MAY = {"queue", "hold", "block", "claim", "ask_first", "fail", "abort"}
#: What the issue promises, written out once more: each state and where it may go.
#: "claim" and the other events are the engine's and the rules' own words.
ALLOWED = {
    "failed": {"queue", "hold", "block", "mark_synced", "verify"},
    "on_hold": {"queue", "hold", "block", "ready", "mark_synced"},
    "on_hold/ready": {"queue", "hold", "block", "ready", "mark_synced"},
    "blocked": {"queue", "hold", "block", "ready", "mark_synced"},
    "success": {"queue", "hold", "block", "mark_synced"},
    "in_progress/queued": WAITING_MAY,
    "in_progress/retrying": WAITING_MAY,
    "in_progress/sending": {"succeed", "fail", "retry", "doubt"},
    "in_progress/verifying": {"succeed", "fail", "doubt", "resend", "abort"},
}


class TestStates(ApSyncCommon):
    """The five statuses, and every move from each of them."""

    def put_in(self, job, state):
        """Put a job in a state, past all guards."""
        status, phase = split_state(state)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET status = %s, phase = %s, message = 'before', "
            "lease_token = 'token', lease_until = now(), next_try_at = now() "
            "WHERE id = %s",
            [status, phase or None, job.id],
        )
        job.invalidate_recordset()

    def test_there_are_exactly_five_statuses(self):
        self.assertEqual(
            {status for status, _label in STATUSES},
            {"success", "failed", "in_progress", "blocked", "on_hold"},
        )

    def test_every_state_and_event_is_allowed_or_refused_as_promised(self):
        job = self.submit(self.make_bill())
        for state, allowed in ALLOWED.items():
            for event, move in MOVES.items():
                with self.subTest(state=state, event=event):
                    self.put_in(job, state)
                    if event in allowed:
                        lease = {"lease_token": "new", "lease_until": job._now()}
                        values = lease if event == "claim" else {}
                        job._update_status(event, message="after", **values)
                        job.flush_recordset()
                        self.assert_status(job, *split_state(move.target))
                        self.assertEqual(job.message, "after")
                        # A move ends the lease, but for the one that begins it.
                        self.assertEqual(
                            job.lease_token, values.get("lease_token", False)
                        )
                    else:
                        with self.assertRaises(UserError):
                            job._update_status(event, message="after")
                        job.flush_recordset()
                        job.invalidate_recordset()
                        self.assert_status(job, *split_state(state))
                        self.assertEqual(job.message, "before")
                        self.assertEqual(job.lease_token, "token")

    def test_one_job_in_the_wrong_state_refuses_the_move_of_all(self):
        jobs = self.submit(self.make_bill() | self.make_bill())
        self.put_in(jobs[1], "success")
        with self.assert_refused(UserError, "is Success by now"):
            jobs._update_status("claim")
        self.assert_status(jobs[0], "in_progress", "queued")

    def test_every_state_is_of_a_known_status_and_phase(self):
        statuses, phases = dict(STATUSES), dict(PHASES)
        states = {state for move in MOVES.values() for state in move.sources}
        for state in states | {move.target for move in MOVES.values()}:
            status, phase = split_state(state)
            if state != "new":
                self.assertIn(status, statuses)
                self.assertIn(phase, {False, *phases})
                self.assertEqual(state_of(status, phase), state)

    def test_no_code_writes_a_status_past_update_status(self):
        """Reads the sources: only creation and ``_update_status`` set it."""
        root = Path(file_path("ap_sync/models/ap_sync_job.py")).parent.parent
        writers = []
        for path in root.glob("[mew]*/*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and _writes_status(node):
                    writers.append(node.name)
        self.assertEqual(set(writers), {"_submit", "_update_status"})


def _writes_status(function):
    """Tell whether a function has a dict with ``status`` next to what is a job's."""
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            keys = {getattr(key, "value", None) for key in node.keys}
            if "status" in keys and keys & {"phase", "message", "next_try_at"}:
                return True
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Attribute) and target.attr == "status"
            for target in node.targets
        ):
            return True
    return False


@tagged("post_install", "-at_install")
class TestKinds(TransactionCase):
    """The kinds of error and the words for them."""

    def test_every_kind_has_its_words_and_no_words_are_without_a_kind(self):
        self.assertEqual(set(KINDS), set(GUIDANCE))

    def test_every_kind_says_what_it_is_and_what_to_do(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                title, todo = describe(self.env, kind)
                self.assertTrue(title.strip())
                self.assertTrue(todo.strip())
                self.assertTrue(todo.rstrip().endswith("."), todo)

    def test_an_unknown_kind_is_described_as_an_unknown_outcome(self):
        self.assertEqual(
            describe(self.env, "never heard of"), describe(self.env, FALLBACK)
        )

    def test_every_kind_says_who_may_try_again(self):
        self.assertEqual({k.retry for k in KINDS.values()}, {AUTO, FIX, CHECK, NO})

    def test_what_needs_a_look_into_the_erp_is_never_tried_by_the_engine(self):
        for code in ("outcome_unknown", "no_answer", "answer_unreadable", "internal"):
            self.assertEqual(KINDS[code].retry, CHECK, code)

    def test_every_check_names_a_known_kind(self):
        checks = self.env["ap.sync.rule"]._get_checks()
        for name, (label, kind) in checks.items():
            self.assertTrue(label, name)
            self.assertIn(kind, KINDS, name)

    def test_every_check_is_shipped_as_a_rule_once(self):
        rules = (
            self.env["ap.sync.rule"]
            .with_context(active_test=False)
            .search([("condition", "=", "check")])
        )
        self.assertEqual(
            sorted(rules.mapped("check_name")),
            sorted(self.env["ap.sync.rule"]._get_checks()),
        )
        self.assertEqual(
            rules.filtered(lambda rule: not rule.active).mapped("check_name"),
            ["attachment_missing"],
        )
