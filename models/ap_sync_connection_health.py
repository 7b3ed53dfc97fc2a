from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import config, plaintext2html

from .. import engine
from ..connectors import Settings
from .ap_sync_guidance import describe
from .ap_sync_mapping import MAPPING_KINDS


class ApSyncConnection(models.Model):
    """Health and the doors to the engine of a connection."""

    _inherit = "ap.sync.connection"

    attention_kind = fields.Char(copy=False, readonly=True)
    attention_message = fields.Text("Needs Attention", copy=False, readonly=True)
    attention_since = fields.Datetime(copy=False, readonly=True)
    not_before = fields.Datetime(
        "Next Call Not Before",
        copy=False,
        readonly=True,
        help="The ERP asked to wait, or did not answer several times in a row.",
    )
    failures = fields.Integer("Failures in a Row", copy=False, readonly=True)
    failing_since = fields.Datetime(copy=False, readonly=True)
    lease_token = fields.Char(copy=False, readonly=True)
    lease_until = fields.Datetime(copy=False, readonly=True)
    # In which database it was served last; the engine compares.
    database_identity = fields.Char(copy=False, readonly=True)
    erp_lock_date = fields.Date("Locked Until", copy=False, readonly=True)
    check_result = fields.Json("Test", copy=False, readonly=True)
    checked_at = fields.Datetime("Tested", copy=False, readonly=True)
    health = fields.Selection(
        [
            ("ok", "Ready"),
            ("waiting", "Waiting for the ERP"),
            ("late", "Waits too long"),
            ("attention", "Needs attention"),
            ("paused", "Paused"),
        ],
        compute="_compute_health",
    )

    @api.depends("paused", "attention_kind", "not_before", "failures", "late_message")
    def _compute_health(self):
        now = fields.Datetime.now()
        for connection in self:
            if connection.paused:
                connection.health = "paused"
            elif connection.attention_kind:
                connection.health = "attention"
            elif connection.not_before and connection.not_before > now:
                connection.health = "waiting"
            elif connection.late_message:
                connection.health = "late"
            else:
                connection.health = "ok"

    # === GUARDS === #

    @api.model
    def _get_engine_fields(self):
        """Return the fields that the engine and the buttons set, and nobody else."""
        return {
            "attention_kind",
            "attention_message",
            "attention_since",
            "not_before",
            "failures",
            "failing_since",
            "lease_token",
            "lease_until",
            "database_identity",
            "erp_lock_date",
            "check_result",
            "checked_at",
            "refreshed_at",
            "cron_id",
        }

    @api.model
    def _check_engine_fields(self, vals):
        """A field that is only read-only in a form is open to RPC."""
        if not self.env.su and self._get_engine_fields() & vals.keys():
            raise AccessError(
                self.env._(
                    "Pause, health and wake-up of a connection are set by AP Sync "
                    "itself. Use the buttons on the connection."
                )
            )

    # === ACTIONS === #

    def action_test_connection(self):
        """Ask the ERP item by item what is right and wrong. Leaves no transaction
        open meanwhile; the result stays on the form."""
        self.ensure_one()
        self.check_access("write")
        self._check_external()
        engine.check_connection(self.env, self.id)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_refresh_data(self):
        """Pull accounts, vendors, taxes, terms and journals from the ERP and propose
        mappings for what has none."""
        self.ensure_one()
        self._check_manager()
        self._check_external()
        return engine.refresh_data(self.env, self.id)

    def _check_external(self):
        if self.connector == "local":
            raise UserError(
                self.env._(
                    "Odoo's own ledger needs no address, key or mappings: there is "
                    "nothing to test or refresh."
                )
            )

    def _check_manager(self):
        self.check_access("read")
        if not self.env.user.has_group("ap_sync.group_ap_sync_manager"):
            raise AccessError(
                self.env._(
                    "Only AP Sync managers can do this. Ask one, or have an "
                    "administrator give you that role."
                )
            )

    # === WHAT STOPS A CONNECTION === #

    def _get_stop(self):
        """Return why nothing is sent now: ``(kind, message)``, or None.

        A connection that waits a while for its ERP is not stopped: its jobs stay In
        Progress and are tried again.
        """
        self.ensure_one()
        if not self.active:
            return "connection_paused", self.env._(
                "The connection %s is archived.", self.name
            )
        if self.paused:
            return "connection_paused", self._get_pause_message()
        if self.attention_kind:
            return self.attention_kind, self.env._(
                "The connection %(name)s needs an administrator: %(message)s",
                name=self.name,
                message=self.attention_message,
            )
        return None

    def _set_attention(self, kind, message):
        """Stop until a person has mended what only a person can: hold all its jobs
        instead of failing them one after the other. Called by the engine."""
        self.ensure_one()
        if self.attention_kind == kind:
            return
        self.write(
            {
                "attention_kind": kind,
                "attention_message": message,
                "attention_since": fields.Datetime.now(),
            }
        )
        title, todo = describe(self.env, kind)
        self.message_post(
            body=self.env._(
                "%(title)s. %(message)s %(todo)s",
                title=title,
                message=message,
                todo=todo,
            )
        )
        self.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=title,
            note=plaintext2html(message or ""),  # the ERP's words are no HTML
            user_id=self._get_responsible().id or self.env.uid,
        )
        self._reevaluate_jobs()

    def _get_responsible(self):
        """Return the administrator who looks after the connection: the one who is
        named, else the first of its company; nobody when there is none."""
        self.ensure_one()
        # sudo: roles and companies of users are not the caller's to read.
        connection = self.sudo()
        admins = self.env.ref("ap_sync.group_ap_sync_administrator").sudo().all_user_ids
        admins = admins.filtered(
            lambda user: user.active and connection.company_id in user.company_ids
        )
        named = connection.user_id & admins
        return (named or admins[:1]).sudo(False)

    def _set_mended(self):
        """Forget why the connection was stopped and let its jobs go."""
        self.ensure_one()
        kind = self.attention_kind
        if self.not_before:
            self._bring_forward(self.env.cr.now())
            self._wake()
        self.write(self._prepare_mended_values())
        if kind:
            self.activity_feedback(["mail.mail_activity_data_todo"])
            self._reevaluate_jobs([kind])

    def _prepare_mended_values(self):
        return {
            "attention_kind": False,
            "attention_message": False,
            "attention_since": False,
            "not_before": False,
            "failures": 0,
            "failing_since": False,
        }

    # === THE ENGINE'S SIDE === #

    def _get_settings(self):
        """Return the ``Settings`` of this connection's client, secret included.

        :raise ConnectorError: ``secret_unreadable``.

        Private hosts that may be called come from ``ap_sync_allowed_hosts`` in
        odoo.conf, so that nobody can open the server's network from a form.
        """
        self.ensure_one()
        # sudo: whoever syncs a bill need not be able to read its connection.
        connection = self.sudo()
        hosts = config.get("ap_sync_allowed_hosts") or ""
        settle = self._get_own_settle_seconds()
        return Settings(
            url=connection.url or "",
            secret=self.env["ap.sync.secret"]._reveal(self),
            database=connection.erp_database or "",
            login=connection.login or "",
            company=connection.erp_company or "",
            timeout=float(connection.timeout),
            allowed_hosts=tuple(filter(None, (h.strip() for h in hosts.split(",")))),
            ca_file=config.get("ap_sync_ca_file") or "",
            options={
                "post": connection.post_in_erp,
                "create_vendors": connection.create_vendors,
                "lock_policy": connection.lock_policy,
                "send_attachments": connection.send_attachments,
                "journal_id": connection.erp_journal_id.erp_id or "",
                "protocol": connection.protocol,
                "authority": connection.authority or "",
                "bill_url": f"{connection.get_base_url()}/ap_sync/bill/",
                "origin": self.env["ir.config_parameter"]
                .sudo()
                .get_param("database.uuid"),
                **({"settle_seconds": settle} if settle else {}),
            },
        )

    def _get_settle_seconds(self, connector):
        """Return how long to wait after an unclear answer before asking about it.

        :param connector: the connector's class, which knows its ERP; a shorter time
            for tests comes from ``ap_sync_settle_seconds`` in odoo.conf.
        """
        return self._get_own_settle_seconds() or connector.settle_seconds

    @api.model
    def _get_own_settle_seconds(self):
        return float(config.get("ap_sync_settle_seconds") or 0)

    def _get_todo(self, kind):
        """Return what to do about an error of one kind, in words."""
        return describe(self.env, kind)[1]

    def _store_erp_data(self, fetched, lock_date, problem):
        """Store what *Refresh data* brought and propose mappings.

        :param fetched: ``{kind: rows}``, whole kinds only.
        :param problem: the ``ConnectorError`` that ended it early, or None.
        :return: the notification for the user.
        """
        self.ensure_one()
        counts = {
            kind: self.env["ap.sync.erp.record"]._store(self, kind, rows)
            for kind, rows in fetched.items()
        }
        if problem:
            title, todo = describe(self.env, problem.kind)
            message = f"{title}. {problem.message} {todo}"
        else:
            proposals = self.env["ap.sync.mapping"]._propose(self)
            self.env["ap.sync.mapping"]._list_missing(self)
            self.write({"refreshed_at": self.env.cr.now(), "erp_lock_date": lock_date})
            # What is there now, or open now, may be what bills wait for.
            self._reevaluate_jobs(
                ["period_locked", "period_closed", "currency_not_enabled"]
                + MAPPING_KINDS
            )
            message = self.env._(
                "%(records)s records read; %(proposals)s mappings proposed.",
                records=sum(counts.values()),
                proposals=len(proposals),
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if problem else "success",
                "title": self.env._("Refresh data"),
                "message": message,
                "sticky": bool(problem),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _reevaluate_jobs(self, kinds=None):
        """Evaluate the jobs concerned again after a rule, mapping or the connection
        changed; those that are free go by themselves if the connection says so.

        :param kinds: only jobs stopped by one of these kinds; None: all that wait.
        """
        if not self:
            return
        domain = Domain("connection_id", "in", self.ids)
        if kinds is None:
            domain &= Domain("status", "in", ["on_hold", "blocked"]) | Domain(
                "phase", "in", ["queued", "retrying"]
            )
        else:
            domain &= Domain("status", "in", ["on_hold", "blocked"]) & Domain.OR(
                Domain("cause_kinds", "like", f",{kind},") for kind in kinds
            )
        self.env["ap.sync.job"]._request_evaluation(domain)
