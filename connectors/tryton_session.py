"""The calls of one task in Tryton: same deadline, company and attempt."""

import random
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from .base import ConnectorError, Outcome, Settings
from .calls import repeatable, sleep
from .transport import MAX_BYTES
from .tryton_json import base64_json
from .tryton_rest import TrytonRest

#: Pauses before a transaction that the server gave up for another's sake is tried
#: again; the server itself has tried five times by then.
PAUSES = (0.2, 0.5, 1.0, 2.0)


class Session:
    """The calls of one ``send`` or other task: same deadline, company and attempt."""

    def __init__(
        self, rest: TrytonRest, settings: Settings, deadline: float, attempt: str = ""
    ):
        self.rest = rest
        self.options = settings.options
        self._settings = settings
        self._deadline = deadline
        self._attempt = attempt

    def find(
        self,
        model: str,
        domain: list,
        fields: Iterable[str],
        *,
        limit: int | None = None,
        order: str = "",
        anywhere: bool = False,
        native: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> list[dict]:
        """Return the records of a domain, archived ones too.

        :param anywhere: before the company is known.
        :param native: names in the database's own language, not in English.
        :raise ConnectorError: never ambiguous: what changes nothing can simply be
            asked again, so it becomes ``erp_unavailable``, not sent.
        """
        query = [("d", base64_json(domain)), *(("f", name) for name in fields)]
        if limit:
            query.append(("s", str(limit)))
        if order:
            query.append(("o", base64_json([[order, "ASC"]])))
        with repeatable():
            rows = self._call(
                "GET",
                model,
                query,
                anywhere=anywhere,
                native=native,
                context={"active_test": False},
                max_bytes=max_bytes,
            )
            return _checked(rows, list)

    def insert(self, model: str, values: dict, fields: Iterable[str] = ("id",)) -> dict:
        """Create a record and return it, read back in the same transaction."""
        return self._do("POST", model, values, fields)

    def change(self, model: str, number: int, values: dict, fields: Iterable[str]):
        """Change a record and return it, read back in the same transaction.

        :raise ConnectorError: ``bill_missing_in_erp`` when it is gone.
        """
        return self._do("PUT", f"{model}/{number}", values, fields)

    def press(
        self,
        model: str,
        number: int,
        button: str,
        fields: Iterable[str] = ("id",),
        *,
        unasked: bool = False,
    ) -> dict:
        """Press one of a record's buttons and return the record.

        :param unasked: what Tryton would ask a person to confirm is confirmed.
        :raise ConnectorError: ``bill_missing_in_erp`` when the record is gone.
        """
        context = {"_skip_warnings": True} if unasked else {}
        # Without a body: only then Tryton says what went wrong in the database.
        return self._do("POST", f"{model}/{number}/{button}", None, fields, context)

    def delete(self, model: str, number: int) -> None:
        """Delete a record; one that is gone already is no error."""
        try:
            self._patiently("DELETE", f"{model}/{number}")
        except ConnectorError as error:
            if error.status != 404:
                raise

    def ask(self, path: str, data: dict, *, anywhere: bool = False) -> Any:
        """Call a method that only reads."""
        with repeatable():
            return self._call("POST", path, data=data, anywhere=anywhere)

    @property
    def company(self) -> int:
        """Tryton's id of the company bills go to: the one of the settings, else the
        only one that is there.

        :raise ConnectorError: ``company_wrong``.
        """
        if self._settings.company:
            return number(self._settings.company, "company_wrong")
        return self.rest.remember("company", 3600, self._only_company)

    @property
    def database(self) -> str:
        """The name of the database."""
        return self._settings.database.strip()

    @property
    def version(self) -> str:
        """The server's version."""
        with repeatable():
            return self.rest.version(self._deadline)

    def link(self, model: str, number: int) -> str:
        """Return the address of a record in Tryton's web client."""
        base = self.rest.transport.base_url
        return f"{base}/#{quote(self.database, safe='')}/model/{model}/{number}"

    def sleep(self, seconds: float) -> bool:
        """Wait, unless the deadline comes first; tell whether there is time left."""
        return sleep(seconds, self._deadline)

    def _only_company(self):
        rows = self.find("company.company", [], ["rec_name"], limit=2, anywhere=True)
        if len(rows) != 1:
            raise ConnectorError(
                "company_wrong",
                "The ERP has several companies, or none for this user.",
                Outcome.REJECTED,
            )
        return rows[0]["id"]

    def _do(self, method, path, values, fields, context=None):
        query = [("f", name) for name in fields]
        try:
            record = self._patiently(method, path, query, values, context)
        except ConnectorError as error:
            if error.status != 404 or "/" not in path:
                raise
            raise ConnectorError(
                "bill_missing_in_erp",
                f"The ERP has no {path.replace('/', ' ')} any more.",
                Outcome.REJECTED,
                status=404,
            ) from error
        return _checked(record, dict)

    def _patiently(self, method, path, query=(), data=None, context=None):
        """Call, and again when the server surely rolled it back."""
        for pause in (*PAUSES, None):
            try:
                return self._call(method, path, query, data=data, context=context)
            except ConnectorError as error:
                if error.kind != "concurrency_limit" or pause is None:
                    raise
                # Not all at the same moment again.
                if not self.sleep(pause * random.uniform(0.5, 1.5)):
                    raise

    def _call(
        self,
        method,
        path,
        query=(),
        *,
        data=None,
        context=None,
        anywhere=False,
        native=False,
        max_bytes=MAX_BYTES,
    ):
        headers = {} if native else {"Accept-Language": "en"}
        if self._attempt:
            headers["X-Attempt-Id"] = self._attempt
        if not anywhere:
            # Accounts of a party and the rules for records depend on it.
            context = {"company": self.company, **(context or {})}
        return self.rest.call(
            method,
            path,
            query,
            data,
            context=context,
            headers=headers,
            deadline=self._deadline,
            max_bytes=max_bytes,
        )


def number(text: str, kind: str = "mapping_changed") -> int:
    """Return an id of the ERP as a number.

    :raise ConnectorError: of the given kind, rejected, when it is none.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    raise ConnectorError(kind, f"“{text[:40]}” is no id of Tryton.", Outcome.REJECTED)


def _checked(value, kind):
    if not isinstance(value, kind):
        raise ConnectorError(
            "answer_unreadable", "The ERP's answer could not be understood."
        )
    return value
