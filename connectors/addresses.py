"""Where a connector may connect to, and where not.

The address of an ERP is typed in by people, so by itself it could point at anything
our server can reach (SSRF). Only public addresses are open to everybody; private
ones have to be named in odoo.conf, and some are closed for good.
"""

import ipaddress
import queue
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from .base import ConnectorError, Outcome

OPTION = "ap_sync_allowed_hosts"
CONNECT_SECONDS = 10.0

#: What the Internet's own addresses are: of the others Python's `is_global` calls some
#: global that are used inside (fec0::/10, 192.0.0.192), or for nothing yet.
_INTERNET = ipaddress.ip_network("2000::/3")
_RESERVED = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "2002::/16")
)
#: Ranges that carry an IPv4 address inside an IPv6 one. What is at the other end is
#: decided by a translator we know nothing about.
_TUNNELS = tuple(
    ipaddress.ip_network(text)
    for text in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
#: Never, whatever odoo.conf says: the cloud machines' own metadata and key services.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",
        "fe80::/10",
        "fd00:ec2::/32",  # Amazon
        "fd20:ce::/32",  # Google
        "fd00:42::42",  # Scaleway
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, a public address otherwise
        "192.0.0.192",  # Oracle
    )
)


@dataclass(frozen=True)
class Target:
    """A base address taken apart: ``https://erp.example.com:8069/odoo``."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """The host as people know it, with an unusual port."""
        usual = 443 if self.scheme == "https" else 80
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == usual else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """Return the parts of a base address.

    :raise ConnectorError: ``address_wrong``, for anything but a plain http(s)
        address: user names, queries and fragments have no place in it.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").rstrip(".")
        host.encode("idna")
    except ValueError:
        raise _wrong("The address is not a web address.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _wrong("The address has to begin with https:// and name a host.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise _wrong("The address must hold no user name, no ? and no #.")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url.strip()):
        raise _wrong("The address must hold no spaces.")
    return Target(parts.scheme, host, port, parts.path.rstrip("/"))


def resolve(
    target: Target, allowed_hosts: tuple[str, ...], deadline: float
) -> list[tuple]:
    """Return the checked socket addresses of a target, as ``getaddrinfo`` rows.

    The caller connects to one of these and asks for the name no second time: a name
    server that answers with a public address first and 127.0.0.1 afterwards
    (rebinding) gets nowhere.

    :param allowed_hosts: host names, addresses or networks out of odoo.conf.
    :param deadline: of ``time.monotonic()``; the name server has until then.
    :raise ConnectorError: ``address_refused`` or ``erp_unavailable``, not sent.
    """
    rows = _look_up(target, deadline)
    for row in rows:
        address = ipaddress.ip_address(row[4][0])
        named = _is_named(target.host, address, allowed_hosts)
        if _is_never(address):
            raise _refused(f"{target.shown} is closed for good", "")
        if not named and not _is_public(address):
            raise _refused(f"{target.shown} is not a public address", target.host)
        if not named and target.scheme != "https":
            raise _refused(f"{target.shown} is called without encryption", target.host)
        if not named and target.port != 443 and target.port < 1024:
            raise _refused(f"{target.port} is not the port of a website", target.host)
    return rows


def _look_up(target, deadline):
    # getaddrinfo knows no time limit, so it runs beside us: a thread that a silent
    # name server holds up is left to end by itself.
    answers = queue.SimpleQueue()

    def ask():
        try:
            rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            rows = error
        answers.put(rows)

    threading.Thread(target=ask, name="ap_sync_dns", daemon=True).start()
    try:
        rows = answers.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        rows = TimeoutError()
    if isinstance(rows, Exception) or not rows:
        raise ConnectorError(
            "erp_unavailable",
            f"The host name {target.host} could not be found.",
            Outcome.NOT_SENT,
        )
    return rows


def _is_public(address):
    if address.version == 6 and (address not in _INTERNET or address.teredo):
        return False
    if any(address in net for net in _RESERVED if net.version == address.version):
        return False
    # `is_global`, not `not is_private`: 100.64.0.0/10 is neither.
    return address.is_global and not address.is_multicast


def _is_never(address):
    inner = [address, getattr(address, "ipv4_mapped", None)]
    inner.append(getattr(address, "sixtofour", None))
    if address.version == 6 and any(address in network for network in _TUNNELS):
        inner.append(ipaddress.ip_address(int(address) & 0xFFFFFFFF))
    return any(
        one in network
        for one in inner
        if one is not None
        for network in _NEVER
        if network.version == one.version
    )


def _is_named(host, address, allowed_hosts):
    for entry in allowed_hosts:
        try:
            network = ipaddress.ip_network(entry.strip().strip("[]"), strict=False)
        except ValueError:
            if entry.strip().rstrip(".").casefold() == host.casefold():
                return True
            continue
        if network.version == address.version and address in network:
            return True
    return False


def _wrong(message):
    return ConnectorError("address_wrong", message, Outcome.NOT_SENT)


def _refused(why, host):
    remedy = f" If it is your own, add {host} to {OPTION} in odoo.conf." if host else ""
    return ConnectorError("address_refused", f"{why}.{remedy}", Outcome.NOT_SENT)
