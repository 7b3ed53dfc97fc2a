import uuid

from odoo import fields, models

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
