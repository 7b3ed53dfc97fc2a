from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..connectors.kinds import AUTO, FIX, KINDS


class ApSyncConnection(models.Model):
    """*Retry*: send again all that failed for one cause, once that is mended."""

    _inherit = "ap.sync.connection"

    failed_count = fields.Integer("Failed", compute="_compute_failed_count")

    def _compute_failed_count(self):
        counts = dict(
            self.env["ap.sync.job"]._read_group(
                [("connection_id", "in", self.ids), ("status", "=", "failed")],
                ["connection_id"],
                ["__count"],
            )
        )
        for connection in self:
            connection.failed_count = counts.get(connection, 0)

    def action_open_retry(self):
        """Show what failed, cause by cause, each with a button to send it again."""
        self.ensure_one()
        self._check_manager()
        retry = self.env["ap.sync.retry"].create({"connection_id": self.id})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Retry"),
            "res_model": retry._name,
            "res_id": retry.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _bring_forward(self, moment, limit=None):
        """Let bills that an outage keeps waiting go at a moment, if not before. One
        tries whether it is over; once it is, the others need not wait for their own
        next tries, which may be hours away. Called by the engine.

        :param limit: how many, those that would be next; None: all.
        """
        self.ensure_one()
        Job = self.env["ap.sync.job"]
        Job.flush_model(["connection_id", "phase", "error_kind", "next_try_at"])
        # Who is just editing one of them keeps it: it goes at its own time. An array,
        # not IN: PostgreSQL may run a subquery of IN once for each row, and each run
        # then finds another one that is not locked.
        self.env.cr.execute(
            SQL(
                """
                UPDATE ap_sync_job SET next_try_at = %(moment)s
                 WHERE id = ANY(ARRAY(
                           SELECT id FROM ap_sync_job
                            WHERE connection_id = %(connection)s
                              AND status = 'in_progress'
                              AND phase = 'retrying'
                              AND error_kind = 'erp_unavailable'
                              AND lease_token IS NULL
                              AND next_try_at > %(moment)s
                         ORDER BY next_try_at LIMIT %(limit)s
                              FOR UPDATE SKIP LOCKED))
                """,
                moment=moment,
                connection=self.id,
                limit=limit,
            )
        )
        Job.invalidate_model(["next_try_at"], flush=False)

    @api.model
    def _is_retried(self, kind):
        """Tell whether bills that failed so may be sent again without a look into the
        ERP at each."""
        return kind in KINDS and KINDS[kind].retry in {AUTO, FIX}

    def _count_failed(self):
        """Return ``{kind: number of failed jobs}`` of this connection, most first."""
        self.ensure_one()
        return dict(
            self.env["ap.sync.job"]._read_group(
                [("connection_id", "=", self.id), ("status", "=", "failed")],
                ["error_kind"],
                ["__count"],
                order="__count desc",
            )
        )

    def _retry(self, kind):
        """Send again all jobs that failed with this kind.

        :return: the notification that says how many.
        :raise UserError: when each of them needs a decision.
        """
        self.ensure_one()
        self._check_manager()
        if not self._is_retried(kind):
            raise UserError(
                self.env._(
                    "These bills need a look into the ERP, one by one: open each and "
                    "press Resolve."
                )
            )
        # sudo: nobody has the right to write jobs; these are the connection's, which
        # the user may read.
        jobs = (
            self.env["ap.sync.job"]
            .sudo()
            .search(
                [
                    ("connection_id", "=", self.id),
                    ("status", "=", "failed"),
                    ("error_kind", "=", kind),
                ]
            )
        )
        label = dict(jobs._selection_error_kind())[kind]
        # sudo: managers may not write connections, but this is kept in their name.
        self.sudo().message_post(
            body=self.env._(
                "Retry of what failed for “%(cause)s”: %(count)s bills.",
                cause=label,
                count=len(jobs),
            )
        )
        return jobs._notify_synced(*jobs._sync_bulk())
