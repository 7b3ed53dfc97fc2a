import uuid

from odoo import models

from .ap_sync_job_evaluate import EVALUATE_AT_ONCE


class ApSyncJob(models.Model):
    """The decisions that make sense for many jobs at once, for one reason."""

    _inherit = "ap.sync.job"

    def _release_many(self, reason):
        """Let go those that their rules allow to be released, for these bills alone.

        :return: ``(outcome, bulk)`` as ``_sync_bulk``; what may not be released is
            counted as ``"unfit"``.
        """
        self._check_manager()
        # sudo: rules of all companies stop them too; the jobs were checked just now.
        jobs = self.sudo()
        fit = jobs.filtered("can_release")
        for job, rules in fit._get_stopping_rules().items():
            job.released_rules = sorted({*(job.released_rules or []), *rules.ids})
        fit._log_decision(self.env._("Released"), reason)
        bulk = uuid.uuid4().hex
        fit.write({"bulk_sync": bulk})
        outcome = {"unfit": jobs - fit}
        if len(fit) <= EVALUATE_AT_ONCE:
            return {**fit._evaluate(fresh=True), **outcome}, bulk
        fit._request_sync()
        return {**outcome, "requested": fit}, bulk

    def _mark_many_synced(self, reason, erp_number, erp_url=""):
        """Count as synced those that wait or failed: one number, as of a batch or an
        import in the ERP, is the proof of all.

        :return: ``{"marked" | "unfit": jobs}``.
        """
        self._check_manager()
        fit = self.filtered(lambda job: job.status in {"failed", "on_hold", "blocked"})
        fit._mark_synced(reason, erp_number, erp_url)
        return {"marked": fit, "unfit": self - fit}
