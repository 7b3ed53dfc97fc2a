"""One HTTP call to an ERP, with every way it can end told apart.

``http.client`` on a socket of our own is used, not ``requests``: what has to be known
here is exactly what that hides (was a byte written, which address was called, how
long did it take altogether). It reads no proxies, no .netrc and follows no redirect.
"""

import email.utils
import http.client
import json
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode, urlsplit

from .addresses import CONNECT_SECONDS, parse, resolve
from .base import ConnectorError, Outcome
from .redact import EXCERPT, Redactor
from .wire import Unreadable, Wire, first_open, read_body

MAX_BYTES = 5_000_000
MAX_WAIT = 24 * 3600.0
#: Seconds that the addresses of a name are not asked for again.
RESOLVED = 30.0


@dataclass(frozen=True)
class Answer:
    """A whole answer of the ERP, of any status but a redirect.

    ``headers`` have lower-case names; ``body`` is unpacked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self):
        """Return the body's data, numbers with a fraction as ``Decimal``.

        :raise ConnectorError: ``answer_unreadable``, ambiguous, when it is no JSON.
        """
        try:
            return json.loads(
                self.body, parse_float=Decimal, parse_constant=_no_such_number
            )
        except (ValueError, RecursionError) as error:
            raise ConnectorError(
                "answer_unreadable",
                "The ERP's answer could not be read: it is no JSON.",
                status=self.status,
            ) from error

    @property
    def retry_after(self) -> float | None:
        """Seconds the ERP asks us to wait, at most a day; ``None`` when it does not,
        or not sensibly."""
        text = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(text)
        except ValueError:
            try:
                moment = email.utils.parsedate_to_datetime(text)
            except ValueError:
                return None
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        # Of a wait of no time nothing is to be honoured: our own pauses are longer.
        if not 0 < seconds < 1e8:
            return None
        return min(seconds, MAX_WAIT)


class Transport:
    """Calls one ERP. Safe for many threads: calls share nothing but what was found out
    about the address.

    :param base_url: the address as it was typed in.
    :param secrets: values that must never show in a message or excerpt.
    :param allowed_hosts: private hosts and networks that odoo.conf opens.
    :param ca_file: a certificate authority of one's own. Certificates are always
        verified; there is no switch.
    :param timeout: seconds one call may take altogether, from the name look-up to the
        last byte.
    """

    def __init__(
        self,
        base_url: str,
        *,
        secrets: tuple[str, ...] = (),
        allowed_hosts: tuple[str, ...] = (),
        ca_file: str = "",
        timeout: float = 60.0,
    ):
        self.base_url = base_url.strip().rstrip("/")
        self.redact = Redactor(secrets)
        self._allowed_hosts = allowed_hosts
        self._ca_file = ca_file
        self._timeout = timeout
        self._context = None
        self._resolved = ((), 0.0)  # the addresses, and until when they hold
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: object = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: float,
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """Make one call and return the ERP's answer, whatever its status.

        :param path: is put after the base address.
        :param data: is sent as JSON; ``None`` sends no body.
        :param form: is sent as a web form instead.
        :param body: is sent as it is instead, as ``application/octet-stream`` unless
            the headers say something else.
        :param deadline: of ``time.monotonic()``; nothing is written after it, nor
            waited for.
        :param max_bytes: of the unpacked body.
        :raise ConnectorError: not sent, as long as no byte was written; afterwards
            ambiguous (``no_answer``, ``answer_unreadable``); rejected for a redirect.
        """
        target = parse(self.base_url)
        end = min(deadline, time.monotonic() + self._timeout)
        body, kind = _encode(data, form, body)
        sent = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Connection": "close",
            "User-Agent": "ap_sync",
            **({"Content-Type": kind} if kind else {}),
            **(headers or {}),
        }
        wire = None
        try:
            wire = self._connect(target, end)
            # A new connection each time: on a kept one the server may have hung up
            # already, and who then "simply" sends again may send twice.
            call = http.client.HTTPConnection(target.host, target.port)
            call.auto_open = 0
            call.default_port = 443 if target.scheme == "https" else 80
            call.sock = wire
            call.request(method, target.path + path, body, sent)
            wire.flush()
            response = call.getresponse()
            answer = Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                read_body(response, max_bytes),
            )
        except ConnectorError as error:
            raise self._clean(error) from None
        except Exception as error:
            raise self._failure(target, wire, error) from None
        finally:
            if wire:
                wire.shut()
        if 300 <= answer.status < 400:
            raise self._redirected(answer)
        return answer

    def failure(self, answer: Answer, message: str = "") -> ConnectorError:
        """Return the error an answer's status alone stands for; what a connector
        reads in the body comes first.

        :param message: the ERP's own words, if any.
        """
        kind, outcome, words = _by_status(answer.status)
        return ConnectorError(
            kind,
            self.redact(message or words),
            outcome,
            status=answer.status,
            retry_after=answer.retry_after if answer.status in (429, 503) else None,
            excerpt=self.excerpt(answer),
        )

    def excerpt(self, answer: Answer) -> str:
        """Return the beginning of an answer, fit to be stored."""
        return self.redact(answer.body[: 20 * EXCERPT].decode("utf-8", "replace"))

    def _connect(self, target, end):
        wait = min(end, time.monotonic() + CONNECT_SECONDS)
        if time.monotonic() >= end:
            raise _too_late()
        sock = self._open(target, wait)
        try:
            if target.scheme == "https":
                sock.settimeout(max(0.001, wait - time.monotonic()))
                sock = self._tls().wrap_socket(sock, server_hostname=target.host)
        except ssl.SSLCertVerificationError as error:
            sock.close()
            raise ConnectorError(
                "certificate_invalid",
                f"The certificate of {target.shown} is not valid: "
                f"{error.verify_message}.",
                Outcome.NOT_SENT,
            ) from None
        except OSError:
            sock.close()
            raise ConnectorError(
                "erp_unavailable",
                f"{target.shown} accepts no encrypted connection.",
                Outcome.NOT_SENT,
            ) from None
        return Wire(sock, end)

    def _open(self, target, end):
        rows, until = self._resolved
        if time.monotonic() >= until:
            rows = resolve(target, self._allowed_hosts, end)
            # They were checked: that they are kept opens nothing to anybody.
            self._resolved = rows, time.monotonic() + RESOLVED
        try:
            return first_open(rows, target, end)
        except ConnectorError:
            self._resolved = ((), 0.0)  # it may have moved
            raise

    def _tls(self):
        with self._lock:
            if self._context is None:
                try:
                    self._context = ssl.create_default_context(
                        cafile=self._ca_file or None
                    )
                except OSError:
                    raise ConnectorError(
                        "certificate_invalid",
                        "The file with the certificate authority cannot be read.",
                        Outcome.NOT_SENT,
                    ) from None
            return self._context

    def _failure(self, target, wire, error):
        if wire is None or not wire.written:
            if isinstance(error, TimeoutError):
                return _too_late()
            if isinstance(error, ValueError):
                # http.client's words would quote the header, and so the key.
                return ConnectorError(
                    "credentials_wrong",
                    "The key holds letters that cannot be sent.",
                    Outcome.NOT_SENT,
                )
            return ConnectorError(
                "erp_unavailable",
                f"{target.shown} could not be called.",
                Outcome.NOT_SENT,
            )
        unreadable = isinstance(error, Unreadable | zlib.error) or (
            isinstance(error, http.client.HTTPException)
            and not isinstance(error, http.client.RemoteDisconnected)
        )
        if unreadable:
            return ConnectorError(
                "answer_unreadable",
                f"The answer of {target.shown} was cut off, too long or garbled.",
            )
        why = (
            "did not answer in time"
            if isinstance(error, TimeoutError)
            else "broke off the connection"
        )
        return ConnectorError("no_answer", f"{target.shown} {why}.")

    def _redirected(self, answer):
        place = self.redact(answer.headers.get("location", ""), 500)
        try:
            parts = urlsplit(place)
            place = f"{parts.scheme}://{parts.hostname}" if parts.hostname else "itself"
        except ValueError:
            place = "elsewhere"
        return ConnectorError(
            "redirected",
            f"The address answers with a redirect to {place}, which is not followed.",
            Outcome.REJECTED,
            status=answer.status,
        )

    def _clean(self, error):
        error.message = self.redact(error.message)
        error.args = (error.message,)
        return error


def _encode(data, form, body):
    """Return the body's bytes and their content type; of the three one is given."""
    if body is not None:
        return body, "application/octet-stream"
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    if data is not None:
        return json.dumps(data).encode(), "application/json"
    return None, ""


def _by_status(status):
    match status:
        case 401:
            return "credentials_wrong", Outcome.REJECTED, "The ERP refuses the key."
        case 403:
            return "permission_missing", Outcome.REJECTED, "The ERP refuses access."
        case 404 | 405 | 410:
            words = f"There is no such page at that address (HTTP {status})."
            return "address_wrong", Outcome.REJECTED, words
        case 400 | 413 | 415 | 422:
            words = f"The ERP did not accept the request (HTTP {status})."
            return "invalid_data", Outcome.REJECTED, words
        case 429:
            words = "The ERP asks for fewer requests."
            return "rate_limited", Outcome.NOT_SENT, words
        case _ if 200 <= status < 300:
            words = "The ERP's answer could not be read."
            return "answer_unreadable", Outcome.AMBIGUOUS, words
        case _:
            words = f"The ERP answered with an error (HTTP {status})."
            return "no_answer", Outcome.AMBIGUOUS, words


def _too_late():
    return ConnectorError(
        "not_sent_in_time", "There was no time left to send it.", Outcome.NOT_SENT
    )


def _no_such_number(name):
    raise ValueError(f"no JSON number: {name}")
