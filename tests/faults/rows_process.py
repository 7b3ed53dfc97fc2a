"""Rows 23 to 26, 31 to 36, 38: workers that die, freeze, race and restart."""

import os
import random
import signal
import threading
import time

from case import BEHAVIOURS, KEYS, LOOKUP, Expected
from matrix import row

LEASE_SECONDS = 10
#: A lease, the settle time and the reaper's tick, with room for a slow machine.
MENDED_SECONDS = LEASE_SECONDS + 2 + 20


def _die_at(case, name, count=3):
    case.bench.failpoint(name)
    case.submit(count)
    case.wait_struck(name)
    started = time.monotonic()
    case.settle()
    return time.monotonic() - started


@row(23, "kill -9 before anything is sent", quick=True)
def die_before_send(case):
    seconds = _die_at(case, "claimed")
    case.expect(seconds < MENDED_SECONDS, f"mended in {MENDED_SECONDS} s")
    first = case.attempts()[0]
    case.expect(first["outcome"] == "ambiguous", "an unclear attempt")
    case.expect_synced()


@row(24, "kill -9 after the answer, before it is recorded", quick=BEHAVIOURS)
def die_after_answer(case):
    seconds = _die_at(case, "answered")
    case.expect(seconds < MENDED_SECONDS, f"mended in {MENDED_SECONDS} s")
    case.expect(len(case.kept()) >= 1, "a bill in the ERP")
    case.expect_synced()


@row(24, "kill -9 in a thread that is about to send", letter="b")
def die_while_sending(case):
    _die_at(case, "sending")
    case.expect_synced()


@row(24, "kill -9 with the connection's lease in hand", letter="c")
def die_with_lease(case):
    _die_at(case, "leased")
    case.expect_status("success")
    case.expect_kept(3)


@row(24, "Odoo's ledger: kill -9 before the commit", letter="d", behaviours=[LOOKUP])
def die_in_ledger(case):
    bench = case.bench
    bills = bench.make_bills(3, post=False)
    ledger = bench.call(
        "ap.sync.faults",
        "make_connection",
        values={"name": f"Ledger {case.name}", "connector": "local"},
    )
    bench.failpoint("posted")
    bench.call("ap.sync.faults", "submit", connection_id=ledger, move_ids=bills)
    case.wait_struck("posted")

    def rows():
        return bench.sql(
            """
            SELECT job.status, job.attempt_count, move.state, move.name
              FROM ap_sync_job job JOIN account_move move ON move.id = job.move_id
             WHERE job.connection_id = %s
            """,
            ledger,
        )

    case.wait(
        lambda: all(row_["status"] == "success" for row_ in rows()), text="Success"
    )
    case.expect(all(row_["state"] == "posted" for row_ in rows()), "three posted bills")
    case.expect(len({row_["name"] for row_ in rows()}) == 3, "a number for each")
    case.expect(
        all(row_["attempt_count"] == 1 for row_ in rows()), "one attempt on record each"
    )
    bench.sql("UPDATE ap_sync_connection SET active = false WHERE id = %s", ledger)


@row(25, "kill -9 after the record, before the effects", quick=True)
def die_before_effects(case):
    case.bench.failpoint("recorded")
    (job_id,) = case.submit()
    case.wait_struck("recorded")
    case.settle()
    case.expect_status("success")
    _one_message(case)


@row(25, "kill -9 in the middle of the effects", letter="b")
def die_in_effects(case):
    due = "SELECT 1 FROM ap_sync_job WHERE effects_due"
    case.wait(lambda: not case.bench.sql(due), text="An end of the effects of before")
    case.bench.failpoint("effects")
    case.submit()
    case.wait_struck("effects")
    case.settle()
    case.expect_status("success")
    _one_message(case)


def _one_message(case):
    """The outcome is told in the bill's chatter, once."""

    def told():
        return case.bench.sql(
            """
            SELECT body FROM mail_message
             WHERE model = 'account.move' AND res_id = %s AND body LIKE %s
            """,
            case.job()["move_id"],
            f"%Faults {case.name} %",
        )

    case.wait(told, text="A message on the bill")
    time.sleep(2)
    case.expect(len(told()) == 1, "one message")


@row(26, "SIGTERM to the whole host during a send", quick=True)
def terminated(case):
    case.script(*[{"do": "delay", "when": "after", "seconds": 1.5}] * 4)
    case.submit(4)
    case.wait(case.writes, text="A write")
    case.bench.host.restart()
    case.settle()
    case.expect_synced()


@row(
    26,
    "SIGTERM to the whole host while a run waits that no worker waits for",
    letter="c",
    behaviours=BEHAVIOURS,
    quick=(LOOKUP,),
)
def terminated_alone(case):
    """The process waits for what is under way, and begins nothing more."""
    case.write(concurrency=2, timeout=20)
    case.script(*[{"do": "delay", "when": "after", "seconds": 5}] * 2)
    case.submit(2)
    case.wait(lambda: len(case.writes()) == 2, text="Writes")
    time.sleep(2)  # the worker has been let go by now
    case.submit(bills=case.bench.pool[2:3])
    case.bench.host.restart()
    case.settle()
    case.expect_status("success")
    case.expect_kept(3)
    case.expect(len(case.attempts()) == 3, "an attempt each: no answer was lost")


@row(26, "kill -9 of the master and all workers", letter="b")
def host_killed(case):
    case.script(*[{"do": "delay", "when": "after", "seconds": 1.5}] * 4)
    case.submit(4)
    case.wait(case.writes, text="A write")
    case.bench.host.kill_master()
    case.bench.host.wait_until_ready()
    case.settle()
    case.expect_synced()


@row(31, "Many dispatchers race for the same jobs", quick=True)
def race(case):
    (cron,) = case.bench.sql(
        "SELECT cron_id FROM ap_sync_connection WHERE id = %s", case.id
    )
    jobs = case.submit(30)

    def run():
        try:
            case.bench.call("ir.cron", "method_direct_trigger", ids=[cron["cron_id"]])
        except Exception:
            pass  # "is being executed": what is expected of all but one

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.settle()
    case.expect_status("success")
    case.expect_kept(len(jobs))
    case.expect(len(case.attempts()) == len(jobs), "one attempt for each job")


@row(32, "Double and triple clicks of two people", quick=True)
def double_click(case):
    bills = case.bench.make_bills(3)
    made = []

    def click():
        made.append(case.submit(bills=bills))

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.expect(len(made) == 6, "an answer without an error to each click")
    jobs = [job["id"] for job in case.jobs()]
    case.expect(len(jobs) == 3, "one job for each bill")
    for _ in range(3):
        case.press(jobs)
    case.settle()
    case.press(jobs)
    case.settle()
    case.expect_status("success")
    case.expect_kept(3)


@row(33, "The scheduled action and Run Manually at once", behaviours=[LOOKUP])
def run_manually(case):
    case.script(*[{"do": "delay", "when": "before", "seconds": 1}] * 3)
    (cron,) = case.bench.sql(
        "SELECT cron_id FROM ap_sync_connection WHERE id = %s", case.id
    )
    case.submit(3)
    case.wait(case.writes, text="A write")
    try:
        case.bench.call("ir.cron", "method_direct_trigger", ids=[cron["cron_id"]])
        words = ""
    except Exception as error:
        words = str(error)
    case.expect("already executing" in words, f"a refusal, not {words!r}")
    case.settle()
    case.expect_status("success")
    case.expect_kept(3)


@row(34, "The scheduled action is killed again and again", behaviours=[KEYS, LOOKUP])
def killed_repeatedly(case):
    for _ in range(4):
        case.bench.failpoint("leased")
        case.submit(1, bills=[case.bench.pool[len(case.jobs())]])
        case.wait(lambda: not (case.bench.folder / "leased").exists(), text="A strike")
    case.settle()
    case.expect_status("success")
    (cron,) = case.bench.sql(
        "SELECT active, failure_count FROM ir_cron WHERE id = %s",
        case.connection()["cron_id"],
    )
    case.expect(cron["active"], "an active scheduled action")


@row(
    35,
    "A host whose clock is an hour off",
    behaviours=[KEYS, LOOKUP],
)
def wrong_clock(case):
    case.expect(
        case.bench.given.faketime,
        "another clock for one process: install libfaketime, then run this again",
    )
    for number, skew in enumerate(("+1h", "-1h")):
        clock = {
            "LD_PRELOAD": case.bench.given.faketime,
            "FAKETIME": skew,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        case.script(*[{"do": "delay", "when": "after", "seconds": 1}] * 10)
        with case.bench.make_host(f"clock{case.name}{number}", env=clock) as host:
            bills = case.bench.pool[10 * number : 10 * number + 10]
            case.submit(bills=bills, host=host)
            case.settle()
            case.press([job["id"] for job in case.jobs()], host=host)
    case.expect_status("success")
    case.expect_kept(20)
    case.expect(len(case.attempts()) == 20, "one attempt each: no lease ended early")
    (times,) = case.bench.sql(
        """
        SELECT bool_and(abs(extract(epoch FROM
                   (now() AT TIME ZONE 'UTC') - started_at)) < 300) AS right
          FROM ap_sync_attempt WHERE connection_id = %s
        """,
        case.id,
    )
    case.expect(times["right"], "PostgreSQL's time on every attempt")


@row(36, "Frozen for two leases before the send, then woken", quick=True)
def frozen_before_send(case):
    _freeze(case, "sending")
    case.expect_synced()
    case.expect(len(case.kept()) <= 1, "one bill")


@row(36, "Frozen for two leases after the answer, then woken", letter="b")
def frozen_after_answer(case):
    _freeze(case, "answered")
    case.expect_kept(1)
    case.expect_synced()


def _freeze(case, name):
    case.bench.failpoint(name, do="stop")
    case.submit()
    struck = case.wait_struck(name)
    time.sleep(2 * LEASE_SECONDS)
    # Its scheduled action is locked as long as it lives (Odoo ends a frozen worker
    # after limit_time_real); the reaper has seen what the lease says all the same.
    case.expect(case.job()["phase"] != "sending", "a job that is no longer Sending")
    os.kill(struck["pid"], signal.SIGCONT)
    case.settle()
    time.sleep(2)
    case.settle()


@row(37, "The addon is upgraded from the Apps screen meanwhile", behaviours=[LOOKUP])
def upgraded(case):
    case.write(concurrency=1)
    case.script(*[{"do": "delay", "when": "after", "seconds": 1}] * 8)
    case.submit(8)
    case.wait(case.writes, text="A write")
    (module,) = case.bench.sql("SELECT id FROM ir_module_module WHERE name = 'ap_sync'")
    for _ in range(30):
        try:
            case.bench.call(
                "ir.module.module", "button_immediate_upgrade", ids=[module["id"]]
            )
            break
        except Exception as error:
            # Odoo does not change modules while a scheduled action runs.
            case.expect("scheduled action" in str(error), f"a refusal, not {error}")
            time.sleep(1)
    else:
        raise Expected("the upgrade was never let in")
    case.bench.host.wait_until_ready()
    case.settle(seconds=150)
    case.expect_status("success")
    case.expect_kept(8)


@row(38, "Deployment after deployment while jobs are under way", behaviours=[LOOKUP])
def deployments(case):
    case.submit(40)
    dice = random.Random(38)
    for _ in range(2):
        time.sleep(dice.uniform(0.2, 1.0))
        case.bench.host.restart()
    case.settle()
    case.expect_status("success")
    case.expect_kept(40)
