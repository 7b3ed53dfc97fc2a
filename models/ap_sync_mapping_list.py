from odoo import models


class ApSyncMapping(models.Model):
    """How many mappings are listed: queries by the model of our records, not by the
    record."""

    _inherit = "ap.sync.mapping"

    def web_read(self, specification):
        """Override of `web`, which reads what references refer to one by one. Their
        names, which is all that views ask of them, the mappings keep."""
        asked = specification.get("record", {}).get("fields")
        is_new = not all(self._ids)
        if asked is None or set(asked) - {"display_name"} or is_new:
            return super().web_read(specification)
        rows = super().web_read({**specification, "record": {}})
        mappings = self.browse(row["id"] for row in rows)
        found = self._find_readable({row["record"] for row in rows})
        for row, mapping in zip(rows, mappings, strict=True):
            reference = row["record"]
            if reference in found:
                model, _comma, record_id = reference.partition(",")
                row["record"] = {"id": {"id": int(record_id), "model": model}}
                if asked:
                    row["record"]["display_name"] = mapping.local_name
            elif reference:
                # Deleted or not to be read: Odoo tells which.
                only = {"record": specification["record"]}
                (told,) = super(ApSyncMapping, mapping).web_read(only)
                row["record"] = told["record"]
        return rows

    def _find_readable(self, references):
        """Return those of what there is and the user may read.

        :param references: ``"model,id"`` each, or False.
        """
        ids = {}
        for reference in filter(None, references):
            model, _comma, record_id = reference.partition(",")
            ids.setdefault(model, []).append(int(record_id))
        return {
            f"{model},{record.id}"
            for model, found in ids.items()
            if self.env[model].has_access("read")
            for record in self.env[model]
            .with_context(active_test=False)
            .search([("id", "in", found)], order="id")
        }
