"""Calling Business Central's API v2.0: its address, its pages, one call of each kind.

The address is ``<base>/v2.0/<tenant>/<environment>/api/v2.0`` (the *direct tenant* form
of endpoints-apis-for-dynamics.md), under which all but the list of companies lies in
``companies(<guid>)/``.
"""

import random
import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from .base import ConnectorError, Outcome, Settings
from .business_central_errors import from_answer
from .business_central_token import SignIn
from .calls import connect, repeatable, sleep
from .redact import Redactor

#: Records to a page, asked for with ``Prefer`` (Server-Driven-Paging-in-OData-…md).
PAGE = 1000
#: Pauses within one call after a 429, with which Business Central names no time.
PAUSES = (0.5, 1.5, 4.0)

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_PLACE = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]{0,99})/([A-Za-z0-9][\w -]{0,29})")


class BusinessCentral:
    """One environment of one tenant. Safe for many threads."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.place = _PLACE.fullmatch(settings.database.strip())
        tenant = self.place[1] if self.place else ""
        self._sign_in = SignIn(settings, tenant)
        self.transport = connect(settings)
        #: Names of companies by their id, for links; they hardly ever change.
        self.company_names: dict[str, str] = {}

    def root(self) -> str:
        """Return the API's path after the base address.

        :raise ConnectorError: ``address_wrong``, when tenant or environment is not
            named as it has to be.
        """
        if not self.place:
            raise ConnectorError(
                "address_wrong",
                "Enter tenant and environment as tenant/environment, such as"
                " contoso.com/production.",
                Outcome.REJECTED,
            )
        return f"/v2.0/{self.place[1]}/{quote(self.place[2])}/api/v2.0/"

    def token(self, deadline: float, refused: str = "") -> str:
        """Return the access token, which from then on is hidden in all texts."""
        token = self._sign_in.token(deadline, refused)
        secrets = (self.settings.secret.strip(), token)
        self.transport.redact = Redactor(secrets)
        return token


class Session:
    """The calls of one ``send`` or other task: same deadline, company and attempt."""

    def __init__(self, erp: BusinessCentral, deadline: float, attempt: str = ""):
        self.erp = erp
        self.options = erp.settings.options
        self.deadline = deadline
        self._attempt = attempt

    @property
    def company(self) -> str:
        """The id of the company that bills go to.

        :raise ConnectorError: ``company_wrong``, when none is entered.
        """
        company = self.erp.settings.company.strip()
        if not GUID.fullmatch(company):
            raise ConnectorError(
                "company_wrong",
                "Enter the id of the company in Business Central, which looks like"
                " 12345678-1234-1234-1234-123456789012.",
                Outcome.REJECTED,
            )
        return company.lower()

    def do(self, method: str, path: str, data: dict | None = None, etag: str = ""):
        """Make a call that changes something; return the record it answers with.

        :param path: in the company, such as ``purchaseInvoices(<guid>)``.
        :param etag: of the record as it was read, for PATCH and DELETE.
        :return: the answer's data, ``None`` when there is none (204).
        :raise ConnectorError: see ``business_central_errors``.
        """
        headers = {"If-Match": etag} if etag else {}
        return self._call(method, self._in_company(path), headers, data=data)

    def insert(self, path: str, data: dict) -> dict:
        """POST a record and return it as it is there then; see ``do``."""
        record = self.do("POST", path, data)
        if not record or "id" not in record:
            raise ConnectorError(
                "answer_unreadable", "The ERP did not say what it created."
            )
        return record

    def upload(self, path: str, content: bytes, etag: str) -> None:
        """Put the bytes into a record's stream, such as ``…/attachmentContent``."""
        headers = {"If-Match": etag, "Content-Type": "application/octet-stream"}
        self._call("PATCH", self._in_company(path), headers, body=content)

    def ask(self, path: str, **options) -> dict:
        """Return one record.

        :param options: of OData, without their ``$``: ``filter``, ``expand``, ``top``.
        :raise ConnectorError: never ambiguous: what changes nothing can be asked
            again, so it becomes ``erp_unavailable``, not sent.
        """
        with repeatable():
            return self._call("GET", self._in_company(path) + _query(options), {})

    def one(self, path: str, record_id: str) -> dict | None:
        """Return the record with that id, or nothing. It is filtered for, not named
        in the address: a 404 may as well mean the environment or the company."""
        rows = self.find(path, filter=f"id eq {record_id}")
        return rows[0] if rows else None

    def find(self, path: str, **options) -> list[dict]:
        """Return all records of a set; see ``ask``."""
        return list(self.each(path, **options))

    def each(self, path: str, **options) -> Iterator[dict]:
        """Yield the records of a set, page by page; see ``ask``."""
        yield from self._pages(self._in_company(path) + _query(options))

    def companies(self) -> list[dict]:
        """Return the companies of the environment; see ``ask``."""
        return list(self._pages(self.erp.root() + "companies"))

    def download(self, path: str) -> bytes:
        """Return the bytes of a record's stream; see ``ask``."""
        with repeatable():
            return self._answer("GET", self._in_company(path), {}).body

    def _pages(self, path):
        headers = {"Prefer": f"odata.maxpagesize={PAGE}"}
        while path:
            with repeatable():
                page = self._call("GET", path, headers)
                rows, link = page["value"], page.get("@odata.nextLink")
            yield from rows
            path = self._next(link) if link else ""

    def _next(self, link):
        """Return the path of the next page: an address the ERP gave is followed only
        within the API that was asked."""
        parts, base = urlsplit(link), urlsplit(self.erp.transport.base_url)
        path = parts.path.removeprefix(base.path)
        if parts.netloc != base.netloc or not path.startswith(self.erp.root()):
            raise ConnectorError(
                "answer_unreadable",
                "The next page is said to be at another address.",
                Outcome.NOT_SENT,
            )
        return f"{path}?{parts.query}"

    def _in_company(self, path):
        return f"{self.erp.root()}companies({self.company})/{path}"

    def _call(self, method, path, headers, **sent):
        answer = self._answer(method, path, headers, **sent)
        if answer.status == 204 or not answer.body:
            return None
        data = answer.json()
        if not isinstance(data, dict):
            raise ConnectorError(
                "answer_unreadable",
                "The ERP's answer could not be read: it is no record.",
                excerpt=self.erp.transport.excerpt(answer),
            )
        return data

    def _answer(self, method, path, headers, **sent):
        """Make one call: again with a new token after one 401, and after a pause when
        there were too many and the ERP does not say how long to wait. Both mean that
        it was not carried out."""
        pauses = list(PAUSES)
        refused = ""
        while True:
            token = self.erp.token(self.deadline, refused)
            answer = self.erp.transport.request(
                method,
                path,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept-Language": "en-US",  # errors are told apart by their words
                    **({"X-Attempt-Id": self._attempt} if self._attempt else {}),
                    **headers,
                },
                deadline=self.deadline,
                **sent,
            )
            if answer.status < 300:
                return answer
            busy = answer.status == 429 and answer.retry_after is None
            if answer.status == 401 and not refused:
                refused = token
            elif not (busy and pauses and self._pause(pauses.pop(0))):
                raise from_answer(self.erp.transport, answer)

    def _pause(self, seconds):
        """Wait about so long; tell whether there is time left."""
        return sleep(seconds * random.uniform(0.75, 1.25), self.deadline)


def text(value: str) -> str:
    """Return a text as OData writes it in a filter."""
    return "'" + value.replace("'", "''") + "'"


def _query(options):
    parts = [f"${name}={quote(str(value))}" for name, value in options.items()]
    return "?" + "&".join(parts) if parts else ""
