"""What a connector is, as data. The screens read it (which fields a connection asks
for, which checks apply), and so does the engine (how a doubt is cleared up, how many
bills go at once, how many in one call). Nothing outside a connector asks for its name.
"""

import enum
from dataclasses import dataclass

from .base import Capability


class Posting(enum.StrEnum):
    """How a bill gets into the ERP's books."""

    DRAFT = "draft"  # as a draft, which a second step posts, or which stays one
    DIRECT = "direct"  # at once, when it is created


class ClientKey(enum.StrEnum):
    """What the ERP does with a key that the client gives."""

    PERSISTENT = "persistent"  # kept with the bill for good, and unique
    EXPIRING = "expiring"  # the same answer again, for ``key_seconds``
    NONE = "none"


@dataclass(frozen=True)
class Profile:
    """One kind of ERP.

    :param name: as people call it.
    :param asks: the fields of ``ap.sync.connection`` that are asked for, beyond its
        address: ``erp_database``, ``erp_company``, ``login``, ``api_key``, ...
    :param master_data: the kinds of ``ErpRecord`` that ``fetch`` gives.
    :param address: where its API is, when that is the same for everybody.
    :param posting: whether bills may stay drafts.
    :param client_key: and ``key_seconds``, how long it is honoured when it expires.
    :param look_up: what a bill can be found by: ``key``, ``reference``, ``erp_id``.
        Empty: the ERP can't be asked, and in doubt a person decides.
    :param changes: the later calls it takes: ``update``, ``cancel``, ``attach``.
    :param required: fields of a ``Document`` that the ERP insists on, beyond those
        that every bill has: ``reference``, ``due_date``, ``payment_term``.
    :param mapped: kinds of master data that must be mapped before a bill can go. A
        vendor is not among them where the connector can create it.
    :param creates_vendors: whether ``send`` can make a vendor that is not there.
    :param attachments: whether files can go along.
    :param deep_link: whether a receipt's ``url`` opens the bill.
    :param concurrency: how many bills at once are good for it, and
    :param most_at_once: how many it bears.
    :param batch: how many bills go in one call, see ``Connector.send_many``.
    :param settle_seconds: how long after an unclear answer a write may still be under
        way there.
    :param consent: whether a person may give access in the browser; see
        ``Connector.consent_address``.
    :param authority: where it signs in by default, when that is asked for.
    :param hint: what goes into the fields that are asked for, where their names do not
        say it.
    :param limits: its limits in words, for the docs.
    """

    name: str
    asks: frozenset[str]
    master_data: tuple[str, ...]
    address: str = ""
    posting: Posting = Posting.DRAFT
    client_key: ClientKey = ClientKey.NONE
    key_seconds: float = 0.0
    look_up: tuple[str, ...] = ()
    changes: frozenset[str] = frozenset({"update", "cancel", "attach"})
    required: tuple[str, ...] = ()
    mapped: frozenset[str] = frozenset({"account", "tax", "analytic"})
    creates_vendors: bool = True
    attachments: bool = True
    deep_link: bool = True
    concurrency: int = 4
    most_at_once: int = 32
    batch: int = 1
    settle_seconds: float = 60.0
    consent: bool = False
    authority: str = ""
    hint: str = ""
    limits: str = ""

    @property
    def capability(self) -> Capability:
        """How a doubt is cleared up. An ERP that can be asked is asked, even when it
        honours keys: a key may have expired, an answer has not."""
        if self.look_up:
            return Capability.LOOKUP
        if self.client_key is not ClientKey.NONE:
            return Capability.IDEMPOTENT
        return Capability.NONE
