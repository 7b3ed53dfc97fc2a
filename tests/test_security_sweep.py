import base64
import json
import logging
from contextlib import contextmanager
from unittest.mock import patch
from urllib.parse import quote

from odoo.tools import SQL, config

from ..connectors import make_connector
from ..engine import client, probe
from .common import ApSyncCommon
from .connector_server import message
from .test_connector_odoo import BILL, DRAFT, FakeOdoo

KEY = 'c4nary/key+with=signs"and<more>0123456789'
#: The forms in which the key could come to rest somewhere.
FORMS = {
    "plain": KEY,
    "quoted": quote(KEY, safe=""),
    "json": json.dumps(KEY)[1:-1],
    "base64": base64.b64encode(KEY.encode()).decode(),
}


def echo(make):
    """Return a step that answers with what a function makes of the key it was sent."""

    def step(sock, request, _stop):
        key = request.headers["authorization"].removeprefix("Bearer ")
        sock.sendall(make(key))

    return step


def odoo_error(name, key):
    words = f"The key {key} is not valid"
    return {"name": name, "message": words, "arguments": [key], "debug": key}


#: What stands before an ERP, or the ERP itself, may repeat the key in every answer.
ECHOES = {
    "html": lambda key: message(f"<h1>Error</h1><p>{key}</p>", 500),
    "headers": lambda key: message("", 500, X_Sent=key, Set_Cookie=f"session_id={key}"),
    "not found": lambda key: message(f"no such page for {key}", 404),
    "refused": lambda key: message(odoo_error("werkzeug.Unauthorized", key), 401),
    "user error": lambda key: message(
        odoo_error("odoo.exceptions.UserError", key), 422
    ),
    "name of error": lambda key: message({"name": key, "message": ""}, 500),
    "busy": lambda key: message(f"slow down, {key}", 429, Retry_After="1"),
    "redirect": lambda key: message("", 307, Location=f"https://evil.example/?k={key}"),
    "redirect to": lambda key: message("", 302, Location=f"https://{key}.example/"),
    "no json": lambda key: message(f"Authorization: Bearer {key}"),
    "json string": lambda key: message(json.dumps(key).encode()),
    "base64": lambda key: message(base64.b64encode(key.encode()), 500),
    "quoted": lambda key: message(quote(key, safe=""), 400),
    "split": lambda key: message(f"{key[:9]}\u200b{key[9:]}", 400),
    "at the cut": lambda key: message("x" * 1985 + key, 400),
    "cut off": lambda key: message(f"<p>{key}</p>", 500)[:-3],
    "imported": lambda key: message(
        {"ids": False, "messages": [{"type": "error", "message": f"bad {key}"}]}
    ),
}


class TestSweep(ApSyncCommon):
    """Whatever an ERP answers, its key is nowhere but where keys are kept."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(client, "make_connector", make_connector))
        self.startPatcher(
            patch.dict(config._runtime_options, {"ap_sync_allowed_hosts": "127.0.0.1"})
        )
        self._map(self.partner_a, "45")
        self.env.user.group_ids |= self.env.ref("account.group_account_manager")

    @contextmanager
    def erp_that(self, **answers):
        with FakeOdoo(**answers) as server:
            self.connection.write(
                {
                    "url": server.url,
                    "api_key": KEY,
                    "protocol": "json2",
                    "erp_company": "1",
                }
            )
            yield server

    def mend(self):
        self.connection.sudo().write(self.connection._prepare_mended_values())

    @contextmanager
    def logs(self):
        """Collect all that is logged from INFO on, with tracebacks."""
        lines, formatter = [], logging.Formatter("%(name)s %(message)s")
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(formatter.format(record))
        root, ours = logging.getLogger(), logging.getLogger("odoo.addons.ap_sync")
        before = root.level, ours.level
        root.setLevel(logging.INFO)
        ours.setLevel(logging.DEBUG)
        root.addHandler(handler)
        try:
            yield lines
        finally:
            root.removeHandler(handler)
            root.setLevel(before[0])
            ours.setLevel(before[1])

    def columns_with_the_key(self):
        """Return the columns of the whole database in which the key stands."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT table_name, array_agg(column_name::text)
                  FROM information_schema.columns
                  JOIN information_schema.tables USING (table_schema, table_name)
                 WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                   AND data_type IN ('text', 'character varying', 'json', 'jsonb')
              GROUP BY table_name
                """
            )
        )
        self.assertGreater(len(rows), 100)
        forms = list({form for key in FORMS.values() for form in (key, key.upper())})
        found = set()
        for table, columns in rows:
            for column in columns:
                hits = self.env.execute_query(
                    SQL(
                        "SELECT 1 FROM %s WHERE EXISTS (SELECT FROM unnest(%s) form"
                        " WHERE strpos(%s::text, form) > 0) LIMIT 1",
                        SQL.identifier(table),
                        forms,
                        SQL.identifier(column),
                    )
                )
                if hits:
                    found.add(f"{table}.{column}")
        return found

    def assert_clean(self, lines):
        self.assertEqual(self.columns_with_the_key(), {"ap_sync_secret.value"})
        logged = "\n".join(lines)
        for name, form in FORMS.items():
            self.assertNotIn(form, logged, name)

    def test_the_key_is_nowhere_after_every_kind_of_error(self):
        with self.logs() as lines, self.erp_that() as server:
            for name, make in ECHOES.items():
                method = "load" if name == "imported" else "write"
                for call in (f"account.move/{method}", "res.currency/search_read"):
                    before = server.answers[call]
                    server.answers[call] = echo(make)
                    server.answers["account.move/search_read"] = [[DRAFT]]
                    job = self.submit(self.make_bill())
                    self.dispatch()
                    self.make_due(job)
                    self.dispatch()
                    with self.subTest(name, call=call):
                        self.assertTrue(job.attempt_ids, "it was tried")
                        self.assertNotEqual(job.status, "success")
                    server.answers[call] = before
                    self.mend()
            # People are told of it, too.
            job.sudo().write({"status": "failed", "phase": False})
            job._apply_effects()
            self.reap()
        self.assertGreater(len(job.search([])), 20)
        self.assert_clean(lines)

    def test_the_key_is_nowhere_after_a_success_that_repeats_it(self):
        bill = self.make_bill()
        there = {
            **BILL,
            "name": f"BILL {KEY}",
            "ref": bill.ref,
            "date": str(bill.date),
            "currency_id": [1, bill.currency_id.name],
            "amount_untaxed": 100.0,
            "amount_tax": 0.0,
            "amount_total": 100.0,
        }
        draft = {**there, "state": "draft", "name": False}
        answers = {"account.move/search_read": [[draft], [there]]}
        with self.logs() as lines, self.erp_that(**answers):
            job = self.submit(bill)
            self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_number, "BILL [hidden]")
        self.assert_clean(lines)

    def test_the_key_is_nowhere_after_a_test_and_a_refresh(self):
        answers = {
            "res.users/context_get": {"uid": 2},
            "res.users/read": [{"name": KEY, "login": KEY, "company_id": [1, KEY]}],
            "account.account/fields_get": {"name": {}, "code": {}, "account_type": {}},
            "account.account/search_read": [
                {"id": 1, "name": KEY, "code": KEY, "account_type": KEY}
            ],
        }
        with self.logs() as lines, self.erp_that(**answers) as server:
            server.answers["/web/webclient/version_info"] = {
                "jsonrpc": "2.0",
                "result": {"server_version_info": [19, 0, 0]},
            }
            self._run(probe.check_connection, self.connection.id)
            self.assertIn("Signed in as [hidden]", str(self.connection.check_result))
            self._run(probe.refresh_data, self.connection.id, {})
            for make in ECHOES.values():
                server.answers["account.account/search_read"] = echo(make)
                self._run(probe.check_connection, self.connection.id)
                shown = self._run(probe.refresh_data, self.connection.id, {})
                for form in FORMS.values():
                    self.assertNotIn(form, str(shown))
        self.assert_clean(lines)

    def test_the_sweep_finds_what_there_is(self):
        self.connection.api_key = KEY
        bill = self.make_bill(ref=f"x{FORMS['base64']}x", narration=KEY)
        bill.message_post(body=FORMS["quoted"])
        found = self.columns_with_the_key()
        self.assertLessEqual(
            {"ap_sync_secret.value", "account_move.ref", "mail_message.body"}, found
        )
