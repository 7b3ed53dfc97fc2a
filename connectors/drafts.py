"""A draft of ours in an ERP: whether it says what the bill says, and what is told when
it is refused and can't be removed."""

from collections.abc import Sequence
from decimal import Decimal

from .base import ConnectorError, Document, Outcome


def compare(document: Document, theirs: Sequence[Decimal]) -> None:
    """Refuse a bill whose amounts the ERP computes differently.

    :param theirs: without tax, the tax, and in all, with the document's signs.
    :raise ConnectorError: ``totals_differ``, rejected.
    """
    ours = (document.untaxed, document.tax, document.total)
    if ours != tuple(theirs):
        raise ConnectorError(
            "totals_differ",
            "The ERP computes other amounts: {} + {} tax = {} instead of"
            " {} + {} tax = {}.".format(
                # Added to nothing, a nought has no sign.
                *(f"{one.normalize() + 0:f}" for one in (*theirs, *ours))
            ),
            Outcome.REJECTED,
        )


def left_there(
    error: ConnectorError, failure: ConnectorError, words: str
) -> ConnectorError:
    """Return what to raise instead of a refusal whose draft may still be in the ERP: a
    new key would make a second one, so a person decides; or, where it is unclear what
    became of the removal, the ERP is asked first.

    :param error: the refusal.
    :param failure: why the draft could not be removed.
    :param words: a sentence on where the draft is, for whoever looks.
    """
    refused = failure.outcome is Outcome.REJECTED
    return ConnectorError(
        "outcome_unknown" if refused else error.kind,
        f"{error.message} {words}",
        Outcome.REJECTED if refused else Outcome.AMBIGUOUS,
        status=error.status,
        excerpt=error.excerpt,
    )
