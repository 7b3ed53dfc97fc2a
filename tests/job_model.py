"""A job, its attempts and an ERP as plain Python, for tests of the engine's logic.

The methods of the job are the addon's own, taken from their classes; what they stand on
(recordsets, the clock, the database) is replaced by the little that they use of it. So
thousands of histories run in seconds, none of which a person would think of.
"""

# No model of Odoo is here, so `write` and `create` have no `super` to call. (Odoo's own
# pylint does not know that message.)
# pylint: disable=unknown-option-value,method-required-super

import functools
import itertools
import operator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from ..connectors import Capability, ConnectorError, Document, Outcome, Receipt
from ..connectors.base import Vendor
from ..models.ap_sync_job import ApSyncJob as Core
from ..models.ap_sync_job_actions import ApSyncJob as Actions
from ..models.ap_sync_job_decide import ApSyncJob as Decisions
from ..models.ap_sync_job_evaluate import ApSyncJob as Evaluation
from ..models.ap_sync_job_follow_up import ApSyncJob as FollowUp

SETTLE = 60


class Env:
    """The clock, the tables and the words of one job's world."""

    def __init__(self):
        self.moment = datetime(2026, 11, 10, 12)
        self.cr = self
        self.user = type("User", (), {"name": "A manager"})()
        self.tables = {"ap.sync.attempt": Attempts(self)}

    def __getitem__(self, model):
        return self.tables[model]

    def now(self):
        return self.moment

    def execute(self, _query):
        """The one query of ``record.record``: the jobs' tokens."""

    def fetchall(self):
        return [(job.id, job.lease_token) for job in self.tables["ap.sync.job"]]

    @staticmethod
    def _(text, *args, **values):
        text = getattr(text, "_source", text)  # of lazy translations
        return text % (values or args) if values or args else text


class Records:
    """The least of a recordset: rows that are shared, in an order."""

    def __init__(self, env, rows=()):
        self.env = env
        self.rows = list(rows)

    def __iter__(self):
        return (type(self)(self.env, [row]) for row in self.rows)

    def __len__(self):
        return len(self.rows)

    def __eq__(self, other):
        return self.rows == other.rows

    def __hash__(self):
        return hash(tuple(row["id"] for row in self.rows))

    def __getitem__(self, part):
        return type(self)(self.env, self.rows[part])

    def __sub__(self, other):
        return self.filtered(lambda record: record.rows[0] not in other.rows)

    def __or__(self, other):
        return type(self)(self.env, self.rows + (other - self).rows)

    def union(self, *others):
        return functools.reduce(operator.or_, others, self)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.rows[0][name] if self.rows else False

    def browse(self, ids=()):
        wanted = set(ids)
        known = self.env[self.model].rows
        return type(self)(self.env, [row for row in known if row["id"] in wanted])

    @property
    def ids(self):
        return [row["id"] for row in self.rows]

    def filtered(self, wanted):
        return type(self)(self.env, [r.rows[0] for r in self if wanted(r)])

    def write(self, values):
        for row in self.rows:
            row.update(values)

    def sudo(self):
        return self

    def ensure_one(self):
        assert len(self.rows) == 1


class Attempts(Records):
    """The attempts, newest first."""

    model = "ap.sync.attempt"

    def create(self, vals_list):
        rows = [{**vals, "id": len(self.rows) + 1} for vals in vals_list]
        self.rows[:0] = rows
        return type(self)(self.env, rows)

    def _set_outcome(self, values):
        self.filtered(lambda attempt: attempt.outcome == "sending").write(values)


class Job(Records):
    """A job with the addon's own methods."""

    model = "ap.sync.job"
    _fields = {"status": type("Field", (), {"_description_selection": lambda *a: ()})()}

    _update_status = Core._update_status
    _get_unclear_attempt = Core._get_unclear_attempt
    _prepare_error_values = Core._prepare_error_values
    _prepare_next_revision_values = Core._prepare_next_revision_values
    _prepare_cause_values = Evaluation._prepare_cause_values
    _route = Evaluation._route
    _is_stopped = Evaluation._is_stopped
    _sync = Actions._sync
    _sort_for_sync = Actions._sort_for_sync
    _needs_decision = Actions._needs_decision
    _hurry = Actions._hurry
    _has_more_to_send = FollowUp._has_more_to_send
    _is_changed = FollowUp._is_changed
    _mark_for_files = FollowUp._mark_for_files
    _is_for_files = FollowUp._is_for_files
    _is_to_cancel = FollowUp._is_to_cancel
    _get_bill_stop = Evaluation._get_bill_stop
    _is_bill_changed = Evaluation._is_bill_changed
    _abort = Decisions._abort
    _resend = Decisions._resend
    _verify_again = Decisions._verify_again
    _get_settled_at = Decisions._get_settled_at

    @classmethod
    def make(cls, env, connection):
        fields = dict.fromkeys(
            "erp_id erp_number error_kind retry_since lease_token lease_until phase "
            "causes next_try_at message changed_since_sync synced_fingerprint "
            "look_first erp_cancelled erp_files erp_changes erp_url".split(),
            False,
        )
        row = {
            **fields,
            "id": 1,
            "display_name": "BILL-1",
            "key": "key-1",
            "revision": 1,
            "retry_count": 0,
            "attempt_count": 0,
            "status": "on_hold",
            "phase": "ready",
            "connection_id": connection,
            "company_id": connection,
            "total": 100,
            "move_id": Bill(),
        }
        job = cls(env, [row])
        env.tables["ap.sync.job"] = job
        return job

    def search(self, _domain):
        return type(self)(self.env)

    @property
    def attempt_ids(self):
        return self.env["ap.sync.attempt"]

    def _now(self):
        return self.env.now()

    def _describe_booked_differently(self, _document, _receipt):
        return ""  # this ERP books what it is sent

    def _evaluate(self, fresh=False):
        for job in self:
            stop = job._get_bill_stop()
            if job.connection_id.paused:
                stop = "connection_paused", ""
            causes = stop and [{"kind": stop[0], "message": "", "guidance": ""}]
            job._route("hold" if stop else "queue", causes or [])
        return {}

    def _check_manager(self):
        pass

    activity_ids = ()

    def _announce(self):
        pass

    def _in_company_language(self):
        return self

    def _log_decision(self, what, reason):
        pass

    def _remember_vendors(self, erp_ids):
        pass

    def _get_fingerprint(self):
        return self.document().fingerprint()

    def with_context(self, **_context):
        return self

    def _get_bill_stamps(self):
        return {job: (job.total, job.move_id.state) for job in self}

    def document(self):
        """Return the bill as it is today, under the job's key."""
        return Document(
            key=self.key,
            kind="bill",
            reference="BILL-1",
            bill_date=date(2026, 11, 10),
            accounting_date=date(2026, 11, 10),
            due_date=None,
            currency="USD",
            vendor=Vendor("Vendor", erp_id="77"),
            lines=(),
            untaxed=Decimal(self.total),
            tax=Decimal(0),
            total=Decimal(self.total),
            cancelled=self.move_id.state == "cancel",
        )


class Bill:
    """What is read of a bill."""

    state = "posted"


class Connection:
    """What the engine reads of a connection."""

    id = 1
    ids = (1,)
    connector = "odoo"
    post_in_erp = True
    paused = False
    trigger = "posted"

    def _wake(self):
        pass

    def write(self, values):
        pass

    def _get_settle_seconds(self, connector):
        return SETTLE


class Erp:
    """An ERP with a ledger, that keeps a bill for every write that arrives; unless it
    honours keys. ``under_way`` holds writes that will arrive a little later."""

    settle_seconds = SETTLE

    def __init__(self, capability):
        self.capability = capability
        self.bills = {}
        self.under_way = []
        self.numbers = itertools.count(1)

    def keep(self, document, erp_id):
        """Let a write arrive; return the receipt."""
        same = [r for key, r in self.bills.values() if key == document.key]
        if same and self.capability == Capability.IDEMPOTENT:
            return same[0]
        if document.cancelled:
            self.bills.pop(erp_id, None)
            return Receipt(erp_id=erp_id, number=f"ERP/{erp_id}")
        erp_id = erp_id or str(next(self.numbers))
        receipt = Receipt(
            erp_id=erp_id,
            number=f"ERP/{erp_id}",
            kind=document.kind,
            reference=document.reference,
            currency=document.currency,
            total=document.total,
            vendor_erp_id="77",
        )
        self.bills[erp_id] = (document.key, receipt)
        return receipt

    def look_up(self, document, erp_id):
        found = self.bills.get(erp_id)
        if found:
            return (replace(found[1]),)
        return tuple(r for key, r in self.bills.values() if key == document.key)

    def pass_time(self, moment):
        """Let what was under way arrive, as far as its time has come."""
        for write in list(self.under_way):
            due, document, erp_id = write
            if due <= moment:
                self.under_way.remove(write)
                self.keep(document, erp_id)


def failure(kind, outcome, retry_after=None):
    return ConnectorError(
        kind, f"The ERP said {kind}.", outcome, retry_after=retry_after
    )


#: How a write may end without being accepted: ``(kept by the ERP, its error)``; what is
#: kept ``"late"`` arrives within the time that the ERP may need to settle.
TROUBLES = {
    "lost before": (False, failure("no_answer", Outcome.AMBIGUOUS)),
    "lost after": (True, failure("no_answer", Outcome.AMBIGUOUS)),
    "late": ("late", failure("no_answer", Outcome.AMBIGUOUS)),
    "garbled": (True, failure("answer_unreadable", Outcome.AMBIGUOUS)),
    "refused": (False, failure("vendor_inactive", Outcome.REJECTED)),
    "not sent": (False, failure("erp_unavailable", Outcome.NOT_SENT)),
    "no turn": (False, failure("not_sent_in_time", Outcome.NOT_SENT)),
    "asked to wait": (False, failure("rate_limited", Outcome.NOT_SENT, 120.0)),
}
PAUSES = [timedelta(minutes=n) for n in (1, 2, 6, 60, 24 * 60, 80 * 60)]
