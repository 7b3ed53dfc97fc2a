"""What must hold whatever happened (reliability reference, section 4.3). Checked after
every row and every chaos run, over the whole history of one connection."""

from collections import Counter
from datetime import UTC

from bench import CANARY
from case import NONE

#: Statuses that wait for a person or for nothing.
ENDED = {"success", "failed", "on_hold", "blocked"}


def violations(case):
    """Return what is broken, a sentence each; nothing is good.

    :param case: a settled ``Case``, one whose jobs are no longer under way.
    """
    return [
        f"{case.behaviour}/{case.name}: {text}"
        for check in (
            _one_bill_each,
            _no_false_success,
            _no_false_failure,
            _nothing_stuck,
            _attempts_complete,
            _writes_on_record,
            _holds_hold,
        )
        for text in check(case)
    ]


def _one_bill_each(case):
    """1: at most one bill in the ERP for one job, whatever key it was sent under."""
    keys = {attempt["key"]: attempt["job_id"] for attempt in case.attempts()}
    counts = Counter(keys.get(bill["key"], bill["key"]) for bill in case.kept())
    for job, count in counts.items():
        if count > 1:
            yield f"DUPLICATE: job {job} has {count} bills in the ERP"


def _no_false_success(case):
    """1, 3: Success means that this bill is there, under the id that is shown."""
    bills = {
        event["bill"]["id"]: event["bill"] for event in case.events("kept", "changed")
    }
    for job in case.jobs():
        if job["status"] != "success":
            continue
        bill = bills.get(job["erp_id"])
        if not bill:
            yield f"FALSE SUCCESS: job {job['id']} has the id {job['erp_id']}"
        elif bill["reference"] != job["reference"] and not job["changed_since_sync"]:
            yield f"FALSE SUCCESS: job {job['id']} has another bill's id"


def _no_false_failure(case):
    """5: Failed means surely not there, or says that nobody knows."""
    kept = {bill["key"] for bill in case.kept()}
    keys = {}
    for attempt in case.attempts():
        keys.setdefault(attempt["job_id"], set()).add(attempt["key"])
    for job in case.jobs():
        if job["status"] == "failed" and job["error_kind"] != "outcome_unknown":
            if kept & keys.get(job["id"], set()):
                yield f"FALSE FAILURE: job {job['id']} ({job['error_kind']}) is there"
    if case.behaviour != NONE:
        unknown = [j for j in case.jobs() if j["error_kind"] == "outcome_unknown"]
        for job in unknown:
            if job["id"] not in case.may_be_unknown:
                yield f"UNKNOWN: job {job['id']} could have been cleared up"


def _nothing_stuck(case):
    """4, 5: In Progress has a lease that has not run out, or a time to go on."""
    for job in case.bench.sql(
        """
        SELECT id, status, phase, next_try_at, lease_until FROM ap_sync_job
         WHERE connection_id = %s AND (
               lease_until + interval '10 s' < now() AT TIME ZONE 'UTC'
            OR (status = 'in_progress'
                AND next_try_at IS NULL AND lease_until IS NULL)
            OR (status != 'in_progress'
                AND (lease_until IS NOT NULL OR lease_token IS NOT NULL)))
        """,
        case.id,
    ):
        yield f"STUCK: job {job}"


def _attempts_complete(case):
    """6: attempts are numbered without a gap, and none is left open."""
    numbers = {}
    for attempt in case.attempts():
        numbers.setdefault(attempt["job_id"], []).append(attempt["number"])
        if attempt["outcome"] == "sending":
            jobs = {job["id"]: job for job in case.jobs()}
            if jobs[attempt["job_id"]]["status"] in ENDED:
                yield f"OPEN ATTEMPT: {attempt['id']} of job {attempt['job_id']}"
    for job in case.jobs():
        seen = sorted(numbers.get(job["id"], []))
        if seen != list(range(1, (job["attempt_count"] or 0) + 1)):
            yield f"GAP: job {job['id']} has the attempts {seen}"


def _writes_on_record(case):
    """2: what reached the ERP was on record before, under the same key; and once."""
    attempts = {attempt["uuid"]: attempt for attempt in case.attempts()}
    seen = set()
    for write in case.writes():
        if write["attempt"] in case.forgotten:
            continue
        attempt = attempts.get(write["attempt"])
        if not attempt:
            yield f"OFF THE RECORD: a write with attempt {write['attempt']}"
            continue
        if attempt["key"] != write["key"]:
            yield f"WRONG KEY: attempt {attempt['id']}"
        if write["attempt"] in seen:
            yield f"TWICE: attempt {attempt['id']} reached the ERP twice"
        seen.add(write["attempt"])
        if _seconds(attempt["create_date"]) > write["time"]:
            yield f"TOO LATE: attempt {attempt['id']} was recorded after it was sent"


def _holds_hold(case):
    """10: once a pause is answered, no new attempt starts until it is ended."""
    for start, end in case.holds:
        for attempt in case.attempts():
            if start < _seconds(attempt["create_date"]) < end:
                yield f"SENT WHILE PAUSED: attempt {attempt['id']}"


def leaks(bench):
    """8: return where the connections' secret can be read outside its table: the
    texts of every table, Odoo's logs, the ledger of what was sent."""
    found = []
    columns = bench.sql(
        """
        SELECT table_name, column_name FROM information_schema.columns
          JOIN information_schema.tables USING (table_schema, table_name)
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
           AND data_type IN ('text', 'character varying', 'json', 'jsonb')
           AND (table_name, column_name) != ('ap_sync_secret', 'value')
        """
    )
    for column in columns:
        table, name = column["table_name"], column["column_name"]
        if bench.sql(
            f'SELECT 1 FROM "{table}" WHERE "{name}"::text LIKE %s LIMIT 1',
            f"%{CANARY}%",
        ):
            found.append(f"SECRET in {table}.{name}")
    for path in [*bench.folder.glob("*.log"), bench.erp.path]:
        if path.exists() and CANARY in path.read_text(errors="replace"):
            found.append(f"SECRET in {path.name}")
    return found


def _seconds(moment):
    """PostgreSQL's UTC without a zone, as seconds since 1970."""
    return moment.replace(tzinfo=UTC).timestamp()
