"""What an ERP says is a stranger's text. It ends up on screens, in chatter and in
spreadsheets, so it is made harmless where it comes in, whatever connector reads it.
"""

import dataclasses
import logging
import re
from collections.abc import Iterable
from contextlib import contextmanager
from urllib.parse import urlsplit

from .base import ConnectorError, Outcome, Settings
from .redact import EXCERPT, Redactor, clean

_logger = logging.getLogger(__name__)

LABEL = 200
#: A spreadsheet takes a text with such a beginning for a formula or a link to a file:
#: Odoo's export writes it as one.
_FORMULA = re.compile(r"[=+\-@＝＋－＠]|\{=|(?:in|ex)ternal:|file:", re.IGNORECASE)


def plain(text: str, limit: int = EXCERPT) -> str:
    """Return the text without control characters, cut, and with an apostrophe before
    what a spreadsheet would take for a formula."""
    text = clean(text or "").strip()
    if _FORMULA.match(text):
        text = "'" + text
    return text if len(text) <= limit else text[: limit - 1] + "…"


def web_link(url: str) -> str:
    """Return the address if a browser may open it, else nothing: no ``javascript:``,
    no ``data:``, nothing but http and https."""
    url = clean(url or "").strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    good = parts.scheme in ("http", "https") and parts.hostname and " " not in url
    return url if good else ""


class Guarded:
    """A connector whose texts are harmless; see ``base.Connector`` for its methods.

    The known secret is hidden in all of them: an ERP, or whatever answers in its place,
    may repeat what it was sent.
    """

    def __init__(self, connector, settings: Settings):
        self._connector = connector
        self._redact = Redactor((settings.secret,))
        self.code = connector.code
        self.profile = connector.profile
        self.capability = connector.capability
        self.settle_seconds = connector.settle_seconds

    def send(self, document, **options):
        with self._guard():
            return self._receipt(self._connector.send(document, **options))

    def send_many(self, documents, **options):
        with self._guard():
            answers = self._connector.send_many(documents, **options)
        return [self._answer(answer) for answer in answers]

    def update(self, document, erp_id, **options):
        with self._guard():
            self._expect("update", "change a bill")
            return self._receipt(self._connector.update(document, erp_id, **options))

    def cancel(self, document, erp_id, **options):
        with self._guard():
            self._expect("cancel", "cancel a bill")
            return self._receipt(self._connector.cancel(document, erp_id, **options))

    def attach(self, document, erp_id, **options):
        with self._guard():
            self._expect("attach", "add a file to a bill")
            return self._receipt(self._connector.attach(document, erp_id, **options))

    def look_up(self, document, **options):
        with self._guard():
            found = self._connector.look_up(document, **options)
            return [self._receipt(receipt) for receipt in found]

    def read_bills(self, erp_ids, **options):
        with self._guard(), _readable():
            found = self._connector.read_bills(erp_ids, **options)
            return {key: self._receipt(found[key]) for key in erp_ids if key in found}

    def check(self, **options):
        with self._guard(), _readable():
            items = self._connector.check(**options)
            return [
                dataclasses.replace(item, message=self._text(item.message))
                for item in items
            ]

    def fetch(self, kind, **options) -> Iterable:
        with self._guard(), _readable():
            for record in self._connector.fetch(kind, **options):
                if _is_id(record.erp_id):
                    yield dataclasses.replace(
                        record,
                        name=self._text(record.name, LABEL),
                        code=self._text(record.code, LABEL),
                        detail=self._text(record.detail, LABEL),
                    )

    def lock_date(self, **options):
        with self._guard(), _readable():
            return self._connector.lock_date(**options)

    def consent_address(self, redirect_uri, state):
        return self._connector.consent_address(redirect_uri, state)

    def redeem(self, code, **options):
        with self._guard(), _readable():
            return self._connector.redeem(code, **options)

    def _answer(self, answer):
        """As ``send`` would have returned or raised it."""
        try:
            with self._guard():
                if isinstance(answer, ConnectorError):
                    raise answer
                return self._receipt(answer)
        except ConnectorError as error:
            return error

    def _expect(self, change, words):
        if change not in self.profile.changes:
            raise ConnectorError(
                "update_unsupported",
                f"AP Sync can't {words} that is in {self.profile.name} already.",
                Outcome.REJECTED,
            )

    def _receipt(self, receipt):
        if not _is_id(receipt.erp_id):
            raise ConnectorError(
                "answer_unreadable", "The ERP gave the bill an id that can't be one."
            )
        return dataclasses.replace(
            receipt,
            number=self._text(receipt.number, LABEL),
            url=web_link(self._redact(receipt.url)),
            notes=tuple(self._text(note) for note in receipt.notes),
            vendor_erp_id=receipt.vendor_erp_id
            if _is_id(receipt.vendor_erp_id)
            else "",
        )

    def _text(self, text, limit=EXCERPT):
        return plain(self._redact(text or ""), limit)

    @contextmanager
    def _guard(self):
        try:
            yield
        except ConnectorError as error:
            error.message = self._text(error.message)
            error.args = (error.message,)
            error.excerpt = self._text(error.excerpt)
            raise


@contextmanager
def _readable():
    """Let a question end well that is answered with data of another shape. (Of writes
    the engine sees to that: there it matters what is known of the bill.)"""
    try:
        yield
    except (TypeError, KeyError, ValueError, IndexError, AttributeError) as error:
        # Not with its text: it may quote the answer.
        _logger.error(
            "AP Sync: an answer of the ERP can't be read (%s)",
            type(error).__name__,
            exc_info=_logger.isEnabledFor(logging.DEBUG),
        )
        raise ConnectorError(
            "answer_unreadable",
            "The ERP's answer is not what an ERP of this kind answers.",
            Outcome.NOT_SENT,
        ) from None


def _is_id(text):
    """Tell whether a text can be an id: that is sent back as it is, so it can't be made
    harmless, only refused."""
    return 0 < len(text) <= LABEL and plain(text, LABEL) == text and "\n" not in text
