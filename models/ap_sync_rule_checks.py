from odoo import api, models
from odoo.tools import SQL, format_amount, format_date, format_list

#: Our field for each of a document that an ERP may insist on.
REQUIRED = {
    "reference": "ref",
    "due_date": "invoice_date_due",
    "payment_term": "invoice_payment_term_id",
}


class ApSyncRule(models.Model):
    """The named checks: each looks at many jobs at once and names what is missing. Here
    are those of the bill itself; those of mappings: ap_sync_rule_checks_mapping.py.

    ``_find_<check>(jobs)`` returns ``{job: (message, fixes)}`` for the jobs it stops;
    each of ``fixes`` is the arguments of ``_prepare_fix``.
    """

    _inherit = "ap.sync.rule"

    @api.model
    def _get_checks(self):
        """Return ``{check: (label, kind of error)}`` of all named checks."""
        return {
            "vendor_blocked": (self.env._("Vendor has Block sync"), "vendor_blocked"),
            "vendor_missing": (self.env._("Vendor missing"), "vendor_missing"),
            "reference_missing": (
                self.env._("Bill reference missing"),
                "reference_missing",
            ),
            "required_missing": (
                self.env._("Field missing that the ERP needs"),
                "field_missing",
            ),
            "date_missing": (self.env._("Bill date missing"), "date_missing"),
            "no_lines": (self.env._("No lines"), "no_lines"),
            "zero_total": (self.env._("Total is zero"), "zero_total"),
            "period_locked": (
                self.env._("Accounting period locked"),
                "period_locked",
            ),
            "possible_duplicate": (
                self.env._("Possible duplicate"),
                "possible_duplicate",
            ),
            "account_unmapped": (
                self.env._("GL account not mapped"),
                "gl_account_unmapped",
            ),
            "vendor_unmapped": (self.env._("Vendor not mapped"), "vendor_unmapped"),
            "tax_unmapped": (self.env._("Tax not mapped"), "tax_unmapped"),
            "analytic_unmapped": (
                self.env._("Analytic account not mapped"),
                "dimension_invalid",
            ),
            "currency_inactive": (
                self.env._("Currency not enabled"),
                "currency_not_enabled",
            ),
            "attachment_missing": (
                self.env._("Document missing"),
                "attachment_missing",
            ),
        }

    def _find_vendor_blocked(self, jobs):
        found = {}
        for job in jobs:
            vendor = job.move_id.commercial_partner_id
            if vendor.ap_sync_blocked:
                reason = vendor.ap_sync_block_reason or self.env._("no reason given")
                message = self.env._(
                    "Bills of %(vendor)s are not synced: %(reason)s.",
                    vendor=vendor.display_name,
                    reason=reason.rstrip("."),
                )
                found[job] = message, [{"record": vendor}]
        return found

    def _find_vendor_missing(self, jobs):
        return self._find_on_bill(
            jobs,
            lambda move: not move.partner_id,
            self.env._("The bill has no vendor."),
        )

    def _find_reference_missing(self, jobs):
        return self._find_on_bill(
            jobs,
            lambda move: not (move.ref or "").strip(),
            self.env._("The bill has no reference: the vendor's number is missing."),
        )

    def _find_required_missing(self, jobs):
        """What a kind of ERP insists on, by its profile, and others do without."""
        known = self.search([("check_name", "=", "reference_missing")], limit=1)
        found = {}
        for job in jobs:
            profile, move = job.connection_id._get_profile(), job.move_id
            missing = [
                move._fields[field]._description_string(self.env)
                for name, field in REQUIRED.items()
                if name in profile.required
                and not move[field]
                # That one has a rule of its own, which says it better.
                and not (known and name == "reference")
            ]
            if missing:
                message = self.env._(
                    "%(erp)s needs what this bill does not have: %(fields)s.",
                    erp=profile.name,
                    fields=format_list(self.env, missing),
                )
                found[job] = message, [{"record": move}]
        return found

    def _find_date_missing(self, jobs):
        return self._find_on_bill(
            jobs,
            lambda move: not move.invoice_date,
            self.env._("The bill has no date."),
        )

    def _find_no_lines(self, jobs):
        return self._find_on_bill(
            jobs,
            lambda move: not move.ap_sync_line_ids,
            self.env._("The bill has no lines."),
        )

    def _find_zero_total(self, jobs):
        return self._find_on_bill(
            jobs,
            lambda move: (
                move.ap_sync_line_ids and move.currency_id.is_zero(move.amount_total)
            ),
            self.env._("The bill's total is zero."),
        )

    def _find_attachment_missing(self, jobs):
        with_file = {
            res_id
            for (res_id,) in self.env["ir.attachment"]
            .sudo()
            ._read_group(
                [
                    ("res_model", "=", "account.move"),
                    ("res_id", "in", jobs.move_id.ids),
                    ("res_field", "=", False),
                ],
                ["res_id"],
            )
        }
        return self._find_on_bill(
            jobs,
            lambda move: move.id not in with_file,
            self.env._("No document is attached to the bill."),
        )

    def _find_on_bill(self, jobs, condition, message):
        return {
            job: (message, [{"record": job.move_id}])
            for job in jobs
            if condition(job.move_id)
        }

    def _find_currency_inactive(self, jobs):
        """Inactive here, or not among the currencies the ERP was seen to have."""
        known = {}
        for connection in jobs.connection_id:
            known[connection] = set(
                self.env["ap.sync.erp.record"]
                .sudo()
                .search(
                    [("connection_id", "=", connection.id), ("kind", "=", "currency")]
                )
                .mapped("code")
            )
        found = {}
        for job in jobs:
            currency, connection = job.move_id.currency_id, job.connection_id
            if not currency.active:
                message = self.env._(
                    "The currency %s is not active in Odoo.", currency.name
                )
                found[job] = message, [{"record": currency}]
            elif known[connection] and currency.name not in known[connection]:
                message = self.env._(
                    "The currency %(currency)s is not active in %(connection)s.",
                    currency=currency.name,
                    connection=connection.name,
                )
                found[job] = message, [{"record": connection}]
        return found

    def _find_period_locked(self, jobs):
        """Odoo and an Odoo ERP move such a bill to an open date without a word; here
        it waits unless the connection says to do so."""
        found = {}
        jobs = jobs.filtered(
            lambda job: (
                job.connection_id.lock_policy == "hold" and job.move_id.invoice_date
            )
        )
        local = jobs.filtered(lambda job: job.connection_id.connector == "local")
        locks = local.move_id._get_ap_sync_ledger_locks()
        for job in jobs:
            connection, move = job.connection_id, job.move_id
            if job in local:
                date, lock = move.invoice_date, locks[move]
            else:
                date, lock = move.date, connection.erp_lock_date
                lock = lock if lock and date <= lock else None
            if lock:
                message = self.env._(
                    "The bill would be booked on %(date)s, and %(connection)s is "
                    "locked up to %(lock)s.",
                    date=format_date(self.env, date),
                    connection=connection.name,
                    lock=format_date(self.env, lock),
                )
                found[job] = message, [{"record": move}]
        return found

    def _find_possible_duplicate(self, jobs):
        """Same vendor, reference and kind, not cancelled: Odoo only warns of it.

        The first of two bills goes; the one entered later is held.
        """
        moves = jobs.move_id.filtered(lambda m: m.ref and m.commercial_partner_id)
        if not moves:
            return {}
        self.env["account.move"].flush_model(
            ["ref", "commercial_partner_id", "move_type", "company_id", "state"]
        )
        pairs = self.env.execute_query(
            SQL(
                """
                SELECT bill.id, array_agg(other.id ORDER BY other.id)
                  FROM account_move bill
                  JOIN account_move other
                    ON other.company_id = bill.company_id
                   AND other.commercial_partner_id = bill.commercial_partner_id
                   AND other.move_type = bill.move_type
                   -- as the index has it, see account_move.py
                   AND other.move_type IN ('in_invoice', 'in_refund', 'in_receipt')
                   AND lower(trim(other.ref)) = lower(trim(bill.ref))
                   AND other.state != 'cancel'
                   AND other.id < bill.id
                 WHERE bill.id IN %s
              GROUP BY bill.id
                """,
                tuple(moves.ids),
            )
        )
        twins = {
            bill: self.env["account.move"].browse(others) for bill, others in pairs
        }
        found = {}
        for job in jobs:
            if others := twins.get(job.move_id.id):
                message = self.env._(
                    "%(vendor)s's reference %(reference)s was entered before: "
                    "%(bills)s.",
                    vendor=job.move_id.commercial_partner_id.display_name,
                    reference=job.move_id.ref,
                    bills=format_list(self.env, [_describe(bill) for bill in others]),
                )
                found[job] = message, [{"record": others[0]}]
        return found


def _describe(bill):
    amount = format_amount(bill.env, bill.amount_total, bill.currency_id)
    return f"{bill.name or bill.env._('Draft')} ({amount})"
