"""The identity service of a Xero of our own: the page on which a person consents, and
the tokens."""

import base64
import html
import secrets
import uuid
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

CLIENT, CLIENT_SECRET = "client-0123456789", "sEcret-of-the-xero-app-0123456789"
#: Those that an app made since March 2026 may ask a person for, as far as bills go
#: (developer.xero.com, *Granular scopes*).
GRANULAR = {
    "offline_access",
    "accounting.invoices",
    "accounting.contacts",
    "accounting.attachments",
    "accounting.settings.read",
}
PAGE = """<!doctype html><title>Xero of our own</title>
<h1>AP Sync wants access to {names}</h1>
<form method="post" action="/identity/consent">
<input type="hidden" name="asked" value="{asked}">
<button name="decision" value="allow">Allow access</button>
<button name="decision" value="deny">Cancel</button>
</form>{script}"""
#: A person who is there at once.
SCRIPT = "<script>document.querySelector('[value={}]').click()</script>"


class IdentityPages:
    """Part of ``FakeXero``; attributes that tests change:

    - ``redirect_uri``: what was entered in the developer portal;
    - ``person``: ``allow`` or ``deny``, what is pressed at once in a real browser;
    - ``offline``: whether the app has the right to refresh tokens;
    - ``scripted_tokens``: answers of the token endpoint, given first;
    - ``grace``: whether a refresh token that was used is taken once more, as Xero does
      for 30 minutes after an answer that was lost;
    - ``custom``: whether the client's secret alone gives tokens (Custom Connection).
    """

    def begin_identity(self):
        self.redirect_uri = ""
        self.person = ""
        self.offline = True
        self.scripted_tokens = []
        self.grace = False
        self.custom = True
        self.refresh = f"refresh-{uuid.uuid4()}"
        self.exchanged = []
        self._asked = {}
        self._codes = {}
        self._access = set()

    def expire_access(self):
        """Take no access token that was given so far."""
        with self._state:
            self._access.clear()

    def consent(self, address, decision="allow"):
        """Decide as a person would who was sent to this address; return where the
        browser is sent then. Without a browser, and without HTTP."""
        page, status = self._show_page(parse_qs(urlsplit(address).query))
        assert status == 200, page
        return self._decide(list(self._asked)[-1], decision)

    def identify(self, request, path):
        """Return ``(data, status, headers)``, or nothing for what is no page of the
        identity service."""
        match request.method, path:
            case "GET", "/identity/connect/authorize":
                query = parse_qs(urlsplit(request.path).query)
                return *self._show_page(query), {}
            case "POST", "/identity/consent":
                form = dict(parse_qsl(request.body.decode()))
                place = self._decide(form["asked"], form["decision"])
                return "", 303, {"Location": place}
            case "POST", "/connect/token":
                return *self._give_tokens(request), {}
        return None

    def _show_page(self, query):
        query = {name: values[0] for name, values in query.items()}
        wrong = [
            name
            for name, right in (
                ("response_type", "code"),
                ("client_id", CLIENT),
                ("redirect_uri", self.redirect_uri),
            )
            if query.get(name) != right
        ]
        if not set(query.get("scope", "").split()) <= GRANULAR:
            wrong.append("scope")
        if wrong:
            # Xero shows a page and sends the browser nowhere.
            return f"Sorry, something went wrong: {', '.join(wrong)}", 500
        asked = secrets.token_urlsafe()
        self._asked[asked] = query
        names = ", ".join(row["tenantName"] for row in self.tenants)
        script = SCRIPT.format(self.person) if self.person else ""
        return PAGE.format(
            names=html.escape(names), asked=html.escape(asked), script=script
        ), 200

    def _decide(self, asked, decision):
        query = self._asked.pop(asked)
        back = {"state": query["state"]}
        if decision == "allow":
            code = f"code-{secrets.token_urlsafe()}"
            self._codes[code] = query
            back |= {"code": code, "scope": query["scope"]}
        else:
            back["error"] = "access_denied"
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def _give_tokens(self, request):
        kind, _space, text = request.headers["authorization"].partition(" ")
        form = dict(parse_qsl(request.body.decode()))
        expected = f"{CLIENT}:{CLIENT_SECRET}"
        if kind != "Basic" or base64.b64decode(text).decode() != expected:
            return {"error": "invalid_client"}, 400
        if self.scripted_tokens:
            return self.scripted_tokens.pop(0)
        with self._state:
            match form.pop("grant_type"):
                case "client_credentials" if self.custom and form.keys() == {"scope"}:
                    return self._new_tokens(), 200
                case "refresh_token" if form.keys() == {"refresh_token"}:
                    return self._renew(form["refresh_token"])
                case "authorization_code" if form.keys() == {"code", "redirect_uri"}:
                    return self._redeem(form["code"], form["redirect_uri"])
        return {"error": "unauthorized_client"}, 400

    def _renew(self, token):
        again = self.grace and token in self.exchanged
        self.exchanged.append(token)
        if token != self.refresh and not again:
            return {"error": "invalid_grant"}, 400
        return self._new_pair(), 200

    def _redeem(self, code, redirect_uri):
        query = self._codes.pop(code, None)
        if not query or query["redirect_uri"] != redirect_uri:
            return {"error": "invalid_grant"}, 400
        if not self.offline or "offline_access" not in query["scope"].split():
            return self._new_tokens(), 200
        return self._new_pair(), 200

    def _new_pair(self):
        self.refresh = f"refresh-{uuid.uuid4()}"
        return {**self._new_tokens(), "refresh_token": self.refresh}

    def _new_tokens(self):
        token = f"access-{uuid.uuid4()}"
        self._access.add(token)
        return {"access_token": token, "expires_in": 1800, "token_type": "Bearer"}
