from odoo import api, fields, models


class ApSyncSwitchOn(models.TransientModel):
    """When the bills of a connection go, and whether older ones go as well."""

    _name = "ap.sync.switch.on"
    _description = "Switch an AP Sync Connection On"

    connection_id = fields.Many2one("ap.sync.connection", required=True, readonly=True)
    connector = fields.Selection(related="connection_id.connector")
    trigger = fields.Selection(
        lambda self: self.env["ap.sync.connection"]._fields["trigger"].selection,
        "Bills Go",
        required=True,
        compute="_compute_trigger",
        store=True,
        readonly=False,
        precompute=True,
        compute_sudo=False,
    )
    take_old = fields.Boolean("Older bills as well")
    since = fields.Date(
        "Bill Date From",
        default=lambda self: fields.Date.start_of(
            fields.Date.context_today(self), "month"
        ),
    )
    old_count = fields.Integer(compute="_compute_counts", compute_sudo=False)
    now_count = fields.Integer(
        "Bills That Go Now", compute="_compute_counts", compute_sudo=False
    )

    @api.depends("connection_id")
    def _compute_trigger(self):
        for wizard in self:
            connection = wizard.connection_id
            usual = "ready" if connection.connector == "local" else "posted"
            wizard.trigger = connection.trigger if connection.is_switched_on else usual

    @api.depends("trigger", "take_old", "since")
    def _compute_counts(self):
        for wizard in self:
            wizard.old_count = wizard._count(False)
            wizard.now_count = wizard._count(wizard.since) if wizard.take_old else 0

    def _count(self, since):
        self.connection_id.check_access("write")
        domain = self.connection_id._get_untaken_domain(self.trigger, since)
        return self.env["account.move"].search_count(domain)

    @api.constrains("connection_id")
    def _check_own(self):
        # Odoo runs constraints as sudo.
        self.sudo(False).connection_id.check_access("write")

    def action_apply(self):
        """Switch the connection on; sync the older bills that were asked for."""
        self.ensure_one()
        connection = self.connection_id
        connection._switch_on(self.trigger)
        if not self.take_old or self.trigger == "manual":
            return {"type": "ir.actions.act_window_close"}
        bills = self.env["account.move"].search(
            connection._get_untaken_domain(self.trigger, self.since)
        )
        return self.env["ap.sync.job"]._submit_old(bills, connection)
