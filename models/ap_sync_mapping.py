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


class ApSyncMapping(models.Model):
    """What one of our records is called in the ERP of one connection.

    A mapping that was only proposed (same code, same name) is not used before a
    person confirmed it, unless the connection trusts proposals.
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
        compute="_compute_kind",
        store=True,
        precompute=True,
    )
    # As the user: the id of a record must not be enough to read its name.
    local_name = fields.Char(
        "In Odoo", compute="_compute_local_name", store=True, compute_sudo=False
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
    state = fields.Selection(
        [("proposed", "Proposed"), ("confirmed", "Confirmed")],
        default="confirmed",
        required=True,
        copy=False,
    )

    _connection_record_uniq = models.UniqueIndex(
        "(connection_id, record)",
        "This record is already mapped for this connection. Change that mapping.",
    )

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
        for mapping in self:
            mapping.local_name = (
                self._get_local_name(mapping.record, mapping.connection_id)
                if mapping.record
                else ""
            )

    @api.depends("erp_record_id")
    def _compute_erp_id(self):
        for mapping in self:
            if mapping.erp_record_id:
                mapping.erp_id = mapping.erp_record_id.erp_id

    @api.constrains("record", "connection_id")
    def _check_record_company(self):
        """A record of another company must not leak into this company's books."""
        if self.env.uid != SUPERUSER_ID:
            # Odoo runs constraints as sudo, and the refusal names the record.
            for mapping in self.sudo(False):
                mapping.record.check_access("read")
        for mapping in self:
            record = mapping.record
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
        mappings = super().create(vals_list)
        mappings._reevaluate_jobs()
        return mappings

    def write(self, vals):
        result = super().write(vals)
        if "connection_id" in vals:
            # Odoo looks at the record before the write only; moved to a connection that
            # its author can't see, a mapping would divert that one's bills.
            self.check_access("write")
        self._reevaluate_jobs()
        return result

    def _reevaluate_jobs(self):
        """Jobs that were held for want of one of these mappings may go now."""
        self.connection_id._reevaluate_jobs(MAPPING_KINDS)

    # === ACTIONS === #

    def action_confirm(self):
        """Use these proposals from now on."""
        self.filtered("erp_id").write({"state": "confirmed"})

    # === BUSINESS METHODS === #

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

    @api.model
    def _propose(self, connection):
        """Propose mappings for our records that have none, by code, then by name.

        A code or name that occurs more than once on either side proposes nothing: a
        wrong proposal costs more than a missing one.

        :return: the mappings made, in state ``proposed``.
        """
        company = connection.company_id
        proposals = []
        erp_by_kind = (
            self.env["ap.sync.erp.record"]
            .search([("connection_id", "=", connection.id), ("erp_id", "!=", False)])
            ._by_kind()
        )
        for model, kind in KIND_BY_MODEL.items():
            erp_records = erp_by_kind.get(kind)
            if not erp_records:
                continue
            records = (
                self.env[model]
                .with_company(company)
                .search(self._get_candidate_domain(model, company))
            )
            mapped = {
                mapping.record
                for mapping in self.search(
                    [("connection_id", "=", connection.id), ("kind", "=", kind)]
                )
            }
            records = records.filtered(lambda r, mapped=mapped: r not in mapped)
            taken = set()
            for field in ("code", "name"):
                index = _unique_index(erp_records, lambda r, f=field: _norm(r[f]))
                for label, record in _unique_index(
                    records, lambda r, f=field: _local_label(r, f)
                ).items():
                    if record not in taken and label in index:
                        taken.add(record)
                        proposals.append((record, index[label]))
        return self.create(
            [
                {
                    "connection_id": connection.id,
                    "record": f"{record._name},{record.id}",
                    "erp_record_id": erp_record.id,
                    "state": "proposed",
                }
                for record, erp_record in proposals
            ]
        )

    @api.model
    def _get_candidate_domain(self, model, company):
        """Return which of our records are worth a proposal."""
        if model == "account.account":
            return [
                *self.env[model]._check_company_domain(company),
                ("account_type", "not in", ["asset_receivable", "asset_cash"]),
            ]
        if model == "account.tax":
            return [
                *self.env[model]._check_company_domain(company),
                ("type_tax_use", "=", "purchase"),
            ]
        if model == "res.partner":
            return [
                *self.env[model]._check_company_domain(company),
                ("supplier_rank", ">", 0),
                ("parent_id", "=", False),
            ]
        return self.env[model]._check_company_domain(company)


def _norm(text):
    # An ERP's "-20 %" came in with an apostrophe before it; see connectors/incoming.
    return " ".join((text or "").lstrip("'").split()).casefold()


def _local_label(record, field):
    """Our side of a proposal: vendors are known by their reference as code."""
    name = {"code": "ref"}.get(field, field) if record._name == "res.partner" else field
    return _norm(record[name]) if name in record._fields else ""


def _unique_index(records, label):
    """Return ``{label: record}`` for the labels that one record alone has."""
    index = {}
    for record in records:
        if key := label(record):
            index.setdefault(key, []).append(record)
    return {key: found[0] for key, found in index.items() if len(found) == 1}
