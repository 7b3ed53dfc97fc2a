"""The soak: one seed is 150 jobs on three ERPs, one of each behaviour, while the ERP
misbehaves, workers are killed, database sessions end, PostgreSQL restarts, people
click twice and set holds; then the invariants are checked over all that happened.

The seed decides what is done, and in which order; when exactly a process dies is up
to the machine.
"""

import random
import threading
import time

from case import BEHAVIOURS, Case
from invariants import leaks, violations

JOBS_EACH = 50
#: Seeds that found something once; they are played with every short set.
FAILED_ONCE = (4, 10)
#: How often a write meets a fault, how often a failpoint kills.
FAULT_RATE = 0.35
KILL_RATE = 0.03
STORM_SECONDS = 8
CALM_SECONDS = 180


class Chaos:
    """One seed."""

    def __init__(self, bench, seed):
        self.bench = bench
        self.seed = seed
        self.dice = random.Random(seed)
        self.done = []
        self.struck_before = len(bench.struck())
        self._lock = threading.Lock()

    def run(self):
        """Play the seed.

        :return: the violations, a sentence each.
        """
        self.bench.await_host()
        self.cases = self.make_cases()
        people = threading.Thread(target=self._click)
        try:
            self.bench.chaos(KILL_RATE)
            people.start()
            self._storm()
        finally:
            people.join()
            self.bench.chaos(0)
        # The ERPs go on misbehaving: that alone must come to a good end.
        return self._judge()

    def summary(self):
        """Return what was done and what became of the jobs, in a line."""
        states = {}
        for case in self.cases:
            for job in case.jobs():
                state = f"{case.behaviour} {job['status']}"
                if job["error_kind"]:
                    state += f" ({job['error_kind']})"
                states[state] = states.get(state, 0) + 1
        acts = {}
        for act in self.done:
            acts[act] = acts.get(act, 0) + 1
        writes = [write for case in self.cases for write in case.writes()]
        met = sum(bool(write["fault"]["do"]) for write in writes)
        deaths = len(self.bench.struck()) - self.struck_before
        return (
            f"{len(writes)} writes, {met} of them met a fault, {deaths} deaths at "
            f"failpoints, {_counts(acts)} ▸ {_counts(states)}"
        )

    # -- What differs with another ERP

    jobs_each = JOBS_EACH

    def make_cases(self):
        """Return the connections to play with."""
        cases = [Case(self.bench, behaviour) for behaviour in BEHAVIOURS]
        for case in cases:
            self.bench.erp.chaos(case.behaviour, case.name, FAULT_RATE, self.seed)
        return cases

    def bills_of(self, case):
        """Return the bills that one of them is sent."""
        return self.bench.pool[: self.jobs_each]

    def acts(self):
        """Return what may happen in the storm, and how often."""
        return [
            (self._kill_worker, 5),
            (self._end_session, 6),
            (self._restart_postgres, 1),
            (self._crash_postgres, 0.5),
            (self._hold, 3),
        ]

    # -- What happens

    def _storm(self):
        """Break things for a while."""
        dice = random.Random(self.seed + 1)
        acts = self.acts()
        end = time.monotonic() + STORM_SECONDS
        while time.monotonic() < end:
            time.sleep(dice.uniform(0.2, 1.0))
            (act,) = dice.choices([a for a, _ in acts], [w for _, w in acts])
            act(dice)
            self.done.append(act.__name__.strip("_"))

    def _kill_worker(self, dice):
        self.bench.host.kill_worker(dice)

    def _end_session(self, dice):
        self.bench.kill_sessions(dice)

    def _restart_postgres(self, _dice):
        self.bench.postgres.restart("fast")

    def _crash_postgres(self, _dice):
        self.bench.postgres.restart("immediate")

    def _hold(self, dice):
        case = dice.choice(self.cases)
        if self._insist(case.pause):
            time.sleep(dice.uniform(0.2, 1.5))
            if not self._insist(case.resume, tries=60):
                raise RuntimeError("a connection can't be resumed")

    def _click(self):
        """Press Sync on all bills in small lots, many of them twice, as people do."""
        dice = random.Random(self.seed + 2)
        lots = [
            (case, self.bills_of(case)[start : start + 10])
            for case in self.cases
            for start in range(0, self.jobs_each, 10)
        ]
        lots += dice.sample(lots, len(lots) // 2)
        dice.shuffle(lots)
        for case, bills in lots:
            self._insist(lambda case=case, bills=bills: case.submit(bills=bills), 120)
            if dice.random() < 0.3:
                jobs = [job["id"] for job in case.jobs()]
                self._insist(lambda case=case, jobs=jobs: case.press(jobs))
            time.sleep(dice.uniform(0, 0.3))

    def _insist(self, act, tries=5):
        """Do what a person does again when the server was away."""
        for _ in range(tries):
            try:
                act()
                return True
            except Exception:
                time.sleep(0.5)
        return False

    # -- What came of it

    def _judge(self):
        self.bench.host.wait_until_ready()
        found = []
        for case in self.cases:
            for hold in case.holds:
                if hold[1] == float("inf"):
                    case.resume()
        for case in self.cases:
            try:
                case.wait(
                    lambda case=case: self._all_moved(case), CALM_SECONDS, "A calm end"
                )
            except AssertionError as error:
                found.append(f"LOST: {error}")
            missing = set(self.bills_of(case)) - {job["move_id"] for job in case.jobs()}
            if missing:
                found.append(f"LOST: {len(missing)} bills of {case.name} have no job")
            case.may_be_unknown = self._refused_in_doubt(case)
            found += violations(case)
            case.archive()
        return found + leaks(self.bench)

    def _all_moved(self, case):
        """All is done, or waits for a person for a reason that was made here."""
        return all(job["status"] in ("success", "failed") for job in case.jobs())

    def _refused_in_doubt(self, case):
        """An ERP that honours keys and refuses a bill it may hold leaves it open."""
        attempts = {}
        for attempt in case.attempts():
            attempts.setdefault(attempt["job_id"], []).append(attempt["outcome"])
        return {
            job_id
            for job_id, outcomes in attempts.items()
            if case.behaviour == "keys"
            and outcomes[-1] == "rejected"
            and "ambiguous" in outcomes
        }


def _counts(numbers):
    return ", ".join(f"{count} {name}" for name, count in sorted(numbers.items()))
