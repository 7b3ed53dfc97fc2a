"""The small connector that doc/connectors.md shows: it is run as it stands there."""

import re
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from odoo.tests import BaseCase

from ..connectors import ClientKey, ConnectorError, Outcome, Posting, Profile, Receipt
from ..connectors.base import CheckItem, ErpRecord, Settings, matches
from ..connectors.incoming import Guarded
from ..connectors.transport import Transport
from .connector_server import ScriptedServer, answer, reset
from .test_connector_odoo import make_document

PAGE = Path(__file__).parents[1] / "doc" / "connectors.md"
#: What the example would import.
NAMES = (
    *(CheckItem, ClientKey, ConnectorError, Decimal, ErpRecord, Outcome, Posting),
    *(Profile, Receipt, Transport, date),
)


class SmallErp:
    """The ERP of the example."""

    def __init__(self):
        self.bills = {}

    def serve(self, request):
        if request.headers["authorization"] != "Bearer secret":
            return {"error": "key"}, 401
        asked = parse_qs(urlsplit(request.path).query)
        if request.method == "POST":
            body = request.json()
            if body["date"] < "2026-01-01":
                return {"error": "closed"}, 400
            number = str(len(self.bills) + 1)
            bill = {**body, "id": number, "number": f"B{number}"}
            return self.bills.setdefault(body["key"], bill)
        if request.path == "/accounts":
            return [{"id": "29", "name": "Expenses", "code": "600"}]
        wanted = asked.get("key") or asked["ids"][0].split(",")
        bills = self.bills.values()
        return [b for b in bills if b["key"] in wanted or b["id"] in wanted]


class TestDocExample(BaseCase):
    def setUp(self):
        super().setUp()
        [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        self.names = {one.__name__: one for one in NAMES}
        exec(code, self.names)  # pylint: disable=exec-used
        self.erp = SmallErp()

    def make(self, server, secret="secret"):
        settings = Settings(url=server.url, secret=secret, allowed_hosts=("127.0.0.1",))
        return Guarded(self.names["SmallErpConnector"](settings), settings)

    def send(self, connector, document):
        return connector.send(document, attempt="a", deadline=self.soon())

    def soon(self):
        return time.monotonic() + 10

    def test_it_sends_finds_and_reads_a_bill(self):
        document = make_document()
        with ScriptedServer(*[answer(self.erp.serve)] * 5) as server:
            connector = self.make(server)
            receipt = self.send(connector, document)
            self.assertTrue(matches(document, receipt), receipt)
            self.assertEqual(self.send(connector, document), receipt)
            found = connector.look_up(document, deadline=self.soon())
            self.assertEqual(found, [receipt])
            read = connector.read_bills([receipt.erp_id, "9"], deadline=self.soon())
            self.assertEqual(read, {receipt.erp_id: receipt})
            [account] = connector.fetch("account", deadline=self.soon())
            self.assertEqual(account.code, "600")

    def test_it_tells_refusals_and_doubts_apart(self):
        old = replace(make_document(), accounting_date=date(2025, 1, 1))
        steps = [answer(self.erp.serve), answer(self.erp.serve), reset()]
        with ScriptedServer(*steps) as server:
            connector = self.make(server)
            for kind, outcome, sent, one in (
                ("period_closed", Outcome.REJECTED, old, connector),
                (
                    *("credentials_wrong", Outcome.REJECTED, old),
                    self.make(server, "wrong"),
                ),
                ("no_answer", Outcome.AMBIGUOUS, make_document(), connector),
            ):
                with self.subTest(kind), self.assertRaises(ConnectorError) as caught:
                    self.send(one, sent)
                error = caught.exception
                self.assertEqual((error.kind, error.outcome), (kind, outcome))

    def test_it_takes_no_changes_and_says_so(self):
        with ScriptedServer() as server, self.assertRaises(ConnectorError) as caught:
            self.make(server).update(
                make_document(), "1", attempt="a", deadline=self.soon()
            )
        self.assertEqual(caught.exception.kind, "update_unsupported")
        self.assertFalse(server.requests)
