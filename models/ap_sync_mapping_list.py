from odoo import models


class ApSyncMapping(models.Model):
    """How many mappings are listed: queries by the model of our records, not by the
    record."""

    _inherit = "ap.sync.mapping"

    def web_read(self, specification):
        """Override of `web`, which reads what references refer to one by one."""
        asked = specification.get("record", {})
        if "fields" not in asked:
            return super().web_read(specification)
        rows = super().web_read({**specification, "record": {}})
        found = self._read_referred({row["record"] for row in rows}, asked)
        for row in rows:
            if row["record"] in found:
                row["record"] = found[row["record"]]
            elif row["record"]:
                # Deleted or not to be read: Odoo tells which.
                mapping = super(ApSyncMapping, self.browse(row["id"]))
                row["record"] = mapping.web_read({"record": asked})[0]["record"]
        return rows

    def _read_referred(self, references, asked):
        """Return ``{reference: what Odoo's web client is given for it}`` of those that
        there are and the user may read.

        :param references: ``"model,id"`` each, or False.
        :param asked: what the web client asks of them.
        """
        ids = {}
        for reference in filter(None, references):
            model, _comma, record_id = reference.partition(",")
            ids.setdefault(model, []).append(int(record_id))
        return {
            f"{model},{values['id']}": {
                **values,
                "id": {"id": values["id"], "model": model},
            }
            for model, found in ids.items()
            if self.env[model].has_access("read")
            # One query: who searches finds what there is and may be read.
            for values in self.env[model]
            .with_context(active_test=False)
            .search_fetch([("id", "in", found)], asked["fields"], order="id")
            .with_context(self.env.context, **asked.get("context", {}))
            .web_read(asked["fields"])
        }
