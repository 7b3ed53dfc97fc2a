from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import clean_context

from .. import engine
from .ap_sync_secret import HIDDEN


class ApSyncConnection(models.Model):
    """One target for bills: a company in an external ERP, or Odoo's own ledger."""

    _name = "ap.sync.connection"
    _description = "AP Sync Connection"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: self.env.user,
        copy=False,
        check_company=True,
        help="The administrator who is asked when the connection needs somebody.",
    )
    # -- Address and credentials
    erp_database = fields.Char("Database")
    authority = fields.Char(
        "Sign-In Address",
        compute="_compute_authority",
        store=True,
        readonly=False,
        help="Where the app signs in, as that is another address than the ERP's. It is "
        "the public cloud's; a national cloud has one of its own.",
    )
    erp_company = fields.Char(
        "ERP Company ID",
        help="Empty: the company of the integration user.",
    )
    login = fields.Char(
        help="The integration user's name, or the app's, as this kind of ERP has it."
    )
    # Written, never read back: dots stand for a key that is stored.
    api_key = fields.Char(
        "API Key",
        compute="_compute_api_key",
        inverse="_inverse_api_key",
        copy=False,
        groups="ap_sync.group_ap_sync_administrator",
    )
    protocol = fields.Selection(
        [
            ("auto", "Automatic"),
            ("json2", "JSON-2 (Odoo 19 and newer)"),
            ("jsonrpc", "JSON-RPC (older)"),
        ],
        default="auto",
        required=True,
    )

    # -- How
    post_in_erp = fields.Boolean("Post in the ERP", default=True)
    create_vendors = fields.Boolean(
        "Create Missing Vendors",
        default=True,
        help="A vendor that is neither mapped nor found by VAT number is created.",
    )
    send_attachments = fields.Boolean("Send Documents", default=True)
    trust_proposals = fields.Boolean(
        "Use Proposals Unconfirmed",
        help="Mappings proposed by equal code or name are used without a person "
        "confirming them.",
    )
    lock_policy = fields.Selection(
        [("hold", "Hold the bill"), ("next_open", "Use the next open date")],
        string="Locked Period",
        default="hold",
        required=True,
        help="Odoo moves the date of a bill in a locked period without a word. Here "
        "it is your choice, and the job says so.",
    )
    erp_journal_id = fields.Many2one(
        "ap.sync.erp.record",
        string="ERP Journal",
        domain="[('connection_id', '=', id), ('kind', '=', 'journal')]",
        copy=False,
    )
    timeout = fields.Integer("Time Limit (s)", default=60)

    # -- What belongs to it
    job_ids = fields.One2many("ap.sync.job", "connection_id", string="Jobs")
    mapping_ids = fields.One2many("ap.sync.mapping", "connection_id", string="Mappings")
    mapping_count = fields.Integer(compute="_compute_mapping_count")
    cron_id = fields.Many2one("ir.cron", ondelete="restrict", copy=False, readonly=True)
    refreshed_at = fields.Datetime("Data Refreshed", copy=False, readonly=True)

    _concurrency_range = models.Constraint(
        "CHECK (concurrency BETWEEN 1 AND 32)",
        "Between 1 and 32 bills can be sent at once.",
    )
    _timeout_range = models.Constraint(
        "CHECK (timeout BETWEEN 5 AND 100)",
        "The time limit of a call is between 5 and 100 seconds.",
    )

    # === COMPUTES AND CONSTRAINTS === #

    def _compute_api_key(self):
        Secret = self.env["ap.sync.secret"]
        for connection in self:
            stored = connection.id and Secret._is_stored(connection)
            connection.api_key = HIDDEN if stored else False

    def _inverse_api_key(self):
        Secret = self.env["ap.sync.secret"]
        for connection in self:
            key = (connection.api_key or "").strip()
            if key != HIDDEN:  # dots that come back mean: as it is
                Secret._store(connection, key.replace(HIDDEN[0], ""))
        self.invalidate_recordset(["api_key"], flush=False)

    def _compute_mapping_count(self):
        counts = dict(
            self.env["ap.sync.mapping"]._read_group(
                [("connection_id", "in", self.ids)], ["connection_id"], ["__count"]
            )
        )
        for connection in self:
            connection.mapping_count = counts.get(connection, 0)

    @api.constrains("connector", "url")
    def _check_url(self):
        for connection in self:
            url = connection.url or ""
            if connection.connector == "local":
                continue
            if not url.startswith(("https://", "http://")) or "@" in url:
                raise ValidationError(
                    self.env._(
                        "The address of %(name)s must be like "
                        "https://erp.example.com, without user name or password.",
                        name=connection.name,
                    )
                )

    @api.constrains("erp_journal_id")
    def _check_erp_journal(self):
        """The id of another ERP's journal, or of another company's, means nothing."""
        for connection in self:
            journal = connection.sudo().erp_journal_id
            if journal and (
                journal.connection_id != connection or journal.kind != "journal"
            ):
                raise ValidationError(
                    self.env._(
                        "What was chosen is not a journal of %s. Choose one from its "
                        "list, or press Refresh data.",
                        connection.name,
                    )
                )

    @api.constrains("company_id")
    def _check_company_unchanged(self):
        """Jobs belong to the company of their connection for good."""
        for connection in self:
            # sudo: jobs that this user can't see are bound to it as well.
            bills = connection.sudo().job_ids.move_id
            if bills.company_id - connection.company_id:
                raise ValidationError(
                    self.env._(
                        "%(name)s has jobs already, so its company can't change. "
                        "Archive it and make a new connection.",
                        name=connection.name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_engine_fields(vals)
        # Given as empty, so that no default in the caller's context fills them.
        empty = {
            **dict.fromkeys(self._get_engine_fields(), False),
            "database_identity": engine.get_database_identity(self.env),
        }
        connections = super().create([{**empty, **vals} for vals in vals_list])
        for connection in connections:
            connection._create_cron()
        return connections

    def write(self, vals):
        self._check_engine_fields(vals)
        self.check_access("write")
        self._check_target_change(vals)
        result = super().write(vals)
        if "company_id" in vals:
            # Odoo looks at the record before the write only: a connection moved into
            # a company that its author can't see would be sent that one's bills.
            self.check_access("write")
        if "bill_domain" in vals:
            for connection in self.filtered(lambda c: c.attention_kind == "internal"):
                connection.sudo()._set_mended()
        if self._get_rule_fields() & vals.keys():
            for connection in self:
                connection._reevaluate_jobs()
        return result

    def _check_target_change(self, vals):
        """What was sent to one ERP is not known to another: while bills are under way
        it can't be changed, and afterwards ids of the old one are forgotten, or a
        changed bill would overwrite a stranger's in the new one."""
        for connection in self.sudo():
            moved = {
                name
                for name in ("connector", "url", "erp_database", "erp_company")
                if name in vals and _place(vals[name]) != _place(connection[name])
            }
            if not moved:
                continue
            Job = connection.env["ap.sync.job"]
            jobs = Domain("connection_id", "=", connection.id)
            if "connector" in moved and Job.search_count(jobs, limit=1):
                raise UserError(
                    self.env._(
                        "%s has jobs already, so it can't go to another kind of ERP. "
                        "Archive it and make a new connection.",
                        connection.name,
                    )
                )
            under_way = Domain("phase", "in", ["sending", "verifying"])
            if Job.search_count(jobs & under_way, limit=1):
                raise UserError(
                    self.env._(
                        "Bills of %s are under way, and only the ERP at the present "
                        "address knows of them. Wait until they have ended.",
                        connection.name,
                    )
                )
            Job.search(jobs & Domain("erp_id", "!=", False)).write({"erp_id": False})

    def copy_data(self, default=None):
        """Override of `base`: a copy has no key and takes no bills by itself, or one
        ERP would be sent every bill twice."""
        return [
            {
                **values,
                "name": self.env._("%s (copy)", values["name"]),
                "trigger": "manual",
                **(default or {}),
            }
            for values in super().copy_data(default)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_jobs(self):
        if self.job_ids:
            raise UserError(
                self.env._(
                    "This connection has jobs, which are the record of what was "
                    "sent. Archive it instead."
                )
            )

    def unlink(self):
        # sudo: only system users may remove scheduled actions; these are our own.
        crons = self.sudo().cron_id
        actions = crons.ir_actions_server_id  # the other half, which Odoo would leave
        result = super().unlink()
        crons.unlink()
        actions.unlink()
        return result

    # === BUSINESS METHODS === #

    def _get_rule_fields(self):
        """Return the fields whose change can free or stop jobs."""
        return {
            "create_vendors",
            "trust_proposals",
            "lock_policy",
            "trigger",
            "auto_resume",
            "active",
        }

    def _create_cron(self):
        """Make the scheduled action that wakes this connection's dispatcher."""
        # sudo: only system users may make scheduled actions, and this one runs
        # nothing but our own method, whatever defaults the caller's context holds.
        env = self.env(context=clean_context(self.env.context))
        connection = self.with_env(env).sudo()
        connection.cron_id = connection.env["ir.cron"].create(
            connection._prepare_cron_values()
        )

    def _prepare_cron_values(self):
        """The interval is only a safety net: jobs trigger it, the reaper too. It stays
        active with an archived connection: what is in doubt there is cleared up."""
        self.ensure_one()
        return {
            "name": self.env._("AP Sync: send bills to %s", self.name),
            "model_id": self.env["ir.model"]._get_id("ap.sync.connection"),
            "state": "code",
            "code": f"model.browse({self.id})._cron_dispatch()",
            "user_id": self.env.ref("base.user_root").id,
            "interval_number": 1,
            "interval_type": "hours",
            "priority": 5,
        }

    def _get_usable_mapping_domain(self):
        """Return which mappings are used: confirmed ones (or all, if the connection
        trusts proposals) whose ERP record was still there at the last refresh."""
        self.ensure_one()
        there = Domain("erp_record_id", "=", False) | Domain(
            "erp_record_id.active", "=", True
        )
        return (
            there if self.trust_proposals else there & Domain("state", "=", "confirmed")
        )

    # === ACTIONS === #

    def action_open_jobs(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ap_sync.ap_sync_job_action"
        )
        return {
            **action,
            "domain": [("connection_id", "=", self.id)],
            "context": {},
        }

    def action_open_mappings(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ap_sync.ap_sync_mapping_action"
        )
        return {
            **action,
            "domain": [("connection_id", "=", self.id)],
            "context": {"default_connection_id": self.id},
        }


def _place(value):
    """Return what tells two places apart: the host and port of an address (http made
    https is the same place), else the value."""
    text = (value or "").strip()
    return urlsplit(text).netloc.lower() if "://" in text else text
