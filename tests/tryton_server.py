"""A scripted Tryton: it holds invoices, and answers each call from a table."""

import base64
import json
from datetime import date
from itertools import chain, repeat
from urllib.parse import parse_qs, urlsplit

from ..connectors.base import Settings
from ..connectors.tryton import TrytonConnector
from ..connectors.tryton_json import encode
from .connector_server import ScriptedServer, message

KEY = "2a55d69df0f24543a4e267c2efc26ec7e29faac37b0041d599cd04c37ff971efc1e74451"


def page(title, text):
    """Return a page as the server sends it for most errors."""
    return (
        f"<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{title}</h1>\n"
        f"<p>{text}</p>\n"
    )


def refusal(words, description=""):
    """Return the answer to what Tryton refuses, as 8.0 sends it."""
    return {"status": 400, "message": words, "description": description}, 400


class FakeTryton(ScriptedServer):
    """Answers ``METHOD model`` or ``METHOD model/button`` from a table: data, data and
    status, or a step of the server. What the table says nothing of works: invoices are
    created, posted, cancelled and deleted.

    :param bills: the invoices that are there; the attribute holds them later.
    :param draft: what a created invoice looks like.
    """

    def __init__(self, draft, bills=()):
        self.draft = draft
        self.bills = [dict(bill) for bill in bills]
        self.answers = {
            "GET account.period": [PERIOD],
            "GET account.journal": [{"id": 2, "name": "Expense", "active": 1}],
            "GET currency.currency": [{"id": 1, "digits": 2, "active": 1}],
            "GET party.party": [PARTY],
            "GET account.configuration": [{"id": 1, "default_account_payable": 67}],
        }
        self.called = []
        super().__init__(self._step)

    def answer(self, call, *answers):
        """Answer a call so; the last of several answers is given for ever."""
        *once, last = answers
        self.answers[call] = chain(once, repeat(last))

    def sent(self, call):
        """Return the data of the requests of one kind."""
        return [
            request.json()
            for request, name in zip(self.requests, self.called, strict=True)
            if name == call
        ]

    def asked(self, call):
        """Return the domains of the requests of one kind."""
        queries = [
            parse_qs(urlsplit(request.path).query)
            for request, name in zip(self.requests, self.called, strict=True)
            if name == call
        ]
        return [json.loads(base64.urlsafe_b64decode(one["d"][0])) for one in queries]

    def _step(self, sock, request, stop):
        parts = urlsplit(request.path).path.split("/")[4:]
        name = f"{request.method} {'/'.join(p for p in parts if not p.isdigit())}"
        self.called.append(name)
        found = self.answers.get(name)
        if found is None:
            bill = int(parts[1]) if len(parts) > 1 else 0
            found = self._act(request.method, parts, bill)
        elif hasattr(found, "__next__"):
            found = next(found)
        if callable(found):
            return found(sock, request, stop)
        data, status = found if isinstance(found, tuple) else (found, 200)
        sock.sendall(message(encode(data), status))

    def _act(self, method, parts, bill_id):
        if method == "GET":
            return self.bills if parts == ["account.invoice"] else []
        if len(parts) == 1:
            if parts == ["account.invoice"]:
                self.bills.append(dict(self.draft))
                return self.draft
            return {"id": 9}
        [bill] = [one for one in self.bills if one["id"] == bill_id] or [None]
        if bill is None:
            return page("404 Not Found", "The requested URL was not found."), 404
        if method == "DELETE":
            self.bills.remove(bill)
            return "", 204
        if parts[-1] == "post":
            move = {"id": 3, "date": bill["accounting_date"]}
            bill.update(state="posted", number="12", move=move)
            bill["amount_to_pay"] = bill["total_amount"]
        if parts[-1] == "cancel":
            bill["state"] = "cancelled"
        return bill


def made_by(server, **options):
    """Return a connector for the server."""
    return TrytonConnector(
        Settings(
            url=server.url,
            secret=options.pop("key", KEY),
            database="books",
            company=options.pop("company", "1"),
            timeout=3,
            allowed_hosts=("127.0.0.1",),
            options={"post": True, **options},
        )
    )


def period(first, last, state="open"):
    return {
        "id": first.month,
        "name": f"{first:%Y-%m}",
        "start_date": first,
        "end_date": last,
        "state": state,
    }


PERIOD = period(date(2026, 11, 1), date(2026, 11, 30))
ADDRESS = {"id": 5, "invoice": 0, "active": 1}
PARTY = {
    "id": 45,
    "name": "Deco",
    "active": 1,
    "account_payable": None,
    "addresses": [ADDRESS, {**ADDRESS, "id": 6, "invoice": 1}],
}
