import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..connectors import CONNECTORS, Capability
from .ap_sync_guidance import GUIDANCE, describe
from .ap_sync_states import MOVES, PHASES, STATUSES, split_state, state_of


class ApSyncJob(models.Model):
    """One bill on one connection: the single truth of where its sync stands.

    Nobody has the right to write a job; its fields are set by the methods here and
    by the engine, all status changes by ``_update_status``.
    """

    _name = "ap.sync.job"
    _description = "AP Sync Job"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _mail_post_access = "read"

    # -- What
    move_id = fields.Many2one(
        "account.move",
        "Bill",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    connection_id = fields.Many2one(
        "ap.sync.connection",
        required=True,
        ondelete="restrict",
        check_company=True,
        index=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, precompute=True, index=True
    )
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id",
        string="Vendor",
        store=True,
    )
    reference = fields.Char(related="move_id.ref", store=True, index="trigram")
    bill_date = fields.Date(
        related="move_id.invoice_date", store=True, index="btree_not_null"
    )
    currency_id = fields.Many2one(related="move_id.currency_id", store=True)
    amount_total = fields.Monetary(related="move_id.amount_total", store=True)
    bill_state = fields.Selection(related="move_id.state", string="Bill Status")
    move_type = fields.Selection(related="move_id.move_type", string="Type", store=True)
    connector = fields.Selection(related="connection_id.connector")

    # -- Where it stands (see the diagram in ap_sync_states.py)
    #
    #   evaluate ─┬─▶ blocked
    #             ├─▶ on_hold
    #             └─▶ in_progress: queued ▸ sending ─┬─▶ success
    #                        ▲        │ │            └─▶ failed
    #                        └ retrying verifying ──────▶ success | queued | failed
    status = fields.Selection(
        STATUSES, required=True, readonly=True, copy=False, group_expand=True
    )
    phase = fields.Selection(PHASES, readonly=True, copy=False)
    error_kind = fields.Selection(
        "_selection_error_kind",
        "Kind",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    message = fields.Text("Cause", readonly=True, copy=False, index="trigram")
    guidance = fields.Text("What to Do", readonly=True, copy=False)
    causes = fields.Json(readonly=True, copy=False)
    cause_kinds = fields.Char(readonly=True, copy=False, index="trigram")
    needs_decision = fields.Boolean(compute="_compute_needs_decision")
    rule_id = fields.Many2one(
        "ap.sync.rule", "Stopped By", readonly=True, copy=False, index="btree_not_null"
    )
    released_rules = fields.Json(readonly=True, copy=False)
    evaluate_at = fields.Datetime("Rules Again At", readonly=True, copy=False)

    # -- Engine
    key = fields.Char("Idempotency Key", required=True, readonly=True, copy=False)
    revision = fields.Integer(default=1, readonly=True, copy=False, aggregator=None)
    fingerprint = fields.Char(readonly=True, copy=False)
    next_try_at = fields.Datetime("Next Try", readonly=True, copy=False)
    retry_since = fields.Datetime(readonly=True, copy=False)
    retry_count = fields.Integer(readonly=True, copy=False, aggregator=None)
    attempt_count = fields.Integer("Number of Attempts", readonly=True, copy=False)
    last_attempt_at = fields.Datetime(
        "Last Attempt", readonly=True, copy=False, index="btree_not_null"
    )
    lease_token = fields.Char(readonly=True, copy=False)
    lease_until = fields.Datetime(readonly=True, copy=False)
    effects_due = fields.Boolean(readonly=True, copy=False)
    look_first = fields.Boolean(
        "Ask the ERP First",
        readonly=True,
        copy=False,
        help="The database was restored, copied or failed over: the bill may have been "
        "sent before.",
    )
    attempt_ids = fields.One2many("ap.sync.attempt", "job_id", "Attempts")
    document = fields.Json("Document as Sent", compute="_compute_document")

    # -- What the ERP has
    erp_id = fields.Char("ERP ID", readonly=True, copy=False)
    erp_number = fields.Char("ERP Number", readonly=True, copy=False, index="trigram")
    erp_url = fields.Char("ERP Link", readonly=True, copy=False)
    notes = fields.Text(readonly=True, copy=False)
    synced_at = fields.Datetime(
        "Synced", readonly=True, copy=False, index="btree_not_null"
    )
    synced_fingerprint = fields.Char(readonly=True, copy=False)
    changed_since_sync = fields.Boolean(readonly=True, copy=False)

    _bill_connection_uniq = models.UniqueIndex(
        "(move_id, connection_id)",
        "This bill already has a job on this connection. Press Sync on that job.",
    )
    # No job is ever stuck, whatever code or person wrote it: In Progress it has a time
    # at which it moves, and while it is sent a lease that the reaper sees run out.
    _phase_of_status = models.Constraint(
        """CHECK (
            CASE status
                WHEN 'in_progress' THEN
                    coalesce(phase, '')
                    IN ('queued', 'sending', 'retrying', 'verifying')
                WHEN 'on_hold' THEN coalesce(phase, 'ready') = 'ready'
                ELSE phase IS NULL
            END)""",
        "The phase of a job must be one of its status.",
    )
    _moves_by_itself = models.Constraint(
        "CHECK (status != 'in_progress' OR next_try_at IS NOT NULL)",
        "A job In Progress must have a time at which it moves.",
    )
    _sending_is_leased = models.Constraint(
        "CHECK (coalesce(phase, '') != 'sending' OR lease_until IS NOT NULL)",
        "A job that is being sent must have a lease that ends.",
    )
    _lease_ends = models.Constraint(
        "CHECK ((lease_token IS NULL) = (lease_until IS NULL))",
        "A lease must have a token and an end.",
    )
    # The list filters and shows the newest first; the dispatcher takes what is due on
    # its connection; the reaper looks for the few rows it has to mend. What each index
    # serves: doc/speed.md.
    # Also counts the bills of a status, without the table.
    _status_idx = models.Index("(status, id DESC) INCLUDE (move_id, company_id)")
    # What bills are filtered by, without the table.
    _bill_status_idx = models.Index("(move_id, status, company_id)")
    _phase_idx = models.Index("(phase, id DESC) WHERE phase IS NOT NULL")
    _owner_idx = models.Index("(user_id, status, id DESC)")
    # Also holds all that the tiles, the overview and the metrics add up.
    _connection_status_idx = models.Index(
        "(connection_id, status, id DESC)"
        " INCLUDE (company_id, company_currency_id, amount_company)"
    )
    # Also tells how many vendors there are, without the table.
    _partner_idx = models.Index("(partner_id, company_id)")
    _created_idx = models.Index("(create_date)")
    _waiting_idx = models.Index("(create_date, id) WHERE status != 'success'")
    _marked_idx = models.Index("(id DESC) WHERE marked_by_id IS NOT NULL")
    _due_idx = models.Index(
        "(connection_id, next_try_at, id) WHERE status = 'in_progress'"
    )
    _lease_idx = models.Index("(lease_until) WHERE lease_until IS NOT NULL")
    _evaluate_idx = models.Index(
        "(connection_id, evaluate_at, id) WHERE evaluate_at IS NOT NULL"
    )
    _effects_idx = models.Index("(id) WHERE effects_due")
    _refund_idx = models.Index("(move_type, id DESC) WHERE move_type != 'in_invoice'")
    _changed_idx = models.Index("(id DESC) WHERE changed_since_sync IS TRUE")

    # === COMPUTES AND CONSTRAINTS === #

    @api.model
    def _selection_error_kind(self):
        return [(kind, describe(self.env, kind)[0]) for kind in GUIDANCE]

    @api.depends("move_id", "connection_id")
    def _compute_display_name(self):
        for job in self:
            bill = job.reference or job.move_id.name or self.env._("Draft bill")
            job.display_name = f"{bill} ▸ {job.connection_id.name}"

    @api.depends("attempt_count")
    def _compute_document(self):
        for job in self:
            job.document = job.attempt_ids[:1].document

    @api.depends("status", "error_kind")
    def _compute_needs_decision(self):
        for job in self:
            job.needs_decision = job._needs_decision()

    @api.constrains("move_id")
    def _check_bill_type(self):
        for job in self:
            if not job.move_id.is_purchase_document(include_receipts=True):
                raise ValidationError(
                    self.env._(
                        "%s is not a vendor bill, credit note or receipt; only these "
                        "are synced.",
                        job.move_id.display_name,
                    )
                )

    # === STATUS === #

    def _now(self):
        """Return PostgreSQL's time: the one clock of what is due when."""
        return self.env.cr.now().replace(microsecond=0)

    def _update_status(self, event, **values):
        """Move these jobs by one event of ``MOVES``. The only writer of the status.

        :param event: a key of ``MOVES``.
        :param values: what is known with it (cause, next try, ERP number...); the
            lease always ends with a move, except for one that is given here, and so do
            a mark to be evaluated, which was for the state the job was in, and the word
            of the person who marked it as synced.
        :raise UserError: when the event is not allowed in a job's state; nothing is
            written then.
        """
        move = MOVES[event]
        for job in self:
            state = state_of(job.status, job.phase)
            if state not in move.sources:
                label = dict(self._fields["status"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "%(job)s is %(status)s by now, so this can't be done any more. "
                        "Reload the page and look at it again.",
                        job=job.display_name,
                        status=label.get(job.status, job.status),
                    )
                )
        status, phase = split_state(move.target)
        # Nothing of a job is tracked in its chatter: its attempts tell it all.
        self.with_context(tracking_disable=True).write(
            {
                "status": status,
                "phase": phase,
                "lease_token": False,
                "lease_until": False,
                "evaluate_at": False,
                "marked_by_id": False,
                "sync_requested": False,
                **values,
            }
        )
        self._announce()

    def _in_company_language(self):
        """Return these jobs of one company in its language, for texts that are stored,
        unless somebody's own language is set: the engine itself speaks none."""
        if self.env.lang:
            return self
        return self.with_context(lang=self.company_id.partner_id.lang)

    def _get_unclear_attempt(self):
        """Return the last attempt under the job's key of which nobody knows what
        became, for an ERP that is not asked but sent the same key again; else none.

        Until that is clear, the key stands for what was sent then, whatever the bill
        says today: the same key with another bill would be answered with the old one.
        """
        self.ensure_one()
        attempts = self.attempt_ids.browse()
        connector = CONNECTORS.get(self.connection_id.connector)
        if connector and connector.capability == Capability.IDEMPOTENT:
            attempts = self.attempt_ids.filtered(
                lambda a: a.key == self.key and a.outcome == "ambiguous"
            )
        return attempts[:1]

    def _prepare_error_values(self, kind, message):
        """Return the values that show an error of one kind on a job."""
        _title, todo = describe(self._in_company_language().env, kind)
        return {
            "error_kind": kind,
            "message": message,
            "guidance": todo,
            "causes": False,
            "cause_kinds": False,
            "rule_id": False,
        }

    def _prepare_next_revision_values(self):
        """Return what begins a new revision: another key, nothing of the old one.

        Only for jobs whose last outcome is clear: a key of which the ERP may still
        hold a bill must stay.
        """
        self.ensure_one()
        return {
            "revision": self.revision + 1,
            "key": str(uuid.uuid4()),
            "fingerprint": False,
        }
