from contextlib import contextmanager

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

#: Our model for each kind of ERP record that is mapped one to one.
KIND_BY_MODEL = {
    "account.account": "account",
    "res.partner": "vendor",
    "account.tax": "tax",
    "account.payment.term": "payment_term",
    "account.analytic.account": "analytic",
}

#: What holds a job for want of a mapping.
MAPPING_KINDS = [
    "gl_account_unmapped",
    "vendor_unmapped",
    "tax_unmapped",
    "dimension_invalid",
]

#: Read off the records, so nobody writes it; an import finds records by it.
DERIVED = {"kind", "local_code", "local_name", "erp_code", "erp_name"}


class Changed(set):
    """Ids of the connections that many changes concern. In a context, where nobody can
    put one from outside."""

    __hash__ = object.__hash__


class ApSyncMapping(models.Model):
    """What one of our records is called in the ERP of one connection.

    A mapping that was only proposed (same code, same name) is not used before a
    person confirmed it, unless the connection trusts proposals. One that is missing
    says what bills use and the ERP's record is not known of.
    """

    _name = "ap.sync.mapping"
    _description = "AP Sync Mapping"
    _order = "connection_id, kind, local_name, id"
    _rec_name = "local_name"
    _check_company_auto = True

    connection_id = fields.Many2one(
        "ap.sync.connection",
        required=True,
        ondelete="cascade",
        index=True,
        check_company=True,
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, index=True
    )
    record = fields.Reference(
        selection="_selection_record",
        string="Odoo Record",
        required=True,
    )
    kind = fields.Selection(
        selection=[
            ("account", "GL Account"),
            ("vendor", "Vendor"),
            ("tax", "Tax"),
            ("payment_term", "Payment Term"),
            ("analytic", "Analytic Account"),
        ],
        string="Type",
        compute="_compute_kind",
        store=True,
        precompute=True,
        readonly=False,
    )
    # As the user: the id of a record must not be enough to read its name.
    local_name = fields.Char(
        "In Odoo",
        compute="_compute_local_name",
        store=True,
        readonly=False,
        compute_sudo=False,
    )
    local_code = fields.Char(
        "Odoo Code",
        compute="_compute_local_name",
        store=True,
        readonly=False,
        compute_sudo=False,
    )
    erp_record_id = fields.Many2one(
        "ap.sync.erp.record",
        string="In the ERP",
        domain="[('connection_id', '=', connection_id), ('kind', '=', kind)]",
        ondelete="restrict",
        index=True,
    )
    erp_id = fields.Char(
        "ERP ID",
        compute="_compute_erp_id",
        store=True,
        readonly=False,
        compute_sudo=False,
    )
    erp_code = fields.Char(
        "ERP Code", compute="_compute_erp_names", readonly=False, compute_sudo=False
    )
    erp_name = fields.Char(
        "ERP Name", compute="_compute_erp_names", readonly=False, compute_sudo=False
    )
    state = fields.Selection(
        [
            ("missing", "Missing"),
            ("proposed", "Proposed"),
            ("confirmed", "Confirmed"),
        ],
        default="confirmed",
        required=True,
        copy=False,
    )

    _connection_record_uniq = models.UniqueIndex(
        "(connection_id, record)",
        "This record is already mapped for this connection. Change that mapping.",
    )
    # The order of the list: a million of them are not sorted to show the first page.
    _list_idx = models.Index("(waiting_count DESC, state, kind, local_name, id)")

    # === DEFAULTS, COMPUTES AND CONSTRAINTS === #

    @api.model
    def _selection_record(self):
        return [
            (model, self.env["ir.model"]._get(model).name) for model in KIND_BY_MODEL
        ]

    @api.depends("record")
    def _compute_kind(self):
        for mapping in self:
            mapping.kind = self._get_kind(mapping.record)

    @api.depends("record", "connection_id")
    def _compute_local_name(self):
        records = self._read_records()
        for mapping in self:
            record, connection = records[mapping], mapping.connection_id
            mapping.local_name = record and self._get_local_name(record, connection)
            mapping.local_code = record and self._get_local_code(record, connection)

    @api.depends("erp_record_id")
    def _compute_erp_id(self):
        for mapping in self:
            if mapping.erp_record_id:
                mapping.erp_id = mapping.erp_record_id.erp_id

    @api.depends("erp_record_id.code", "erp_record_id.name")
    def _compute_erp_names(self):
        for mapping in self:
            mapping.erp_code = mapping.erp_record_id.code
            mapping.erp_name = mapping.erp_record_id.name

    @api.constrains("record", "connection_id")
    def _check_record_company(self):
        """A record of another company must not leak into this company's books."""
        if self.env.uid != SUPERUSER_ID:
            # Odoo runs constraints as sudo, and the refusal names the record.
            own = self.sudo(False).filtered("record")
            for mappings in own.grouped(lambda m: m.record._name).values():
                mappings._get_records().check_access("read")
        for mapping, record in self._read_records().items():
            if not record:
                continue
            companies = self.env["res.company"]
            for name in ("company_id", "company_ids"):
                if name in record._fields:
                    companies |= record.sudo()[name]
            # A branch uses the accounts of the company above it.
            allowed = mapping.connection_id.company_id.sudo().parent_ids
            if companies and not companies & allowed:
                raise ValidationError(
                    self.env._(
                        "%(record)s belongs to another company than the connection "
                        "%(connection)s. Choose a record of %(company)s.",
                        record=record.display_name,
                        connection=mapping.connection_id.display_name,
                        company=mapping.connection_id.company_id.display_name,
                    )
                )

    @api.constrains("erp_record_id", "connection_id", "record")
    def _check_erp_record(self):
        for mapping in self:
            erp_record = mapping.erp_record_id
            if erp_record and (
                erp_record.connection_id != mapping.connection_id
                or erp_record.kind != mapping.kind
            ):
                raise ValidationError(
                    self.env._(
                        "What was chosen is not a %(kind)s of %(connection)s. Choose "
                        "one from that connection's list, or press Refresh data there.",
                        kind=mapping.kind,
                        connection=mapping.connection_id.display_name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        mappings = super().create([_without_derived(vals) for vals in vals_list])
        for state, unsettled in mappings._get_unsettled().items():
            unsettled.write({"state": state})
        mappings._reevaluate_jobs()
        return mappings

    def write(self, vals):
        result = super().write(_without_derived(vals))
        if "connection_id" in vals:
            # Odoo looks at the record before the write only; moved to a connection that
            # its author can't see, a mapping would divert that one's bills.
            self.check_access("write")
        for state, unsettled in self._get_unsettled().items():
            super(ApSyncMapping, unsettled).write({"state": state})
        self._reevaluate_jobs()
        return result

    def _get_unsettled(self):
        """Return ``{state: mappings}`` of those that should be in another state: what a
        person fills in is confirmed, what is emptied is missing."""
        filled = self.filtered(lambda m: m.state == "missing" and m.erp_id)
        emptied = self.filtered(lambda m: m.state == "confirmed" and not m.erp_id)
        found = {"confirmed": filled, "missing": emptied}
        return {state: mappings for state, mappings in found.items() if mappings}

    def _reevaluate_jobs(self):
        """Jobs that were held for want of one of these mappings may go now."""
        changed = self.env.context.get("ap_sync_changed")
        if isinstance(changed, Changed):
            changed.update(self.connection_id.ids)
        else:
            self.connection_id._reevaluate_jobs(MAPPING_KINDS)

    @contextmanager
    def _reevaluate_once(self):
        """Evaluate jobs once, at the end of what changes many mappings one by one.

        :return: these mappings, to change them by.
        """
        changed = Changed()
        yield self.with_context(ap_sync_changed=changed)
        connections = self.env["ap.sync.connection"].browse(sorted(changed))
        connections.exists()._reevaluate_jobs(MAPPING_KINDS)

    # === BUSINESS METHODS === #

    def _read_records(self):
        """Return ``{mapping: our record}``; those of one model are read together."""
        ids = {}
        for mapping in self:
            if mapping.record:
                ids.setdefault(mapping.record._name, []).append(mapping.record.id)
        return {
            mapping: mapping.record and mapping.record.with_prefetch(ids[model])
            for mapping in self
            for model in [mapping.record and mapping.record._name]
        }

    def _get_records(self):
        """Return our records of these mappings, all of one model."""
        ids = [mapping.record.id for mapping in self]
        return self.env[self[:1].record._name].browse(ids)

    @api.model
    def _get_kind(self, record):
        """Return the kind of ERP record that one of ours, if any, is mapped to."""
        return KIND_BY_MODEL.get(record and record._name)

    @api.model
    def _get_local_name(self, record, connection):
        """Return what people know one of our records by. Of an account Odoo's own
        display name leaves out the code for all but accountants."""
        if record._name == "account.account":
            code = record.with_company(connection.company_id).code
            return " ".join(filter(None, [code, record.name]))
        return record.display_name

    @api.model
    def _get_erp_ids(self, connection, records):
        """Return ``{record: ERP id}`` for those of our records that have a mapping in
        use on this connection. One query for all of them.

        :param records: recordsets of any mapped models, in a list.
        """
        refs = {f"{r._name},{r.id}": r for recordset in records for r in recordset}
        if not refs:
            return {}
        # sudo: a user may sync a bill without the right to read mappings; the
        # connection and the records come from a job that was checked before.
        mappings = self.sudo().search_fetch(
            Domain("connection_id", "=", connection.id)
            & Domain("record", "in", list(refs))
            & Domain("erp_id", "!=", False)
            & connection._get_usable_mapping_domain(),
            ["record", "erp_id"],
        )
        return {
            refs[f"{m.record._name},{m.record.id}"]: m.erp_id
            for m in mappings
            if m.record
        }


def _without_derived(vals):
    return {name: value for name, value in vals.items() if name not in DERIVED}
