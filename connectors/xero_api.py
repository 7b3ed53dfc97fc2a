"""Calling Xero: its address, its tokens, the organisation.

Facts marked [F] are in Xero's OpenAPI descriptions (16.1.0); [M] are not, and were
taken from what its staff and other integrators say in public.
"""

from urllib.parse import quote, urlencode

from .base import ConnectorError, Outcome, Settings
from .calls import Memo, connect, repeatable
from .memory_tokens import MemoryTokens
from .redact import Redactor
from .tokens import Tokens
from .transport import MAX_BYTES, Answer
from .xero_errors import from_answer
from .xero_identity import XeroIdentity

ADDRESS = "https://api.xero.com"
#: Base path of the accounting API [F].
ACCOUNTING = "/api.xro/2.0"


class XeroApi:
    """Xero's API for one organisation. Safe for many threads.

    With ``settings.tokens`` it is an app that a user has connected: ``login`` is the
    client id, ``secret`` the client secret, and the store has the refresh token.
    Without, it is a Custom Connection: client id and secret alone give access [M].
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._tokens = settings.tokens or MemoryTokens()
        self.transport = connect(settings)
        self.identity = XeroIdentity(settings)
        self.remember = Memo().get

    def call(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        query: dict | None = None,
        headers: dict | None = None,
        data: object = None,
        body: bytes | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """Make one call and return Xero's answer of status 200.

        A token that Xero no longer takes is renewed once: what was answered with 401
        was surely not done.

        :raise ConnectorError: see ``xero_errors`` and ``Transport.request``.
        """
        if query:
            path = f"{path}?{urlencode(query, quote_via=quote)}"
        tokens = self._usable(deadline)
        for is_last in (False, True):
            answer = self.transport.request(
                method,
                path,
                headers={"Authorization": f"Bearer {tokens.access}", **(headers or {})},
                data=data,
                body=body,
                deadline=deadline,
                max_bytes=max_bytes,
            )
            if answer.status == 200:
                return answer
            error = from_answer(self.transport, answer)
            if is_last or answer.status != 401 or error.kind == "permission_missing":
                raise error
            tokens = self._renew(tokens.access, deadline)

    def sign_in(self, deadline: float) -> None:
        """Have a token that can be used; for *Test connection*.

        :raise ConnectorError: as ``TokenStore.renew``.
        """
        self._usable(deadline)

    def _usable(self, deadline):
        tokens = self._tokens.current()
        if not tokens.usable:
            return self._renew(tokens.access, deadline)
        self._hide(tokens)
        return tokens

    def _renew(self, worn, deadline):
        def exchange(refresh):
            self._hide(Tokens(refresh=refresh))  # an answer may repeat it
            return self.identity.exchange(refresh, deadline)

        tokens = self._tokens.renew(
            exchange,
            instead_of=worn,
            deadline=deadline,
        )
        self._hide(tokens)
        return tokens

    def _hide(self, tokens):
        """Let no token show in a message or excerpt: they change, so they are not
        among the secrets that were known in the beginning."""
        secrets = (self._settings.secret.strip(), tokens.access, tokens.refresh)
        redact = Redactor(secret for secret in secrets if secret)
        self.transport.redact = self.identity.transport.redact = redact


class Session:
    """The calls of one ``send`` or other task: same deadline, attempt, organisation."""

    def __init__(
        self, api: XeroApi, settings: Settings, deadline: float, attempt: str = ""
    ):
        self.api = api
        self.transport = api.transport
        self.options = settings.options
        self.company = settings.company.strip()
        self._deadline = deadline
        self.attempt = attempt

    def do(
        self,
        method: str,
        path: str,
        *,
        key: str,
        query: dict | None = None,
        data: object = None,
        body: bytes | None = None,
    ) -> Answer:
        """Make a call that changes something.

        :param path: after the base path of the accounting API.
        :param key: the ``Idempotency-Key``, of at most 128 letters [F]. Xero forgets
            it after some minutes [M], so it only guards against quick repetitions.
        """
        headers = {"Idempotency-Key": key}
        if self.attempt:
            headers["X-Attempt-Id"] = self.attempt
        return self._call(
            method, path, headers=headers, query=query, data=data, body=body
        )

    def ask(self, path: str, query: dict | None = None, **options) -> dict:
        """Make a call that only reads and return its data.

        :raise ConnectorError: never ambiguous: what changes nothing can simply be
            asked again, so it becomes ``erp_unavailable``, not sent.
        """
        with repeatable():
            body = self._call("GET", path, query=query, **options).json()
        return body if isinstance(body, dict) else {}

    def sign_in(self) -> None:
        """Have a token that can be used; for *Test connection*."""
        self.api.sign_in(self._deadline)

    def tenants(self) -> list[dict]:
        """Return the organisations that this login is connected to, asked for at most
        once in ten minutes."""
        return self.api.remember("tenants", 600, self._ask_tenants)

    @property
    def tenant(self) -> str:
        """The organisation's id: the one of the settings, else the only one there is.

        :raise ConnectorError: ``company_wrong``, when it is not clear which.
        """
        if self.company:
            return self.company
        tenants = self.tenants()
        if len(tenants) == 1:
            return str(tenants[0].get("tenantId") or "")
        raise ConnectorError(
            "company_wrong",
            f"Enter one of the organisations: {describe(tenants)}.",
            Outcome.REJECTED,
        )

    def _ask_tenants(self):
        with repeatable():
            # The path as Xero's OpenAPI description spells it [F].
            answer = self.api.call("GET", "/Connections", deadline=self._deadline)
            rows = answer.json()
        rows = rows if isinstance(rows, list) else []
        return [row for row in rows if row.get("tenantType") == "ORGANISATION"]

    def _call(self, method, path, headers=None, **options):
        headers = {"xero-tenant-id": self.tenant, **(headers or {})}
        return self.api.call(
            method,
            ACCOUNTING + path,
            headers=headers,
            deadline=self._deadline,
            **options,
        )


def describe(tenants: list[dict]) -> str:
    """Return organisations in words, with the ids to be entered."""
    names = [f"{row.get('tenantName')} ({row.get('tenantId')})" for row in tenants]
    return ", ".join(names) or "none is connected to this login"
