"""Row 41: production is restored from a backup, and what was sent after the backup was
made is in the ERP and on no record here."""

import backup
from case import KEYS, LOOKUP, NONE
from matrix import row

REFUSED = {"do": "status", "status": 422, "body": {"error": "validation"}}


@row(41, "A backup is restored: queued bills of it were sent since", quick=True)
def queued(case):
    unsent = case.beside()
    for each in (case, unsent):
        _wait_before_claims(each)
        each.submit(3)
    dump = _backup(case)
    case.expect_status("in_progress")
    _go_on(case)
    case.settle()
    case.expect_status("success")
    _restore(case, dump)
    _expect_clear(case, writes=3)
    unsent.settle()
    unsent.expect_synced()
    unsent.expect_kept(0 if case.behaviour == NONE else 3)


@row(41, "A backup is restored: held bills of it were let go since", letter="b")
def held(case):
    case.pause()
    case.submit(3)
    dump = _backup(case)
    case.resume()
    case.settle(statuses=("success", "failed"))
    case.expect_status("success")
    _restore(case, dump)
    case.expect_status("on_hold")
    case.holds.clear()  # what went then is no longer on record
    case.pause()
    case.resume()
    _expect_clear(case, writes=3)


@row(
    41,
    "A backup is restored: failed bills of it were mended and sent since",
    letter="c",
)
def failed(case):
    case.script(REFUSED, REFUSED)
    jobs = case.submit(2)
    case.settle()
    case.expect_status("failed", "invalid_data")
    dump = _backup(case)
    case.press(jobs)
    case.settle()
    case.expect_status("success")
    _restore(case, dump)
    case.press(jobs)
    _expect_clear(case, writes=4)


@row(
    41,
    "A backup is restored: it was made while bills were sent",
    letter="d",
    behaviours=[KEYS, LOOKUP],
)
def sending(case):
    case.script(*[{"do": "delay", "when": "before", "seconds": 3}] * 3)
    case.submit(3)
    case.wait(lambda: len(case.writes()) >= 3, text="Three writes")
    dump = _backup(case)
    case.settle()
    case.expect_status("success")
    _restore(case, dump)
    case.settle()
    case.expect_synced()


def _wait_before_claims(case):
    """Keep the jobs queued: as if the ERP had asked to wait for an hour."""
    case.bench.sql(
        "UPDATE ap_sync_connection"
        " SET not_before = now() AT TIME ZONE 'UTC' + interval '1 hour' WHERE id = %s",
        case.id,
    )


def _go_on(case):
    case.bench.sql(
        "UPDATE ap_sync_connection SET not_before = NULL WHERE id = %s", case.id
    )


def _backup(case):
    return backup.make(case.bench)


def _restore(case, dump):
    """Stop Odoo, put the backup back, start it again."""
    bench = case.bench
    sent = {attempt["uuid"] for attempt in case.attempts()}
    bench.host.stop()
    try:
        backup.put_back(bench, dump)
        case.forgotten |= sent - {attempt["uuid"] for attempt in case.attempts()}
        for each in (case, *case.others):
            _go_on(each)
    finally:
        bench.host.start()


def _expect_clear(case, writes):
    """Expect that each bill is there once and nothing was written again."""
    case.settle(statuses=("success", "failed"))
    case.expect_synced()
    if case.behaviour == NONE:
        case.expect_status("failed", "outcome_unknown")
    case.expect(len(case.writes()) == writes, "no write after the restore")
    case.expect_kept(len(case.jobs()))
