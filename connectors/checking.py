"""*Test connection*: its steps in order, and the first ones, which are the same for all
ERPs of a customer's own."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .base import CheckItem, ConnectorError

REDIRECTED = "Enter the address it leads to, without anything after the host."
#: What to do, by the kind of error.
_HELP = {
    "redirected": REDIRECTED,
    "certificate_invalid": "Have the server's administrator renew the certificate, or"
    " name its authority in odoo.conf (ap_sync_ca_file).",
}

#: Name, what is looked at (whether it is well, and words for it), what to do when it is
#: not, and whether the steps after it are pointless then.
Step = tuple[str, Callable[[Any], tuple[bool, str]], str, bool]


def in_order(*parts: Iterable[CheckItem]) -> list[CheckItem]:
    """Return the items of the parts, up to the first part in which one is wrong."""
    items = []
    for part in parts:
        items += part
        if not all(item.ok for item in items):
            break
    return items


def server(
    url: str, name: str, ask: Callable[[], tuple[bool, str]], todo: dict[str, str]
) -> Iterator[CheckItem]:
    """Yield what one call without a key tells: address, certificate and version.

    :param name: of the product, with its article.
    :param ask: whether its version will do, and which it is; may raise
        ``ConnectorError``.
    :param todo: what to do about ``address`` and ``version``.
    """
    try:
        ok, version = ask()
    except ConnectorError as error:
        help_ = _HELP.get(error.kind, todo["address"])
        if error.kind == "certificate_invalid":
            yield CheckItem("Address", True, f"A server answers at {url}.")
            yield CheckItem("Certificate", False, error.message, help_)
        else:
            yield CheckItem("Address", False, error.message, help_)
        return
    yield CheckItem("Address", True, f"{name} answers at {url}.")
    if url.startswith("https:"):
        yield CheckItem("Certificate", True, "It is valid.")
    else:
        text = "None: with http the key and the bills travel unencrypted."
        yield CheckItem("Certificate", True, text)
    yield CheckItem("Version", ok, f"It is {version}.", "" if ok else todo["version"])


def login(
    database: str, sign_in: Callable[[], str], todo: dict[str, str]
) -> Iterator[CheckItem]:
    """Yield what the first call with the key tells: database and key.

    :param sign_in: words for what it is good for; may raise ``ConnectorError``.
    :param todo: what to do about ``database`` and ``key``.
    """
    try:
        words = sign_in()
    except ConnectorError as error:
        # A server that does not know the database can't look at the key.
        if error.kind == "address_wrong":
            yield CheckItem("Database", False, error.message, todo["database"])
        else:
            yield CheckItem("Database", True, f"{database}.")
            yield CheckItem("Key", False, error.message, todo["key"])
        return
    yield CheckItem("Database", True, f"{database}.")
    yield CheckItem("Key", True, words)


def steps(
    wanted: Iterable[Step], session: Any, todo: dict[str, str] | None = None
) -> Iterator[CheckItem]:
    """Yield what the steps tell, up to one that makes the rest pointless.

    :param todo: what to do by the kind of error, instead of what the step says.
    """
    for name, look, help_, needed in wanted:
        try:
            ok, message = look(session)
        except ConnectorError as error:
            ok, message = False, error.message
            help_ = (todo or {}).get(error.kind, help_)
        yield CheckItem(name, ok, message, "" if ok else help_)
        if needed and not ok:
            break
