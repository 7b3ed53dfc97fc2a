from odoo import api, fields, models
from odoo.exceptions import UserError


class ApSyncJobResolve(models.TransientModel):
    """What to do with a job on which only a person can decide, or to stop one."""

    _name = "ap.sync.job.resolve"
    _description = "Resolve AP Sync Job"

    job_id = fields.Many2one("ap.sync.job", required=True, readonly=True)
    # As the user: a job's id is enough to make a wizard for it.
    status = fields.Selection(related="job_id.status", related_sudo=False)
    message = fields.Text(related="job_id.message", related_sudo=False)
    can_release = fields.Boolean(related="job_id.can_release", related_sudo=False)
    decision = fields.Selection(
        selection="_selection_decision", required=True, default="verify"
    )
    reason = fields.Char()
    erp_number = fields.Char("ERP Number")
    erp_url = fields.Char("ERP Link")

    @api.model
    def _selection_decision(self):
        return [
            ("verify", self.env._("Ask the ERP again whether it has the bill")),
            ("mark_synced", self.env._("It is in the ERP: mark it as synced")),
            ("resend", self.env._("It is not in the ERP: send it again")),
            ("release", self.env._("Release it from the rules that stop it")),
            ("abort", self.env._("Stop it: do not send it for now")),
        ]

    @api.constrains("job_id")
    def _check_job(self):
        # Odoo runs constraints as sudo.
        self.sudo(False).job_id.check_access("read")

    @api.model
    def default_get(self, fields):
        """Override of `base` to propose what fits the job's status."""
        values = super().default_get(fields)
        job = self.env["ap.sync.job"].browse(values.get("job_id"))
        if job.status in {"blocked", "on_hold"}:
            values["decision"] = "release" if job.can_release else "mark_synced"
        elif job.status == "in_progress":
            values["decision"] = "abort"
        return values

    def action_apply(self):
        """Do what was decided; a reason is kept with the user's name."""
        self.ensure_one()
        job = self.job_id
        if self.decision == "verify":
            job._verify_again()
            return {"type": "ir.actions.act_window_close"}
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Give the reason: it is kept with your name."))
        if self.decision == "release":
            job._release(reason)
        elif self.decision == "abort":
            job._abort(reason)
        elif self.decision == "resend":
            job._resend(reason)
        else:
            number = (self.erp_number or "").strip()
            if not number:
                raise UserError(
                    self.env._("Enter the bill's number in the ERP as proof.")
                )
            job._mark_synced(reason, number, (self.erp_url or "").strip())
        return {"type": "ir.actions.act_window_close"}
