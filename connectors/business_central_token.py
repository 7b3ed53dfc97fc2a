"""The access token for Business Central: client credentials, kept in memory."""

import re
import time

from .base import ConnectorError, Outcome, Settings
from .calls import connect, repeatable
from .memory_tokens import MemoryTokens
from .tokens import Tokens

#: Where Microsoft Entra hands tokens out, but for its national clouds.
AUTHORITY = "https://login.microsoftonline.com"
#: Of Business Central as a whole; what the app may do there is set in its tenant.
SCOPE = "https://api.businesscentral.dynamics.com/.default"

#: Of Entra's codes: the tenant is unknown, or its name is none.
_TENANT = re.compile(r"AADSTS(90002|900023|50020|900971)\b")


class SignIn:
    """Hands out the connection's access token. Safe for many threads.

    One token is asked for at a time: the others wait for it instead of asking for
    one each. It lives about an hour and stays in memory alone.

    :param tenant: id or domain of the customer's Microsoft Entra tenant.
    """

    def __init__(self, settings: Settings, tenant: str):
        self._tenant = tenant
        self._client = settings.login.strip()
        self._secret = settings.secret.strip()
        self._transport = connect(
            settings, settings.options.get("authority") or AUTHORITY
        )
        self._tokens = MemoryTokens()

    def token(self, deadline: float, refused: str = "") -> str:
        """Return an access token.

        :param refused: the token that the ERP no longer takes: another is asked for,
            unless another thread did so already.
        :raise ConnectorError: never ambiguous, nothing reached the ERP:
            ``credentials_wrong`` or ``address_wrong`` (rejected), else not sent.
        """
        tokens = self._tokens.current()
        if not tokens.usable or tokens.access == refused:
            tokens = self._tokens.renew(
                lambda _refresh: self._ask(deadline),
                instead_of=refused,
                deadline=deadline,
            )
        return tokens.access

    def _ask(self, deadline):
        asked = time.time()
        try:
            with repeatable():
                answer = self._transport.request(
                    "POST",
                    f"/{self._tenant}/oauth2/v2.0/token",
                    form={
                        "grant_type": "client_credentials",
                        "client_id": self._client,
                        "client_secret": self._secret,
                        "scope": SCOPE,
                    },
                    deadline=deadline,
                )
                if answer.status != 200:
                    raise self._refusal(answer)
                data = answer.json()
            token, seconds = str(data["access_token"]), float(data["expires_in"])
        except (TypeError, KeyError, ValueError):
            raise ConnectorError(
                "answer_unreadable",
                "Microsoft's sign-in service answered with no access token.",
                Outcome.NOT_SENT,
            ) from None
        return Tokens(token, until=asked + seconds)

    def _refusal(self, answer):
        """Entra answers ``{"error": …, "error_description": "AADSTS…: …"}``."""
        try:
            data = answer.json()
            code, words = str(data["error"]), str(data.get("error_description") or "")
        except (ConnectorError, TypeError, KeyError, AttributeError):
            return self._transport.failure(answer)
        if answer.status >= 500 or answer.status == 429:
            return self._transport.failure(answer)
        wrong = "address_wrong" if _TENANT.search(words) else "credentials_wrong"
        # Its first line says what is wrong; the others are numbers for its support.
        words = self._transport.redact(words.partition("\n")[0].strip() or code, 400)
        return ConnectorError(
            wrong,
            f"Microsoft refuses to sign in: {words}",
            Outcome.REJECTED,
            status=answer.status,
        )
