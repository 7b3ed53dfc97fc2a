from odoo import api, fields, models
from odoo.exceptions import UserError


class ApSyncJobResolve(models.TransientModel):
    """What to do with a job on which only a person can decide, or to stop one; or with
    many that are released or marked for the same reason."""

    _name = "ap.sync.job.resolve"
    _description = "Resolve AP Sync Job"

    job_id = fields.Many2one("ap.sync.job", readonly=True)
    job_ids = fields.Many2many("ap.sync.job", string="Jobs", readonly=True)
    job_count = fields.Integer("Bills", compute="_compute_job_count")
    # As the user: a job's id is enough to make a wizard for it.
    status = fields.Selection(related="job_id.status", related_sudo=False)
    message = fields.Text(related="job_id.message", related_sudo=False)
    can_release = fields.Boolean(compute="_compute_can_release")
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

    @api.depends("job_ids")
    def _compute_job_count(self):
        for wizard in self:
            wizard.job_count = len(wizard.job_ids)

    @api.depends("job_id", "job_ids")
    def _compute_can_release(self):
        for wizard in self:
            jobs = wizard.job_id | wizard.job_ids
            wizard.can_release = any(jobs.mapped("can_release"))

    @api.constrains("job_id", "job_ids")
    def _check_job(self):
        # Odoo runs constraints as sudo.
        for wizard in self.sudo(False):
            (wizard.job_id | wizard.job_ids).check_access("read")

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
        if self.decision == "verify" and job:
            job._verify_again()
            return {"type": "ir.actions.act_window_close"}
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Give the reason: it is kept with your name."))
        if not job:
            return self._apply_to_many(reason)
        if self.decision == "release":
            job._release(reason)
        elif self.decision == "abort":
            job._abort(reason)
        elif self.decision == "resend":
            job._resend(reason)
        else:
            job._mark_synced(reason, *self._get_proof())
        return {"type": "ir.actions.act_window_close"}

    def _apply_to_many(self, reason):
        nothing = self.env._("Nothing to decide: no bill was chosen.")
        title = dict(self._selection_decision())[self.decision]
        if self.decision == "release":
            outcome, bulk = self.job_ids._release_many(reason)
            return self.job_ids._notify(title, outcome, nothing, bulk)
        if self.decision == "mark_synced":
            outcome = self.job_ids._mark_many_synced(reason, *self._get_proof())
            return self.job_ids._notify(title, outcome, nothing)
        raise UserError(
            self.env._("This is decided for one bill at a time: open each of them.")
        )

    def _get_proof(self):
        """Return the ERP's number, which is required, and the link."""
        number = (self.erp_number or "").strip()
        if not number:
            raise UserError(self.env._("Enter the bill's number in the ERP as proof."))
        return number, (self.erp_url or "").strip()
