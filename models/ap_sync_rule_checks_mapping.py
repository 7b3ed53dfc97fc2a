from odoo import api, models
from odoo.tools import format_list


class ApSyncRule(models.Model):
    """The named checks of what has no counterpart in the ERP yet; see
    ap_sync_rule_checks.py."""

    _inherit = "ap.sync.rule"

    def _find_account_unmapped(self, jobs):
        return self._find_unmapped(
            jobs,
            "account",
            lambda move: move.ap_sync_line_ids.account_id,
            lambda names: self.env._("No GL code of the ERP is set for %s.", names),
        )

    def _find_tax_unmapped(self, jobs):
        return self._find_unmapped(
            jobs,
            "tax",
            lambda move: move.ap_sync_line_ids.tax_ids,
            lambda names: self.env._("No tax of the ERP is set for %s.", names),
        )

    def _find_analytic_unmapped(self, jobs):
        return self._find_unmapped(
            jobs,
            "analytic",
            lambda move: move._get_ap_sync_analytic_accounts(),
            lambda names: self.env._(
                "No analytic account of the ERP is set for %s.", names
            ),
        )

    def _find_vendor_unmapped(self, jobs):
        return self._find_unmapped(
            jobs,
            "vendor",
            lambda move: move.commercial_partner_id,
            lambda names: self.env._("No vendor of the ERP is set for %s.", names),
        )

    def _find_unmapped(self, jobs, kind, records_of, message):
        """Return the jobs whose bills use records that have no mapping in use.

        :param kind: of the ERP's records; connections whose ERP needs none of them are
            left out.
        :param records_of: gives the records of one bill that need a mapping.
        :param message: makes the message from the records' names.
        """
        found = {}
        for connection, connection_jobs in jobs.grouped("connection_id").items():
            if kind not in connection._get_mapped_kinds():
                continue
            needed = {job: records_of(job.move_id) for job in connection_jobs}
            mapped = self.env["ap.sync.mapping"]._get_erp_ids(
                connection, list(needed.values())
            )
            missing = {
                job: records.filtered(lambda r, mapped=mapped: r not in mapped)
                for job, records in needed.items()
            }
            name = self.env["ap.sync.mapping"]._get_local_name
            for job, records in missing.items():
                if records:
                    names = format_list(
                        self.env, [name(record, connection) for record in records]
                    )
                    found[job] = (
                        message(names),
                        [self._prepare_mapping_fix(connection, r) for r in records],
                    )
        return found

    @api.model
    def _prepare_mapping_fix(self, connection, record):
        """Return what ``_prepare_fix`` takes for the dialog that maps a record."""
        name = self.env["ap.sync.mapping"]._get_local_name(record, connection)
        return {
            "model": "ap.sync.map",
            "name": self.env._("Map %s", name),
            "context": {
                "default_connection_id": connection.id,
                "default_record": f"{record._name},{record.id}",
            },
        }
