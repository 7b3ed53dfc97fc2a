from odoo import fields, models
from odoo.exceptions import UserError

LOCK_DATE_FIELDS = {
    "fiscalyear_lock_date",
    "tax_lock_date",
    "purchase_lock_date",
    "hard_lock_date",
}


class ResCompany(models.Model):
    _inherit = "res.company"

    ap_sync_automatic = fields.Boolean("Automatic Bill Sync", default=True)
    ap_sync_connection_id = fields.Many2one(
        "ap.sync.connection",
        "Default Connection",
        domain="[('company_id', '=', id)]",
        ondelete="set null",
    )
    ap_sync_attempt_months = fields.Integer(
        "Keep Attempts (Months)",
        default=120,
        help="What was sent belongs to the books, which the law wants kept for up to "
        "ten years in most countries. 0: for ever.",
    )

    _ap_sync_attempt_months_positive = models.Constraint(
        "CHECK (ap_sync_attempt_months >= 0)",
        "Attempts can't be kept for less than no time: enter 0 to keep them for ever.",
    )

    def write(self, vals):
        """Override of `account`: bills held by a locked period go when it opens."""
        result = super().write(vals)
        if LOCK_DATE_FIELDS & vals.keys():
            self._ap_sync_reevaluate_locked()
        return result

    def _ap_sync_reevaluate_locked(self):
        """Look again at the bills that a locked period of these companies holds."""
        # sudo: whoever moves a lock date need not see connections.
        self.env["ap.sync.connection"].sudo().search(
            [("company_id", "child_of", self.ids)]
        )._reevaluate_jobs(["period_locked"])

    def _get_ap_sync_connection(self):
        """Return where a bill of this company goes when somebody presses Sync.

        :raise UserError: when that is not settled.
        """
        self.ensure_one()
        # sudo: users may sync without the right to read connections.
        company = self.sudo()
        if company.ap_sync_connection_id.active:
            return company.ap_sync_connection_id
        connections = company.env["ap.sync.connection"].search(
            [("company_id", "=", self.id), ("active", "=", True)], limit=2
        )
        if len(connections) == 1:
            return connections
        if not connections:
            raise UserError(
                self.env._(
                    "%s has no connection to sync bills to. An administrator adds one "
                    "in AP Sync ▸ Connections.",
                    self.name,
                )
            )
        raise UserError(
            self.env._(
                "%s has several connections and no default one. An administrator "
                "chooses it in AP Sync ▸ Settings.",
                self.name,
            )
        )
