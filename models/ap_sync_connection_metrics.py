from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .ap_sync_states import STATUSES

#: The phases of the queue; a held job that is *ready* waits for a person instead.
QUEUE_PHASES = ["queued", "sending", "retrying", "verifying"]


class ApSyncConnection(models.Model):
    """What monitoring reads of each connection (see controllers/health.py)."""

    _inherit = "ap.sync.connection"

    @api.model
    def _get_metrics(self):
        """Return the metrics of all connections that the user may read.

        A job belongs to the company of its connection, so jobs are counted by
        connection in SQL, each question by an index that holds the whole answer: by
        status, what is In Progress, what has a kind of error. Counting through the
        rules' own condition on the company would read every row.

        :return: list of ``(name, help, samples)``, see ``controllers.health.render``.
        :raise AccessError: when the user may read no jobs or connections.
        """
        self.env["ap.sync.job"].check_access("read")
        connections = self.with_context(active_test=False).search(Domain.TRUE)
        labels = {
            connection.id: {
                "connection": connection.name,
                "connection_id": connection.id,
                "company": connection.company_id.name,
            }
            for connection in connections
        }
        self.env["ap.sync.job"].flush_model()
        ids = tuple(connections.ids) or (0,)
        return [
            self._get_status_metric(labels, ids),
            *self._get_queue_metrics(labels, ids),
            self._get_error_metric(labels, ids),
            (
                "ap_sync_connection_health",
                "1 for the health that a connection has, 0 for the others.",
                [
                    (
                        labels[connection.id] | {"health": health},
                        int(connection.health == health),
                    )
                    for connection in connections
                    for health, _label in self._fields["health"].selection
                ],
            ),
            (
                "ap_sync_connection_failures",
                "Failures in a row; the first answer ends them.",
                [
                    (labels[connection.id], connection.failures)
                    for connection in connections
                ],
            ),
        ]

    @api.model
    def _get_status_metric(self, labels, ids):
        counts = {
            (connection_id, status): count
            for connection_id, status, count in self.env.execute_query(
                SQL(
                    """
                    SELECT connection_id, status, count(*) FROM ap_sync_job
                     WHERE connection_id IN %s GROUP BY connection_id, status
                    """,
                    ids,
                )
            )
        }
        return (
            "ap_sync_jobs",
            "Jobs by sync status.",
            [
                (values | {"status": status}, counts.get((connection_id, status), 0))
                for connection_id, values in labels.items()
                for status, _label in STATUSES
            ],
        )

    @api.model
    def _get_queue_metrics(self, labels, ids):
        counts, since = {}, {}
        for connection_id, phase, count, due in self.env.execute_query(
            SQL(
                """
                SELECT connection_id, phase, count(*),
                       min(next_try_at) FILTER (WHERE lease_token IS NULL)
                  FROM ap_sync_job
                 WHERE status = 'in_progress' AND connection_id IN %s
              GROUP BY connection_id, phase
                """,
                ids,
            )
        ):
            counts[connection_id, phase] = count
            if due:
                since[connection_id] = min(due, since.get(connection_id, due))
        now = fields.Datetime.to_datetime(self.env.cr.now())
        return [
            (
                "ap_sync_queue_depth",
                "Jobs In Progress by phase.",
                [
                    (values | {"phase": phase}, counts.get((connection_id, phase), 0))
                    for connection_id, values in labels.items()
                    for phase in QUEUE_PHASES
                ],
            ),
            (
                "ap_sync_oldest_wait_seconds",
                "How long the oldest job that is due has waited to be served.",
                [
                    (
                        values,
                        max(0, int((now - since[connection_id]).total_seconds()))
                        if connection_id in since
                        else 0,
                    )
                    for connection_id, values in labels.items()
                ],
            ),
        ]

    @api.model
    def _get_error_metric(self, labels, ids):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT connection_id, status, error_kind, count(*) FROM ap_sync_job
                 WHERE error_kind IS NOT NULL AND connection_id IN %s
              GROUP BY connection_id, status, error_kind
              ORDER BY connection_id, status, error_kind
                """,
                ids,
            )
        )
        return (
            "ap_sync_errors",
            "Jobs that failed, are held, blocked or tried again, by kind of cause.",
            [
                (labels[connection_id] | {"status": status, "kind": kind}, count)
                for connection_id, status, kind, count in rows
            ],
        )
