from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .account_move import STATUS_ORDER

#: In the context where the order of the bills does not matter.
COUNTING = "ap_sync_counting"


class AccountMove(models.Model):
    """How bills are found by what became of their sync."""

    _inherit = "account.move"

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **options):
        """Override of `base` to know whether bills of a sync status are counted: then
        no order is asked for."""
        moves = self
        if order is None and any(
            condition.field_expr == "ap_sync_status"
            for condition in Domain(domain).iter_conditions()
        ):
            moves = self.with_context(**{COUNTING: True})
        return super(AccountMove, moves)._search(
            domain, offset=offset, limit=limit, order=order, **options
        )

    def _search_ap_sync_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain.FALSE
        for rank, status in enumerate(STATUS_ORDER):
            if status in value:
                # As in the compute: of a bill with several jobs the first speaks.
                before = [
                    ("shares_bill", "=", True),
                    ("status", "in", STATUS_ORDER[:rank]),
                ]
                domain |= self._with_job_of(status) & Domain(
                    "ap_sync_job_ids", "not any", before
                )
        if False in value:
            domain |= Domain("ap_sync_job_ids", "=", False)
        return domain

    def _with_job_of(self, status):
        """Return the domain of the bills that have a job of this status.

        For a page, newest first, PostgreSQL does best to look at each bill's jobs until
        the page is full. To count, it does best to begin with the jobs, unless nearly
        all bills have such a one; but it can't know how far it would have to look.
        """
        if not self.env.context.get(COUNTING) or status == STATUS_ORDER[-1]:
            return Domain("ap_sync_job_ids", "any", [("status", "=", status)])

        def to_sql(model, alias, query):
            Job = model.env["ap.sync.job"]
            # Jobs by age are nearly in the order of their bills' ids, in which
            # PostgreSQL sorts these.
            jobs = Job._search([("status", "=", status)], order="id")
            bill = Job._field_to_sql(jobs.table, "move_id", jobs)
            return SQL(
                "%s = ANY(ARRAY(%s))", SQL.identifier(alias, "id"), jobs.select(bill)
            )

        return Domain.custom(to_sql=to_sql)

    def _search_ap_sync_erp_number(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        domain = Domain("ap_sync_job_ids", "any", [("erp_number", operator, value)])
        if operator == "in" and False in value:
            domain |= Domain(
                "ap_sync_job_ids", "not any", [("erp_number", "!=", False)]
            )
        return domain
