import ast

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

#: A preview looks at no more open jobs than this: it is made while a person types.
PREVIEW_LIMIT = 2000
#: What rules may still stop: neither synced nor on its way to the ERP.
OPEN = Domain("status", "!=", "success") & Domain(
    "phase", "not in", ["sending", "verifying"]
)


class ApSyncRule(models.Model):
    """What a rule would stop, told while it is being written. Nothing is stored."""

    _inherit = "ap.sync.rule"

    preview = fields.Json(compute="_compute_preview")

    @api.depends(
        "active",
        "action",
        "company_id",
        "connection_ids",
        "condition",
        "check_name",
        "partner_ids",
        "category_ids",
        "bill_domain",
    )
    def _compute_preview(self):
        """For the widget ``actionable_errors``: how many open jobs the rule as it is
        on the screen would stop, with a link to them."""
        # Each answers a question about bills, so only to who may write rules.
        may_write = self.has_access("write")
        for rule in self:
            rule.preview = may_write and rule._is_complete() and rule._get_preview()

    def _is_complete(self):
        """Tell whether the rule has a condition that could be saved."""
        self.ensure_one()
        if not self.active:
            return False
        if self.condition == "check":
            return bool(self.check_name)
        if self.condition == "vendors":
            return bool(self.partner_ids or self.category_ids)
        try:
            self._check_bill_domain_text(self.bill_domain)
        except ValidationError:
            return False  # saving it says what is wrong
        return not Domain(ast.literal_eval(self.bill_domain or "[]")).is_true()

    def _get_preview(self):
        self.ensure_one()
        # As the user: only jobs that this user may see are counted and shown.
        jobs = self.env["ap.sync.job"].search(OPEN, limit=PREVIEW_LIMIT + 1)
        partly, jobs = len(jobs) > PREVIEW_LIMIT, jobs[:PREVIEW_LIMIT]
        # sudo: as rules are applied, whatever of a bill its reader may not read.
        rule = self.sudo()
        concerned = rule._filter_jobs(jobs.sudo())
        found = rule._find(concerned) if concerned else {}
        preview = {
            "level": "warning" if found else "info",
            "message": self._get_preview_message(len(found), len(jobs), partly),
        }
        if found:
            preview |= {
                "action_text": self.env._("Show"),
                "action": self._get_preview_action([job.id for job in found]),
            }
        return {"preview": preview}

    def _get_preview_message(self, count, total, partly):
        numbers = {"count": count, "total": total}
        if self.action == "block":
            text = (
                self.env._(
                    "This would block %(count)s of the last %(total)s open jobs."
                )
                if partly
                else self.env._("This would block %(count)s of %(total)s open jobs.")
            )
        else:
            text = (
                self.env._("This would hold %(count)s of the last %(total)s open jobs.")
                if partly
                else self.env._("This would hold %(count)s of %(total)s open jobs.")
            )
        return text % numbers

    def _get_preview_action(self, job_ids):
        # In a dialog: what is being edited stays as it is.
        view = self.env.ref("ap_sync.ap_sync_job_view_list_preview")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Open Jobs This Rule Would Stop"),
            "res_model": "ap.sync.job",
            "views": [(view.id, "list")],
            "domain": [("id", "in", job_ids)],
            "target": "new",
        }
