import os

from odoo import SUPERUSER_ID, api, fields, models

from .. import engine

#: Who starts the dispatchers.
WAKE_UP_ENGINES = [("scheduler", "Odoo's scheduler"), ("queue_job", "OCA queue_job")]
WAKE_UP_PARAMETER = "ap_sync.wake_up_engine"


class ApSyncConnection(models.Model):
    """Who wakes the dispatcher of a connection, and whether anybody comes.

    Odoo's scheduler does, or OCA queue_job where it is installed and chosen. Both run
    the same dispatcher and hold no truth: what is to be sent is read from our jobs, so
    a wake-up may get lost, come twice or be cancelled. The reaper wakes again what is
    due, and has the scheduler step in where queue_job does not come.
    """

    _inherit = "ap.sync.connection"

    wake_up_engine = fields.Selection(
        WAKE_UP_ENGINES, string="Woken by", compute="_compute_wake_up_engine"
    )
    last_run_at = fields.Datetime("Last Run", copy=False, readonly=True)
    last_run_by = fields.Selection(WAKE_UP_ENGINES, copy=False, readonly=True)

    # === COMPUTES AND GUARDS === #

    def _compute_wake_up_engine(self):
        self.wake_up_engine = self._get_wake_up_engine()

    @api.model
    def _get_engine_fields(self):
        """Extend with who came last."""
        return super()._get_engine_fields() | {"last_run_at", "last_run_by"}

    # === WAKING === #

    @api.model
    def _get_wake_up_engine(self):
        """Return who wakes the dispatchers of this database."""
        # sudo: whoever posts a bill wakes a dispatcher, and parameters are for the
        # system's administrators.
        chosen = self.env["ir.config_parameter"].sudo().get_param(WAKE_UP_PARAMETER)
        # Gone if it was uninstalled since. With that variable it would run the
        # dispatcher here and now, in the transaction of whoever posted a bill.
        there = "queue.job" in self.env and not os.getenv("QUEUE_JOB__NO_DELAY")
        return "queue_job" if chosen == "queue_job" and there else "scheduler"

    def _wake(self, at=None):
        """Have the dispatcher run, now or at a time (UTC). Part of the caller's
        transaction: nothing happens if that is rolled back."""
        if self._get_wake_up_engine() == "queue_job":
            self._wake_by_queue_job(at)
        else:
            self._wake_by_scheduler(at)

    def _wake_by_scheduler(self, at=None):
        for connection in self.sudo():
            connection.cron_id._trigger(at)
            if at:
                engine.wake_at(self.env, connection.id, at)

    def _wake_by_queue_job(self, at=None):
        """Ask for one run, unless one that has not begun is asked for already.

        That one may begin and end before the caller's transaction is committed, and
        so not see what it writes. Then the reaper wakes again, within a minute.
        """
        later = at if at and at > self.env.cr.now() else None
        # As root, as the scheduled action; with nothing of the caller's context, which
        # could ask queue_job to run it on the spot.
        root = self.env(user=SUPERUSER_ID, context={})
        for connection in self.with_env(root):
            channel = connection._get_queue_channel()
            connection.with_company(connection.company_id).with_delay(
                identity_key=f"{channel} {later:%Y-%m-%d %H:%M:%S}"
                if later
                else channel,
                channel=channel,
                eta=later,
                description=connection.cron_id.name,
            )._job_dispatch()

    def _get_queue_channel(self):
        """Return the connection's channel in queue_job.

        One not named in odoo.conf has the capacity of the nearest that is, so
        ``root.ap_sync:2`` lets two connections at once be served. More than one run of
        a connection at once is never needed: the second one finds its lease taken.
        """
        self.ensure_one()
        return f"root.ap_sync.connection_{self.id}"

    def _wake_late(self):
        """Have the scheduler take over where queue_job does not come."""
        if self._get_wake_up_engine() == "queue_job":
            late = self._get_late().keys() | self._get_stuck_wake_ups().keys()
            self.filtered(lambda c: c.id in late)._wake_by_scheduler()

    # === THE DOORS === #

    def _cron_dispatch(self):
        """Send what is due on this connection; called by its scheduled action."""
        self.ensure_one()
        engine.dispatch(self.env, self.id)

    def _job_dispatch(self):
        """Send what is due on this connection; called by a job of OCA queue_job."""
        self.ensure_one()
        engine.dispatch_in_queue_job(self.env, self.id)

    @api.model
    def _cron_reap(self):
        """Mend what crashes left behind and wake what is due; every minute."""
        engine.reap(self.env)
