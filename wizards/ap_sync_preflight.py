from odoo import api, fields, models


class ApSyncPreflight(models.TransientModel):
    """What would become of one bill on one connection if it were synced now.

    Rows are made by *Check* alone; each user sees the own ones.
    """

    _name = "ap.sync.preflight"
    _description = "AP Sync Check of a Bill"
    _order = "id"
    _rec_name = "move_id"

    move_id = fields.Many2one("account.move", "Bill", readonly=True)
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id", string="Vendor"
    )
    connection_id = fields.Many2one("ap.sync.connection", readonly=True)
    connector = fields.Selection(related="connection_id.connector")
    result = fields.Selection(
        [
            ("sync", "Would sync"),
            ("hold", "Would be held"),
            ("block", "Would be blocked"),
            ("decide", "Needs a decision"),
            ("done", "Nothing to send"),
            ("not_taken", "Not taken"),
        ],
        readonly=True,
    )
    message = fields.Text("Why", readonly=True)
    rule_id = fields.Many2one("ap.sync.rule", readonly=True)
    causes = fields.Json(readonly=True)
    cause_alerts = fields.Json(compute="_compute_cause_alerts")
    document = fields.Json("What the ERP Would Get", compute="_compute_document")

    @api.depends("causes", "result")
    def _compute_cause_alerts(self):
        for row in self:
            job = row._new_job()
            row.cause_alerts = [
                job._prepare_alert(cause, is_root=not index)
                for index, cause in enumerate(row.causes or [])
            ]

    @api.depends("move_id", "connection_id", "result")
    def _compute_document(self):
        """Built when it is looked at: the bill as it is then."""
        for row in self:
            if row.connector == "local" or row.result not in {"sync", "hold", "block"}:
                row.document = False
                continue
            row.move_id.check_access("read")
            document = row.move_id._prepare_ap_sync_document(row._new_job())
            row.document = document.to_json()

    def _new_job(self):
        """Return the job that Sync would make, unsaved."""
        self.ensure_one()
        return self.env["ap.sync.job"].new(
            {
                "move_id": self.move_id.id,
                "connection_id": self.connection_id.id,
                "status": "blocked" if self.result == "block" else "on_hold",
            }
        )

    @api.model
    def _open(self, rows):
        """Show what a check found: one row as it is, the rows of several bills counted
        by result.

        :param rows: values of this model, see ``_preflight`` of ``ap.sync.job``.
        """
        # sudo: nobody makes rows by hand, or they could ask about any bill; the callers
        # have checked theirs.
        found = self.sudo().create(rows).sudo(False)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ap_sync.ap_sync_preflight_action"
        )
        if len(found) == 1:
            view = self.env.ref("ap_sync.ap_sync_preflight_view_form")
            return {
                **action,
                "res_id": found.id,
                "views": [(view.id, "form")],
                "target": "new",
            }
        several = len(found.move_id) > 1
        return {
            **action,
            "domain": [("id", "in", found.ids)],
            "context": {"search_default_group_by_result": 1} if several else {},
        }
