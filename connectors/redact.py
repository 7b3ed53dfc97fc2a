"""Keeping secrets, and letters that play tricks, out of every text we store or show."""

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

EXCERPT = 2000
HIDDEN = "[hidden]"

_NAMED = re.compile(
    r"""(?ix)
    ( authorization | cookie | session_?id | api[_-]?key | token | passw(?:or)?d
      | secret )
    ( \\?["']? \s{0,9} [:=] \s{0,9} )
    ( \\?["'] [^"'\\\n]{0,4000} | (?: (?: bearer | basic ) \s+ )? [^\s"',;&}]{1,4000} )
    """
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{20,4000}")
_LOOKED_AT = 50_000


class Redactor:
    """Replaces known secrets, in the forms they travel in, and whatever stands after
    a name such as ``Authorization`` or ``api_key``.

    :param secrets: the values themselves. Values under four letters are left alone:
        hiding every *abc* would make a text useless and hide nothing.
    """

    def __init__(self, secrets: Iterable[str] = ()):
        secrets = [secret for secret in secrets if len(secret) > 3]
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._longest = max(map(len, forms), default=1)
        self._known = (
            re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
            if forms
            else None
        )

    def __call__(self, text: str, limit: int = EXCERPT) -> str:
        """Return the text without secrets, control or direction-changing letters,
        cut at ``limit`` letters. Line breaks stay."""
        # Cut last: half a secret, where the cut is, would not be known as one.
        whole = len(text) <= _LOOKED_AT
        text = clean(text[:_LOOKED_AT])
        if self._known:
            text = self._known.sub(HIDDEN, text)
        text = _NAMED.sub(lambda found: found[1] + found[2] + HIDDEN, text)
        text = _SCHEME.sub(lambda found: f"{found[1]} {HIDDEN}", text)
        if not whole:
            text = text[: -self._longest]
        return text if len(text) <= limit else text[: limit - 1] + "…"


def clean(text: str) -> str:
    """Return the text without control, format and bidirectional characters."""
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if text.isascii() and text.replace("\n", " ").isprintable():
        return text
    return "".join(
        letter
        for letter in text
        if letter == "\n" or unicodedata.category(letter) not in _STRIPPED
    )


_STRIPPED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _forms(secret):
    raw = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")
