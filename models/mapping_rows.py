"""Which records the rows of a spreadsheet of mappings name."""

import re
from collections import defaultdict

from odoo.exceptions import AccessError
from odoo.fields import Domain

from .ap_sync_mapping import KIND_BY_MODEL
from .matching import norm

MODEL_BY_KIND = {kind: model for model, kind in KIND_BY_MODEL.items()}
REF = re.compile(r"[a-z.]+,[0-9]+")


class BadRow(Exception):
    """Why a row can't be imported, in a sentence for who made the file."""

    def __init__(self, field, message, is_double=False):
        super().__init__(message)
        self.field = field
        self.is_double = is_double


class RowReader:
    """Finds the records that the rows of a file name, for all rows at once.

    Everything is read as the user who imports.
    """

    def __init__(self, mappings, fields, data):
        self.env, self.mappings = mappings.env, mappings
        self.rows = [
            {
                name: str(value or "").strip()
                for name, value in zip(fields, row, strict=False)
                if name
            }
            for row in data
        ]
        self.seen = {}
        self.connections = self.env["ap.sync.connection"].search(
            [("connector", "!=", "local")]
        )
        self._cache = {}

    def read_row(self, number):
        """Return ``(mapping, values)`` of a row: the mapping that is there, if any, and
        what to load; no values to leave it as it is.

        :raise BadRow: what is wrong with it.
        """
        row = self.rows[number]
        mapping = self._find_by_id(row)
        connection = self._find_connection(row, mapping)
        ref, kind = self._find_ref(row, mapping, connection)
        first = self.seen.setdefault((connection.id, ref), number)
        if first != number:
            raise BadRow(
                "record",
                self.env._(
                    "%(record)s is in the file twice: see row %(row)s. Delete one.",
                    record=self._describe(row),
                    row=first + 1,
                ),
                is_double=True,
            )
        mapping = self._known(connection).get(ref, self.mappings.browse())
        target = self._find_target(row, mapping, connection, kind)
        state = self._find_state(row)
        values = {}
        if target:
            erp_record, erp_id = target
            values = {
                "erp_record_id/.id": str(erp_record.id or ""),
                "erp_id": erp_id,
                "state": "proposed" if state == "proposed" else "confirmed",
            }
            same = (mapping.erp_record_id, mapping.erp_id, mapping.state)
            if mapping and same == (erp_record, erp_id, values["state"]):
                values = {}
        if not mapping:
            values = {
                "connection_id/.id": str(connection.id),
                "record": ref,
                "erp_record_id/.id": "",
                "erp_id": "",
                "state": "missing",
                **values,
            }
        return mapping, values

    # -- Our side

    def _find_by_id(self, row):
        """Return the mapping whose id is in the row: of this database, or external."""
        if row.get(".id"):
            mapping = self.mappings.browse(
                int(row[".id"]) if row[".id"].isdigit() else 0
            ).exists()
        else:
            mapping = row.get("id") and self.env.ref(row["id"], False)
        if not mapping or mapping._name != self.mappings._name:
            return self.mappings.browse()
        # As the user, whatever id is in the file.
        return mapping.with_env(self.env)._filtered_access("write")

    def _find_connection(self, row, mapping):
        found = self.connections
        if wanted := row.get("connection_id/.id"):
            found = found.filtered(lambda c: str(c.id) == wanted)
        elif wanted := row.get("connection_id/id"):
            record = self.env.ref(wanted, False)
            found = found.filtered(lambda c: c == record)
        elif wanted := row.get("connection_id"):
            found = found.filtered(lambda c: norm(c.name) == norm(wanted))
        elif mapping:
            return mapping.connection_id
        elif default := self.env.context.get("default_connection_id"):
            found = found.filtered(lambda c: c.id == default)
        if len(found) == 1:
            return found
        names = ", ".join(self.connections.mapped("name")) or "-"
        if found and wanted:
            message = self.env._("There are several connections “%s”.", wanted)
        elif wanted:
            message = self.env._(
                "There is no connection “%(wanted)s”. There are: %(names)s.",
                wanted=wanted,
                names=names,
            )
        else:
            message = self.env._("Say which connection: %s.", names)
        raise BadRow("connection_id", message)

    def _find_kind(self, row):
        wanted = row.get("kind", "")
        field = self.mappings._fields["kind"]
        labels = dict(field._description_selection(self.env))
        for kind, label in labels.items():
            if norm(wanted) in (kind, norm(label), norm(dict(field.selection)[kind])):
                return kind
        names = ", ".join(labels.values())
        if wanted:
            text = self.env._(
                "There is no type “%(wanted)s”. There are: %(names)s.",
                wanted=wanted,
                names=names,
            )
        else:
            text = self.env._("Say which type of record it is: %s.", names)
        raise BadRow("kind", text)

    def _find_ref(self, row, mapping, connection):
        """Return ``("model,id", kind)`` of our record."""
        given = row.get("record", "")
        model, _comma, record_id = given.partition(",")
        if REF.fullmatch(given) and model in KIND_BY_MODEL:
            record = self.env[model].browse(int(record_id)).exists()
            if record:
                return given, KIND_BY_MODEL[model]
        code, name = row.get("local_code", ""), row.get("local_name", "") or given
        if not code and not name and mapping:
            return self.mappings._read_ref(mapping), mapping.kind
        kind = mapping.kind if mapping and not row.get("kind") else self._find_kind(row)
        if not code and not name:
            raise BadRow(
                "local_code", self.env._("Say which record: give its code or its name.")
            )
        index = self._own_index(connection, kind)
        found = _pick(index, code, name)
        if len(found) > 1 and mapping.kind == kind:
            found &= {mapping.record.id}  # its own id tells which
        if len(found) == 1:
            return f"{MODEL_BY_KIND[kind]},{found.pop()}", kind
        told = dict(
            kind=dict(self.mappings._fields["kind"]._description_selection(self.env))[
                kind
            ],
            record=self._describe(row),
            company=connection.company_id.name,
        )
        if found:
            text = self.env._(
                "%(company)s has several records of the type %(kind)s like "
                "“%(record)s”. Give the code as well.",
                **told,
            )
        else:
            text = self.env._(
                "%(company)s has no record of the type %(kind)s like “%(record)s”. "
                "Check code and name.",
                **told,
            )
        raise BadRow("local_code" if code else "local_name", text)

    def _own_index(self, connection, kind):
        key = ("own", connection.company_id.id, kind)
        if key not in self._cache:
            model = self.env[MODEL_BY_KIND[kind]].with_company(connection.company_id)
            domain = Domain(model._check_company_domain(connection.company_id))
            if kind == "tax":
                domain &= Domain("type_tax_use", "=", "purchase")
            if kind == "vendor":  # of many thousands only those that are named
                texts = sorted(
                    {
                        text.lstrip("'")
                        for row in self.rows
                        for name in ("local_code", "local_name", "record")
                        if (text := row.get(name))
                    }
                )
                domain &= Domain.OR(
                    Domain(name, "in", texts)
                    for name in ("ref", "vat", "name", "complete_name")
                )
            try:
                records = model.search(domain)
            except AccessError as error:
                raise BadRow("kind", str(error)) from error
            index = self._cache[key] = _Names()
            for record in records:
                code = self.mappings._get_local_code(record, connection)
                names = [record.name, record.display_name]
                names.append(self.mappings._get_local_name(record, connection))
                codes = [code, record.vat if kind == "vendor" else ""]
                index.add(record.id, codes, names)
        return self._cache[key]

    def _known(self, connection):
        key = ("known", connection.id)
        if key not in self._cache:
            self._cache[key] = {
                self.mappings._read_ref(mapping): mapping
                for mapping in self.mappings.search(
                    [("connection_id", "=", connection.id)]
                )
            }
        return self._cache[key]

    # -- The ERP's side

    def _find_target(self, row, mapping, connection, kind):
        """Return ``(ERP record, ERP id)``, or None where the row names none."""
        erp_id = row.get("erp_id", "")
        code, name = row.get("erp_code", ""), row.get("erp_name", "")
        label, own = row.get("erp_record_id", ""), row.get("erp_record_id/.id", "")
        if not any((erp_id, code, name, label, own)):
            return None
        records, by_id, by_name = self._erp_index(connection, kind)
        if own:
            found = {int(own)} & set(records.ids) if own.isdigit() else set()
        elif erp_id:
            found = {by_id[erp_id]} if erp_id in by_id else set()
            if not found and mapping.erp_id == erp_id and not (code or name):
                return mapping.erp_record_id, erp_id  # as it is already
        else:
            found = _pick(by_name, code, name or label)
        told = dict(
            record=" ".join(filter(None, [erp_id or own, code, name or label])),
            connection=connection.name,
        )
        if not found:
            raise BadRow(
                "erp_id" if erp_id else "erp_code",
                self.env._(
                    "%(connection)s has no such record: “%(record)s”. Check it, or "
                    "press Refresh data on the connection.",
                    **told,
                ),
            )
        if len(found) > 1:
            raise BadRow(
                "erp_code",
                self.env._(
                    "%(connection)s has several records like “%(record)s”. Give the "
                    "ERP ID.",
                    **told,
                ),
            )
        record = self.env["ap.sync.erp.record"].browse(found.pop())
        if erp_id and (code or name) and record.id not in _pick(by_name, code, name):
            raise BadRow(
                "erp_id",
                self.env._(
                    "The ERP ID %(id)s is “%(record)s”, but the row says otherwise. "
                    "Correct one of the two, or empty the ERP ID.",
                    id=erp_id,
                    record=record.display_name,
                ),
            )
        if not record.active and mapping.erp_record_id != record:
            raise BadRow(
                "erp_id",
                self.env._(
                    "“%s” is archived in the ERP. Choose another one.",
                    record.display_name,
                ),
            )
        return record, record.erp_id

    def _erp_index(self, connection, kind):
        key = ("erp", connection.id, kind)
        if key not in self._cache:
            records = (
                self.env["ap.sync.erp.record"]
                .with_context(active_test=False)
                .search([("connection_id", "=", connection.id), ("kind", "=", kind)])
            )
            names = _Names()
            for record in records:
                names.add(record.id, [record.code], [record.name, record.display_name])
            by_id = {record.erp_id: record.id for record in records}
            self._cache[key] = records, by_id, names
        return self._cache[key]

    def _find_state(self, row):
        wanted = row.get("state", "")
        field = self.mappings._fields["state"]
        for state, label in field._description_selection(self.env):
            source = dict(field.selection)[state]
            if norm(wanted) in (state, norm(label), norm(source)):
                return state
        if wanted:
            labels = dict(field._description_selection(self.env)).values()
            raise BadRow(
                "state",
                self.env._(
                    "There is no state “%(wanted)s”. There are: %(names)s.",
                    wanted=wanted,
                    names=", ".join(labels),
                ),
            )
        return ""

    def _describe(self, row):
        """Return our record in the words of the file."""
        code, name = row.get("local_code", ""), row.get("local_name", "")
        if name and norm(name).startswith(norm(code)):
            return name
        return " ".join(filter(None, [code, name])) or row.get("record", "")


class _Names:
    """Ids of records by code and by name, as people write them."""

    def __init__(self):
        self.codes, self.names = defaultdict(set), defaultdict(set)

    def add(self, key, codes, names):
        for index, texts in ((self.codes, codes), (self.names, names)):
            for text in filter(None, map(norm, texts)):
                index[text].add(key)


def _pick(index, code, name):
    """Return the ids of the records that have this code and this name; one of the two
    may be empty."""
    by_code = index.codes.get(norm(code), set())
    by_name = index.names.get(norm(name), set())
    if code and name:
        return by_code & by_name
    return set(by_code if code else by_name)
