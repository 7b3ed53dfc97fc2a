from odoo import api, fields, models
from odoo.exceptions import UserError


class ApSyncMap(models.TransientModel):
    """Map one record where a bill waits for it, and let go all that wait for the same.

    Made from the link of a cause; what is written is an ordinary mapping.
    """

    _name = "ap.sync.map"
    _description = "Map a Record for Waiting Bills"

    connection_id = fields.Many2one("ap.sync.connection", required=True, readonly=True)
    record = fields.Reference(
        lambda self: self.env["ap.sync.mapping"]._selection_record(),
        "Odoo Record",
        required=True,
        readonly=True,
    )
    # As the user: the id of a record must not be enough to read its name.
    local_name = fields.Char("In Odoo", compute="_compute_mapping", compute_sudo=False)
    kind = fields.Selection(
        lambda self: self.env["ap.sync.mapping"]._fields["kind"].selection,
        compute="_compute_mapping",
        compute_sudo=False,
    )
    mapping_id = fields.Many2one(
        "ap.sync.mapping", compute="_compute_mapping", compute_sudo=False
    )
    erp_record_id = fields.Many2one(
        "ap.sync.erp.record",
        "In the ERP",
        compute="_compute_erp",
        store=True,
        readonly=False,
        compute_sudo=False,
        domain="[('connection_id', '=', connection_id), ('kind', '=', kind)]",
    )
    erp_id = fields.Char(
        "ERP ID",
        compute="_compute_erp",
        store=True,
        readonly=False,
        compute_sudo=False,
        help="Only when the list has no such record: the id of the record in the ERP.",
    )
    waiting_count = fields.Integer(
        "Bills Waiting", compute="_compute_waiting_count", compute_sudo=False
    )

    # === COMPUTES AND CONSTRAINTS === #

    @api.depends("connection_id", "record")
    def _compute_mapping(self):
        Mapping = self.env["ap.sync.mapping"]
        for wizard in self:
            record, connection = wizard.record, wizard.connection_id
            wizard.local_name = record and Mapping._get_local_name(record, connection)
            wizard.mapping_id = record and Mapping.search(
                [
                    ("connection_id", "=", connection.id),
                    ("record", "=", f"{record._name},{record.id}"),
                ]
            )
            wizard.kind = Mapping._get_kind(record)

    @api.depends("mapping_id")
    def _compute_erp(self):
        """Begin with what is proposed, or mapped now."""
        for wizard in self:
            wizard.erp_record_id = wizard.mapping_id.erp_record_id
            wizard.erp_id = wizard.mapping_id.erp_id

    @api.depends("connection_id", "record")
    def _compute_waiting_count(self):
        for wizard in self:
            wizard.waiting_count = len(wizard._find_waiting())

    @api.constrains("connection_id", "record")
    def _check_own(self):
        # Odoo runs constraints as sudo.
        for wizard in self.sudo(False):
            wizard.connection_id.check_access("read")
            wizard.record.check_access("read")

    def _find_waiting(self):
        if not self.record:
            return self.env["ap.sync.job"]
        return self.env["ap.sync.job"]._find_waiting_for_mapping(
            self.connection_id, self.record
        )

    # === ACTIONS === #

    def action_apply(self):
        """Map the record, let go what waits for it, and say how many bills that are."""
        self.ensure_one()
        if not self.erp_record_id and not (self.erp_id or "").strip():
            raise UserError(
                self.env._("Choose what %s is called in the ERP.", self.local_name)
            )
        # sudo: nobody has the right to write jobs; the user may read these.
        waiting = self._find_waiting().sudo()
        failed = waiting.filtered(lambda job: job.status == "failed")
        values = {
            "erp_record_id": self.erp_record_id.id,
            "erp_id": self.erp_record_id.erp_id or self.erp_id.strip(),
            "state": "confirmed",
        }
        # As the user: this is what lets the held ones go.
        if self.mapping_id:
            self.mapping_id.write(values)
        else:
            self.env["ap.sync.mapping"].create(
                {
                    "connection_id": self.connection_id.id,
                    "record": f"{self.record._name},{self.record.id}",
                    **values,
                }
            )
        failed._sync_bulk()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "title": self.env._("Bills that waited for %s", self.local_name),
                "message": waiting._describe_released()
                or self.env._("No bill waits for it."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
