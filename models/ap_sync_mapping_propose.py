import re

from odoo import api, fields, models

from .ap_sync_mapping import KIND_BY_MODEL
from .matching import Index, Labels, norm, norm_vat


class ApSyncMapping(models.Model):
    """What our records may be in the ERP: proposed where it is sure, suggested where
    a person has to look."""

    _inherit = "ap.sync.mapping"

    suggestions = fields.Json(
        "May Be", compute="_compute_suggestions", compute_sudo=False
    )

    # === COMPUTES === #

    @api.depends("record", "connection_id", "state")
    @api.depends_context("uid", "lang")
    def _compute_suggestions(self):
        """The ERP's records that it may be, best first: ``id``, ``name``, ``reason``
        and ``chosen``."""
        self.suggestions = False
        # Before it is saved nobody has checked that the user may see the record.
        open_ones = self.filtered(lambda m: m.id and m.state != "confirmed")
        for (connection, kind), mappings in open_ones.grouped(
            lambda m: (m.connection_id, m.kind)
        ).items():
            erp_records = self._get_erp_records(connection, kind)
            index = Index(self._get_erp_labels(erp_records))
            ours = self._get_own_labels(connection, mappings._get_records().exists())
            for mapping in mappings:
                label = ours.get(self._read_ref(mapping))
                if label:
                    mapping.suggestions = [
                        mapping._prepare_suggestion(match)
                        for match in index.rank(label)
                    ]

    def _prepare_suggestion(self, match):
        erp_record = self.env["ap.sync.erp.record"].browse(match.key)
        reasons = {
            "vat": self.env._("same VAT number"),
            "code": self.env._("same code"),
            "name": self.env._("same name"),
            "zeros": self.env._("same code but for zeros"),
            "similar": self.env._("similar name"),
            "rate": self.env._("same rate"),
        }
        return {
            "id": match.key,
            "name": erp_record.display_name,
            "reason": reasons[match.reason],
            "chosen": self.erp_record_id.id == match.key,
        }

    # === PROPOSALS === #

    @api.model
    def _propose(self, connection):
        """Propose mappings for our records that have none, by VAT number, code, name.

        What occurs more than once on either side proposes nothing: a wrong proposal
        costs more than a missing one.

        :return: the mappings proposed, in state ``proposed``.
        """
        proposed, new = self.browse(), []
        with self._reevaluate_once() as Mapping:
            known = {
                self._read_ref(mapping): mapping
                for mapping in Mapping.search([("connection_id", "=", connection.id)])
            }
            for model, kind in KIND_BY_MODEL.items():
                erp_records = self._get_erp_records(connection, kind)
                if not erp_records:
                    continue
                records = self._find_candidates(connection, model)
                ours = {
                    ref: label
                    for ref, label in self._get_own_labels(connection, records).items()
                    if ref not in known or known[ref].state == "missing"
                }
                theirs = self._get_erp_labels(erp_records)
                for ref, erp_record_id in Index(theirs).propose(ours).items():
                    values = {"erp_record_id": erp_record_id, "state": "proposed"}
                    if mapping := known.get(ref):
                        mapping.write(values)
                        proposed |= mapping
                    else:
                        new.append(
                            {"connection_id": connection.id, "record": ref, **values}
                        )
            proposed |= Mapping.create(new)
        return proposed.with_env(self.env)

    @api.model
    def _get_erp_records(self, connection, kind):
        return self.env["ap.sync.erp.record"].search_fetch(
            [("connection_id", "=", connection.id), ("kind", "=", kind)],
            ["code", "name", "detail"],
        )

    @api.model
    def _find_candidates(self, connection, model):
        """Return the records of one model that are worth a proposal."""
        company = connection.company_id
        domain = self._get_candidate_domain(model, company)
        return self.env[model].with_company(company).search(domain)

    @api.model
    def _get_candidate_domain(self, model, company):
        domain = [*self.env[model]._check_company_domain(company)]
        if model == "account.account":
            domain.append(
                ("account_type", "not in", ["asset_receivable", "asset_cash"])
            )
        if model == "account.tax":
            domain.append(("type_tax_use", "=", "purchase"))
        if model == "res.partner":
            domain += [("supplier_rank", ">", 0), ("parent_id", "=", False)]
        return domain

    # === LABELS === #

    @api.model
    def _get_own_labels(self, connection, records):
        """Return ``{"model,id": Labels}`` of those of our records that may be read.

        :param records: recordset of one model.
        """
        records = records.with_company(connection.company_id)._filtered_access("read")
        return {
            f"{record._name},{record.id}": Labels(
                code=norm(self._get_local_code(record, connection)),
                name=norm(record.name),
                vat=norm_vat(record.vat) if record._name == "res.partner" else "",
                rate=_rate(f"{record.amount:g}%")
                if record._name == "account.tax" and record.amount_type == "percent"
                else "",
            )
            for record in records
        }

    @api.model
    def _get_erp_labels(self, erp_records):
        """Return ``{id: Labels}`` of the ERP's records of one kind."""
        return {
            record.id: Labels(
                code=norm(record.code),
                name=norm(record.name),
                vat=norm_vat(record.detail) if record.kind == "vendor" else "",
                rate=_rate(record.detail) if record.kind == "tax" else "",
            )
            for record in erp_records
        }

    @api.model
    def _get_local_code(self, record, connection):
        """Return the code that people know one of our records by, if any: of a vendor
        its reference."""
        field = {"res.partner": "ref"}.get(record._name, "code")
        if field not in record._fields:
            return ""
        return record.with_company(connection.company_id)[field] or ""

    @api.model
    def _read_ref(self, mapping):
        """Return ``"model,id"`` of our record, without reading it."""
        return f"{mapping.record._name},{mapping.record.id}" if mapping.record else ""


def _rate(text):
    """Return the percentage at the end of a text such as "purchase 15%"."""
    found = re.search(r"-?\d+(\.\d+)?%$", text or "")
    return f"{float(found[0][:-1]):g}%" if found else ""
