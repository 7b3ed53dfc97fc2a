import select
import time
from datetime import timedelta
from logging import INFO
from unittest.mock import patch

from odoo import sql_db

from ..engine import alarm
from .common import ApSyncCommon

#: How long nothing is listened for, and how late an alarm may be, in seconds.
PATIENCE = 2.0


class TestAlarm(ApSyncCommon):
    """Odoo's workers are told when a time comes for which an action was set."""

    def setUp(self):
        super().setUp()
        self.dbname = self.env.cr.dbname
        cr = sql_db.db_connect("postgres").cursor()
        self.addCleanup(cr.close)
        # As Odoo's own workers listen.
        self.heard_by = cr._cnx
        self.heard_by.autocommit = True
        cr.execute("LISTEN cron_trigger")
        self.clock = alarm.Clock()
        self.addCleanup(self.clock._due.clear)
        self.startPatcher(patch.object(alarm, "clock", self.clock))

    def listen(self, seconds=PATIENCE):
        """Return when the workers were notified of this database, by the monotonic
        clock, or None if they were not for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            select.select([self.heard_by], [], [], left)
            self.heard_by.poll()
            heard = [found.payload for found in self.heard_by.notifies]
            self.heard_by.notifies.clear()
            if self.dbname in heard:
                return time.monotonic()
        return None

    def test_they_are_told_then_and_not_before(self):
        started = time.monotonic()
        self.clock.set(self.dbname, "one", 0.3)
        self.assertGreaterEqual(self.listen() - started, 0.3)

    def test_each_purpose_has_one_alarm(self):
        started = time.monotonic()
        self.clock.set(self.dbname, "one", 0.2)
        self.clock.set(self.dbname, "one", 0.6)
        self.clock.set(self.dbname, "another", 1.0)
        self.assertGreaterEqual(self.listen() - started, 0.6)
        self.assertGreaterEqual(self.listen() - started, 1.0)
        self.assertIsNone(self.listen(0.5))

    def test_one_that_is_sooner_is_not_kept_waiting(self):
        self.clock.set(self.dbname, "later", 30)
        self.clock.set(self.dbname, "sooner", 0.1)
        self.assertIsNotNone(self.listen())

    def test_what_is_far_off_is_left_to_the_look_each_minute(self):
        self.clock.set(self.dbname, "far", alarm.FARTHEST + 1)
        self.assertIsNone(self.clock._thread)

    def test_a_database_that_is_away_stops_no_alarm(self):
        failing = patch.object(alarm.sql_db, "db_connect", side_effect=OSError("away"))
        with failing, self.assertLogs(alarm.__name__, INFO) as logs:
            self.clock.set(self.dbname, "one", 0.0)
            end = time.monotonic() + PATIENCE
            while not logs.records and time.monotonic() < end:
                time.sleep(0.01)
        self.assertIn("up to a minute late for one", logs.output[0])
        self.clock.set(self.dbname, "one", 0.1)
        self.assertIsNotNone(self.listen())

    def test_a_connection_that_waits_is_woken_to_the_second(self):
        at = self.env.cr.now() + timedelta(seconds=0.5)
        self.connection._wake(at)
        self.assertFalse(self.clock._due, "not before the transaction is committed")
        self.env.cr.postcommit.run()
        self.assertIsNotNone(self.listen())

    def test_one_that_is_woken_at_once_needs_no_alarm(self):
        self.connection._wake()
        self.connection._wake(self.env.cr.now())
        self.env.cr.postcommit.run()
        self.assertFalse(self.clock._due)
