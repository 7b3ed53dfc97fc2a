"""Rows 27 to 30: PostgreSQL restarts, sessions end, transactions collide."""

import random
import threading
import time

import psycopg2

from matrix import row

SLOW = {"do": "delay", "when": "after", "seconds": 1.5}


@row(27, "PostgreSQL restarts before the claim", quick=True)
def restart_before(case):
    case.pause()
    case.submit(3)
    case.bench.postgres.restart("fast")
    case.bench.host.wait_until_ready()
    case.resume()
    case.settle()
    case.expect_status("success")
    case.expect_kept(3)


@row(27, "PostgreSQL restarts during the send", letter="b", quick=True)
def restart_during(case):
    _restart(case, "fast")


@row(27, "PostgreSQL crashes during the send", letter="c")
def crash_during(case):
    _restart(case, "immediate")


def _restart(case, mode):
    case.script(SLOW, SLOW, SLOW)
    case.submit(3)
    case.wait(lambda: len(case.writes()) >= 1, text="A write")
    case.bench.postgres.restart(mode)
    case.bench.host.wait_until_ready()
    case.settle()
    case.expect(
        not [
            j for j in case.jobs() if j["error_kind"] not in (None, "outcome_unknown")
        ],
        "no job Failed for the database's sake",
    )
    case.expect_synced()


@row(27, "PostgreSQL is away for longer than the lease", letter="d")
def away_for_long(case):
    case.script(SLOW, SLOW, SLOW)
    case.submit(3)
    case.wait(lambda: len(case.writes()) >= 3, text="Three writes")
    case.bench.postgres.halt("immediate")
    time.sleep(12)
    case.bench.postgres.resume()
    case.bench.host.wait_until_ready()
    case.settle()
    case.expect_kept(3)
    case.expect_synced()


@row(28, "Database sessions are ended at random", quick=True)
def sessions_ended(case):
    dice = random.Random(28)
    case.submit(20)
    for _ in range(8):
        case.bench.kill_sessions(dice)
        time.sleep(dice.uniform(0.1, 0.5))
    case.settle()
    case.expect_synced()


@row(29, "Somebody writes the jobs, bills and connection all the time", quick=True)
def writers(case):
    jobs = case.submit(20)
    stop = threading.Event()

    def write():
        connection = case.bench.connect()
        dice = random.Random(29)
        while not stop.is_set():
            job = dice.choice(jobs)
            try:
                with connection.cursor() as cr:
                    cr.execute(
                        "UPDATE ap_sync_job SET write_date = now() WHERE id = %s", [job]
                    )
                    cr.execute(
                        "UPDATE ap_sync_connection SET write_date = now()"
                        " WHERE id = %s",
                        [case.id],
                    )
                    cr.execute(
                        "UPDATE account_move SET write_date = now() WHERE id ="
                        " (SELECT move_id FROM ap_sync_job WHERE id = %s)",
                        [job],
                    )
            except psycopg2.Error:
                connection = case.bench.connect()
            time.sleep(0.01)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        case.settle()
    finally:
        stop.set()
        thread.join()
    case.expect_status("success")
    case.expect(len(case.writes()) == 20, "20 writes: none repeated")
    case.expect_kept(20)


@row(30, "Somebody locks the jobs while their outcome is to be recorded")
def locked_rows(case):
    case.script(*[{"do": "delay", "when": "after", "seconds": 1}] * 3)
    jobs = case.submit(3)
    case.wait(lambda: len(case.writes()) >= 3, text="Three writes")
    connection = case.bench.connect()
    connection.autocommit = False
    with connection.cursor() as cr:
        cr.execute("SELECT 1 FROM ap_sync_job WHERE id IN %s FOR UPDATE", [tuple(jobs)])
        time.sleep(4)
    connection.rollback()
    connection.close()
    case.settle()
    case.expect_status("success")
    case.expect(len(case.writes()) == 3, "three writes: none repeated")


@row(30, "PostgreSQL takes no more connections for a while", letter="b")
def too_many_connections(case):
    case.script(*[{"do": "delay", "when": "after", "seconds": 1}] * 3)
    case.submit(3)
    case.wait(lambda: len(case.writes()) >= 3, text="Three writes")
    database = case.bench.database
    # No limit holds for a superuser, which we are here; a closed door does.
    door = case.bench.connect("postgres")
    with door.cursor() as cr:
        cr.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        case.bench.kill_sessions()
        time.sleep(3)
        cr.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    door.close()
    case.settle()
    case.expect_synced()
