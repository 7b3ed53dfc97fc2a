from contextlib import ExitStack
from datetime import timedelta
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from odoo.exceptions import UserError
from odoo.tests import BaseCase, tagged

from ..connectors import CONNECTORS, Capability, Outcome
from ..connectors.odoo_errors import from_exception
from ..connectors.redact import Redactor
from ..connectors.transport import MAX_WAIT, Answer, Transport
from ..engine import claim, health, outcome, reaper, record, schedule
from ..engine.claim import VERIFY
from ..engine.send import Result
from .job_model import PAUSES, SETTLE, TROUBLES, Connection, Env, Erp, Job, failure

#: The same examples every time, so that a red test is the code's doing.
SETTINGS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=300,
    suppress_health_check=list(HealthCheck),
)

#: All statuses that say anything but "unclear"; written out, not taken from the code.
SURE = {
    Outcome.REJECTED: {400, 401, 403, 404, 405, 410, 413, 415, 422},
    Outcome.NOT_SENT: {429},
}
#: Likewise the exceptions of another Odoo, by the last part of their names.
ROLLED_BACK = {"SerializationFailure", "DeadlockDetected", "LockNotAvailable"}
REFUSALS = {
    "Unauthorized",
    "AccessDenied",
    "AccessError",
    "Forbidden",
    "MissingError",
    "NotFound",
    "UserError",
    "ValidationError",
    "RedirectWarning",
    "ValueError",
    "TypeError",
    "KeyError",
    "BadRequest",
    "UnprocessableEntity",
    "UnsupportedMediaType",
}


@tagged("post_install", "-at_install")
class TestClassifier(BaseCase):
    """Whatever is not surely refused or surely not sent is unclear."""

    transport = Transport("https://erp.example.com")

    def test_only_the_listed_statuses_say_anything_sure(self):
        for status in range(200, 1000):
            error = self.transport.failure(Answer(status, {}, b""))
            expected = next(
                (outcome for outcome, known in SURE.items() if status in known),
                Outcome.AMBIGUOUS,
            )
            self.assertEqual(error.outcome, expected, status)

    @given(
        st.text(max_size=30)
        | st.sampled_from(sorted(REFUSALS | ROLLED_BACK | {"OperationalError"})),
        st.text(max_size=40),
        st.sampled_from([None, 200, 400, 404, 422, 500, 502, 503]),
    )
    @SETTINGS
    def test_only_the_listed_exceptions_say_anything_sure(self, name, text, status):
        error = from_exception(f"some.{name}", text, Redactor(()), status=status)
        short = name.rpartition(".")[2]
        if error.outcome == Outcome.REJECTED:
            self.assertIn(short, REFUSALS)
        elif error.outcome == Outcome.NOT_SENT:
            self.assertTrue(any(known in name for known in ROLLED_BACK), name)
        else:
            self.assertNotIn(short, REFUSALS)

    @given(
        st.text(max_size=40)
        | st.integers().map(str)
        | st.floats().map(str)
        | st.sampled_from(["Wed, 21 Oct 2099 07:28:00 GMT", "inf", "nan", "1e300"])
    )
    @SETTINGS
    def test_an_erp_is_waited_for_a_day_at_most(self, text):
        wait = Answer(429, {"retry-after": text}, b"").retry_after
        self.assertTrue(wait is None or 0 <= wait <= MAX_WAIT)


@tagged("post_install", "-at_install")
class TestSchedule(BaseCase):
    """When something is tried again."""

    @given(st.integers(0, 10**6))
    @SETTINGS
    def test_a_pause_is_its_step_give_or_take_a_fifth(self, count):
        step = schedule.STEPS[min(count, len(schedule.STEPS) - 1)]
        pause = schedule.delay(count)
        self.assertLessEqual(step * 0.8, pause)
        self.assertLessEqual(pause, step * 1.2)

    @given(st.integers(0, 50), st.integers(1, 50))
    @SETTINGS
    def test_pauses_grow_until_the_longest(self, count, more):
        later = min(count + more, len(schedule.STEPS) - 1)
        if later > count:
            self.assertLess(schedule.delay(count), schedule.delay(later))

    @given(st.integers(-10, 10**6))
    @SETTINGS
    def test_the_breaker_opens_after_five_failures_for_a_quarter_of_an_hour_at_most(
        self, failures
    ):
        pause = schedule.breaker_pause(failures)
        if failures < 5:
            self.assertIsNone(pause)
        else:
            self.assertLessEqual(timedelta(seconds=24), pause)
            self.assertLessEqual(pause, timedelta(minutes=18))

    @given(st.integers(0, 10**6), st.integers(1, 64))
    @SETTINGS
    def test_failures_that_come_together_open_the_breaker_by_one_step(
        self, before, more
    ):
        failures = schedule.count_failures(before, more)
        self.assertGreater(failures, before)
        self.assertLessEqual(failures // 5, before // 5 + 1)

    @given(st.integers(0, 10**6), st.integers(0, 10**4))
    @SETTINGS
    def test_the_window_ends_by_time_not_by_tries(self, minutes, count):
        env = Env()
        job = Job.make(env, Connection())
        since = env.now() - timedelta(minutes=minutes)
        job.write({"retry_since": since, "retry_count": count})
        again = outcome._next_try(job)
        if minutes >= 3 * 24 * 60:
            self.assertIsNone(again)
        else:
            self.assertGreater(again["next_try_at"], env.now())
            self.assertEqual(again["retry_since"], since)
            self.assertEqual(again["retry_count"], count + 1)


class JobMachine(RuleBasedStateMachine):
    """One bill, an engine that crashes and comes late, an ERP that answers as it
    likes, and people who press what they may; every person tells the truth."""

    capability = Capability.LOOKUP

    @initialize()
    def begin(self):
        self.env = Env()
        self.connection = Connection()
        self.erp = Erp(self.capability)
        self.job = Job.make(self.env, self.connection)
        self.late = []
        self.keys = {self.job.key}
        self.patches = ExitStack()
        for target, name, value in (
            # They are about the connection, and about reading the bill.
            (health, "record", lambda *args: None),
            (record, "_flag_changed", self.flag_changed),
        ):
            self.patches.enter_context(patch.object(target, name, value))
        self.patches.enter_context(patch.dict(CONNECTORS, odoo=self.erp))
        self.job._evaluate(fresh=True)

    def teardown(self):
        if hasattr(self, "patches"):
            self.patches.close()

    @staticmethod
    def flag_changed(jobs):
        for job in jobs:
            job.write({"changed_since_sync": job._is_bill_changed()})

    # -- What happens in between

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause):
        self.env.moment += pause
        self.erp.pass_time(self.env.moment)
        if self.job.lease_until and self.job.lease_until < self.env.moment:
            reaper._end_lease(self.env, self.job)

    @rule(total=st.integers(1, 3))
    def somebody_edits_the_bill(self, total):
        self.job.write({"total": 100 * total})
        if self.job.status == "success":
            self.flag_changed(self.job)

    @rule(cancelled=st.booleans())
    def somebody_cancels_or_revives_the_bill(self, cancelled):
        self.job.move_id.state = "cancel" if cancelled else "posted"
        if self.job.status == "success":
            self.flag_changed(self.job)
        elif self.job._is_stopped() or self.job.phase in {"queued", "retrying"}:
            self.job._evaluate()

    @rule(paused=st.booleans())
    def somebody_pauses_or_resumes(self, paused):
        self.connection.paused = paused
        if self.job._is_stopped() or self.job.phase in {"queued", "retrying"}:
            self.job._evaluate()

    # -- The engine

    def is_due(self):
        job = self.job
        return (
            job.status == "in_progress"
            and job.phase in {"queued", "retrying", "verifying"}
            and not job.lease_token
            and job.next_try_at <= self.env.moment
        )

    def take(self):
        """Claim the due job as ``claim.claim`` does; return its work or None."""
        until = self.env.moment + schedule.LEASE
        if self.job.phase == "verifying":
            return claim._claim_verify(self.job, until, 0.0)
        self.job._evaluate()
        if self.job.phase not in {"queued", "retrying"}:
            return None
        document = self.job.document()
        unclear = self.job._get_unclear_attempt()
        if unclear:
            document = claim._as_sent(unclear, document)
        assert not (self.erp.under_way and self.capability != Capability.IDEMPOTENT), (
            "sent while an earlier write may still arrive"
        )
        [work] = claim._claim_send(
            {self.job: document}, until, 0.0, self.job._get_bill_stamps()
        )
        return work

    def reach(self, work, trouble):
        """Let the ERP have it; return the result that comes back."""
        if not trouble:
            return Result(work, (self.erp.keep(work.document, work.erp_id),))
        kept, error = TROUBLES[trouble]
        if kept == "late":
            due = self.env.moment + timedelta(seconds=SETTLE - 1)
            self.erp.under_way.append((due, work.document, work.erp_id))
        elif kept:
            self.erp.keep(work.document, work.erp_id)
        return Result(work, error=error)

    def serve(self, trouble):
        work = self.take()
        if work is None:
            return None
        if work.mode != VERIFY:
            return self.reach(work, trouble)
        if trouble:
            error = failure("erp_unavailable", Outcome.NOT_SENT)
            return Result(work, error=error)
        return Result(work, self.erp.look_up(work.document, work.erp_id))

    def put_down(self, result):
        record.record(self.env, [result], self.erp)

    @precondition(lambda self: self.is_due())
    @rule(trouble=st.sampled_from([None, None, *TROUBLES]))
    def the_engine_serves_it(self, trouble):
        result = self.serve(trouble)
        if result:
            self.put_down(result)

    @precondition(lambda self: self.is_due())
    @rule(trouble=st.sampled_from([None, *TROUBLES]), ever=st.booleans())
    def the_engine_dies_or_hangs_before_it_writes_the_outcome_down(self, trouble, ever):
        result = self.serve(trouble)
        if result and ever:
            self.late.append(result)

    @precondition(lambda self: self.late)
    @rule()
    def a_late_outcome_is_written_down_after_all(self):
        self.put_down(self.late.pop())

    # -- People

    @rule()
    def somebody_presses_sync(self):
        self.job._sync()

    @precondition(lambda self: self.job.status == "in_progress")
    @rule()
    def a_manager_aborts_it(self):
        sending = self.job.phase == "sending"
        try:
            self.job._abort("Because")
        except UserError:
            assert sending
        else:
            assert not sending, "what is being sent was called back"

    @precondition(lambda self: self.job.status == "failed" and self.job.attempt_ids)
    @rule()
    def a_manager_has_the_erp_asked_again(self):
        if self.capability == Capability.LOOKUP:
            self.job._verify_again()

    @precondition(lambda self: self.job.status == "failed")
    @precondition(lambda self: self.job._needs_decision())
    @rule()
    def a_manager_who_looked_sends_it_again(self):
        if self.erp.bills:
            return
        try:
            self.job._resend("It is not there")
        except UserError:
            assert self.job._get_settled_at() > self.env.moment

    # -- What must always be true

    @invariant()
    def there_are_never_two_bills(self):
        if hasattr(self, "erp"):
            assert len(self.erp.bills) <= 1, self.erp.bills

    @invariant()
    def no_job_is_stuck(self):
        if not hasattr(self, "job"):
            return
        job = self.job
        assert (job.status == "in_progress") == (
            job.phase in {"queued", "sending", "retrying", "verifying"}
        ), (job.status, job.phase)
        if job.status == "in_progress":
            assert job.next_try_at
        assert job.phase != "sending" or job.lease_until
        assert bool(job.lease_token) == bool(job.lease_until)
        assert not job.lease_token or job.status == "in_progress"

    @invariant()
    def success_is_in_the_books_as_it_says(self):
        if not hasattr(self, "job") or self.job.status != "success":
            return
        job, cancelled = self.job, self.job.move_id.state == "cancel"
        if job.erp_cancelled:
            assert not self.erp.bills, "cancelled, and still in the books"
            same = cancelled
        else:
            assert job.erp_id in self.erp.bills, "a false success"
            _key, receipt = self.erp.bills[job.erp_id]
            same = receipt.total == job.total and not cancelled
        assert same or job.changed_since_sync, "a change nobody is told of"

    @invariant()
    def failed_is_surely_not_there_or_says_that_nobody_knows(self):
        if not hasattr(self, "job") or self.job.status != "failed":
            return
        if not self.job._needs_decision():
            unknown = set(self.erp.bills) - {self.job.erp_id}
            assert not unknown and not self.erp.under_way, "a false failure"

    @invariant()
    def the_key_stays_while_the_erp_may_know_the_bill_by_it(self):
        if not hasattr(self, "job") or self.job.key in self.keys:
            return
        self.keys.add(self.job.key)
        assert not self.erp.under_way, "a new key while a write is under way"
        assert set(self.erp.bills) <= {self.job.erp_id}, "a new key for a bill there"

    @invariant()
    def one_writer_at_most(self):
        if hasattr(self, "job"):
            sending = [a for a in self.job.attempt_ids if a.outcome == "sending"]
            assert len(sending) <= 1, "two live attempts"


@tagged("post_install", "-at_install")
class TestJobHistories(BaseCase):
    """Never two bills, no false success or failure, nothing stuck: whatever happens,
    in whatever order, for each kind of ERP."""

    def play(self, kind):
        machine = type(f"Job_{kind}", (JobMachine,), {"capability": kind})
        run_state_machine_as_test(
            machine, settings=settings(SETTINGS, stateful_step_count=40)
        )

    def test_an_erp_that_can_be_asked(self):
        self.play(Capability.LOOKUP)

    def test_an_erp_that_honours_keys(self):
        self.play(Capability.IDEMPOTENT)

    def test_an_erp_that_can_do_neither(self):
        self.play(Capability.NONE)
