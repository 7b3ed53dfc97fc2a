import uuid

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools.misc import clean_context

from .ap_sync_job_evaluate import EVALUATE_AT_ONCE

#: What is read of the jobs that bills have already.
SEEN_FIELDS = ["move_id", "connection_id", "shares_bill"]


class ApSyncJob(models.Model):
    """How bills become jobs."""

    _inherit = "ap.sync.job"

    # Most bills have one job, and nothing has to be asked of those to know which of
    # its jobs speaks for a bill (see account_move_search.py).
    shares_bill = fields.Boolean("Bill Has Other Jobs", readonly=True, copy=False)

    # Two transactions that make jobs of one bill at once don't see each other's: the
    # second is refused here, and finds the first's job when Odoo runs it again.
    _alone_uniq = models.UniqueIndex(
        "(move_id) WHERE shares_bill IS NOT TRUE",
        "This bill has several jobs, and each must say so.",
    )
    # What else has to be asked, without the table.
    _shares_bill_idx = models.Index(
        "(move_id, status, company_id) WHERE shares_bill IS TRUE"
    )

    @api.model
    def _submit(self, moves, connection, bulk=False):
        """Make the jobs of bills that have none on this connection, and evaluate
        them. Bills that have a job already keep it as it is.

        :param bulk: the ``bulk_sync`` they are part of; many are then evaluated by the
            dispatcher.
        :return: the jobs made.
        """
        # sudo: nobody may create jobs by hand; the callers have checked the bills. Not
        # with the caller's context: over RPC it may hold a default for every field,
        # the released rules and the ERP's id among them.
        Job = self.with_env(self.env(context=clean_context(self.env.context))).sudo()
        known = Job.search_fetch([("move_id", "in", moves.ids)], SEEN_FIELDS)
        here = known.filtered(lambda job: job.connection_id == connection)
        new = moves - here.move_id
        shared = set((known.move_id & new).ids)
        later = bulk and len(new) > EVALUATE_AT_ONCE
        vals_list = [
            {
                "move_id": move.id,
                "connection_id": connection.id,
                "shares_bill": move.id in shared,
                "user_id": self._find_owner(move, connection).id,
                "status": "on_hold",
                "phase": "ready",
                "key": str(uuid.uuid4()),
                "bulk_sync": bulk,
                "sync_requested": later,
                "evaluate_at": later and self._now(),
            }
            for move in new
        ]
        alone = known.filtered(
            lambda job: job.move_id.id in shared and not job.shares_bill
        )
        try:
            with self.env.cr.savepoint():
                alone.shares_bill = True
                jobs = Job.create(vals_list)
        except UniqueViolation as error:
            # Two people submit one bill at once, and the other's job can't be seen in
            # this transaction: Odoo runs the request again and finds it then.
            raise ConcurrencyError("The bill was submitted by somebody else") from error
        if later:
            connection._wake()
        else:
            jobs._evaluate(fresh=True)
        return jobs
