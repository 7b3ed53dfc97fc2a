"""Tryton's REST API, which is there from 8.0 on (``trytond/protocols/rest.py``)."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from .base import ConnectorError, Outcome, Settings
from .calls import Memo, connect
from .transport import MAX_BYTES
from .tryton_errors import from_answer
from .tryton_json import base64_json, decode, encode


class TrytonRest:
    """One Tryton database. Safe for many threads.

    ``settings.secret`` is the key of a *user application* of the kind REST; it is
    the user's, whose rights apply.
    """

    def __init__(self, settings: Settings):
        self._secret = settings.secret.strip()
        self._database = settings.database.strip()
        self.transport = connect(settings)
        self.remember = Memo().get

    def call(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]] = (),
        data: Any = None,
        *,
        context: dict | None = None,
        headers: dict | None = None,
        deadline: float,
        max_bytes: int = MAX_BYTES,
    ) -> Any:
        """Make one call and return its data, typed values as Python's.

        :param path: below ``/<database>/rest/model/``.
        :raise ConnectorError: see ``tryton_errors`` and ``Transport.request``.
        """
        if not self._database:
            raise ConnectorError(
                "address_wrong",
                "Tryton needs the name of the database.",
                Outcome.REJECTED,
            )
        parts = "&".join(f"{name}={quote(value, safe='')}" for name, value in query)
        sent = {"Authorization": f"Bearer {self._secret}", **(headers or {})}
        if context:
            sent["X-Tryton-Context"] = base64_json(context)
        answer = self.transport.request(
            method,
            f"/{quote(self._database, safe='')}/rest/model/{path}"
            f"{'?' if parts else ''}{parts}",
            headers=sent,
            data=None if data is None else encode(data),
            deadline=deadline,
            max_bytes=max_bytes,
        )
        if answer.status == 204:
            return None
        if answer.status != 200:
            raise from_answer(self.transport, answer)
        try:
            return decode(answer.json())
        except (TypeError, KeyError, ValueError, ArithmeticError):
            raise ConnectorError(
                "answer_unreadable",
                "The ERP's answer could not be understood.",
                status=answer.status,
                excerpt=self.transport.excerpt(answer),
            ) from None

    def version(self, deadline: float) -> str:
        """Return the server's version, such as ``8.0.12``; needs no key.

        It is asked for in the older JSON-RPC, which every Tryton has.
        """
        answer = self.transport.request(
            "POST",
            "/rpc/",
            data={"id": 1, "method": "common.server.version", "params": []},
            deadline=deadline,
        )
        if answer.status >= 500:
            raise from_answer(self.transport, answer)
        body = answer.json() if answer.status == 200 else None
        version = body.get("result") if isinstance(body, dict) else None
        if not isinstance(version, str):
            raise ConnectorError(
                "address_wrong", "There is no Tryton at that address.", Outcome.REJECTED
            )
        return version
