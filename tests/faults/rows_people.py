"""Rows 16, 40, 42 to 45, 48, 49: what people and settings do meanwhile."""

import threading
import time
from pathlib import Path

from case import BEHAVIOURS, KEYS, LOOKUP
from matrix import row

REFUSED = {"do": "status", "status": 401}
NEUTRALIZE = Path(__file__).parents[2] / "data" / "neutralize.sql"
SLOW = {"do": "delay", "when": "after", "seconds": 1.5}


@row(16, "401: the key is refused", quick=True)
def key_refused(case):
    case.write(concurrency=1)
    case.script(REFUSED)
    case.submit(10)
    case.wait(lambda: case.connection()["attention_kind"], text="A stop")
    time.sleep(2)
    case.expect_status("on_hold")
    case.expect(case.connection()["attention_kind"] == "credentials_wrong", "the key")
    case.expect(len(case.writes()) == 1, "one write, no hammering")
    activities = case.bench.sql(
        "SELECT 1 FROM mail_activity"
        " WHERE res_model = 'ap.sync.connection' AND res_id = %s",
        case.id,
    )
    case.expect(len(activities) == 1, "one activity")
    case.bench.call("ap.sync.connection", "action_resume", ids=[case.id])
    case.settle(statuses=("success", "failed"))
    case.expect_status("success")
    case.expect_kept(10)


@row(42, "The bill is edited, cancelled or deleted while it is under way", quick=True)
def edited_meanwhile(case):
    case.write(concurrency=4)
    bills = case.bench.make_bills(3)
    case.script(SLOW, SLOW, SLOW)
    case.submit(bills=bills)
    case.wait(lambda: len(case.writes()) >= 3, text="Three writes")
    edited, cancelled, deleted = bills
    case.bench.call(
        "account.move", "write", ids=[edited], vals={"ref": f"EDITED-{case.name}"}
    )
    case.bench.call("account.move", "button_draft", ids=[cancelled])
    case.bench.call("account.move", "button_cancel", ids=[cancelled])
    case.bench.call("account.move", "button_draft", ids=[deleted])
    try:
        case.bench.call("account.move", "unlink", ids=[deleted])
        words = ""
    except Exception as error:
        words = str(error)
    case.expect("can't be deleted" in words, f"a refusal, not {words!r}")
    case.settle()
    case.expect_status("success")
    case.expect_kept(3)
    case.expect(
        all(
            job["changed_since_sync"]
            for job in case.jobs()
            if job["move_id"] != deleted
        ),
        "changed since the sync",
    )


@row(42, "The bill is edited while its fate is unclear", letter="b", quick=BEHAVIOURS)
def edited_in_doubt(case):
    (bill,) = case.bench.make_bills(1)
    case.script({"do": "reset", "when": "after"})
    (job_id,) = case.submit(bills=[bill])
    case.wait(case.writes, text="A write")
    case.bench.call("account.move", "button_draft", ids=[bill])
    case.bench.call(
        "account.move", "write", ids=[bill], vals={"ref": f"EDITED-{case.name}"}
    )
    case.bench.call("account.move", "action_post", ids=[bill])
    case.settle()
    case.expect_kept(1)
    if case.behaviour in (KEYS, LOOKUP):
        case.expect_status("success")
        case.expect(case.job()["changed_since_sync"], "changed since the sync")
        case.press([job_id])
        case.settle()
        case.expect_status("success")
        case.expect_kept(1)
        case.expect(len(case.events("changed")) == 1, "a change in the ERP")


@row(43, "A hold before the claim", quick=True)
def hold_before(case):
    case.pause()
    case.submit(3)
    time.sleep(2)
    case.expect(not case.writes(), "no write while held")
    case.expect_status("on_hold")
    case.resume()
    case.settle(statuses=("success", "failed"))
    case.expect_status("success")
    case.expect_kept(3)


@row(43, "A hold while bills are sent", letter="b", quick=True)
def hold_during(case):
    case.write(concurrency=2)
    case.script(*[SLOW] * 12)
    case.submit(12)
    case.wait(case.writes, text="A write")
    case.pause()
    time.sleep(4)
    counts = {job["status"] for job in case.jobs()}
    case.expect(counts == {"success", "on_hold"}, "those under way done, the rest held")
    case.resume()
    case.settle(statuses=("success", "failed"))
    case.expect_status("success")
    case.expect_kept(12)


@row(43, "A hold between two tries", letter="c", behaviours=[KEYS, LOOKUP])
def hold_between(case):
    case.script(*[{"do": "reset"}] * 2)
    case.submit(2)
    case.wait_phase("retrying", "verifying", "queued")
    case.pause()
    time.sleep(5)
    case.resume()
    case.settle(statuses=("success", "failed"))
    case.expect_synced()


@row(43, "Bills are submitted while a hold ends", letter="d", behaviours=[LOOKUP])
def hold_ends_meanwhile(case):
    """Seed 4: who resumes does not see what is held in the same moment."""
    for start in range(0, 50, 5):
        case.pause()
        bills = case.bench.pool[start : start + 5]
        thread = threading.Thread(target=case.submit, kwargs={"bills": bills})
        thread.start()
        time.sleep(start / 200)
        case.resume()
        thread.join()
    case.settle(statuses=("success", "failed"))
    case.expect_status("success", count=50)
    case.expect_kept(50)


@row(44, "A rule is made while bills are under way: the vendor is blocked", quick=True)
def vendor_blocked(case):
    case.write(concurrency=1)
    case.script(*[SLOW] * 4)
    case.submit(10)
    case.wait(case.writes, text="A write")
    (vendor,) = case.bench.sql(
        "SELECT partner_id AS id FROM account_move WHERE id = %s", case.bench.pool[9]
    )
    case.bench.call(
        "res.partner",
        "write",
        ids=[vendor["id"]],
        vals={"ap_sync_blocked": True, "ap_sync_block_reason": "Disputed"},
    )
    try:
        case.settle()
        blocked = [job for job in case.jobs() if job["status"] == "blocked"]
        case.expect(len(blocked) == 1, "one job blocked")
        case.expect_status("success", count=9)
        case.expect_kept(9)
    finally:
        case.bench.call(
            "res.partner", "write", ids=[vendor["id"]], vals={"ap_sync_blocked": False}
        )
    case.settle(statuses=("success", "failed"))
    case.expect_status("success")
    case.expect_kept(10)


@row(45, "Who submitted the bills is archived meanwhile", behaviours=[LOOKUP])
def user_archived(case):
    (user,) = case.bench.sql("SELECT id FROM res_users WHERE login = 'demo'")
    case.script(SLOW, {"do": "status", "status": 422}, SLOW)
    jobs = case.submit(3)
    case.bench.sql(
        "UPDATE ap_sync_job SET user_id = %s WHERE id IN %s", user["id"], tuple(jobs)
    )
    case.bench.call("res.users", "write", ids=[user["id"]], vals={"active": False})
    case.settle()
    case.expect_status("success", count=2)
    case.expect_status("failed", "invalid_data", count=1)
    case.wait(
        lambda: not any(job["effects_due"] for job in case.jobs()), text="The effects"
    )
    case.bench.call("res.users", "write", ids=[user["id"]], vals={"active": True})


@row(48, "A bill that can't be read, among others", quick=True)
def poison(case):
    bills = case.bench.make_bills(3)
    case.bench.sql(
        "UPDATE account_move SET narration = 'POISON' WHERE id = %s", bills[1]
    )
    case.submit(bills=bills)
    case.settle()
    case.expect_status("failed", "internal", count=1)
    case.expect_status("success", count=2)
    case.expect_kept(2)


@row(49, "More bills than the ERP takes: 429 every third time", behaviours=[LOOKUP])
def rate_limited(case):
    limit = {"do": "status", "status": 429, "headers": {"Retry-After": "1"}}
    case.script(*[{"do": ""}, {"do": ""}, limit] * 10)
    other = case.beside()
    case.submit(40)
    other.submit(40)
    other.settle()
    case.settle(seconds=150)
    case.expect_status("success")
    case.expect_kept(40)
    case.expect(all(job["retry_count"] == 0 for job in case.jobs()), "no try used up")


@row(39, "Somebody uninstalls the addon while bills are under way", quick=True)
def uninstalled(case):
    case.script(SLOW, SLOW)
    case.submit(2)
    case.wait(case.writes, text="A write")
    (module,) = case.bench.sql("SELECT id FROM ir_module_module WHERE name = 'ap_sync'")
    try:
        case.bench.call(
            "ir.module.module", "button_immediate_uninstall", ids=[module["id"]]
        )
        words = ""
    except Exception as error:
        words = str(error)
    # Odoo's own refusal comes first if a scheduled action runs at that moment.
    refused = "bills In Progress" in words or "scheduled action" in words
    case.expect(refused, f"a refusal, not {words!r}")
    case.settle()
    case.expect_synced()


@row(40, "A neutralized copy sends nothing", behaviours=[LOOKUP])
def neutralized(case):
    bench = case.bench
    before = bench.sql("SELECT id, url, login, paused FROM ap_sync_connection")
    secrets = bench.sql("SELECT * FROM ap_sync_secret")
    case.pause()
    case.submit(3)
    bench.sql(NEUTRALIZE.read_text())
    case.expect(secrets, "a key that could have been left")
    left = bench.sql("SELECT 1 FROM ap_sync_secret")
    case.expect(not left, "no key left in the copy")
    case.resume()
    time.sleep(4)
    case.expect(not case.writes(), "no write from the copy")
    for old in before:
        bench.sql(
            "UPDATE ap_sync_connection"
            " SET url = %s, login = %s, paused = %s WHERE id = %s",
            *(old["url"], old["login"], old["paused"], old["id"]),
        )
    for old in secrets:
        bench.sql(
            "INSERT INTO ap_sync_secret (connection_id, value, sealed)"
            " VALUES (%s, %s, %s)",
            *(old["connection_id"], old["value"], old["sealed"]),
        )
    case.settle()
