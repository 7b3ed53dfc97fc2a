"""Calling methods of another Odoo: JSON-2 (19 and newer) or JSON-RPC (older)."""

from typing import Any

from .base import ConnectorError, Outcome, Settings
from .calls import Memo, connect, repeatable, sleep
from .odoo_errors import from_answer, from_exception
from .transport import MAX_BYTES

#: Methods whose first argument is not a list of ids, of those that are called.
_MODEL_METHODS = {
    "check_access_rights",
    "check_object_reference",
    "context_get",
    "create",
    "fields_get",
    "load",
    "search",
    "search_count",
    "search_read",
}


class OdooRpc:
    """The other Odoo's API. Safe for many threads.

    ``settings.options["protocol"]`` is ``json2``, ``jsonrpc`` or ``auto`` (the server
    is asked for its version). JSON-2 takes an API key alone; JSON-RPC takes the
    database, the login, and the API key as password.
    """

    def __init__(self, settings: Settings):
        self._secret = settings.secret.strip()
        self.transport = connect(settings)
        self._settings = settings
        self.protocol = settings.options.get("protocol") or "auto"
        self.remember = Memo().get

    def version(self, deadline: float) -> int:
        """Return the server's major version, such as 19."""
        return self.remember("version", 3600, lambda: self._ask_version(deadline))

    def call(
        self,
        model: str,
        method: str,
        arguments: dict,
        *,
        deadline: float,
        attempt: str = "",
        max_bytes: int = MAX_BYTES,
    ) -> Any:
        """Call one method and return its result.

        :param arguments: named; ``ids`` are the records it is called on, and
            ``context`` is the context.
        :raise ConnectorError: see ``odoo_errors`` and ``Transport.request``.
        """
        headers = {"X-Attempt-Id": attempt} if attempt else {}
        options = {"deadline": deadline, "headers": headers, "max_bytes": max_bytes}
        if self._is_json2(deadline):
            return self._json2(model, method, arguments, options)
        arguments = dict(arguments)
        args = [] if method in _MODEL_METHODS else [arguments.pop("ids", [])]
        if method == "create":  # older versions look at the first argument's type
            args = [arguments.pop("vals_list")]
        call = [self._uid(deadline), self._secret, model, method]
        return self._jsonrpc(
            "object",
            "execute_kw",
            [self._settings.database, *call, args, arguments],
            options,
        )

    def _is_json2(self, deadline):
        if self.protocol == "auto":
            return self.version(deadline) >= 19
        return self.protocol == "json2"

    def _json2(self, model, method, arguments, options):
        options["headers"]["Authorization"] = f"Bearer {self._secret}"
        if self._settings.database:
            options["headers"]["X-Odoo-Database"] = self._settings.database
        answer = self.transport.request(
            "POST", f"/json/2/{model}/{method}", data=arguments, **options
        )
        if answer.status != 200:
            raise from_answer(self.transport, answer)
        return answer.json()

    def _jsonrpc(self, service, method, args, options):
        params = {"service": service, "method": method, "args": args}
        return self._post("/jsonrpc", params, options)

    def _post(self, path, params, options):
        data = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        answer = self.transport.request("POST", path, data=data, **options)
        if answer.status != 200:
            raise from_answer(self.transport, answer)
        body = answer.json()
        if not isinstance(body, dict) or "jsonrpc" not in body:
            raise ConnectorError(
                "answer_unreadable",
                "The ERP's answer could not be read: it is no JSON-RPC.",
                excerpt=self.transport.excerpt(answer),
            )
        if "error" in body:
            error = body["error"] if isinstance(body["error"], dict) else {}
            inner = error.get("data") if isinstance(error.get("data"), dict) else {}
            raise from_exception(
                str(inner.get("name") or ""),
                str(inner.get("message") or error.get("message") or ""),
                self.transport.redact,
                status=200,
            )
        return body.get("result")  # left out by the server when it is None

    def _uid(self, deadline):
        return self.remember("uid", 3600, lambda: self._ask_uid(deadline))

    def _ask_uid(self, deadline):
        if not (self._settings.database and self._settings.login):
            raise ConnectorError(
                "address_wrong",
                "Odoo before 19 needs the names of the database and of the user.",
                Outcome.REJECTED,
            )
        args = [
            self._settings.database,
            self._settings.login,
            self._secret,
            {},
        ]
        uid = self._jsonrpc(
            "common", "authenticate", args, {"deadline": deadline, "headers": {}}
        )
        if not uid:
            raise ConnectorError(
                "credentials_wrong",
                f"The ERP does not know the user {self._settings.login} with this key.",
                Outcome.REJECTED,
            )
        return uid

    def _ask_version(self, deadline):
        body = self._post(
            "/web/webclient/version_info", {}, {"deadline": deadline, "headers": {}}
        )
        try:
            # "saas~18" on the hosted versions in between
            return int(str(body["server_version_info"][0]).rpartition("~")[2])
        except (TypeError, KeyError, ValueError, IndexError):
            raise ConnectorError(
                "address_wrong",
                "There is no Odoo at that address.",
                Outcome.REJECTED,
            ) from None


class Session:
    """The calls of one ``send`` or other task: same deadline, company and attempt."""

    def __init__(
        self, rpc: OdooRpc, settings: Settings, deadline: float, attempt: str = ""
    ):
        self.rpc = rpc
        self.options = settings.options
        self._settings = settings
        self._deadline = deadline
        self._attempt = attempt

    def do(self, model: str, method: str, **arguments) -> Any:
        """Call a method that changes something, in the connection's company."""
        context = {
            "allowed_company_ids": [self.company],
            **arguments.pop("context", {}),
        }
        return self._call(model, method, {**arguments, "context": context})

    def ask(self, model: str, method: str, **arguments) -> Any:
        """Call a method that only reads, or may be repeated without harm.

        :raise ConnectorError: never ambiguous: what changes nothing can simply be
            asked again, so it becomes ``erp_unavailable``, not sent.
        """
        with repeatable():
            return self.do(model, method, **arguments)

    def ask_anywhere(self, model: str, method: str, **arguments) -> Any:
        """Like ``ask``, before the company is known."""
        with repeatable():
            return self._call(model, method, arguments)

    @property
    def company(self) -> int:
        """The ERP's id of the company bills go to: the one of the settings, else the
        company of the key's user."""
        if self._settings.company:
            return number(self._settings.company, "company_wrong")
        return self.rpc.remember("company", 3600, self._own_company)

    @property
    def database(self) -> str:
        """The name of the database, empty where the server has one alone."""
        return self._settings.database

    @property
    def version(self) -> int:
        """The server's major version."""
        with repeatable():
            return self.rpc.version(self._deadline)

    def sleep(self, seconds: float) -> bool:
        """Wait, unless the deadline comes first; tell whether there is time left."""
        return sleep(seconds, self._deadline)

    def existing(self, model: str, names: tuple[str, ...]) -> set[str]:
        """Return those of the field names that the server's version has and the
        key's user may read; asked once an hour."""

        def ask():
            fields = self.ask_anywhere(
                model, "fields_get", allfields=list(names), attributes=["type"]
            )
            return set(fields) & set(names)

        return self.rpc.remember(f"fields {model} {names}", 3600, ask)

    def _own_company(self):
        uid = self.ask_anywhere("res.users", "context_get").get("uid")
        rows = self.ask_anywhere("res.users", "read", ids=[uid], fields=["company_id"])
        return rows[0]["company_id"][0]

    def _call(self, model, method, arguments):
        max_bytes = arguments.pop("max_bytes", MAX_BYTES)
        return self.rpc.call(
            model,
            method,
            arguments,
            deadline=self._deadline,
            attempt=self._attempt,
            max_bytes=max_bytes,
        )


def number(text: str, kind: str = "mapping_changed") -> int:
    """Return an id of the ERP as a number.

    :raise ConnectorError: of the given kind, rejected, when it is none.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    raise ConnectorError(kind, f"“{text[:40]}” is no id of Odoo.", Outcome.REJECTED)
