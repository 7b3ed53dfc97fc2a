"""The files of a document: *document attachments*, the ones people see beside it.

A record is made first and gets its bytes second: ``attachmentContent`` is a stream
(dynamics_documentattachment.md), and ``byteSize`` is not editable in the published
source of the page, though the example of the documentation sends it. A posted
document takes files as well, under the id it had as a draft.
"""

from .base import ConnectorError, Document
from .business_central_api import Session
from .business_central_bill import Entity

#: The file's name is cut to what the field holds (250), its ending kept.
NAME = 250


def attach(
    bc: Session, entity: Entity, bill_id: str, document: Document
) -> dict[str, str]:
    """Attach the files that are not there yet, also those of which only the record is
    there because an earlier attempt was cut off.

    :return: what could not be attached: ``{name: why}``. No file stands in a bill's
        way.
    """
    wanted = [file for file in document.attachments if file.content]
    if not wanted or not bc.options.get("send_attachments"):
        return {}
    try:
        there = bc.find(f"{entity.path}({bill_id})/documentAttachments")
    except ConnectorError as error:
        return {file.name: error.message for file in wanted}
    records = {str(row.get("fileName")): row for row in there}
    missing = {}
    for file in wanted:
        try:
            _attach(bc, entity, bill_id, file, records.get(_name(file)))
        except ConnectorError as error:
            missing[file.name] = error.message
    return missing


def _attach(bc, entity, bill_id, file, record):
    if record:
        # Its byteSize is 0 when it is the only one (LoadDocumentAttachments), so the
        # bytes themselves are looked at.
        if bc.download(_content(record)) == file.content:
            return
    else:
        record = bc.insert(
            "documentAttachments",
            {
                "fileName": _name(file),
                "parentType": entity.parent,
                "parentId": bill_id,
            },
        )
    bc.upload(_content(record), file.content, record.get("@odata.etag") or "*")


def _content(record):
    return f"documentAttachments({record['id']})/attachmentContent"


def _name(file):
    stem, dot, ending = file.name.rpartition(".")
    if len(file.name) <= NAME or not dot:
        return file.name[:NAME]
    return stem[: NAME - len(ending) - 1] + dot + ending
