from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import engine

#: In the context they open ``write`` and ``unlink``; an object can't come in over RPC.
SETS_OUTCOME = object()
REMOVES_OLD = object()


class ApSyncAttempt(models.Model):
    """One intended write to the ERP, on record before its first byte leaves.

    A row is made by the engine when it claims a job, its outcome is set once, and
    nothing else ever changes it. It is kept as long as its company wants; the last one
    of a job, and all of a job that is no Success, for ever. A row still ``sending``
    after its lease ran out is what a crash leaves behind; the reaper gives it the
    outcome ``ambiguous`` and the ERP is asked.
    """

    _name = "ap.sync.attempt"
    _description = "AP Sync Attempt"
    _order = "id desc"
    _rec_name = "number"

    job_id = fields.Many2one(
        "ap.sync.job", required=True, ondelete="restrict", index=True
    )
    connection_id = fields.Many2one("ap.sync.connection", required=True, index=True)
    company_id = fields.Many2one("res.company", required=True)
    number = fields.Integer(required=True, aggregator=None)
    revision = fields.Integer(required=True, aggregator=None)
    operation = fields.Selection(
        [
            ("send", "Send"),
            ("update", "Change"),
            ("cancel", "Cancel"),
            ("attach", "Files"),
        ]
    )
    uuid = fields.Char("Attempt ID", required=True)
    key = fields.Char("Idempotency Key", required=True)
    started_at = fields.Datetime(required=True)
    ended_at = fields.Datetime()
    duration = fields.Float("Duration (s)", digits=(12, 3), aggregator="avg")
    outcome = fields.Selection(
        [
            ("sending", "Sending"),
            ("accepted", "Accepted"),
            ("rejected", "Rejected"),
            ("not_sent", "Not sent"),
            ("ambiguous", "Unclear"),
        ],
        required=True,
    )
    error_kind = fields.Selection(
        lambda self: self.env["ap.sync.job"]._selection_error_kind(), "Kind"
    )
    http_status = fields.Integer("HTTP Status", aggregator=None)
    message = fields.Text()
    excerpt = fields.Text("Answer")
    erp_id = fields.Char("ERP ID")
    erp_number = fields.Char("ERP Number")
    # Not read along with the rest: it is as large as all else together.
    document = fields.Json("Document as Sent", prefetch=False)

    _job_number_uniq = models.UniqueIndex("(job_id, number)")
    # Also tells the overview what became of them, without the table.
    _started_idx = models.Index("(started_at) INCLUDE (company_id, outcome, job_id)")

    def write(self, vals):
        """Refuse: the history of what was sent is not edited, by anyone."""
        if self.env.context.get("ap_sync_outcome") is not SETS_OUTCOME:
            raise UserError(
                self.env._(
                    "Attempts are the record of what was sent and can't be changed. "
                    "Correct the bill and press Sync; that makes a new attempt."
                )
            )
        return super().write(vals)

    # Also "at uninstall": that is but a word in the context, and who uninstalls drops
    # the table.
    @api.ondelete(at_uninstall=True)
    def _unlink_only_old(self):
        if self.env.context.get("ap_sync_remove") is not REMOVES_OLD:
            raise UserError(
                self.env._(
                    "Attempts are the record of what was sent and can't be deleted. "
                    "How long they are kept is a setting of AP Sync."
                )
            )

    @api.autovacuum
    def _gc_old_attempts(self):
        """Remove what was kept for as long as its company wants; once a day.

        :return: ``(removed, whether more is left)``.
        """
        return engine.remove_old_attempts(self.env)

    def _remove_old(self):
        """Remove these attempts; called by the engine alone."""
        self.with_context(ap_sync_remove=REMOVES_OLD).unlink()

    def _set_outcome(self, vals):
        """Set the outcome of attempts that have none yet; called by the engine alone.

        :param vals: ``outcome`` and what is known with it.
        :return: the attempts that got it; those that had an outcome keep theirs.
        """
        open_attempts = self.filtered(lambda attempt: attempt.outcome == "sending")
        open_attempts.with_context(ap_sync_outcome=SETS_OUTCOME).write(vals)
        return open_attempts
