from odoo import api, fields, models
from odoo.tools import groupby

KINDS = [
    ("account", "GL Account"),
    ("vendor", "Vendor"),
    ("tax", "Tax"),
    ("payment_term", "Payment Term"),
    ("analytic", "Analytic Account"),
    ("journal", "Journal"),
    ("currency", "Currency"),
]


class ApSyncErpRecord(models.Model):
    """What the ERP offers to map to: filled by *Refresh data*, chosen in mappings."""

    _name = "ap.sync.erp.record"
    _description = "AP Sync ERP Record"
    _order = "connection_id, kind, code, name, id"
    _rec_names_search = ["code", "name", "detail"]

    connection_id = fields.Many2one(
        "ap.sync.connection", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(
        related="connection_id.company_id", store=True, index=True
    )
    kind = fields.Selection(KINDS, required=True)
    erp_id = fields.Char("ERP ID", required=True)
    code = fields.Char()
    name = fields.Char(required=True)
    detail = fields.Char()
    active = fields.Boolean(default=True)

    _connection_kind_erp_id_uniq = models.UniqueIndex("(connection_id, kind, erp_id)")

    @api.depends("code", "name", "detail")
    def _compute_display_name(self):
        for record in self:
            name = " ".join(filter(None, [record.code, record.name]))
            record.display_name = f"{name} ({record.detail})" if record.detail else name

    def _store(self, connection, kind, rows):
        """Bring the stored records of one kind to what the ERP has now.

        Records that are gone from the ERP are archived, not deleted: mappings that
        point to them stay visible and say so.

        :param rows: dicts with ``erp_id``, ``name``, ``code``, ``detail``, ``active``.
        :return: the number of records the ERP has.
        """
        known = {
            record.erp_id: record
            for record in self.with_context(active_test=False).search(
                [("connection_id", "=", connection.id), ("kind", "=", kind)]
            )
        }
        fresh = []
        # An ERP that changes while its pages are read may give a record twice.
        rows = {row["erp_id"]: row for row in rows}.values()
        for row in rows:
            record = known.pop(row["erp_id"], None)
            if record is None:
                fresh.append({**row, "connection_id": connection.id, "kind": kind})
            elif any((record[name] or "") != (row[name] or "") for name in row):
                record.write(row)
        self.create(fresh)
        self.browse(record.id for record in known.values()).write({"active": False})
        return len(rows)

    def _by_kind(self):
        """Return ``{kind: records}`` of these records."""
        return {
            kind: self.browse(record.id for record in records)
            for kind, records in groupby(self, lambda record: record.kind)
        }
