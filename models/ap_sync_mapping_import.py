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
        """Override of `base_import` to offer a file with the columns that are needed."""
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
        reader, messages, new, changed, kept = (
            RowReader(self, fields, data),
            [],
            [],
            [],
            [],
        )
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
        nextrow = limit if limit < len(data) else 0
        if messages:
            return {"ids": False, "messages": messages, "nextrow": nextrow}
        ids, messages = self._load_rows(new, changed)
        return {
            "ids": ids is not False and [*ids, *kept],
            "messages": messages,
            "nextrow": nextrow,
        }

    def _load_rows(self, *parts):
        """Load all parts as Odoo does, or none.

        :param parts: lists of ``(row number, values)``, those of a list with the same
            names.
        :return: ``(ids or False, messages)``.
        """
        ids, messages = [], []
        savepoint = self.env.cr.savepoint()
        with self._reevaluate_once() as mappings:
            mappings = mappings.with_context(_import_limit=None)
            for rows in filter(None, parts):
                names = list(rows[0][1])
                result = super(ApSyncMapping, mappings).load(
                    names, [[values[name] for name in names] for _n, values in rows]
                )
                for message in result["messages"]:
                    # Theirs are numbered within what was loaded.
                    found = message.get("rows") or {}
                    message["rows"] = {end: rows[n][0] for end, n in found.items()}
                    messages.append(message)
                ids = (
                    ids is not False
                    and result["ids"] is not False
                    and [
                        *ids,
                        *result["ids"],
                    ]
                )
            savepoint.close(rollback=ids is False)
        return ids, messages


def _prepare_message(number, error):
    return {
        "type": "error",
        "message": str(error),
        "field": error.field,
        "record": number,
        "rows": {"from": number, "to": number},
    }
