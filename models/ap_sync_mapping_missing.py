import logging
from collections import Counter
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .ap_sync_mapping import KIND_BY_MODEL, MAPPING_KINDS

_logger = logging.getLogger(__name__)

#: What bills used for so long is likely to be used again.
LOOK_BACK = timedelta(days=365)


class ApSyncMapping(models.Model):
    """What is missing: used by bills, and unknown in the ERP.

    Only what stops a bill is listed. Without a payment term the ERP gets the due date,
    and currencies are known by their code.
    """

    _inherit = "ap.sync.mapping"

    waiting_count = fields.Integer(
        "Bills Waiting",
        default=0,  # not null, which PostgreSQL would sort before all numbers
        readonly=True,
        copy=False,
        aggregator=None,
        help="As it was when the data was refreshed, or the list opened from the "
        "connection.",
    )

    @api.model
    def _list_missing(self, connection):
        """Bring the rows of what is missing on a connection to what bills use now, and
        count the bills that wait for each.

        :param connection: one with an external ERP that the user may read.
        """
        # sudo: it lists what this connection's bills use, whoever may read which bill.
        with self.sudo()._reevaluate_once() as Mapping:
            waiting = Mapping._count_waiting(connection)
            needed = Mapping._find_used(connection) | waiting.keys()
            known = Mapping.search([("connection_id", "=", connection.id)])
            gone = known.filtered(
                lambda m: m.state == "missing" and self._read_ref(m) not in needed
            )
            refs = {self._read_ref(mapping): mapping for mapping in known - gone}
            gone.unlink()
            for ref, mapping in refs.items():
                if mapping.waiting_count != waiting[ref]:
                    mapping.waiting_count = waiting[ref]
            Mapping.create(
                [
                    {
                        "connection_id": connection.id,
                        "record": ref,
                        "state": "missing",
                        "waiting_count": waiting[ref],
                    }
                    for ref in sorted(needed - refs.keys())
                ]
            )

    @api.model
    def _count_waiting(self, connection):
        """Return how many jobs wait for the mapping of each record: a ``Counter`` of
        ``"model,id"``."""
        held = self.env["ap.sync.job"].search_fetch(
            Domain("connection_id", "=", connection.id)
            & Domain("status", "in", ["on_hold", "blocked"])
            & Domain.OR(
                Domain("cause_kinds", "like", f",{kind},") for kind in MAPPING_KINDS
            ),
            ["causes"],
        )
        counts = Counter()
        for job in held:
            counts.update(
                {
                    fix["context"]["default_record"]
                    for cause in job.causes or []
                    for fix in cause["fixes"]
                    if fix["model"] == "ap.sync.map"
                }
            )
        return Counter({ref: counts[ref] for ref in self._filter_existing(counts)})

    @api.model
    def _filter_existing(self, refs):
        """Return those of these ``"model,id"`` whose record is still there."""
        by_model = {}
        for ref in refs:
            model, record_id = ref.split(",")
            by_model.setdefault(model, []).append(int(record_id))
        return {
            f"{model},{record_id}"
            for model, ids in by_model.items()
            if model in KIND_BY_MODEL
            for record_id in self.env[model].browse(ids).exists().ids
        }

    @api.model
    def _find_used(self, connection):
        """Return ``{"model,id"}`` of what the connection's bills of the last year use
        and would be held for."""
        try:
            bills = connection._get_bill_domain()
            moves = self.env["account.move"]._search(
                bills
                & Domain("state", "in", ["draft", "posted"])
                & Domain("date", ">=", fields.Date.today() - LOOK_BACK)
            )
        except (ValueError, KeyError):
            _logger.info("AP Sync: the condition of %s can't be applied", connection.id)
            return set()  # the connection says so itself
        query = SQL(
            """
            WITH line AS (
                SELECT id, account_id, analytic_distribution FROM account_move_line
                 WHERE move_id IN %(moves)s AND display_type IN ('product', 'rounding')
            )
            SELECT 'account.account', account_id FROM line
             UNION
            SELECT 'account.tax', tax.account_tax_id
              FROM account_move_line_account_tax_rel tax
              JOIN line ON line.id = tax.account_move_line_id
             UNION
            SELECT 'account.analytic.account', analytic::int
              FROM line, jsonb_object_keys(line.analytic_distribution) AS key,
                   regexp_split_to_table(key, ',') AS analytic
             WHERE analytic ~ '^[0-9]+$'
            """,
            moves=moves.subselect(),
        )
        self.env.flush_all()
        rows = self.env.execute_query(query)
        if not connection.create_vendors:
            rows += self.env.execute_query(
                SQL(
                    "SELECT DISTINCT 'res.partner', commercial_partner_id"
                    " FROM account_move WHERE id IN %s",
                    moves.subselect(),
                )
            )
        return self._filter_existing(f"{model},{key}" for model, key in rows if key)
