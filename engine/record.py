"""T3: write down what became of claimed jobs, in a small transaction tried alone."""

import logging

from odoo.tools import SQL

from ..connectors import Outcome
from . import health, outcome
from .claim import VERIFY
from .transaction import PASSING, now

_logger = logging.getLogger(__name__)


def record(env, results, connector):
    """Write outcomes on attempts and jobs.

    A crash before the commit loses nothing: the lease runs out and the ERP is asked.

    :param results: list of ``send.Result``.
    :param connector: the client that gave them; says what it can clear up.
    :return: whether the ERP is at work, see ``health.record``.
    """
    jobs = env["ap.sync.job"].browse(result.work.job_id for result in results)
    # Waits for a user who is just editing such a job, for moments; first statement,
    # so that the tokens read next are the current ones.
    env.cr.execute(
        SQL(
            "SELECT id, lease_token FROM ap_sync_job WHERE id IN %s "
            "ORDER BY id FOR UPDATE",
            tuple(jobs.ids),
        )
    )
    tokens = dict(env.cr.fetchall())
    _record_attempts(env, results)
    owners = _get_owners(jobs, results)
    current = {}
    # One loop over the records themselves: what is read of one is read of all.
    for job, result in zip(jobs, results, strict=True):
        if tokens.get(job.id) == result.work.token:
            current[job] = result
        else:
            # The lease had run out and the job went on without this answer: it must
            # not overwrite what is known now. Resolving finds the bill by its key.
            _logger.warning(
                "AP Sync: late answer for job %s ignored (%s)",
                job.id,
                result.error.kind if result.error else "accepted",
            )
    outcome.accept(
        {
            job: (result.receipts[0], result.work)
            for job, result in current.items()
            if result.work.mode != VERIFY and not result.error
        }
    )
    troubles, vendors, succeeded = [], {}, jobs.browse()
    for job, result in current.items():
        trouble = None
        if result.work.mode == VERIFY:
            trouble = outcome.resolve(job, result, connector, owners)
        elif result.error:
            trouble = outcome.refuse(job, result, connector)
        troubles.append(trouble)
        if job.status == "success":
            succeeded |= job
            if job.erp_cancelled:
                continue  # nothing of it is there
            receipt = result.receipts[0]
            owners[receipt.erp_id] = job
            if receipt.ours:
                vendors[job] = receipt.vendor_erp_id
    if succeeded:
        _flag_changed(_without_unwritten(succeeded, results))
    jobs._remember_vendors(vendors)
    return health.record(env, jobs, troubles)


def _record_attempts(env, results):
    by_attempt = {r.work.attempt_id: r for r in results if r.work.attempt_id}
    for attempt in env["ap.sync.attempt"].browse(by_attempt):
        attempt._set_outcome(_prepare_outcome(env, by_attempt[attempt.id]))


def _prepare_outcome(env, result):
    """Return the values that tell on an attempt what became of it."""
    values = {"ended_at": now(env), "duration": result.duration}
    if result.error:
        error = result.error
        values.update(
            outcome=error.outcome.value,
            error_kind=error.kind,
            message=error.message,
            http_status=error.status or 0,
            excerpt=error.excerpt,
        )
    else:
        receipt = result.receipts[0]
        values.update(
            outcome=Outcome.ACCEPTED.value,
            erp_id=receipt.erp_id,
            erp_number=receipt.number,
            message="\n".join(receipt.notes),
        )
    return values


def _without_unwritten(jobs, results):
    """Return these jobs but for those whose bills nobody has written on since they were
    claimed: of them it is known that they are not changed."""
    claimed = {result.work.job_id: result.work.stamp for result in results}
    if not any(claimed.values()):
        return jobs
    stamps = jobs._get_bill_stamps()
    return jobs.filtered(lambda job: stamps[job] != claimed[job.id])


def _flag_changed(jobs):
    """Edited while it was under way? Then what the ERP has is the old text. A bill that
    can't be read any more counts as changed: its outcome must be recorded anyway."""
    if not jobs:
        return
    try:
        with jobs.env.cr.savepoint():
            changed = jobs.filtered(lambda job: job._is_bill_changed())
    except PASSING:
        raise
    except Exception:
        if len(jobs) > 1:
            for job in jobs:
                _flag_changed(job)
            return
        _logger.exception("AP Sync: job %s can't be compared with its bill", jobs.id)
        changed = jobs
    changed.write({"changed_since_sync": True})


def _get_owners(jobs, results):
    """Return ``{ERP id: job}`` for the bills found in the ERP that belong to a job
    already; one search for all of them."""
    found = {
        receipt.erp_id
        for result in results
        if result.work.mode == VERIFY
        for receipt in result.receipts
    }
    if not found:
        return {}
    owners = jobs.search(
        [("connection_id", "in", jobs.connection_id.ids), ("erp_id", "in", list(found))]
    )
    return {owner.erp_id: owner for owner in owners}
