from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: Of so many of the newest bills the smallest that would pass is proposed.
NEWEST = 20


class ApSyncTrial(models.TransientModel):
    """One bill, chosen to try a connection with: what would become of it, and sent
    alone. It goes the way of all bills, whatever the connection takes by itself."""

    _name = "ap.sync.trial"
    _description = "Try One Bill on a Connection"

    connection_id = fields.Many2one("ap.sync.connection", required=True, readonly=True)
    connector = fields.Selection(related="connection_id.connector")
    # As the user: an id must not be enough to read what a bill says.
    move_id = fields.Many2one(
        "account.move",
        "Bill",
        compute="_compute_move_id",
        store=True,
        readonly=False,
        compute_sudo=False,
        domain="move_domain",
    )
    move_domain = fields.Binary(compute="_compute_move_domain", compute_sudo=False)
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id", string="Vendor"
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_total = fields.Monetary(related="move_id.amount_total")
    result = fields.Selection(
        lambda self: self.env["ap.sync.preflight"]._fields["result"].selection,
        compute="_compute_result",
        compute_sudo=False,
    )
    message = fields.Text("Why", compute="_compute_result", compute_sudo=False)
    cause_alerts = fields.Json(compute="_compute_result", compute_sudo=False)

    # === COMPUTES AND CONSTRAINTS === #

    @api.depends("connection_id")
    def _compute_move_domain(self):
        for trial in self:
            trial.move_domain = list(trial._get_domain())

    @api.depends("connection_id")
    def _compute_move_id(self):
        for trial in self:
            trial.move_id = trial._find_bill()

    @api.depends("move_id")
    def _compute_result(self):
        for trial in self:
            row, job = trial._check_bill()
            trial.result = row.get("result", False)
            trial.message = row.get("message", False)
            trial.cause_alerts = [
                job._prepare_alert(cause, is_root=not index)
                for index, cause in enumerate(row.get("causes") or [])
            ]

    @api.constrains("connection_id", "move_id")
    def _check_own(self):
        # Odoo runs constraints as sudo.
        for trial in self.sudo(False):
            trial.connection_id.check_access("read")
            trial.move_id.check_access("read")

    # === BUSINESS METHODS === #

    def _get_domain(self):
        """Return the domain of the bills that can be tried: taken by the connection,
        in the state its kind of ERP wants, and not in the books yet."""
        connection = self.connection_id
        try:
            taken = connection._get_bill_domain()
        except (ValueError, KeyError) as error:
            raise UserError(
                self.env._(
                    "The condition of %s on bills can't be applied any more. Correct "
                    "“Only Bills Like”.",
                    connection.name,
                )
            ) from error
        state = "draft" if connection.connector == "local" else "posted"
        return (
            taken
            & Domain("state", "=", state)
            & Domain(
                "ap_sync_job_ids",
                "not any",
                [
                    ("connection_id", "=", connection.id),
                    ("status", "in", ["success", "in_progress"]),
                ],
            )
        )

    def _find_bill(self):
        """Return the smallest of the newest bills that would pass; if none would, the
        newest, so that its causes are shown."""
        bills = self.env["account.move"].search(
            self._get_domain(), order="invoice_date desc, id desc", limit=NEWEST
        )
        jobs = {bill: self._get_job(bill) for bill in bills}
        rows = self.env["ap.sync.job"].concat(*jobs.values())._preflight()
        passing = {row["move_id"] for row in rows if row["result"] == "sync"}
        good = bills.filtered(lambda bill: bill.id in passing)
        # A plain bill says more than a credit note.
        best = good.sorted(
            lambda bill: (bill.move_type != "in_invoice", abs(bill.amount_total_signed))
        )
        return best[:1] or bills[:1]

    def _get_job(self, bill):
        """Return the bill's job, or the one that Sync would make, unsaved."""
        # sudo: as rules are applied; the bill was found, or checked, as the user.
        Job = self.env["ap.sync.job"].sudo()
        job = Job.search(
            [("move_id", "=", bill.id), ("connection_id", "=", self.connection_id.id)]
        )
        return job or Job.new(
            {"move_id": bill.id, "connection_id": self.connection_id.id}
        )

    def _check_bill(self):
        """Return ``(row, job)``: what would become of the bill, see ``_preflight`` of
        ``ap.sync.job``."""
        self.ensure_one()
        if not self.move_id or not self.connection_id:
            return {}, self.env["ap.sync.job"]
        self.connection_id.check_access("read")
        self.move_id.check_access("read")
        job = self._get_job(self.move_id)
        [row] = job._preflight()
        stopped = "blocked" if row["result"] == "block" else "on_hold"
        return row, job if job._origin else job.new(
            {
                "move_id": self.move_id.id,
                "connection_id": self.connection_id.id,
                "status": stopped,
            }
        )

    # === ACTIONS === #

    def action_send(self):
        """Send this one bill and show what becomes of it, while it goes."""
        self.ensure_one()
        self.connection_id._check_manager()
        bill = self.move_id
        bill.check_access("read")
        if not bill.search_count(self._get_domain() & Domain("id", "=", bill.id)):
            raise UserError(
                self.env._("Choose a bill that %s takes.", self.connection_id.name)
            )
        job = self.env["ap.sync.job"].search(
            [("move_id", "=", bill.id), ("connection_id", "=", self.connection_id.id)]
        )
        if job:
            job._sync()
        else:
            job = self.env["ap.sync.job"]._submit(bill, self.connection_id)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try One Bill"),
            "res_model": "ap.sync.job",
            "res_id": job.id,
            "views": [(False, "form")],
            "target": "new",
        }
