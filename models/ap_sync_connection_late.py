from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, config

#: What waits longer than this for a worker waits too long.
LATE = timedelta(minutes=5)
#: Held by the runner of queue_job on its connection to this database for as long as it
#: lives (PG_ADVISORY_LOCK_ID in its ``jobrunner/runner.py``).
RUNNER_LOCK = 2293787760715711918
#: One moment for a whole statement.
NOW = SQL("(statement_timestamp() AT TIME ZONE 'UTC')")


class ApSyncConnection(models.Model):
    """Whether anybody comes for the bills of a connection, and what to check if not."""

    _inherit = "ap.sync.connection"

    late_message = fields.Text("Waits Too Long", compute="_compute_late_message")

    # === COMPUTES === #

    def _compute_late_message(self):
        late = self._get_late()
        left_behind = self._get_left_behind()
        stuck = self._get_stuck_wake_ups()
        for connection in self:
            found = [
                connection._describe_late(*late.get(connection.id, (0, 0))),
                connection._describe_left_behind(left_behind.get(connection.id, 0)),
                connection._describe_stuck(stuck.get(connection.id, 0)),
            ]
            connection.late_message = " ".join(filter(None, found)) or False

    # === WHAT WAITS === #

    def _get_late(self):
        """Return ``{id: (bills, seconds)}``: the connections where bills are due and
        nobody has come for too long.

        What waits while a dispatcher works through a long queue is not late, nor what
        waits because the ERP asked to.
        """
        if not self.ids:
            return {}
        self.env["ap.sync.job"].flush_model()
        self.flush_model()
        since = SQL(
            "greatest(min(job.next_try_at), connection.last_run_at, "
            "connection.not_before)"
        )
        self.env.cr.execute(
            SQL(
                """
                SELECT connection.id, count(*), extract(epoch FROM %(now)s - %(since)s)
                  FROM ap_sync_connection connection
                  JOIN ap_sync_job job ON job.connection_id = connection.id
                 WHERE connection.id IN %(ids)s
                   AND (connection.lease_until IS NULL
                        OR connection.lease_until < %(now)s)
                   AND job.status = 'in_progress'
                   AND job.lease_token IS NULL
                   AND job.next_try_at <= %(now)s
              GROUP BY connection.id
                HAVING %(since)s <= %(now)s - %(late)s
                """,
                ids=tuple(self.ids),
                now=NOW,
                since=since,
                late=LATE,
            )
        )
        return {row[0]: row[1:] for row in self.env.cr.fetchall()}

    def _get_left_behind(self):
        """Return ``{id: bills}``: what a crash left behind and the reaper, which comes
        every minute, should have mended."""
        if not self.ids:
            return {}
        self.env["ap.sync.job"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                SELECT connection_id, count(*)
                  FROM ap_sync_job
                 WHERE connection_id IN %s
                   AND lease_until <= %s - %s
              GROUP BY connection_id
                """,
                tuple(self.ids),
                NOW,
                LATE,
            )
        )
        return dict(self.env.cr.fetchall())

    def _get_stuck_wake_ups(self):
        """Return ``{id: seconds}``: the connections whose wake-up waits in queue_job
        for too long, whatever became of the bills meanwhile."""
        if self._get_wake_up_engine() != "queue_job":
            return {}
        now = fields.Datetime.now()
        channels = {connection._get_queue_channel(): connection for connection in self}
        # sudo: queue_job's own lists are for its managers.
        waiting = (
            self.env["queue.job"]
            .sudo()
            .search(
                Domain("channel", "in", list(channels))
                & Domain("state", "in", ["pending", "enqueued"])
                & Domain("date_created", "<=", now - LATE)
                & (Domain("eta", "=", False) | Domain("eta", "<=", now - LATE))
            )
        )
        stuck = {}
        for wake_up in waiting:
            connection = channels[wake_up.channel]
            due = max(wake_up.date_created, wake_up.eta or wake_up.date_created)
            seconds = int((now - due).total_seconds())
            stuck[connection.id] = max(seconds, stuck.get(connection.id, 0))
        return stuck

    @api.model
    def _is_queue_runner_alive(self):
        """Return whether a runner of queue_job is connected to this database."""
        self.env.cr.execute(
            SQL(
                """
                SELECT 1
                  FROM pg_locks
                 WHERE locktype = 'advisory'
                   AND granted
                   AND database = (SELECT oid FROM pg_database
                                    WHERE datname = current_database())
                   AND classid = %s AND objid = %s AND objsubid = 1
                """,
                RUNNER_LOCK >> 32,
                RUNNER_LOCK & 0xFFFFFFFF,
            )
        )
        return bool(self.env.cr.fetchone())

    # === IN WORDS === #

    def _describe_late(self, bills, seconds):
        if not bills:
            return ""
        minutes = int(seconds // 60)
        late = (
            self.env._(
                "A bill has been waiting for %s minutes; no worker has taken it.",
                minutes,
            )
            if bills == 1
            else self.env._(
                "%(bills)s bills have been waiting for %(minutes)s minutes; no worker "
                "has taken them.",
                bills=bills,
                minutes=minutes,
            )
        )
        return f"{late} {self._advise_scheduler()}"

    def _describe_left_behind(self, bills):
        if not bills:
            return ""
        behind = self.env._(
            "Bills that were being sent when a server stopped, and that nobody has "
            "looked after since: %s.",
            bills,
        )
        return f"{behind} {self._advise_scheduler()}"

    def _describe_stuck(self, seconds):
        if not seconds:
            return ""
        stuck = self.env._(
            "OCA queue_job has not come for %s minutes. Odoo's scheduler sends the "
            "bills meanwhile, some minutes later than usual.",
            seconds // 60,
        )
        return f"{stuck} {self._advise_queue_job()}"

    def _advise_scheduler(self):
        if not config["max_cron_threads"]:
            return self.env._(
                "Odoo's scheduler is off on this server: have max_cron_threads in its "
                "odoo.conf set to 1 or more."
            )
        # sudo: scheduled actions are for the system's administrators.
        crons = self.sudo().cron_id | self.env.ref("ap_sync.ir_cron_reap").sudo()
        if sleeping := crons.filtered(lambda cron: not cron.active):
            return self.env._(
                "Activate the scheduled action %s.", sleeping[0].display_name
            )
        return self.env._(
            "Check that Odoo's scheduler runs (max_cron_threads in odoo.conf), and "
            "that other scheduled actions do not keep it busy."
        )

    def _advise_queue_job(self):
        if not self._is_queue_runner_alive():
            return self.env._(
                "Its runner is not there: queue_job must be among server_wide_modules "
                "in odoo.conf, its channel root must not be 0, and Odoo must be "
                "restarted after it was installed."
            )
        return self.env._(
            "Its runner is there: check in odoo.conf that the channel %s is not "
            "paused, and has room beside other jobs.",
            self._get_queue_channel(),
        )
