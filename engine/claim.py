"""T1: take what is due, in one short transaction."""

import logging
import math
import time
import uuid
from dataclasses import dataclass, replace

from odoo.tools import SQL

from ..connectors import Document
from . import restored, schedule
from .transaction import PASSING, now

_logger = logging.getLogger(__name__)

#: What is asked of the connector: its methods, but that to verify is to look up.
SEND, UPDATE, CANCEL, ATTACH, VERIFY = "send", "update", "cancel", "attach", "verify"


@dataclass(frozen=True)
class Work:
    """One claimed job, all that is needed to serve it without a transaction.

    ``deadline`` is a value of ``time.monotonic()``: nothing is written after it.
    ``fingerprint`` is the document's, where it is known.
    ``stamp`` tells later whether the bill is still the one that the document was made
    of (``ap.sync.job._get_bill_stamps``); None where that is not known.
    """

    job_id: int
    token: str
    mode: str
    document: Document
    deadline: float
    erp_id: str = ""
    attempt_id: int = 0
    attempt_uuid: str = ""
    fingerprint: str = ""
    stamp: tuple | None = None


def claim(env, connection_id, limit, hard_end=math.inf):
    """Claim up to ``limit`` due jobs of a connection.

    Jobs that a rule stops meanwhile are held or blocked instead. A crash before the
    commit leaves nothing; a crash after it leaves ``sending`` jobs and attempts with
    a lease, which the reaper finds.

    :param hard_end: nothing is sent after this moment (``time.monotonic()``).
    :return: ``(works, seen)``: the claimed jobs, and how many were looked at.
    """
    # The lock is the transaction's first statement, so its snapshot is as new as the
    # lock: what another transaction changed before is seen here, and what one is
    # changing now is skipped.
    env.cr.execute(
        SQL(
            """
            SELECT id
              FROM ap_sync_job
             WHERE connection_id = %s
               AND status = 'in_progress'
               AND phase IN ('queued', 'retrying', 'verifying')
               AND lease_token IS NULL
               AND next_try_at <= clock_timestamp() AT TIME ZONE 'UTC'
          ORDER BY next_try_at, id
             LIMIT %s
               FOR UPDATE SKIP LOCKED
            """,
            connection_id,
            limit,
        )
    )
    jobs = env["ap.sync.job"].browse(row[0] for row in env.cr.fetchall())
    if not jobs:
        return [], 0
    until = now(env) + schedule.LEASE
    leased = (schedule.LEASE - schedule.LEASE_MARGIN).total_seconds()
    deadline = min(time.monotonic() + leased, hard_end)
    to_verify = jobs.filtered(lambda job: job.phase == "verifying")
    to_send = _apply_rules(jobs - to_verify)
    to_ask = to_send.filtered("look_first")
    if to_ask:
        restored.ask_first(to_ask)
    guesses = _freeze(to_verify.filtered(_is_sending_forgotten))
    works = [
        _claim_verify(job, until, deadline, guesses.get(job))
        for job in to_verify
        if job.phase == "verifying"  # not those that can't be read
    ]
    documents = _freeze(to_send - to_ask)
    stamps = (to_send - to_ask)._get_bill_stamps()
    works += _claim_send(documents, until, deadline, stamps)
    return [work for work in works if work], len(jobs)


def _apply_rules(jobs):
    """Return the jobs that no rule stops at this moment; hold or block the others."""
    jobs._evaluate()
    return jobs.filtered(lambda job: job.phase in {"queued", "retrying"})


def _freeze(jobs):
    """Return ``{job: document}``. A bill that can't be read fails alone."""
    if not jobs:
        return {}
    try:
        with jobs.env.cr.savepoint():
            return _documents(jobs)
    except PASSING:
        raise  # the whole claim is tried again
    except Exception:
        # Any bug in an extension of the document ends here. Nothing was sent yet.
        if len(jobs) > 1:
            return {
                job: document for one in jobs for job, document in _freeze(one).items()
            }
        _logger.exception("AP Sync: job %s can't be turned into a document", jobs.id)
        jobs._update_status(
            "fail",
            next_try_at=False,
            effects_due=True,
            **jobs._prepare_error_values(
                "internal", jobs.env._("The bill could not be read.")
            ),
        )
        return {}


def _documents(jobs):
    """Read mappings and files of all bills at once, then each bill."""
    documents = {}
    for connection, connection_jobs in jobs.grouped("connection_id").items():
        moves = connection_jobs.move_id
        erp_ids = jobs.env["ap.sync.mapping"]._get_erp_ids(
            connection, moves._get_ap_sync_mapped_records()
        )
        files = moves._get_ap_sync_attachments(connection)
        for job in connection_jobs:
            document = job.move_id._prepare_ap_sync_document(
                job, contents=True, erp_ids=erp_ids, files=files
            )
            unclear = job._get_unclear_attempt()
            if unclear:
                document = _as_sent(unclear, document)
            documents[job] = document
    return documents


def _as_sent(attempt, today):
    """Return the document of an attempt, with the files of today's that went along."""
    document = Document.from_json(attempt.document)
    files = {file.checksum: file for file in today.attachments}
    kept = [files.get(file.checksum) for file in document.attachments]
    return replace(document, attachments=tuple(filter(None, kept)))


def _claim_send(documents, until, deadline, stamps):
    """Write the attempts of these jobs and lease them."""
    if not documents:
        return []
    token = uuid.uuid4().hex
    jobs = next(iter(documents)).union(*documents)
    jobs._update_status(
        "claim",
        lease_token=token,
        lease_until=until,
        next_try_at=until,
        last_attempt_at=jobs._now(),
    )
    works, values = [], []
    for job, document in documents.items():
        attempt, mode = uuid.uuid4().hex, _get_mode(job, document)
        data = document.to_json()
        fingerprint = document.fingerprint(data)
        job.with_context(tracking_disable=True).write(
            {
                "attempt_count": job.attempt_count + 1,
                "fingerprint": fingerprint,
                # Once more than the files went, the files alone are not enough.
                "erp_files": mode == ATTACH and job.erp_files,
            }
        )
        values.append(
            {
                "job_id": job.id,
                "connection_id": job.connection_id.id,
                "company_id": job.company_id.id,
                "number": job.attempt_count,
                "revision": job.revision,
                "operation": mode,
                "uuid": attempt,
                "key": job.key,
                "started_at": jobs._now(),
                "outcome": "sending",
                "document": data,
            }
        )
        works.append(
            Work(
                job_id=job.id,
                token=token,
                mode=mode,
                document=document,
                deadline=deadline,
                erp_id=job.erp_id or "",
                attempt_uuid=attempt,
                fingerprint=fingerprint,
                # What is sent again as it was may be older than the bill.
                stamp=None if job._get_unclear_attempt() else stamps[job],
            )
        )
    attempts = jobs.env["ap.sync.attempt"].create(values)
    return [
        replace(work, attempt_id=attempt.id)
        for work, attempt in zip(works, attempts, strict=True)
    ]


def _get_mode(job, document):
    if not job.erp_id:
        return SEND
    if document.cancelled:
        return CANCEL
    return ATTACH if job._is_for_files(document) else UPDATE


def _is_sending_forgotten(job):
    """Tell whether a job in doubt was sent, if ever, in a time of which nothing is left
    here."""
    last = job.attempt_ids[:1]
    on_record = last.key == job.key and last.outcome == "ambiguous"
    return job.look_first and not on_record


def _claim_verify(job, until, deadline, guess=None):
    """Lease a job in doubt. The document is the one that was sent, not the bill as
    it is today: that is what the ERP may hold.

    :param guess: the document to ask with where nothing is on record.
    """
    try:
        document = guess or Document.from_json(job.attempt_ids[:1].document)
    except (TypeError, KeyError, ValueError):
        job._update_status(
            "fail",
            next_try_at=False,
            effects_due=True,
            **job._prepare_error_values(
                "outcome_unknown",
                job.env._("What was sent can't be read any more, so nobody can ask."),
            ),
        )
        return None
    token = uuid.uuid4().hex
    job.write({"lease_token": token, "lease_until": until})
    return Work(
        job_id=job.id,
        token=token,
        mode=VERIFY,
        document=document,
        deadline=deadline,
        erp_id=job.erp_id or "",
    )
