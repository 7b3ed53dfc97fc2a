"""Access to Xero: where a person gives it, and where tokens are had for it.

Facts marked [F] are in Xero's OpenAPI description of its identity service (16.1.0),
[D] in its developers' pages (developer.xero.com: *The standard authorization code
flow*, *Troubleshooting*, *Granular scopes*); [M] were taken from what its staff and
other integrators say in public.

An app with a client secret proves itself by that; PKCE, says Xero, is for apps that
can keep none [D], so it is not used here.
"""

import base64
import time
from urllib.parse import quote, urlencode, urlsplit

from .base import ConnectorError, Outcome, Settings
from .calls import connect, repeatable
from .redact import Redactor
from .tokens import EXCHANGE_SECONDS, Tokens
from .xero_errors import from_identity

#: Where a browser is sent, and where tokens are given [F]. Any other address of the
#: connection than Xero's own, such as that of a gateway, stands for both.
LOGIN = "https://login.xero.com"
AUTHORIZE_PATH = "/identity/connect/authorize"
IDENTITY = "https://identity.xero.com"
TOKEN_PATH = "/connect/token"
#: What a Custom Connection asks for.
SCOPES = (
    "accounting.transactions accounting.contacts accounting.attachments"
    " accounting.settings.read"
)
#: What a person is asked for. ``accounting.invoices``, which is for bills and credit
#: notes as well: apps made since March 2026 can't ask for ``accounting.transactions``,
#: and older ones may ask for either [D]. Without ``offline_access`` there would be no
#: refresh token [D].
CONSENT_SCOPES = (
    "offline_access accounting.invoices accounting.contacts accounting.attachments"
    " accounting.settings.read"
)


class XeroIdentity:
    """Xero's identity service, for the app of one connection. Safe for many threads."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._own = settings.url.strip().rstrip("/")
        host = urlsplit(self._own).hostname or ""
        self._is_xero = host.endswith(".xero.com")
        self.transport = connect(settings, IDENTITY if self._is_xero else "")

    def consent_address(self, redirect_uri: str, state: str) -> str:
        """Return where a person gives the app access [F]; see
        ``Connector.consent_address``."""
        query = {
            "response_type": "code",
            "client_id": self._settings.login,
            "redirect_uri": redirect_uri,
            "scope": CONSENT_SCOPES,
            "state": state,
        }
        base = LOGIN if self._is_xero else self._own
        return f"{base}{AUTHORIZE_PATH}?{urlencode(query, quote_via=quote)}"

    def redeem(self, code: str, redirect_uri: str, deadline: float) -> Tokens:
        """Buy the first tokens with what a consent has brought [D]; see
        ``Connector.redeem``."""
        self.transport.redact = Redactor((self._settings.secret.strip(), code))
        answer = self._ask(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
            },
            deadline,
        )
        if answer.status != 200:
            raise self._no_consent(answer)
        tokens = _tokens(answer, "")
        if not tokens.refresh:
            raise ConnectorError(
                "permission_missing",
                "Xero gave no refresh token: the app lacks the right offline_access.",
                Outcome.REJECTED,
            )
        return tokens

    def exchange(self, refresh: str, deadline: float) -> Tokens:
        """Buy tokens; see ``tokens.Exchange``. Without a refresh token the app's own
        key has to do (Custom Connection) [M]."""
        if refresh:
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        else:
            form = {"grant_type": "client_credentials", "scope": SCOPES}
        answer = self._ask(form, deadline)
        if answer.status != 200:
            raise from_identity(self.transport, answer)
        return _tokens(answer, refresh)

    def _ask(self, form, deadline):
        """The client id and secret go as basic authentication [D]."""
        login = f"{self._settings.login}:{self._settings.secret.strip()}"
        basic = base64.b64encode(login.encode()).decode()
        # No bill goes with this call. Whether the token was used up is another matter:
        # Xero takes it again for 30 minutes [M].
        with repeatable():
            return self.transport.request(
                "POST",
                TOKEN_PATH,
                headers={"Authorization": f"Basic {basic}"},
                form=form,
                deadline=min(deadline, time.monotonic() + EXCHANGE_SECONDS),
            )

    def _no_consent(self, answer):
        error = from_identity(self.transport, answer)
        if error.kind == "token_expired":
            # Too old, used already, or the redirect URI is not that of the consent.
            error.message = "Xero no longer takes what this consent has brought."
        return error


def _tokens(answer, refresh):
    body = answer.json()
    try:
        return Tokens(
            access=str(body["access_token"]),
            refresh=str(body.get("refresh_token") or refresh),
            # 30 minutes, says Xero's answer [F]; whatever it says counts.
            until=time.time() + float(body["expires_in"]),
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ConnectorError(
            "answer_unreadable", "Xero gave no token.", Outcome.NOT_SENT
        ) from None
