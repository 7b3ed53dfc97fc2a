import uuid

from odoo import api, fields, models

from .ap_sync_job_evaluate import EVALUATE_AT_ONCE


class ApSyncJob(models.Model):
    """Sync of many bills at once: a few here and now, many by the dispatchers, so that
    nobody waits for ten thousand; a progress bar shows how far it is."""

    _inherit = "ap.sync.job"

    bulk_sync = fields.Char(readonly=True, copy=False, index="btree_not_null")
    sync_requested = fields.Boolean(readonly=True, copy=False)

    def _sync_bulk(self):
        """Sync these jobs and have the progress shown.

        :return: ``(outcome, bulk)``: as ``_sync``, with what is left to the dispatchers
            counted as requested; and the value of ``bulk_sync`` of what is going on.
        """
        # sudo: users have no right to write jobs; the caller checked that they may
        # read these.
        outcome = self.sudo()._sort_for_sync()
        to_go = outcome.pop("to_go")
        bulk = uuid.uuid4().hex
        # What is in progress is the engine's: a write here would wait for it, and many
        # would never get through.
        (to_go | outcome["decide"]).write({"bulk_sync": bulk})
        outcome["waiting"]._hurry()
        if len(to_go) <= EVALUATE_AT_ONCE:
            return {**to_go._sync(), **outcome}, bulk
        to_go._request_sync()
        return {**outcome, "requested": to_go}, bulk

    def _request_sync(self):
        """Have the dispatchers let these jobs go, as if each were submitted anew."""
        self.write({"evaluate_at": self._now(), "sync_requested": True})
        self.connection_id._wake()

    def _evaluate_bulk(self):
        """Evaluate these jobs again: a few at once, many by the dispatchers.

        :return: as ``_evaluate``, or ``{"requested": jobs}``.
        """
        if len(self) <= EVALUATE_AT_ONCE:
            return self._evaluate()
        self.write({"evaluate_at": self._now()})
        self.connection_id._wake()
        return {"requested": self}

    @api.model
    def _submit_old(self, moves, connection):
        """Submit bills from before the connection was switched on, with the progress
        shown.

        :return: the notification that says what became of them.
        """
        bulk = uuid.uuid4().hex
        jobs = self._submit(moves, connection, bulk)
        outcome = jobs.grouped(lambda job: job._get_submitted_event())
        return self._notify_synced(outcome, bulk)

    def _get_submitted_event(self):
        """Return what became of a submitted job, in the words of ``_sync``."""
        self.ensure_one()
        if self.sync_requested:
            return "requested"
        return {"in_progress": "queue", "on_hold": "hold", "blocked": "block"}[
            self.status
        ]
