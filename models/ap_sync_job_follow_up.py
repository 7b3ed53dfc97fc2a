from odoo import api, fields, models
from odoo.exceptions import UserError


class ApSyncJob(models.Model):
    """What a synced bill may still need of the ERP: a change, its end, a file."""

    _inherit = "ap.sync.job"

    erp_cancelled = fields.Boolean("Cancelled in the ERP", readonly=True, copy=False)
    erp_files = fields.Selection(
        [("missing", "Missing in the ERP"), ("due", "To be sent alone")],
        "Files",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    erp_changes = fields.Text("Changed in the ERP", readonly=True, copy=False)
    can_sync = fields.Boolean(compute="_compute_can_sync")
    can_send_files = fields.Boolean(compute="_compute_can_send_files")

    # As Odoo asks for a text that is set: another condition would be looked at again.
    _erp_changes_idx = models.Index("(id DESC) WHERE erp_changes <> ''")
    _erp_cancelled_idx = models.Index("(id DESC) WHERE erp_cancelled IS TRUE")

    @api.depends(
        "status",
        "phase",
        "changed_since_sync",
        "erp_changes",
        "erp_files",
        "needs_decision",
    )
    def _compute_can_sync(self):
        for job in self:
            job.can_sync = not job.needs_decision and (
                job.status in {"failed", "on_hold"}
                or job.phase == "retrying"
                or (job.status == "success" and job._has_more_to_send())
            )

    @api.depends("status", "erp_id", "changed_since_sync", "erp_changes")
    def _compute_can_send_files(self):
        for job in self:
            job.can_send_files = (
                job.status == "success"
                and bool(job.erp_id)
                and not job._is_changed()
                and job.connection_id.send_attachments
                and "attach" in job.connection_id._get_profile().changes
            )

    def action_send_files(self):
        """Send the files of synced bills that the ERP has not: those it had no room for
        then, and those that came later."""
        self.check_access("read")
        jobs = self.filtered("can_send_files")
        if not jobs:
            raise UserError(
                self.env._(
                    "Files are sent on their own to bills that are synced, on a "
                    "connection that sends attachments. Press Sync instead."
                )
            )
        # sudo: users have no right to write jobs; that they may read these was checked.
        jobs.sudo().erp_files = "missing"
        return jobs.action_sync()

    def _has_more_to_send(self):
        """Tell whether the ERP has not all that this synced bill says."""
        self.ensure_one()
        return self._is_changed() or self.erp_files == "missing"

    def _is_changed(self):
        """Tell whether the two sides differ, whichever was changed since the sync."""
        self.ensure_one()
        return self.changed_since_sync or bool(self.erp_changes)

    def _mark_for_files(self):
        """Those of these jobs that want for their files alone get no more than that."""
        jobs = self.filtered(
            lambda job: (
                job.status == "success"
                and job.erp_files == "missing"
                and not job._is_changed()
            )
        )
        jobs.erp_files = "due"

    def _is_for_files(self, document=None):
        """Tell whether nothing but the files is to be sent: the bill says what was
        synced.

        :param document: the bill as it would be sent, if that is known.
        """
        self.ensure_one()
        if self.erp_files != "due":
            return False
        says = document.fingerprint() if document else self._get_fingerprint()
        return says == self.synced_fingerprint

    def _is_to_cancel(self):
        """Tell whether the bill is cancelled here and still counts in the ERP."""
        self.ensure_one()
        return bool(self.erp_id) and self.move_id.state == "cancel"

    def _is_to_book(self):
        """Tell whether anything is to be booked: that is what rules are about."""
        self.ensure_one()
        return not self._is_to_cancel() and not self._is_for_files()
