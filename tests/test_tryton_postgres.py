"""A real Tryton on PostgreSQL, where many write at once and some of them lose."""

import threading
from contextlib import contextmanager

import psycopg2

from odoo.tests import tagged

from ..connectors.base import ConnectorError, Outcome
from ..connectors.kinds import AUTO, KINDS
from .common_tryton import RealTrytonOnPostgres
from .common_tryton_case import ManyAtOnce, RealTrytonCase
from .common_tryton_end_to_end import EndToEndTryton

#: What Tryton locks to number a booking; where another has it, it gives up.
NUMBERS = "ir_sequence_strict"
AT_ONCE = 4
TRIES = 20


@contextmanager
def locked(erp, table):
    """Hold the rows of a table, as another booking does that takes its time."""
    connection = psycopg2.connect(erp.tables)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {table} FOR UPDATE")
            assert cursor.rowcount, table
            yield
    finally:
        connection.close()


class TestTrytonOnPostgres(ManyAtOnce, RealTrytonCase):
    erp_class = RealTrytonOnPostgres

    def test_a_bill_that_loses_to_another_booking_stays_a_draft_and_is_that_one(self):
        document = self.document()
        with locked(self.erp, NUMBERS):
            # Unclear, not refused: a part of it is there.
            error = self.refusal(
                "concurrency_limit", Outcome.AMBIGUOUS, self.send, document
            )
        self.assertEqual(KINDS[error.kind].retry, AUTO)
        [(draft, state, number, _total)] = self.erp.find(document)
        self.assertEqual((state, number), ("draft", None))
        receipt = self.send(document)
        self.assertEqual((receipt.erp_id, receipt.posted), (str(draft), True))
        self.assert_one_bill(document)

    def test_bills_of_four_threads_are_booked_once_each_although_they_collide(self):
        documents = [self.document() for _number in range(5 * AT_ONCE)]
        connector, lost = self.erp.connector(), []

        def send_all(part):
            for document in part:
                for _try in range(TRIES):
                    try:
                        self.send(document, connector)
                        break
                    except ConnectorError as error:
                        lost.append(error)

        threads = [
            threading.Thread(target=send_all, args=(documents[number::AT_ONCE],))
            for number in range(AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(100)
        for document in documents:
            self.assert_one_bill(document)
        for error in lost:
            self.assertEqual(error.kind, "concurrency_limit", error.message)
            self.assertIn("Other bookings kept the ERP busy", error.message)


@tagged("post_install", "-at_install")
class TestEndToEndTrytonOnPostgres(EndToEndTryton):
    erp_class = RealTrytonOnPostgres

    def test_a_bill_that_loses_to_another_booking_is_in_progress_and_comes_later(self):
        with locked(self.real, NUMBERS):
            job = self.sync(self.make_bill())
        # It is asked whether a part of the bill is there, which then is gone on with.
        self.assert_status(job, "in_progress", "verifying")
        self.assertEqual(job.error_kind, "concurrency_limit")
        self.assertIn("Other bookings kept the ERP busy", job.message)
        self.assertIn("nothing to do", job.guidance.lower())
        self.make_due(job)
        self.dispatch()
        self.assert_booked(job, 100.0)
        self.assertEqual(job.attempt_count, 2)
