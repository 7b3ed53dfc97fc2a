"""One connection of the bench and what can be done to it and asked of it: the words
that the rows of the fault matrix are written in."""

import time

from bench import CANARY

KEYS, LOOKUP, NONE = "keys", "lookup", "none"
BEHAVIOURS = (KEYS, LOOKUP, NONE)
SETTLED = ("success", "failed", "on_hold", "blocked")


class Expected(AssertionError):
    """What was expected did not happen; the message says both."""


class Case:
    """A new connection to a new ERP of one behaviour.

    :param values: further values of the connection.
    """

    def __init__(self, bench, behaviour=LOOKUP, **values):
        self.bench = bench
        self.behaviour = behaviour
        self.name = bench.new_name()
        self.holds = []
        self.others = []
        self.struck_before = len(bench.struck())
        #: Attempts that are no longer on record since a backup was put back.
        self.forgotten = set()
        #: Jobs that may end with an unknown outcome although the ERP could be asked.
        self.may_be_unknown = set()
        self.id = bench.call(
            "ap.sync.faults",
            "make_connection",
            values={
                "name": f"Faults {self.name}",
                "connector": f"fake_{behaviour}",
                "url": f"{bench.erp.url}/{behaviour}/{self.name}",
                "api_key": CANARY,
                "trigger": "manual",
                "timeout": 5,
                **values,
            },
        )

    # -- Do

    def script(self, *faults):
        """Set what the next writes meet."""
        self.bench.erp.script(self.behaviour, self.name, list(faults))

    def plant(self, **values):
        """Put a bill in the ERP that somebody else entered there."""
        bill = {
            "id": f"{self.name}-planted",
            "number": "FAKE/PLANTED",
            "key": "",
            "kind": "bill",
            "accounting_date": "2026-11-10",
            "currency": "USD",
            **values,
        }
        self.bench.erp.plant(self.behaviour, self.name, bill)

    def beside(self, behaviour=None, **values):
        """Return another case, checked with this one."""
        other = Case(self.bench, behaviour or self.behaviour, **values)
        self.others.append(other)
        return other

    def submit(self, count=1, bills=None, host=None):
        """Press Sync on bills; returns the ids of their jobs."""
        bills = self.bench.pool[:count] if bills is None else bills
        return self.bench.call(
            "ap.sync.faults",
            "submit",
            host=host,
            connection_id=self.id,
            move_ids=bills,
        )

    def press(self, job_ids, host=None):
        """Press Sync on jobs."""
        return self.bench.call("ap.sync.job", "action_sync", host=host, ids=job_ids)

    def pause(self):
        """Pause the connection; from the answer on nothing may leave."""
        values = {"connection_id": self.id, "reason": "A fault is played"}
        ids = self.bench.call("ap.sync.pause", "create", vals_list=[values])
        self.bench.call("ap.sync.pause", "action_pause", ids=ids)
        self.holds.append([time.time(), float("inf")])

    def resume(self):
        """Resume the connection."""
        self.holds[-1][1] = time.time()
        self.bench.call("ap.sync.connection", "action_resume", ids=[self.id])

    def write(self, **values):
        """Change the connection."""
        self.bench.call("ap.sync.connection", "write", ids=[self.id], vals=values)

    # -- See

    def jobs(self):
        """Return the jobs, with all their columns."""
        return self.bench.sql(
            "SELECT * FROM ap_sync_job WHERE connection_id = %s ORDER BY id", self.id
        )

    def job(self):
        """Return the only job."""
        (job,) = self.jobs()
        return job

    def attempts(self):
        """Return the attempts in order."""
        return self.bench.sql(
            "SELECT * FROM ap_sync_attempt WHERE connection_id = %s ORDER BY id",
            self.id,
        )

    def connection(self):
        """Return the connection's columns."""
        (row,) = self.bench.sql(
            "SELECT * FROM ap_sync_connection WHERE id = %s", self.id
        )
        return row

    def kept(self):
        """Return the bills that the ERP ever made."""
        return self.bench.erp.kept(self.name)

    def events(self, *kinds):
        """Return what happened at the ERP, all or of some kinds."""
        rows = self.bench.erp.events(self.name)
        return [row for row in rows if not kinds or row["event"] in kinds]

    def writes(self):
        """Return the writes that reached the ERP."""
        return self.events("asked_to_write")

    # -- Wait

    def wait(self, what, seconds=60, text=""):
        """Wait until a condition holds.

        :param what: a function; ends the wait with its first true value, returned.
        :raise Expected: when the time is over.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.1)
        text = text or what.__name__
        raise Expected(f"{text} did not come within {seconds} s: {self.summary()}")

    def settle(self, seconds=90, statuses=SETTLED):
        """Wait until no job is under way any more; return the jobs."""
        self.wait(
            lambda: all(job["status"] in statuses for job in self.jobs()),
            seconds,
            "An end of all jobs",
        )
        return self.jobs()

    def wait_phase(self, *phases, seconds=30):
        """Wait until all jobs are in one of these phases."""
        self.wait(
            lambda: all(job["phase"] in phases for job in self.jobs()),
            seconds,
            f"All jobs {' or '.join(phases)}",
        )

    def wait_struck(self, name, seconds=30):
        """Wait until a failpoint has struck; return what did."""
        return self.wait(
            lambda: [
                strike
                for strike in self.bench.struck()[self.struck_before :]
                if strike["name"] == name
            ],
            seconds,
            f"A strike at {name}",
        )[-1]

    # -- Expect

    def expect(self, condition, text):
        """Raise unless a condition holds."""
        if not condition:
            raise Expected(f"{text}: {self.summary()}")

    def expect_status(self, status, kind=None, count=None):
        """Expect all jobs (or so many) to have a status, and a kind of error."""
        found = [
            job
            for job in self.jobs()
            if job["status"] == status and (kind is None or job["error_kind"] == kind)
        ]
        wanted = len(self.jobs()) if count is None else count
        self.expect(len(found) == wanted, f"{wanted} {status} ({kind or 'any kind'})")

    def expect_synced(self):
        """Expect what the promise says after unclear answers: Success, one bill each;
        where the ERP can do neither, a person is asked and nothing is sent twice."""
        if self.behaviour == NONE:
            for job in self.jobs():
                known = job["status"] == "success" or (
                    job["status"] == "failed" and job["error_kind"] == "outcome_unknown"
                )
                self.expect(known, "Success, or Failed with an unknown outcome")
        else:
            self.expect_status("success")
            self.expect(
                len(self.kept()) == len(self.jobs()), "as many bills in the ERP as jobs"
            )

    def expect_kept(self, count):
        """Expect so many bills in the ERP."""
        self.expect(len(self.kept()) == count, f"{count} bills in the ERP")

    def summary(self):
        """Return what a person wants to know of a row that failed."""
        states = {}
        for job in self.jobs():
            state = (job["status"], job["phase"], job["error_kind"])
            states[state] = states.get(state, 0) + 1
        outcomes = {}
        for attempt in self.attempts():
            key = (attempt["outcome"], attempt["error_kind"])
            outcomes[key] = outcomes.get(key, 0) + 1
        return (
            f"{self.behaviour}/{self.name} jobs {states}, attempts {outcomes}, "
            f"{len(self.writes())} writes, {len(self.kept())} bills in the ERP"
        )

    def archive(self):
        """Take the connection out of the way of the next rows."""
        self.bench.sql(
            "UPDATE ap_sync_connection SET active = false WHERE id = %s", self.id
        )
