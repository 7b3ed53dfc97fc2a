"""Rows 1 to 14, 17 to 20, 52: what the ERP and the way to it can do wrong."""

import email.utils
import socket
import tempfile
import time

from certificates import make_tls
from connector_server import ScriptedServer, reply

from case import BEHAVIOURS, KEYS, LOOKUP, NONE
from matrix import row
from odoo_host import CRON_WORKERS

SURE = (KEYS, LOOKUP)
RESET = {"do": "reset"}


@row(1, "The ERP is down", quick=True)
def erp_is_down(case):
    port = case.bench.erp.port
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
    case.write(url=f"http://127.0.0.1:{nobody}/{case.behaviour}/{case.name}")
    case.submit(6)
    case.wait_phase("retrying")
    case.wait(lambda: case.connection()["failures"] >= 5, text="An open breaker")
    # The address is only changed while nothing is under way to the old one: the open
    # breaker claims nothing new, what was claimed before it opened must have ended.
    case.wait_phase("retrying")
    case.expect(case.connection()["not_before"], "a connection left alone for a while")
    case.expect(
        {a["outcome"] for a in case.attempts()} <= {"not_sent", "sending"},
        "attempts surely not sent",
    )
    case.expect_kept(0)
    case.write(url=f"http://127.0.0.1:{port}/{case.behaviour}/{case.name}")
    case.settle()
    case.expect_status("success")
    case.expect_kept(6)


@row(1, "One ERP is down, the others go on", letter="b", behaviours=[LOOKUP])
def others_go_on(case):
    case.write(url="http://127.0.0.1:1/lookup/nowhere")
    case.submit(5)
    other = case.beside(LOOKUP)
    other.submit(5)
    other.settle()
    other.expect_status("success")
    case.expect_status("in_progress")
    case.expect_kept(0)


@row(2, "The ERP's name is not known", behaviours=[LOOKUP])
def name_unknown(case):
    case.write(url="https://erp.invalid")
    case.submit()
    job = case.wait(lambda: case.job()["message"] and case.job(), text="A message")
    case.expect("erp.invalid" in job["message"], "a message with the host's name")
    case.expect(job["status"] in ("in_progress", "on_hold"), "waiting")


@row(3, "The ERP's host answers nothing at all", behaviours=[LOOKUP])
def black_hole(case):
    # A queue of one that nobody empties: the kernel drops what comes then.
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        case.write(url=f"http://127.0.0.1:{port}/lookup/{case.name}")
        started = time.monotonic()
        case.submit()
        case.wait(
            lambda: [a for a in case.attempts() if a["outcome"] == "not_sent"],
            text="An attempt that was not sent",
        )
        case.expect(time.monotonic() - started < 15, "a wait of 5 to 10 s at most")
        for filler in fillers:
            filler.close()
    case.write(url=f"{case.bench.erp.url}/lookup/{case.name}")
    case.settle()
    case.expect_status("success")


@row(
    3,
    "More ERPs hang than Odoo has workers, another one goes on",
    letter="b",
    behaviours=[LOOKUP],
    quick=True,
)
def all_hang(case):
    """Each takes a worker for the second after which it is let go."""
    bench = case.bench
    hung = [case.beside() for _ in range(CRON_WORKERS + 2)]
    for one in hung:
        # Till the deadline: the lease of a claim, but for its margin.
        one.script({"do": "delay", "when": "after", "seconds": 7.5})
        one.write(timeout=60)
        one.submit()
    for one in hung:
        one.wait(one.writes, text="A write that hangs")
    started = time.monotonic()
    case.submit(5)
    case.settle()
    seconds = time.monotonic() - started
    case.expect_status("success")
    phases = [one.job()["phase"] for one in hung]
    case.expect(phases == ["sending"] * len(hung), f"others that hang, not {phases}")
    case.expect(seconds < 4, f"5 bills in 4 s beside them, not in {seconds:.1f}")
    for one in hung:
        one.settle()
        one.expect_status("success")
        one.expect(len(one.attempts()) == 1, "one attempt: its answer was recorded")
    case.expect(not bench.idle_transactions(), "no transaction open")


@row(4, "Reset before the ERP keeps the bill", quick=BEHAVIOURS)
def reset_before(case):
    case.script(RESET)
    case.submit()
    case.settle()
    case.expect(case.attempts()[0]["outcome"] == "ambiguous", "an unclear attempt")
    case.expect_synced()
    if case.behaviour == NONE:
        case.expect_kept(0)
        case.expect(len(case.writes()) == 1, "one write")


@row(5, "Reset after the ERP has kept the bill", quick=BEHAVIOURS)
def reset_after(case):
    case.script({**RESET, "when": "after"})
    case.submit()
    case.settle()
    case.expect(case.attempts()[0]["outcome"] == "ambiguous", "an unclear attempt")
    case.expect_kept(1)
    case.expect_synced()
    if case.behaviour == LOOKUP:
        case.expect(len(case.writes()) == 1, "adopted, not sent again")


@row(6, "The answer comes after our deadline")
def answer_too_late(case):
    case.script({"do": "delay", "when": "after", "seconds": 7})
    case.submit()
    case.wait(case.writes, text="A write")
    time.sleep(2.5)
    case.expect(case.job()["phase"] == "sending", "a job that is Sending")
    open_ones = case.bench.idle_transactions()
    case.expect(not open_ones, f"no transaction open meanwhile, not {open_ones}")
    case.settle()
    case.expect_kept(1)
    case.expect_synced()


@row(7, "The ERP keeps the bill late, after it hung up", quick=BEHAVIOURS)
def kept_late(case):
    case.script({"do": "late", "seconds": 1.5})
    case.submit(5)
    case.settle()
    case.expect_synced()


@row(8, "The answer drips, a byte at a time")
def drip(case):
    case.script({"do": "drip", "when": "after", "seconds": 30})
    started = time.monotonic()
    case.submit()
    case.wait(lambda: case.attempts() and case.attempts()[0]["ended_at"], text="An end")
    case.expect(time.monotonic() - started < 9, "an end by the deadline of 5 s")
    case.settle()
    case.expect_kept(1)
    case.expect_synced()


def _retry_after(value):
    headers = {} if value is None else {"Retry-After": value}
    return {"do": "status", "status": 429, "headers": headers}


@row(9, "429 with Retry-After in seconds", quick=True)
def retry_after_seconds(case):
    _pauses(case, "4", 3)


@row(9, "429 with Retry-After as a date", letter="b", behaviours=[KEYS])
def retry_after_date(case):
    _pauses(case, email.utils.formatdate(time.time() + 5, usegmt=True), 2)


def _pauses(case, value, seconds):
    case.write(concurrency=1)
    case.script(_retry_after(value))
    case.submit(4)
    case.wait(lambda: case.connection()["not_before"], text="A pause")
    case.settle()
    case.expect_status("success")
    asked, *later = [write["time"] for write in case.writes()]
    refused = case.events("done")[0]["time"]
    between = [at for at in later if refused < at < asked + seconds]
    case.expect(not between, f"no write for {seconds} s after the refusal")
    case.expect(all(job["retry_count"] == 0 for job in case.jobs()), "no try used up")


@row(9, "429 without, with a senseless and a huge Retry-After", letter="c")
def retry_after_senseless(case):
    case.script(_retry_after(None), _retry_after("-5"))
    case.submit(2)
    case.settle()
    case.expect_status("success")
    case.script(_retry_after("1000000"))
    more = case.submit(bills=case.bench.pool[2:3])
    case.wait(lambda: case.connection()["not_before"], text="A pause")
    # The engine counts whole seconds and rounds up: never one less than asked for.
    (row_,) = case.bench.sql(
        "SELECT not_before <= now() AT TIME ZONE 'UTC' + interval '86401 s' AS capped"
        " FROM ap_sync_connection WHERE id = %s",
        case.id,
    )
    case.expect(row_["capped"], "a pause of a day at most")
    case.expect(more and len(case.kept()) == 2, "nothing sent")


@row(10, "500, 502, 503, 504 before the bill is kept")
def errors_before(case):
    case.script(*[{"do": "status", "status": code} for code in (500, 502, 503, 504)])
    case.submit(4)
    case.settle()
    case.expect_synced()


@row(11, "500 after the bill is kept", quick=True)
def error_after(case):
    case.script({"do": "status", "status": 500, "when": "after"})
    case.submit()
    case.settle()
    case.expect_kept(1)
    case.expect_synced()


@row(12, "422: the bill is refused, corrected, sent again")
def refused(case):
    bills = case.bench.make_bills(1)
    words = {"error": "<b>VAT</b> is missing"}
    case.script({"do": "status", "status": 422, "body": words})
    (job_id,) = case.submit(bills=bills)
    case.settle()
    case.expect_status("failed", "invalid_data")
    case.expect(len(case.attempts()) == 1, "one attempt, no retry")
    key = case.job()["key"]
    case.press([job_id])
    case.settle()
    case.expect_status("success")
    case.expect(case.job()["key"] != key, "a new key for the corrected bill")
    case.expect_kept(1)


@row(13, "409: still under way, the bill is there", behaviours=SURE)
def still_under_way(case):
    case.script({"do": "status", "status": 409, "when": "after"})
    case.submit()
    case.settle()
    case.expect_synced()


@row(
    14, "Duplicate number after an unclear attempt: the same bill", behaviours=[LOOKUP]
)
def duplicate_is_ours(case):
    case.script(
        {"do": "late", "seconds": 3.5},
        {"do": "status", "status": 422, "body": {"error": "duplicate"}},
    )
    case.submit()
    case.settle()
    case.expect_status("success")
    case.expect_kept(1)


@row(14, "Duplicate number: another bill", letter="b", behaviours=[LOOKUP])
def duplicate_is_another(case):
    case.script(
        {"do": "status", "status": 422, "body": {"error": "duplicate"}},
        {"do": "status", "status": 422, "body": {"error": "duplicate"}},
    )
    case.submit()
    jobs = case.settle()
    case.may_be_unknown = {job["id"] for job in jobs}
    case.expect_status("failed", "outcome_unknown")
    case.expect_kept(0)


@row(17, "An HTML page, an empty body, half an answer with status 200")
def not_an_answer(case):
    case.script(
        {"do": "html", "when": "before"},
        {"do": "html", "when": "after"},
        {"do": "empty", "when": "after"},
    )
    case.submit(3)
    case.settle()
    case.expect_synced()


@row(18, "The answer is cut off", quick=True)
def truncated(case):
    case.script({"do": "truncate", "when": "after"})
    case.submit()
    case.settle()
    case.expect_kept(1)
    case.expect_synced()


@row(19, "A gzip bomb and an endless body")
def too_large(case):
    before = case.bench.memory()
    case.script(
        {"do": "bomb", "when": "after", "megabytes": 200},
        {"do": "huge", "when": "after", "megabytes": 300},
    )
    case.submit(2)
    case.settle()
    case.expect_kept(2)
    case.expect_synced()
    grown = case.bench.memory() - before
    case.expect(grown < 50, f"less than 50 MB more memory, not {grown:.0f}")


@row(20, "A success that names another bill", behaviours=SURE)
def wrong_id(case):
    case.script({"do": "wrong_id", "when": "after"})
    case.submit()
    case.settle()
    case.expect_synced()


@row(21, "A redirect, also to the cloud's metadata")
def redirect(case):
    target = case.beside(case.behaviour)
    places = [
        f"{case.bench.erp.url}/{case.behaviour}/{target.name}/bills",
        "http://169.254.169.254/latest/meta-data",
    ]
    for code, place in zip((307, 302), places, strict=True):
        case.script({"do": "status", "status": code, "headers": {"Location": place}})
        if not case.jobs():
            case.submit()
        case.wait(lambda: case.job()["status"] == "on_hold", text="A hold")
        case.expect(case.connection()["attention_kind"] == "redirected", "a stop")
        case.bench.call("ap.sync.connection", "action_resume", ids=[case.id])
    case.settle(statuses=("success", "failed", "on_hold"))
    case.expect(not target.events(), "no request where the redirect points")
    case.expect_status("success")


@row(22, "A certificate that nobody vouches for", behaviours=[KEYS, LOOKUP])
def certificate(case):
    with tempfile.TemporaryDirectory() as folder:
        context, _authority = make_tls(folder)
        with ScriptedServer(reply({}), context=context) as server:
            case.write(url=server.url)
            case.submit(2)
            case.wait(lambda: case.connection()["attention_kind"], text="A stop")
            case.settle()
            case.expect(not server.requests, "no request to a stranger")
    case.expect_status("on_hold", "certificate_invalid")
    case.write(url=f"{case.bench.erp.url}/{case.behaviour}/{case.name}")
    case.bench.call("ap.sync.connection", "action_resume", ids=[case.id])
    case.settle(statuses=("success", "failed"))
    case.expect_status("success")
    case.expect_kept(2)


@row(52, "The ERP has a similar bill of this vendor", behaviours=[LOOKUP])
def similar_bill(case):
    (bill,) = case.bench.sql(
        "SELECT ref, partner_id FROM account_move WHERE id = %s", case.bench.pool[0]
    )
    case.plant(reference=bill["ref"], vendor=str(bill["partner_id"]), total="7.00")
    case.script(RESET)
    case.submit()
    jobs = case.settle()
    case.may_be_unknown = {job["id"] for job in jobs}
    case.expect_status("failed", "outcome_unknown")
    case.expect("7.00" in case.job()["message"], "a message with what was found")
    case.expect_kept(0)
