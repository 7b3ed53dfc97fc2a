from odoo import api, fields, models

from .ap_sync_connection_wake import WAKE_UP_ENGINES, WAKE_UP_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ap_sync_automatic = fields.Boolean(
        related="company_id.ap_sync_automatic", readonly=False
    )
    ap_sync_connection_id = fields.Many2one(
        related="company_id.ap_sync_connection_id", readonly=False
    )
    ap_sync_attempt_months = fields.Integer(
        related="company_id.ap_sync_attempt_months", readonly=False
    )
    ap_sync_blocked_partner_ids = fields.Many2many(
        "res.partner",
        relation="ap_sync_settings_partner_rel",
        string="Blocked Vendors",
        domain="[('parent_id', '=', False)]",
    )
    ap_sync_blocked_category_ids = fields.Many2many(
        "res.partner.category",
        relation="ap_sync_settings_category_rel",
        string="Blocked Vendor Categories",
    )
    ap_sync_blocked_domain = fields.Char("Blocked Bills", default="[]")
    ap_sync_hold_rule_ids = fields.Many2many(
        "ap.sync.rule",
        relation="ap_sync_settings_rule_rel",
        string="Holds",
        domain="[('action', '=', 'hold'), ('condition', '=', 'check'),"
        " ('active', 'in', [True, False])]",
        context={"active_test": False},
    )
    ap_sync_wake_up_engine = fields.Selection(
        WAKE_UP_ENGINES,
        string="Wake-up Engine",
        default="scheduler",
        config_parameter=WAKE_UP_PARAMETER,
    )
    ap_sync_queue_job_installed = fields.Boolean(
        compute="_compute_ap_sync_queue_job_installed"
    )

    def _compute_ap_sync_queue_job_installed(self):
        self.ap_sync_queue_job_installed = "queue.job" in self.env

    @api.model
    def get_values(self):
        """Override of `base_setup` to show this company's own block rules."""
        values = super().get_values()
        if not self.env["ap.sync.rule"].has_access("write"):
            return values
        vendors = self._get_ap_sync_settings_rule("vendors")
        bills = self._get_ap_sync_settings_rule("domain")
        holds = self.env["ap.sync.rule"].search(
            [("action", "=", "hold"), ("condition", "=", "check")]
        )
        values.update(
            ap_sync_blocked_partner_ids=[fields.Command.set(vendors.partner_ids.ids)],
            ap_sync_blocked_category_ids=[fields.Command.set(vendors.category_ids.ids)],
            ap_sync_blocked_domain=bills.bill_domain or "[]",
            ap_sync_hold_rule_ids=[fields.Command.set(holds.ids)],
        )
        return values

    def set_values(self):
        """Override of `base_setup` to write the block rules and which holds apply."""
        result = super().set_values()
        if not self.env["ap.sync.rule"].has_access("write"):
            return result
        self._set_ap_sync_settings_rule(
            "vendors",
            bool(self.ap_sync_blocked_partner_ids or self.ap_sync_blocked_category_ids),
            {
                "name": self.env._("Blocked vendors"),
                "partner_ids": [
                    fields.Command.set(self.ap_sync_blocked_partner_ids.ids)
                ],
                "category_ids": [
                    fields.Command.set(self.ap_sync_blocked_category_ids.ids)
                ],
            },
        )
        domain = self.ap_sync_blocked_domain or "[]"
        self._set_ap_sync_settings_rule(
            "domain",
            domain != "[]",
            {"name": self.env._("Blocked bills"), "bill_domain": domain},
        )
        holds = (
            self.env["ap.sync.rule"]
            .with_context(active_test=False)
            .search([("action", "=", "hold"), ("condition", "=", "check")])
        )
        for rule in holds:
            if rule.active != (rule in self.ap_sync_hold_rule_ids):
                rule.active = not rule.active
        return result

    def _get_ap_sync_settings_rule(self, condition):
        """Return this company's block rule that the settings page edits, if any."""
        return (
            self.env["ap.sync.rule"]
            .with_context(active_test=False)
            .search(
                [
                    ("from_settings", "=", True),
                    ("company_id", "=", self.env.company.id),
                    ("condition", "=", condition),
                ],
                limit=1,
            )
        )

    def _set_ap_sync_settings_rule(self, condition, active, values):
        """Bring that rule to what the page says, and no further than needed: a write
        on a rule looks at its jobs again."""
        rule = self._get_ap_sync_settings_rule(condition)
        values["active"] = active
        if rule:
            changed = {
                name: value
                for name, value in values.items()
                if name != "name" and self._is_ap_sync_changed(rule, name, value)
            }
            if changed:
                rule.write(changed)
        elif active:
            rule.create(
                {
                    "action": "block",
                    "condition": condition,
                    "company_id": self.env.company.id,
                    "from_settings": True,
                    "sequence": 5,
                    **values,
                }
            )

    @api.model
    def _is_ap_sync_changed(self, rule, name, value):
        if rule._fields[name].type == "many2many":
            return set(rule[name].ids) != set(value[0][2])
        return rule[name] != value
