"""The dimensions of a document's lines: Business Central's analytic accounts.

A line has one value of each dimension, none is shared between values. They are set
line by line after the document is there (dynamics_dimensionsetline_create.md): given
along with the line, one that the account or vendor brings by default would be refused
as doubled (``RecordAlreadyExistErr``).
"""

from .base import ConnectorError, Document, Outcome
from .business_central_api import GUID, Session
from .business_central_bill import entity_of


def erp_id_of(dimension: str, value: str) -> str:
    """Return the id of a dimension's value for the mapping."""
    return f"{dimension}/{value}".lower()


def check_shares(document: Document) -> None:
    """Refuse what a line can't hold there.

    :raise ConnectorError: ``dimension_invalid``, rejected.
    """
    for line in document.lines:
        _wanted(line)


def set_dimensions(bc: Session, document: Document, draft: dict) -> None:
    """Give the lines of a draft their values; those that are there already stay.

    :raise ConnectorError: rejected, or ambiguous.
    """
    entity = entity_of(document)
    # In the order they were sent in; a comment line may stand for one of ours.
    lines = sorted(draft.get(entity.lines) or (), key=lambda line: line["sequence"])
    for line, theirs in zip(document.lines, lines, strict=False):
        wanted = _wanted(line)
        if not wanted or not line.quantity:
            continue
        path = f"{entity.lines}({theirs['id']})/dimensionSetLines"
        there = {row["id"].lower(): row for row in bc.find(path)}
        for dimension, value in wanted.items():
            row = there.get(dimension)
            if not row:
                bc.do("POST", path, {"id": dimension, "valueId": value})
            elif str(row.get("valueId")).lower() != value:
                place = f"{path}({dimension})"
                bc.do("PATCH", place, {"valueId": value}, etag=row["@odata.etag"])


def _wanted(line):
    """Return the values of a line by their dimension."""
    wanted = {}
    for ref, share in line.analytic:
        dimension, _slash, value = ref.erp_id.lower().partition("/")
        if not (GUID.fullmatch(dimension) and GUID.fullmatch(value)):
            raise _invalid(f"“{ref.name}” has no counterpart in the ERP yet.")
        if share != 100:
            raise _invalid(
                f"“{ref.name}” gets {share.normalize():f} % of a line; in Business"
                " Central a line belongs to a dimension's value as a whole."
            )
        if dimension in wanted:
            raise _invalid(f"“{ref.name}” is a second value of its dimension.")
        wanted[dimension] = value
    return wanted


def _invalid(words):
    return ConnectorError("dimension_invalid", words, Outcome.REJECTED)
