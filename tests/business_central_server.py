"""A Business Central that keeps books, with a sign-in service, on one port of
loopback. Every request is checked against ``business_central_spec``, and so is every
answer that is no error; what is wrong is in ``problems``, which tests look at."""

import json
import re
import threading
import time
import uuid
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from .business_central_books import (
    COMPANY,
    KINDS,
    NO_DAY,
    OTHER_COMPANY,
    Books,
    Refused,
    changed,
)
from .business_central_spec import Spec, published
from .connector_server import ScriptedServer, message, reset

TENANT, ENVIRONMENT = "contoso.com", "production"
CLIENT, SECRET = "11111111-2222-4333-8444-555555555555", "s3cr~et.Of_the-app=1"
ROOT = f"/v2.0/{TENANT}/{ENVIRONMENT}/api/v2.0"
SCOPE = "https://api.businesscentral.dynamics.com/.default"
PAGE = 1000

_GUID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_ROUTES = [
    (method, re.compile(pattern.replace("<id>", _GUID) + "$"), name)
    for method, pattern, name in (
        ("GET", r"(purchaseInvoices|purchaseCreditMemos)", "_list"),
        ("POST", r"(purchaseInvoices|purchaseCreditMemos)", "_create"),
        ("GET", r"(purchaseInvoices|purchaseCreditMemos)\(<id>\)", "_read_one"),
        ("DELETE", r"(purchaseInvoices|purchaseCreditMemos)\(<id>\)", "_delete"),
        (
            "POST",
            r"(purchaseInvoices|purchaseCreditMemos)\(<id>\)/Microsoft\.NAV\.post",
            "_post",
        ),
        (
            "GET",
            r"(purchaseInvoices|purchaseCreditMemos)\(<id>\)/documentAttachments",
            "_files",
        ),
        ("POST", r"documentAttachments", "_add_file"),
        ("GET", r"documentAttachments\(<id>\)/attachmentContent", "_content"),
        ("PATCH", r"documentAttachments\(<id>\)/attachmentContent", "_upload"),
        ("GET", r"purchase(?:Invoice|CreditMemo)Lines\(<id>\)/dimensionSetLines", "_d"),
        (
            "POST",
            r"purchase(?:Invoice|CreditMemo)Lines\(<id>\)/dimensionSetLines",
            "_add_dimension",
        ),
        (
            "PATCH",
            r"purchase(?:Invoice|CreditMemo)Lines\(<id>\)/dimensionSetLines\(<id>\)",
            "_change_dimension",
        ),
        ("GET", r"generalLedgerSetup", "_setup"),
        ("GET", r"([a-zA-Z]+)", "_master"),
    )
]
_spec = None


def spec():
    """Return the checker, which takes a second to make, once for all tests."""
    global _spec
    if _spec is None:
        _spec = Spec(published())
    return _spec


class FakeBusinessCentral(ScriptedServer):
    """``with FakeBusinessCentral() as server:``; ``server.url`` is both the API's and
    the sign-in service's base address.

    :param at_once: how many requests it bears at once; more get a 429.
    :param lifetime: seconds that a token is good for.
    :param pause: seconds that each request takes.
    """

    def __init__(self, at_once=100, lifetime=3600, pause=0.0):
        self.books = Books()
        self.problems = []
        self.called = []  # of the API: "POST purchaseInvoices"
        self.tokens = {}  # token -> until when it is good
        self.signed_in = self.turned_away = 0
        self.page = PAGE
        self.at_once, self.lifetime, self.pause = at_once, lifetime, pause
        self.next_answers = []  # (words of the request line, step instead), see lose
        self._lock = threading.RLock()
        self._busy = 0
        super().__init__(self._step)

    def lose(self, text, step=None, done=True):
        """Cut the connection after the next request with that text was carried out.

        :param step: of ``connector_server`` instead of a reset.
        :param done: whether it is carried out.
        """
        self.next_answers.append((text, step or reset(), done))

    def refuse_all_tokens(self):
        """Let the tokens end that were handed out so far."""
        self.tokens.clear()

    # -- HTTP

    def _step(self, sock, request, stop):
        step, done = self._take_step(request)
        with self._lock:
            self._busy += 1
            crowded = self._busy > self.at_once
            self.turned_away += crowded
        try:
            answer = message(*self._error(Refused("Unknown", "Too many.", 429)))
            if not crowded:
                time.sleep(self.pause)
                if done:
                    with self._lock:
                        answer = self._answer(request)
        finally:
            with self._lock:
                self._busy -= 1
        if step:
            step(sock, request, stop)
        else:
            sock.sendall(answer)

    def _take_step(self, request):
        line = f"{request.method} {unquote(request.path)}"
        with self._lock:
            for row in self.next_answers:
                if row[0] in line:
                    self.next_answers.remove(row)
                    return row[1:]
        return None, True

    def _answer(self, request):
        if not request.path.startswith("/v2.0/"):
            return message(*self._sign_in(request))
        try:
            data, status = self._carry_out(request)
        except Refused as refused:
            return message(*self._error(refused))
        except Exception as error:  # ours: the tests are to see it
            self.problems.append(f"{request.method} {request.path}: {error!r}")
            return message(*self._error(Refused("Unknown", "A fault of the fake", 500)))
        if status == 204:
            return b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
        return message(data, status)

    def _error(self, refused):
        words = f"{refused.message}  CorrelationId:  {uuid.uuid4()}."
        return {"error": {"code": refused.code, "message": words}}, refused.status

    def _sign_in(self, request):
        wanted = f"/{TENANT}/oauth2/v2.0/token"
        kind = request.headers.get("content-type")
        form = dict(parse_qsl(request.body.decode()))
        if (request.method, request.path, kind) != (
            "POST",
            wanted,
            "application/x-www-form-urlencoded",
        ):
            text = "AADSTS90002: Tenant 'x' not found."
            return {"error": "invalid_request", "error_description": text}, 400
        if form.get("grant_type") != "client_credentials" or form["scope"] != SCOPE:
            self.problems.append(f"asked for a token with {sorted(form)}")
        if (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            text = (
                "AADSTS7000215: Invalid client secret provided. Ensure the secret being"
                f" sent is right.\r\nTrace ID: {uuid.uuid4()}"
            )
            return {"error": "invalid_client", "error_description": text}, 401
        self.signed_in += 1
        token = f"eyJ0eXAi.{uuid.uuid4().hex}"
        self.tokens[token] = time.monotonic() + self.lifetime
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": token,
        }, 200

    def _carry_out(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) < time.monotonic():
            raise Refused(
                "Authentication_InvalidCredentials",
                "The server has rejected the client credentials.",
                401,
            )
        if not request.path.startswith(ROOT):
            raise Refused("NoEnvironment", "Environment does not exist.", 404)
        request = replace(request, path=request.path.removeprefix(ROOT))
        problem = spec().request_problem(request)
        if problem:
            self.problems.append(problem)
            raise Refused("BadRequest", problem)
        data, status, kind = self._route(request)
        body = data if isinstance(data, bytes) else json.dumps(_bare(data)).encode()
        problem = spec().answer_problem(request, status, body if data else b"", kind)
        if problem:
            self.problems.append(problem)
        return data, status

    def _route(self, request):
        parts = urlsplit(request.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        if path == "/companies":
            return self._companies(query), 200, "application/json"
        company, _slash, rest = path.removeprefix("/companies(").partition(")/")
        self.called.append(f"{request.method} {re.sub(_GUID, '', rest)}")
        if company != COMPANY:
            words = "Can't process the request because the company can't be found."
            raise Refused("Internal_CompanyNotFound", words, 404)
        for method, pattern, name in _ROUTES:
            found = pattern.match(rest)
            if found and method == request.method:
                if method in ("PATCH", "DELETE") and "if-match" not in request.headers:
                    raise Refused(
                        "BadRequest_InvalidToken",
                        "Could not validate the client concurrency token required by"
                        " the service. Please provide a valid token.",
                    )
                return getattr(self, name)(request, query, *found.groups())
        words = f"Resource not found for the segment '{rest}'"
        raise Refused("BadRequest_ResourceNotFound", words, 404)

    # -- Calls: each returns data, status and content type

    def _companies(self, query):
        names = {COMPANY: "CRONUS USA, Inc.", OTHER_COMPANY: "My Company"}
        return self._paged(
            "companies",
            [
                {"id": key, "name": name, "displayName": name}
                for key, name in names.items()
            ],
            query,
        )

    def _paged(self, path, rows, query):
        """Return a page of rows, with a link when there are more."""
        start = int(query.get("$skiptoken", ["0"])[0])
        end = start + int(query.get("$top", [self.page])[0])
        answer = {"@odata.context": "$metadata", "value": rows[start:end]}
        if end < len(rows) and "$top" not in query:
            answer["@odata.nextLink"] = f"{self.url}{ROOT}/{path}?$skiptoken={end}"
        return answer

    def _list(self, _request, query, name):
        wanted = _wanted(query.get("$filter", [""])[0])
        expand = query.get("$expand", [""])[0] == KINDS[name][0]
        rows = [self._shown(one, expand) for one in self.books.find(name, wanted)]
        page = self._paged(f"companies({COMPANY})/{name}", rows, query)
        return page, 200, "application/json"

    def _shown(self, document, expand=False):
        shown = {"@odata.etag": self.books.etag(document), **document["fields"]}
        if expand:
            shown[KINDS[document["set"]][0]] = document["lines"]
        return shown

    def _create(self, request, _query, name):
        document = self.books.add(name, request.json())
        return self._shown(document), 201, "application/json"

    def _read_one(self, _request, _query, name, document_id):
        shown = self._shown(self.books.get(name, document_id))
        return shown, 200, "application/json"

    def _delete(self, request, _query, name, document_id):
        self.books.delete(name, document_id, request.headers["if-match"])
        return None, 204, ""

    def _post(self, _request, _query, name, document_id):
        self.books.post(name, document_id)
        return None, 204, ""

    def _files(self, _request, query, name, document_id):
        self.books.get(name, document_id)
        rows = [_tagged(row) for row in self.books.files_of(document_id)]
        return self._paged("", rows, query), 200, "application/json"

    def _add_file(self, request, _query):
        row = self.books.add_file(request.json())
        return _tagged(row), 201, "application/json"

    def _content(self, _request, _query, file_id):
        content = self.books.file(file_id)["content"]
        # OData's answer for a stream that holds nothing.
        return content or None, 200 if content else 204, "application/octet-stream"

    def _upload(self, request, _query, file_id):
        file = self.books.file(file_id)
        if request.headers["if-match"] not in (
            "*",
            _tagged(file["row"])["@odata.etag"],
        ):
            raise changed()
        file["content"] = request.body
        return None, 204, ""

    def _d(self, _request, query, line_id):
        rows = [_tagged(row) for row in self.books.dimensions(line_id).values()]
        return self._paged("", rows, query), 200, "application/json"

    def _add_dimension(self, request, _query, line_id):
        row = self.books.add_dimension(line_id, request.json())
        return _tagged(row), 201, "application/json"

    def _change_dimension(self, request, _query, line_id, dimension):
        row = self.books.change_dimension(line_id, dimension, request.json())
        return _tagged(row), 200, "application/json"

    def _setup(self, _request, query):
        row = {
            "id": str(uuid.UUID(int=1)),
            "allowPostingFrom": self.books.first_day,
            "allowPostingTo": NO_DAY,
            "localCurrencyCode": "USD",
        }
        return self._paged("", [row], query), 200, "application/json"

    def _master(self, _request, query, name):
        if name not in self.books.master:
            words = f"Resource not found for the segment '{name}'"
            raise Refused("BadRequest_ResourceNotFound", words, 404)
        rows = self.books.master[name]
        page = self._paged(f"companies({COMPANY})/{name}", rows, query)
        return page, 200, "application/json"


def _tagged(row):
    return {"@odata.etag": f'W/"{row["id"][:8]}"', **row}


def _bare(data):
    """Return the data without OData's annotations, which no schema lists."""
    if isinstance(data, dict):
        return {
            name: _bare(value)
            for name, value in data.items()
            if not name.startswith("@odata.")
        }
    return [_bare(row) for row in data] if isinstance(data, list) else data


def _wanted(text):
    """Return a test for ``field eq 'text'`` or ``field eq guid``, joined by ``or``."""
    parts = re.findall(r"(\w+) eq (?:'((?:[^']|'')*)'|([^\s']+))", text)
    tests = [(name, one.replace("''", "'") or other) for name, one, other in parts]
    joined = " or ".join(["x"] * len(tests))
    if text and re.sub(r"\w+ eq (?:'(?:[^']|'')*'|[^\s']+)", "x", text) != joined:
        raise Refused("BadRequest", f"no filter: {text}")
    return lambda fields: (
        not tests or any(str(fields.get(name)) == value for name, value in tests)
    )
