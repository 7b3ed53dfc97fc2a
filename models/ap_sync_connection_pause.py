from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime


class ApSyncConnection(models.Model):
    """Pause and resume: a period close, a migration of the ERP, a holiday."""

    _inherit = "ap.sync.connection"

    paused = fields.Boolean(tracking=True, copy=False, readonly=True)
    paused_until = fields.Datetime(
        tracking=True,
        copy=False,
        readonly=True,
        index="btree_not_null",
        help="Empty: until somebody presses Resume.",
    )
    pause_reason = fields.Char(tracking=True, copy=False, readonly=True)
    paused_by_id = fields.Many2one("res.users", copy=False, readonly=True)

    def _get_engine_fields(self):
        """Override to keep the pause to the buttons, where a reason is asked for."""
        return super()._get_engine_fields() | {
            "paused",
            "paused_until",
            "pause_reason",
            "paused_by_id",
        }

    # === ACTIONS === #

    def action_open_pause(self):
        """Ask for the reason and the end of a pause."""
        self.ensure_one()
        self._check_manager()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Pause"),
            "res_model": "ap.sync.pause",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_connection_id": self.id,
                "default_until": self.paused_until,
                "default_reason": self.pause_reason,
            },
        }

    def action_resume(self):
        """Send again; the bills held by the pause go by themselves."""
        self._check_manager()
        kinds = {"connection_paused", *self.mapped("attention_kind")} - {False}
        # sudo: managers may resume, only administrators may edit connections.
        self.sudo().write(
            {**self._prepare_resumed_values(), **self._prepare_mended_values()}
        )
        self._reevaluate_jobs(sorted(kinds))

    # === BUSINESS METHODS === #

    def _pause(self, reason, until=False):
        """Stop sending: bills under way finish, the others wait On Hold.

        :param until: from when on the bills go by themselves; False: when resumed.
        """
        self._check_manager()
        if until and until <= self.env.cr.now():
            raise UserError(
                self.env._("The end of the pause is over already. Choose a later one.")
            )
        # sudo: managers may pause, only administrators may edit connections.
        self.sudo().write(
            {
                "paused": True,
                "paused_until": until,
                "pause_reason": reason,
                "paused_by_id": self.env.user.id,
            }
        )
        self._reevaluate_jobs()

    def _end_pause(self):
        """Resume when the end of the pause has come. Called by the engine.

        What else the connection needs a person for stays as it is.
        """
        self.write(self._prepare_resumed_values())
        self._reevaluate_jobs(["connection_paused"])

    def _prepare_resumed_values(self):
        return {
            "paused": False,
            "paused_until": False,
            "pause_reason": False,
            "paused_by_id": False,
        }

    def _get_pause_message(self):
        """Return the cause for the bills of a paused connection, with reason and end.

        The end is told in the time of who paused it, and says so: the message is kept,
        and read by people elsewhere.
        """
        self.ensure_one()
        if self.paused_until:
            zone = self.paused_by_id.tz or "UTC"
            end = format_datetime(
                self.env, self.paused_until, tz=zone, dt_format="short"
            )
            message = self.env._(
                "The connection %(name)s is paused until %(end)s (%(zone)s)",
                name=self.name,
                end=end,
                zone=zone,
            )
        else:
            message = self.env._("The connection %s is paused", self.name)
        return f"{message}: {self.pause_reason}" if self.pause_reason else f"{message}."
