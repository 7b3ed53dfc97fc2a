"""What the engine asks of a connector."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Protocol

from .base import (
    Capability,
    CheckItem,
    ConnectorError,
    Document,
    ErpRecord,
    Receipt,
    Settings,
)
from .profile import Profile
from .tokens import Tokens


class Connector(Protocol):
    """What the engine asks of the client for one kind of ERP.

    Every method may raise ``ConnectorError`` and nothing else that is foreseeable.
    Instances are used by several threads at once.
    """

    code: ClassVar[str]
    profile: ClassVar[Profile]
    #: As the profile has it.
    capability: ClassVar[Capability]
    #: Seconds to wait after an unclear answer before the ERP is asked about it: a
    #: write that was cut off may still be under way there. As the profile has it,
    #: unless ``settings.options`` has ``settle_seconds``.
    settle_seconds: float

    def __init__(self, settings: Settings): ...

    def send(self, document: Document, *, attempt: str, deadline: float) -> Receipt:
        """Create (and post, if set so) the bill under its key; safe to repeat.

        :param attempt: the attempt's own identifier, sent along as ``X-Attempt-Id``.
        :param deadline: no byte is written after this moment.
        """

    def send_many(
        self, documents: list[Document], *, attempts: list[str], deadline: float
    ) -> list[Receipt | ConnectorError]:
        """As ``send`` for each, in fewer calls; only where ``profile.batch`` is more
        than 1. Returns one result for each document, in their order: a bad bill's
        error is its own, never the others'. Raises only what ``send`` of any of them
        would have raised, with nothing sent."""

    def update(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """Bring the ERP's bill ``erp_id`` to what the document says; safe to repeat."""

    def cancel(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """Cancel (void) the ERP's bill ``erp_id``; safe to repeat. One that is gone or
        cancelled there already is no error."""

    def attach(
        self, document: Document, erp_id: str, *, attempt: str, deadline: float
    ) -> Receipt:
        """Attach to the ERP's bill ``erp_id`` those files of the document that it has
        not, and change nothing else; safe to repeat. A file that is refused is a note
        on the receipt."""

    def look_up(
        self, document: Document, *, deadline: float, erp_id: str = ""
    ) -> list[Receipt]:
        """Return what the ERP holds for this document's key (or for ``erp_id``), else
        bills with the same vendor, kind and reference. An empty list means: not
        there. A cancelled bill counts as not there."""

    def read_bills(self, erp_ids: list[str], *, deadline: float) -> dict[str, Receipt]:
        """Return what the ERP has of these bills now, by its ids; without those that
        are gone or cancelled."""

    def check(self, *, deadline: float) -> list[CheckItem]:
        """Test the connection item by item; report, don't raise."""

    def fetch(self, kind: str, *, deadline: float) -> Iterable[ErpRecord]:
        """Yield the ERP's records of one kind, for the mapping lists."""

    def lock_date(self, *, deadline: float) -> date | None:
        """Return the date up to which purchases are locked in the ERP, if any."""

    def consent_address(self, redirect_uri: str, state: str) -> str:
        """Return the address at which a person gives access in the browser (RFC 6749,
        4.1.1); only where ``profile.consent``. No call is made.

        :param redirect_uri: where the browser comes back to; the app has to name it in
            the ERP.
        :param state: comes back with it as it is.
        """

    def redeem(self, code: str, *, redirect_uri: str, deadline: float) -> Tokens:
        """Return the tokens for the ``code`` that came back, with a refresh token
        among them; only where ``profile.consent``. A code is good for one call.

        :param redirect_uri: as ``consent_address`` had it.
        :raise ConnectorError: never ambiguous: the person simply consents again.
            ``token_expired`` when the ERP does not take the code.
        """
