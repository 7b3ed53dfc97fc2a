"""The access token for Business Central: client credentials, kept in memory."""

import re
import threading
import time
from contextlib import contextmanager

from .base import ConnectorError, Outcome, Settings
from .transport import Transport

#: Where Microsoft Entra hands tokens out, but for its national clouds.
AUTHORITY = "https://login.microsoftonline.com"
#: Of Business Central as a whole; what the app may do there is set in its tenant.
SCOPE = "https://api.businesscentral.dynamics.com/.default"
#: Seconds before its end from which on a token is used no more.
MARGIN = 120.0

#: Of Entra's codes: the tenant is unknown, or its name is none.
_TENANT = re.compile(r"AADSTS(90002|900023|50020|900971)\b")


class Tokens:
    """Hands out the connection's access token. Safe for many threads.

    One token is asked for at a time: the others wait for it instead of asking for
    one each. It lives about an hour and stays in memory alone.

    :param tenant: id or domain of the customer's Microsoft Entra tenant.
    """

    def __init__(self, settings: Settings, tenant: str):
        self._tenant = tenant
        self._client = settings.login.strip()
        self._secret = settings.secret.strip()
        self._transport = Transport(
            settings.options.get("authority") or AUTHORITY,
            secrets=(self._secret,),
            allowed_hosts=settings.allowed_hosts,
            ca_file=settings.ca_file,
            timeout=settings.timeout,
        )
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def get(self, deadline: float, refused: str = "") -> str:
        """Return an access token.

        :param refused: the token that the ERP no longer takes: another is asked for,
            unless another thread did so already.
        :raise ConnectorError: never ambiguous, nothing reached the ERP:
            ``credentials_wrong`` or ``address_wrong`` (rejected), else not sent.
        """
        with self._held(deadline):
            stale = time.monotonic() >= self._until
            if not self._token or stale or self._token == refused:
                self._token = ""
                self._token, self._until = self._ask(deadline)
            return self._token

    @contextmanager
    def _held(self, deadline):
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise ConnectorError(
                "not_sent_in_time",
                "There was no time left to sign in.",
                Outcome.NOT_SENT,
            )
        try:
            yield
        finally:
            self._lock.release()

    def _ask(self, deadline):
        asked = time.monotonic()
        try:
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
        except ConnectorError as error:
            raise _unsent(error) from None
        except (TypeError, KeyError, ValueError):
            raise ConnectorError(
                "answer_unreadable",
                "Microsoft's sign-in service answered with no access token.",
                Outcome.NOT_SENT,
            ) from None
        return token, asked + seconds - min(MARGIN, seconds / 2)

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


def _unsent(error):
    if error.outcome is Outcome.AMBIGUOUS:
        error.outcome = Outcome.NOT_SENT
        error.kind = "erp_unavailable"
    return error
