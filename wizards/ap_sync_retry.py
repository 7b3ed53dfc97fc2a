from odoo import api, fields, models

from ..models.ap_sync_guidance import describe


class ApSyncRetry(models.TransientModel):
    """What failed on a connection, cause by cause, to be sent again once mended."""

    _name = "ap.sync.retry"
    _description = "Retry of Failed Bills"

    connection_id = fields.Many2one("ap.sync.connection", required=True, readonly=True)
    line_ids = fields.One2many("ap.sync.retry.line", "retry_id", readonly=True)
    decide_count = fields.Integer("To Decide", readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to count what failed on the connection."""
        retries = super().create(vals_list)
        for retry in retries:
            connection = retry.connection_id
            counts = connection._count_failed()
            retry.line_ids = [
                fields.Command.create({"error_kind": kind, "job_count": count})
                for kind, count in counts.items()
                if connection._is_retried(kind)
            ]
            retry.decide_count = sum(counts.values()) - sum(
                retry.line_ids.mapped("job_count")
            )
        return retries

    def action_open_decide(self):
        """Open the failed bills of the connection that need a decision each."""
        self.ensure_one()
        connection = self.connection_id
        kinds = [line.error_kind for line in self.line_ids]
        return {
            **connection.action_open_jobs(),
            "domain": [
                ("connection_id", "=", connection.id),
                ("status", "=", "failed"),
                ("error_kind", "not in", kinds),
            ],
        }


class ApSyncRetryLine(models.TransientModel):
    """One cause, and how many bills failed for it."""

    _name = "ap.sync.retry.line"
    _description = "Cause of Failed Bills"

    retry_id = fields.Many2one("ap.sync.retry", required=True, ondelete="cascade")
    error_kind = fields.Selection(
        lambda self: self.env["ap.sync.job"]._selection_error_kind(),
        "Cause",
        required=True,
    )
    guidance = fields.Char("What to Do First", compute="_compute_guidance")
    job_count = fields.Integer("Bills")

    @api.depends("error_kind")
    def _compute_guidance(self):
        for line in self:
            line.guidance = describe(self.env, line.error_kind)[1]

    def action_retry(self):
        """Send these bills again; answers at once with how many."""
        self.ensure_one()
        action = self.retry_id.connection_id._retry(self.error_kind)
        if action["params"]["next"]["tag"] == "soft_reload":
            action["params"]["next"] = {"type": "ir.actions.act_window_close"}
        return action
