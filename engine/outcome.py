"""What a job becomes by the outcome of one call.

What may tell of a trouble of the connection returns it, a ``ConnectorError`` or None.
"""

from ..connectors import Capability, Outcome, Receipt, base
from ..connectors.kinds import KINDS
from . import schedule
from .transaction import now


def accept(accepted):
    """Make jobs a success whose bills the ERP has as they were sent. One that it
    silently booked otherwise (on another date, a cent more) is none: a person has to
    see that.

    :param accepted: ``{job: (receipt, work)}``.
    """
    different = {
        job: text
        for job, (receipt, work) in accepted.items()
        if (text := job._describe_booked_differently(work.document, receipt))
    }
    _succeed({job: both for job, both in accepted.items() if job not in different})
    for job, text in different.items():
        _fail_booked(job, *accepted[job], text)


def _succeed(accepted):
    if not accepted:
        return
    jobs = next(iter(accepted)).union(*accepted)
    jobs._update_status(
        "succeed",
        synced_at=jobs._now(),
        changed_since_sync=False,
        look_first=False,
        released_rules=False,
        next_try_at=False,
        retry_since=False,
        retry_count=0,
        effects_due=True,
        **jobs._prepare_cause_values([]),
    )
    for job, (receipt, work) in accepted.items():
        job.with_context(tracking_disable=True).write(
            _prepare_receipt_values(job, receipt, work)
        )


def _prepare_receipt_values(job, receipt, work):
    document = work.document
    cancelled = document.cancelled
    return {
        # A cancelled bill stays as it is: valid again here, it is sent anew.
        "erp_id": not cancelled and receipt.erp_id,
        "erp_number": receipt.number
        or (cancelled and job.erp_number)
        or receipt.erp_id,
        "erp_url": receipt.url,
        "erp_cancelled": cancelled,
        "erp_changes": False,
        "erp_files": bool(receipt.missing_files) and "missing",
        "notes": "\n".join([*receipt.notes, *_notes(job, document)]),
        "synced_fingerprint": work.fingerprint or document.fingerprint(),
    }


def _fail_booked(job, receipt, work, text):
    """The ERP has the bill, but not as it was sent. With its id on the job, what is
    sent next changes that one and adds none."""
    job._update_status(
        "fail",
        synced_at=job._now(),
        changed_since_sync=False,
        look_first=False,
        next_try_at=False,
        retry_since=False,
        retry_count=0,
        effects_due=True,
        **job._prepare_error_values(
            "booked_differently",
            job.env._("The ERP has booked the bill otherwise: %s.", text),
        ),
        **_prepare_receipt_values(job, receipt, work),
    )


def _notes(job, document):
    if document.cancelled:
        yield job.env._("Cancelled in the ERP.")
    elif document.left_out:
        names = ", ".join(document.left_out)
        yield job.env._("Not sent, too large together: %s. Attach by hand.", names)


def refuse(job, result, connector):
    """A write that was not accepted, by what is known of it."""
    error = result.error
    if error.outcome == Outcome.AMBIGUOUS or error.kind == "duplicate_bill":
        doubt(job, error, connector, connector.settle_seconds)
        return error if error.outcome == Outcome.AMBIGUOUS else None
    kind = KINDS[error.kind]
    if error.lock_date:
        job.connection_id.write({"erp_lock_date": error.lock_date})
    if kind.person or error.outcome == Outcome.NOT_SENT:
        _retry(job, error)
        return error
    _fail(job, error.kind, error.message)
    return None


def doubt(job, error, connector, settle):
    """Ask the ERP before anything more is sent; it may be writing still.

    The first time after the settle delay, then at growing pauses: an ERP that answers
    unclearly every time must not be sent the same bill for ever.

    :param error: the ``ConnectorError`` that left it unclear.
    :param settle: seconds the ERP may need to finish what it was sent.
    """
    again = _next_try(job)
    if connector.capability == Capability.NONE or again is None:
        _fail(job, "outcome_unknown", error.message)
        return
    if error.kind == "duplicate_bill":
        settle = 0  # it says that the bill is there
    earliest = schedule.after(now(job.env), max(settle, error.retry_after or 0))
    if not job.retry_count:
        again["next_try_at"] = earliest
    again["next_try_at"] = max(again["next_try_at"], earliest)
    values = job._prepare_error_values(error.kind, error.message)
    # An ERP that honours keys is not asked but sent the same key again.
    repeat = connector.capability == Capability.IDEMPOTENT and job.phase == "sending"
    job._update_status("retry" if repeat else "doubt", **again, **values)


def _retry(job, error):
    """Surely not sent: again later, until the window is over. What the ERP or the
    connection as a whole ask for does not use up the bill's own tries."""
    again = _next_try(job, error)
    if again is None:
        _fail(job, error.kind, error.message)
        return
    values = job._prepare_error_values(error.kind, error.message)
    job._update_status("retry", **again, **values)


def _next_try(job, error=None):
    """Return the values of the next try, or None when the window is over."""
    if error and (
        KINDS[error.kind].person
        or error.kind == "not_sent_in_time"
        or error.retry_after is not None
    ):
        # No try of its own: it is the connection that waits, or the bill had no turn.
        return {"next_try_at": schedule.after(now(job.env), error.retry_after or 0)}
    since = job.retry_since or now(job.env)
    if now(job.env) - since >= schedule.WINDOW:
        return None
    return {
        "next_try_at": now(job.env) + schedule.delay(job.retry_count),
        "retry_since": since,
        "retry_count": job.retry_count + 1,
    }


def _fail(job, kind, message):
    if job._get_unclear_attempt():
        # This try was refused or never left, an earlier one may have arrived: a new
        # key would make a second bill, so a person looks first.
        kind = "outcome_unknown"
    job._update_status(
        "fail",
        next_try_at=False,
        effects_due=True,
        **job._prepare_error_values(kind, message),
    )


def resolve(job, result, connector, owners):
    """The ERP was asked about a job in doubt: adopt, send again, or stop.

    :param owners: ``{ERP id: job}`` of the ERP's bills that belong to a job.
    """
    if result.error:
        again = _next_try(job, result.error)
        if again is None:
            _fail(job, "outcome_unknown", result.error.message)
        else:
            job._update_status("doubt", **again)
        return result.error
    document, found = result.work.document, result.receipts
    if [receipt.erp_id for receipt in found] == [job.erp_id]:
        # A change of a bill that is there: an equal head does not prove that it
        # arrived, and sending it again is harmless.
        _resend(job)
        return None
    if document.cancelled:
        # No longer there, and that is what was asked for.
        gone = Receipt(job.erp_id, job.erp_number or "", job.erp_url or "")
        accept({job: (gone, result.work)})
        return None
    same = [receipt for receipt in found if base.matches(document, receipt)]
    if len(found) == 1 and same and _is_complete(job, same[0]):
        if other := owners.get(same[0].erp_id):
            _fail(
                job,
                "duplicate_bill",
                job.env._(
                    "The ERP's %(number)s is that of %(other)s.",
                    number=same[0].number or same[0].erp_id,
                    other=other.display_name,
                ),
            )
            return None
        accept({job: (same[0], result.work)})
        return None
    if not found and job.erp_id:
        _fail(
            job,
            "bill_missing_in_erp",
            job.env._("%s is no longer in the ERP.", job.erp_number or job.erp_id),
        )
    elif not found and job.error_kind == "duplicate_bill":
        _fail(
            job,
            "outcome_unknown",
            job.env._("The ERP says that it has this bill, but it can't be found."),
        )
    elif not found or (len(found) == 1 and _is_resumable(job, found[0])):
        # Not there, or our own unfinished draft: sent again under the same key.
        _resend(job)
    else:
        candidates = ", ".join(
            f"{receipt.number or receipt.erp_id} ({receipt.total} {receipt.currency})"
            for receipt in found
        )
        _fail(
            job,
            "outcome_unknown",
            job.env._(
                "The ERP has a bill with this vendor and reference that is not the "
                "same: %s.",
                candidates,
            ),
        )
    return None


def _resend(job):
    job._update_status("resend", next_try_at=now(job.env), look_first=False)


def _is_complete(job, receipt):
    return receipt.posted or not job.connection_id.post_in_erp


def _is_resumable(job, receipt):
    """A draft of ours that a crash left half done."""
    return receipt.ours and not _is_complete(job, receipt)
