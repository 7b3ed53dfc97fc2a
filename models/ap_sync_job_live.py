from odoo import api, models

#: The channel that clients ask for, and the type of what comes on it.
CHANNEL = "ap_sync.jobs"
#: Key of what a transaction changed, in the data of its cursor.
CHANGED = "ap_sync.changed_jobs"
#: A longer list of ids says no more than that much has changed.
MAX_IDS = 1000


class ApSyncJob(models.Model):
    """Tells open screens which jobs changed: ids only, so that each screen reads what
    its user may see."""

    _inherit = "ap.sync.job"

    def _announce(self):
        """Tell about these jobs once the transaction is complete."""
        data = self.env.cr.precommit.data
        if CHANGED not in data:
            data[CHANGED] = {}
            self.env.cr.precommit.add(self.env["ap.sync.job"]._send_announced)
        for company, jobs in self.grouped("company_id").items():
            data[CHANGED].setdefault(company.id, set()).update(jobs.ids)

    @api.model
    def _send_announced(self):
        self._send_changes(self._take_announced())

    @api.model
    def _take_announced(self):
        """Return ``{company id: job ids}`` of what is to be told, and forget it."""
        return self.env.cr.precommit.data.pop(CHANGED, {})

    @api.model
    def _send_changes(self, changes):
        """Put on the bus what changed, one message for each company.

        :param changes: as ``_take_announced``.
        """
        for company_id, job_ids in changes.items():
            many = len(job_ids) > MAX_IDS
            self.env["bus.bus"]._sendone(
                (self.env["res.company"].browse(company_id), CHANNEL),
                CHANNEL,
                {"job_ids": False if many else sorted(job_ids)},
            )
