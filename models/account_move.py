from odoo import api, fields, models
from odoo.exceptions import UserError

from .ap_sync_states import STATUSES

#: The job that needs a person first speaks for a bill with several.
STATUS_ORDER = ["failed", "on_hold", "blocked", "in_progress", "success"]

#: What a bill shows of its jobs, read together: a list of bills has one query more.
BADGE_FIELDS = [
    *("move_id", "status", "message", "guidance", "erp_number", "erp_url"),
]

#: A change of these on a bill may free a held job or change what was synced.
WATCHED_FIELDS = {
    "partner_id",
    "ref",
    "invoice_date",
    "date",
    "invoice_date_due",
    "currency_id",
    "invoice_payment_term_id",
    "invoice_line_ids",
    "line_ids",
    "journal_id",
    "state",
    "narration",
    "invoice_origin",
    "message_main_attachment_id",
}


class AccountMove(models.Model):
    _inherit = "account.move"

    ap_sync_job_ids = fields.One2many(
        "ap.sync.job", "move_id", "Sync Jobs", groups="ap_sync.group_ap_sync_user"
    )
    ap_sync_job_count = fields.Integer(compute="_compute_ap_sync")
    ap_sync_status = fields.Selection(
        STATUSES,
        "Sync Status",
        compute="_compute_ap_sync",
        search="_search_ap_sync_status",
    )
    ap_sync_message = fields.Text(compute="_compute_ap_sync")
    ap_sync_guidance = fields.Text(compute="_compute_ap_sync")
    ap_sync_url = fields.Char(compute="_compute_ap_sync")
    ap_sync_job_id = fields.Many2one(
        "ap.sync.job", "Sync Job", compute="_compute_ap_sync"
    )
    ap_sync_erp_number = fields.Char(
        "ERP Number", compute="_compute_ap_sync", search="_search_ap_sync_erp_number"
    )
    ap_sync_alerts = fields.Json(compute="_compute_ap_sync_alerts")
    ap_sync_ready = fields.Boolean(
        "Ready to Sync",
        copy=False,
        help="Marks a draft as complete: connections that take ready drafts send it.",
    )

    # For the check of possible duplicates, see ap_sync_rule_checks.py.
    _ap_sync_duplicate_idx = models.Index(
        "(commercial_partner_id, lower(trim(ref)))"
        " WHERE move_type IN ('in_invoice', 'in_refund', 'in_receipt')"
    )
    # For Odoo's own look for duplicates in each list and form of bills
    # (`_fetch_duplicate_reference` of `account`), which else reads all bills of a day
    # and all of a vendor for every row.
    _ap_sync_same_bill_idx = models.Index(
        "(commercial_partner_id, invoice_date, amount_total)"
        " WHERE move_type IN ('in_invoice', 'in_refund')"
    )

    # === COMPUTES === #

    @api.depends("ap_sync_job_ids.status", "ap_sync_job_ids.message")
    @api.depends_context("uid")
    def _compute_ap_sync(self):
        Job = self.env["ap.sync.job"]
        jobs_by_move = {}
        if Job.has_access("read"):
            jobs_by_move = Job.search_fetch(
                [("move_id", "in", self._origin.ids)], BADGE_FIELDS, order="id"
            ).grouped("move_id")
        for move in self:
            jobs = jobs_by_move.get(move._origin, Job)
            job = min(
                reversed(jobs), key=lambda j: STATUS_ORDER.index(j.status), default=Job
            )
            move.ap_sync_job_count = len(jobs)
            move.ap_sync_status = job.status
            move.ap_sync_message = job.message
            move.ap_sync_guidance = job.guidance
            move.ap_sync_url = job.erp_url
            move.ap_sync_job_id = job
            numbers = dict.fromkeys(j.erp_number for j in jobs if j.erp_number)
            move.ap_sync_erp_number = ", ".join(numbers) or False

    @api.depends("ap_sync_job_ids.cause_alerts")
    @api.depends_context("uid", "lang")
    def _compute_ap_sync_alerts(self):
        """What keeps these bills from the books, for the banner on their form."""
        Job = self.env["ap.sync.job"]
        jobs_by_move = {}
        if Job.has_access("read"):
            jobs_by_move = Job.search(
                [
                    ("move_id", "in", self._origin.ids),
                    ("status", "!=", "in_progress"),
                ],
                order="id",
            ).grouped("move_id")
        for move in self:
            alerts = []
            jobs = jobs_by_move.get(move._origin, Job)
            for job in jobs:
                where = f"{job.connection_id.name}: " if len(jobs) > 1 else ""
                alerts += [
                    {**alert, "title": where + alert["title"]}
                    for alert in job.cause_alerts or []
                ]
            move.ap_sync_alerts = alerts or False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account` to submit drafts that are made ready at once."""
        moves = super().create(vals_list)
        moves.filtered("ap_sync_ready")._ap_sync_submit("ready")
        return moves

    def write(self, vals):
        """Override of `account` to start what *Ready to sync* starts and to look
        again at the jobs of a changed bill."""
        result = super().write(vals)
        if WATCHED_FIELDS & vals.keys():
            self._ap_sync_look_again()
        if vals.get("ap_sync_ready"):
            self.filtered(lambda move: move.state == "draft")._ap_sync_submit("ready")
        return result

    def web_read(self, specification):
        """Override of `web`: whoever saves a bill reads at once what that changed."""
        pending = self.env.cr.precommit.data.get("ap_sync.moves", set())
        if pending.intersection(self.ids):
            self._ap_sync_run_look_again()
        return super().web_read(specification)

    def _ap_sync_check_deletable(self):
        """A job survives nothing that would lose it."""
        # sudo: jobs that this user can't see protect the bill as well.
        for job in self.sudo().ap_sync_job_ids:
            if job.status == "in_progress":
                raise UserError(
                    self.env._(
                        "%(bill)s can't be deleted: its sync to %(connection)s is in "
                        "progress. Cancel the bill instead.",
                        bill=job.move_id.display_name,
                        connection=job.connection_id.name,
                    )
                )
            if job.attempt_ids or job.status == "success":
                raise UserError(
                    self.env._(
                        "%(bill)s can't be deleted: it was sent to %(connection)s, and "
                        "the record of that must stay. Cancel the bill instead.",
                        bill=job.move_id.display_name,
                        connection=job.connection_id.name,
                    )
                )

    def unlink(self):
        """Override of `account`: jobs that never sent anything go with their bill."""
        jobs = self.sudo().ap_sync_job_ids
        self._ap_sync_check_deletable()
        jobs.unlink()
        self._ap_sync_look_again()
        return super().unlink()

    # === SUBMIT === #

    def _post(self, soft=True):
        """Override of `account` to submit posted bills to the connections that take
        them. Only rows are written here; the engine sends later."""
        posted = super()._post(soft)
        posted._ap_sync_submit("posted")
        return posted

    def _ap_sync_submit(self, trigger):
        """Submit these bills to every connection that takes them at this moment.

        :param trigger: a value of the connection's ``trigger``.
        """
        bills = self.filtered(lambda m: m.is_purchase_document(include_receipts=True))
        for company, moves in bills.grouped("company_id").items():
            connections = self.env["ap.sync.connection"]._get_for_trigger(
                company, trigger
            )
            for connection in connections:
                taken = connection._filter_bills(moves)
                self.env["ap.sync.job"]._submit(taken, connection)

    def _ap_sync_look_again(self):
        """Evaluate the jobs of these bills again once the transaction is complete:
        a bill is often saved in several writes, its lines after its head."""
        bills = self.filtered(lambda m: m.is_purchase_document(include_receipts=True))
        if not bills.ids:
            return
        pending = self.env.cr.precommit.data.setdefault("ap_sync.moves", set())
        if not pending:
            self.env.cr.precommit.add(self.env["account.move"]._ap_sync_run_look_again)
        pending.update(bills.ids)

    @api.model
    def _ap_sync_run_look_again(self):
        move_ids = self.env.cr.precommit.data.pop("ap_sync.moves", set())
        # sudo: a bill's author may not see its jobs.
        Job = self.env["ap.sync.job"].sudo()
        jobs = Job.search([("move_id", "in", list(move_ids))])
        jobs._note_changes()
        # Held because one of these bills was entered before: cancelled, corrected or
        # deleted, it may stand in the way no more.
        twins = Job.search(
            [
                ("status", "in", ["on_hold", "blocked"]),
                ("cause_kinds", "like", ",possible_duplicate,"),
            ]
        )
        jobs |= twins.filtered(lambda job: job._get_twin_id() in move_ids)
        jobs.filtered(
            lambda job: job._is_stopped() or job.phase in {"queued", "retrying"}
        )._evaluate()

    # === ACTIONS === #

    def action_ap_sync(self):
        """Sync these bills: the jobs they have, or the company's default connection."""
        self.check_access("read")
        Job = self.env["ap.sync.job"]
        jobs = Job.search([("move_id", "in", self.ids)])
        outcome, bulk = jobs._sync_bulk() if len(self) > 1 else (jobs._sync(), None)
        without = (self - jobs.move_id).filtered(
            lambda m: m.is_purchase_document(include_receipts=True)
        )
        for company, moves in without.grouped("company_id").items():
            connection = company._get_ap_sync_connection()
            taken = connection._filter_bills(moves)
            outcome["refused"] = outcome.get("refused", self.browse()) | moves - taken
            made = Job._submit(taken, connection, bulk)
            for event, found in made.grouped(
                lambda j: j._get_submitted_event()
            ).items():
                outcome[event] = outcome.get(event, Job) | found
        return Job._notify_synced(outcome, bulk)

    def action_ap_sync_evaluate(self):
        """Apply the rules again to the jobs of these bills."""
        self.check_access("read")
        return self.ap_sync_job_ids.action_evaluate()

    def action_ap_sync_ready(self):
        """Mark these drafts as ready to sync."""
        self.write({"ap_sync_ready": True})

    def action_ap_sync_open_jobs(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ap_sync.ap_sync_job_action"
        )
        action = {
            **action,
            "domain": [("move_id", "=", self.id)],
            "context": {},
        }
        if len(self.ap_sync_job_ids) == 1:
            action.update(views=[(False, "form")], res_id=self.ap_sync_job_ids.id)
        return action
