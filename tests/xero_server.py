"""A Xero of our own on 127.0.0.1: its books (``xero_books``), its limits, tokens and
idempotency keys. Every request is checked against what Xero has published, and every
answer as well (``xero_spec``): what is not so is in ``faults``, which a test has to
find empty.
"""

import json
import re
import threading
import time
import traceback
import uuid
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

from .connector_server import ScriptedServer, message
from .xero_books import NAMES, XeroBooks
from .xero_identity_server import CLIENT, CLIENT_SECRET, IdentityPages
from .xero_spec import BASE, SpecFault, make_checker

__all__ = ["CLIENT", "CLIENT_SECRET", "FakeXero"]

AT_ONCE = 5
_TERM = re.compile(r'(\w+)=="((?:[^"\\]|\\.)*)"')


class FakeXero(IdentityPages, ScriptedServer):
    """``with FakeXero() as xero:``; attributes that tests change:

    - ``minute_left``, ``day_left``: calls until a limit is reached; None: no limit;
    - those of ``xero_identity_server``;
    - ``pause``: seconds that each call takes at least;
    - ``scripted``: steps of ``connector_server`` or None, for the next API calls.
    """

    def __init__(self):
        self.books = XeroBooks()
        self.tenants = [self._tenant(self.books.tenant, "Demo Company")]
        self.minute_left = self.day_left = None
        self.pause = 0.0
        self.most_at_once = 0
        self.faults = []
        self.keys = {}
        self.scripted = []
        self.called = []
        self._under_way = 0
        self._state = threading.Lock()
        self.begin_identity()
        self._writing = threading.Lock()
        self._checker = make_checker()
        super().__init__(self._step)

    def forget_keys(self):
        """As Xero does after some minutes."""
        self.keys.clear()

    # -- HTTP

    def _step(self, sock, request, stop):
        try:
            self._respond(sock, request, stop)
        except Exception:
            # The server of scripts hides what goes wrong in it.
            self.faults.append(traceback.format_exc())
            raise

    def _respond(self, sock, request, stop):
        path = urlsplit(request.path).path
        if answer := self.identify(request, path):
            data, status, headers = answer
            return sock.sendall(message(data, status, **headers))
        with self._state:
            self.called.append(f"{request.method} {path.removeprefix(BASE)}")
            step = self.scripted.pop(0) if self.scripted else None
        if step:
            return step(sock, request, stop)
        with self._counted() as at_once:
            data, status, headers = self._limited(at_once) or self._answer(
                request, path
            )
        sock.sendall(message(data, status, **headers))

    @contextmanager
    def _counted(self):
        with self._state:
            self._under_way += 1
            at_once = self._under_way
            self.most_at_once = max(self.most_at_once, at_once)
        time.sleep(self.pause)
        try:
            yield at_once
        finally:
            with self._state:
                self._under_way -= 1

    def _limited(self, at_once):
        with self._state:
            if at_once > AT_ONCE:
                return self._wait("concurrent", 1)
            for name, problem, seconds in (
                ("minute_left", "minute", 17),
                ("day_left", "day", 3600),
            ):
                left = getattr(self, name)
                if left == 0:
                    return self._wait(problem, seconds)
                if left is not None:
                    setattr(self, name, left - 1)
        return None

    def _wait(self, problem, seconds):
        headers = {"Retry_After": seconds, "X_Rate_Limit_Problem": problem}
        return "", 429, headers

    def _answer(self, request, path):
        if refused := self._unauthorised(request, path):
            return *refused, {}
        try:
            self._checker.request(request)
        except SpecFault as fault:
            self.faults.append(f"{request.method} {request.path}: {fault}")
            return {"Type": "SpecFault", "Message": str(fault)}, 400, {}
        data, status = self._serve(request, path)
        try:
            if status in (200, 400):
                self._checker.answer(request, data, status)
        except SpecFault as fault:
            self.faults.append(f"answer to {request.method} {request.path}: {fault}")
        return data, status, {}

    def _unauthorised(self, request, path):
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        with self._state:
            known = scheme == "Bearer" and token in self._access
        if not known:
            return self._problem("Unauthorized", 401, "TokenExpired: token expired")
        if path == "/Connections":
            return None
        tenant = request.headers.get("xero-tenant-id")
        if tenant not in {row["tenantId"] for row in self.tenants}:
            return self._problem("Forbidden", 403, "AuthenticationUnsuccessful")
        return None

    def _problem(self, title, status, detail):
        return {"Title": title, "Status": status, "Detail": detail}, status

    def _tenant(self, tenant, name):
        return {
            "id": str(uuid.uuid4()),
            "tenantId": tenant,
            "tenantType": "ORGANISATION",
            "tenantName": name,
        }

    # -- The API

    def _serve(self, request, path):
        if path == "/Connections":
            return self.tenants, 200
        parts = [unquote(part) for part in path.removeprefix(BASE).split("/")[1:]]
        if request.method == "GET":
            query = parse_qs(urlsplit(request.path).query)
            query = {name: values[0] for name, values in query.items()}
            return self._look(parts, query)
        key = request.headers.get("idempotency-key")
        if not key:
            self.faults.append(f"{request.method} {path} without an Idempotency-Key")
        with self._writing:
            if key in self.keys:
                sent, result = self.keys[key]
                if sent != (request.method, path, request.body):
                    return {"Message": "The Idempotency-Key was used otherwise."}, 400
                return result
            result = self._write(parts, request)
            self.keys[key] = (request.method, path, request.body), result
            return result

    def _write(self, parts, request):
        if len(parts) == 4 and parts[2] == "Attachments":
            return self._attach(*parts[:2], parts[3], request.body)
        [kind] = parts
        rows = json.loads(request.body)[kind]
        if kind == "Contacts":
            return {kind: [self.books.save_contact(row) for row in rows]}, 200
        id_name = NAMES[kind][0]
        if request.method == "PUT" and any(id_name in row for row in rows):
            self.faults.append("PUT of what has an id already")
        saved = [self.books.save_bill(kind, row) for row in rows]
        if "summarizeErrors=false" not in request.path and any(
            row.get("HasErrors") for row in saved
        ):
            found = [
                error for row in saved for error in row.get("ValidationErrors", [])
            ]
            return {
                "ErrorNumber": 10,
                "Type": "ValidationException",
                "Message": "A validation exception occurred",
                "Elements": [{"ValidationErrors": found}],
            }, 400
        return {"Id": str(uuid.uuid4()), "Status": "OK", kind: saved}, 200

    def _attach(self, kind, bill_id, name, content):
        self.books.bills[kind][bill_id]["HasAttachments"] = True
        self.books.files[bill_id, name] = content
        return {"Attachments": self._files(bill_id)}, 200

    def _files(self, bill_id):
        return [
            {"FileName": name, "ContentLength": len(content), "MimeType": "x/y"}
            for (owner, name), content in self.books.files.items()
            if owner == bill_id
        ]

    def _look(self, parts, query):
        books = self.books
        match parts:
            case ["Organisation"]:
                return {"Organisations": [books.organisation]}, 200
            case ["Accounts"]:
                return {"Accounts": books.accounts}, 200
            case ["TaxRates"]:
                return {"TaxRates": books.tax_rates}, 200
            case ["Currencies"]:
                return {
                    "Currencies": [{"Code": code} for code in books.currencies]
                }, 200
            case ["TrackingCategories"]:
                return {"TrackingCategories": books.tracking}, 200
            case ["Contacts"]:
                return {"Contacts": self._contacts(query)}, 200
            case [kind, bill_id, "Attachments"]:
                return {"Attachments": self._files(bill_id)}, 200
            case [kind, bill_id]:
                row = books.bills[kind].get(bill_id)
                if not row:
                    return "The resource you're looking for cannot be found", 404
                return {kind: [row]}, 200
            case [kind]:
                return {kind: self._bills(kind, query)}, 200

    def _contacts(self, query):
        rows = list(self.books.contacts.values())
        if where := query.get("where"):
            terms = self._terms(where.split(" OR "))
            rows = [row for row in rows if any(row.get(n) == v for n, v in terms)]
        if query.get("includeArchived") != "true":
            rows = [row for row in rows if row["ContactStatus"] == "ACTIVE"]
        return self._page(rows, query)

    def _bills(self, kind, query):
        id_name, number, _type = NAMES[kind]
        rows = list(self.books.bills[kind].values())
        for given, value in (
            ("IDs", lambda row: row[id_name]),
            ("InvoiceNumbers", lambda row: row[number]),
            ("ContactIDs", lambda row: row["Contact"]["ContactID"]),
            ("Statuses", lambda row: row["Status"]),
        ):
            if given in query:
                wanted = set(query[given].split(","))
                rows = [row for row in rows if value(row) in wanted]
        if where := query.get("where"):
            for part in where.split(" AND "):
                terms = self._terms(part.strip("()").split(" OR "))
                rows = [row for row in rows if any(row[n] == v for n, v in terms)]
        return self._page(rows, query)

    def _terms(self, parts):
        found = [_TERM.fullmatch(part) for part in parts]
        if not all(found):
            self.faults.append(f"a where that is not understood: {parts}")
            return []
        return [(one[1], re.sub(r"\\(.)", r"\1", one[2])) for one in found]

    def _page(self, rows, query):
        if "page" not in query:
            return rows
        size = int(query.get("pageSize", 100))
        first = (int(query["page"]) - 1) * size
        return rows[first : first + size]
