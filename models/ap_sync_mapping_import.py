from odoo import api, models

from .mapping_rows import BadRow, RowReader


class ApSyncMapping(models.Model):
    """Mappings in a spreadsheet: exported with Odoo's export, filled in, imported.

    A row names both sides in words: connection, type, code or name here, and the id,
    code or name in the ERP. A row without a word of the ERP leaves the mapping as it
    is, so that a file may be filled in bit by bit.
    """

    _inherit = "ap.sync.mapping"

    @api.model
    def get_import_templates(self):
        """Override of `base_import` to offer a file with the needed columns."""
        return [
            {
                "label": self.env._("Import Template for Mappings"),
                "template": "/ap_sync/static/xls/ap_sync_mapping.xlsx",
            }
        ]

    @api.model
    def load(self, fields, data):
        """Override of `base` to find what the rows name on both sides.

        :return: as there; with any error nothing is written.
        """
        self.browse().check_access("create")
        limit = self.env.context.get("_import_limit") or len(data)
        parts, kept, messages = self._read_rows(fields, data, limit)
        nextrow = limit if limit < len(data) else 0
        if messages:
            return {"ids": False, "messages": messages, "nextrow": nextrow}
        ids = kept
        savepoint = self.env.cr.savepoint()
        with self._reevaluate_once() as mappings:
            mappings = mappings.with_context(_import_limit=None)
            for rows in filter(None, parts):
                names = list(rows[0][1])
                matrix = [[values[name] for name in names] for _n, values in rows]
                result = super(ApSyncMapping, mappings).load(names, matrix)
                for message in result["messages"]:
                    # Theirs are numbered within what was loaded.
                    found = message.get("rows") or {}
                    message["rows"] = {end: rows[n][0] for end, n in found.items()}
                    messages.append(message)
                failed = ids is False or result["ids"] is False
                ids = False if failed else [*result["ids"], *ids]
            savepoint.close(rollback=ids is False)
        return {"ids": ids, "messages": messages, "nextrow": nextrow}

    def _read_rows(self, fields, data, limit):
        """Find what the rows name.

        :return: ``((new, changed), kept, messages)``: ``(row number, values)`` of
            mappings to make and of those to change, the ids of those that stay as they
            are, and what is wrong.
        """
        reader = RowReader(self, fields, data)
        new, changed, kept, messages = [], [], [], []
        for number in range(len(data)):
            try:
                mapping, values = reader.read_row(number)
            except BadRow as error:
                # Of what comes in a later part only that it is here already: that
                # part will not see it.
                if number < limit or error.is_double:
                    messages.append(_prepare_message(number, error))
                continue
            if number >= limit:
                continue
            if not mapping:
                new.append((number, values))
            elif values:
                changed.append((number, {".id": str(mapping.id), **values}))
            else:
                kept.append(mapping.id)
        return (new, changed), kept, messages


def _prepare_message(number, error):
    return {
        "type": "error",
        "message": str(error),
        "field": error.field,
        "record": number,
        "rows": {"from": number, "to": number},
    }
