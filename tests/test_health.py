import re
from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, TransactionCase, new_test_user, tagged

from ..connectors import Outcome
from ..controllers.health import render
from .common import ApSyncCommon, error

#: The grammar of Prometheus' text format 0.0.4, as its documentation has it.
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(rf"({NAME})\{{((?:{LABEL}(?:,{LABEL})*)?)\}} (-?\d+(?:\.\d+)?)")
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def parse(text):
    """Parse a whole answer strictly.

    :return: ``{name: {frozenset of (label, value): number}}``.
    :raise ValueError: for anything that a scraper might refuse.
    """
    metrics, name, described = {}, None, None
    if not text.endswith("\n"):
        raise ValueError("the last line must end")
    for line in text.splitlines():
        if match := re.fullmatch(rf"# HELP ({NAME}) (?:[^\\]|\\\\|\\n)+", line):
            described = match[1]
        elif match := re.fullmatch(rf"# TYPE ({NAME}) gauge", line):
            name = match[1]
            if name != described or name in metrics:
                raise ValueError(f"{name} comes twice or without HELP")
            metrics[name] = {}
        elif match := SAMPLE.fullmatch(line):
            if match[1] != name:
                raise ValueError(f"{match[1]} stands under {name}")
            labels = frozenset(
                (key, re.sub(r'\\[\\"n]', lambda found: ESCAPES[found[0]], value))
                for key, value in re.findall(LABEL, match[2])
            )
            if labels in metrics[name]:
                raise ValueError(f"twice: {line}")
            metrics[name][labels] = float(match[len(match.groups())])
        else:
            raise ValueError(f"not the format: {line!r}")
    return metrics


@tagged("post_install", "-at_install")
class TestHealthFormat(TransactionCase):
    """The text that monitoring reads."""

    def test_what_a_name_contains_does_not_break_the_format(self):
        for name in (
            'a "quoted" one',
            "back\\slash",
            "two\nlines",
            "}",
            ",",
            "\\n",
            "é",
        ):
            with self.subTest(name):
                text = render([("metric", "Help\nof \\ it", [({"name": name}, 3)])])
                self.assertEqual(
                    parse(text), {"metric": {frozenset({("name", name)}): 3.0}}
                )

    def test_a_metric_without_samples_is_described_still(self):
        self.assertEqual(parse(render([("metric", "Help", [])])), {"metric": {}})

    def test_the_parser_of_these_tests_is_strict(self):
        head = "# HELP m Help\n# TYPE m gauge\n"
        for text in (
            head + 'm{a="1"} 2',
            head + 'm{a="1"}2\n',
            head + 'm{a="1} 2\n',
            head + 'm{a="\\x"} 2\n',
            head + 'n{a="1"} 2\n',
            head + 'm{a="1"} 2\nm{a="1"} 3\n',
            head + head,
            "# TYPE m gauge\n",
        ):
            with self.subTest(text), self.assertRaises(ValueError):
                parse(text)


@tagged("post_install", "-at_install")
class TestHealth(ApSyncCommon, HttpCase):
    """``/ap_sync/health``: what monitoring reads, and who may."""

    #: The tests of the engine do this themselves, test by test.
    registry_test_mode = False

    def key_of(self, user):
        keys = self.env["res.users.apikeys"].with_user(user).sudo()
        expiry = fields.Datetime.now() + timedelta(days=1)
        return keys._generate("rpc", "monitoring", expiry)

    def ask(self, key=None):
        self.env.flush_all()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self.url_open("/ap_sync/health", headers=headers)

    def metrics(self, user=None):
        """Return ``{name: {labels without those of the connection: number}}`` of
        this test's connection."""
        user = user or self.user_of(self.env.company)
        answer = self.ask(self.key_of(user))
        self.assertEqual(answer.status_code, 200, answer.text)
        found = {}
        for name, samples in parse(answer.text).items():
            found[name] = {}
            for labels, number in samples.items():
                values = dict(labels)
                if values.pop("connection_id") == str(self.connection.id):
                    self.assertEqual(values.pop("connection"), self.connection.name)
                    self.assertEqual(values.pop("company"), self.env.company.name)
                    found[name][",".join(values[key] for key in sorted(values))] = (
                        number
                    )
        return found

    def user_of(self, company, login="monitoring"):
        return new_test_user(
            self.env,
            login,
            groups="ap_sync.group_ap_sync_user",
            company_id=company.id,
            company_ids=company.ids,
        )

    def test_it_counts_jobs_by_status_the_queue_and_the_kinds(self):
        self.connection.name = 'The "ERP" \\ main'
        self.submit(self.make_bill())
        self.dispatch()
        self.erp.script = [error("vendor_inactive", Outcome.REJECTED)] * 2
        self.submit(self.make_bill() | self.make_bill())
        self.dispatch()
        self.submit(self.make_bill(ref=False))
        late = self.submit(self.make_bill())
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ap_sync_job SET next_try_at = now() - interval '1 hour' "
            "WHERE id = %s",
            [late.id],
        )
        self.env.invalidate_all()
        metrics = self.metrics()
        self.assertEqual(
            metrics["ap_sync_jobs"],
            {"success": 1, "failed": 2, "on_hold": 1, "in_progress": 1, "blocked": 0},
        )
        self.assertEqual(
            metrics["ap_sync_queue_depth"],
            {"queued": 1, "sending": 0, "retrying": 0, "verifying": 0},
        )
        self.assertEqual(
            metrics["ap_sync_errors"],
            {"vendor_inactive,failed": 2, "reference_missing,on_hold": 1},
        )
        wait = metrics["ap_sync_oldest_wait_seconds"][""]
        self.assertAlmostEqual(wait, 3600, delta=120)
        self.assertEqual(
            metrics["ap_sync_connection_health"],
            {"ok": 1, "waiting": 0, "late": 0, "attention": 0, "paused": 0},
        )

    def test_a_connection_that_needs_a_person_shows(self):
        self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.assertEqual(self.metrics()["ap_sync_connection_failures"], {"": 1})
        self.connection.sudo()._set_attention("credentials_wrong", "Key refused")
        user = self.env["res.users"].search([("login", "=", "monitoring")])
        metrics = self.metrics(user)
        self.assertEqual(metrics["ap_sync_connection_health"]["attention"], 1)
        self.assertEqual(metrics["ap_sync_connection_health"]["ok"], 0)

    def test_what_is_not_due_has_not_waited(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("erp_unavailable")]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        self.assertEqual(self.metrics()["ap_sync_oldest_wait_seconds"], {"": 0})

    def test_the_answer_is_what_prometheus_asks_for(self):
        answer = self.ask(self.key_of(self.user_of(self.env.company)))
        self.assertEqual(
            answer.headers["Content-Type"],
            "text/plain; version=0.0.4; charset=utf-8",
        )
        self.assertNotIn("session_id", answer.cookies)
        self.assertNotIn("secret-canary-key", answer.text)

    def test_without_a_key_or_with_a_wrong_one_nothing_is_told(self):
        for key in (None, "0" * 40):
            with self.subTest(key):
                answer = self.ask(key)
                self.assertEqual(answer.status_code, 401)
                self.assertNotIn("ap_sync_jobs", answer.text)

    def test_who_is_no_user_of_ap_sync_is_refused(self):
        for groups in ("base.group_portal", "base.group_user"):
            with self.subTest(groups):
                user = new_test_user(self.env, f"no_{groups}", groups=groups)
                answer = self.ask(self.key_of(user))
                self.assertEqual(answer.status_code, 403)
                self.assertNotIn("ap_sync_jobs", answer.text)

    def test_only_own_companies_are_told(self):
        self.connection.name = "Hidden from others"
        self.submit(self.make_bill())
        other = self.setup_other_company(name="Other company")["company"]
        answer = self.ask(self.key_of(self.user_of(other)))
        self.assertEqual(answer.status_code, 200)
        self.assertNotIn("Hidden from others", answer.text)
        self.assertEqual(parse(answer.text)["ap_sync_jobs"], {})
