import time

from odoo.tests import new_test_user
from odoo.tools import SQL

from ..connectors import Outcome
from ..models import ap_sync_job_bulk, ap_sync_job_evaluate, ap_sync_job_submit
from .common import ApSyncCommon, error

#: More than is done while a user waits, see ``setUp``.
MANY = 20


class TestBulk(ApSyncCommon):
    """Sync and evaluation of what was selected beyond the first page."""

    def setUp(self):
        super().setUp()
        for module in (ap_sync_job_bulk, ap_sync_job_evaluate, ap_sync_job_submit):
            self.patch(module, "EVALUATE_AT_ONCE", MANY - 1)

    def make_many(self, count):
        """Return failed jobs of as many bills, copied in the database: made by Odoo
        they would take minutes."""
        self.erp.script = [error("gl_account_inactive", Outcome.REJECTED)]
        job = self.submit(self.make_bill())
        self.dispatch()
        self.env.flush_all()
        move_id, line_ids = job.move_id.id, tuple(job.move_id.line_ids.ids)
        for number in range(1, count):
            self.env.cr.execute(
                "SELECT nextval('account_move_id_seq'), nextval('ap_sync_job_id_seq')"
            )
            new_move, new_job = self.env.cr.fetchone()
            name = f"COPY/{number:05}"
            head = {"id": new_move, "name": name, "ref": name}
            self.copy_rows("account_move", (move_id,), **head)
            self.copy_rows("account_move_line", line_ids, id=None, move_id=new_move)
            values = {"id": new_job, "move_id": new_move, "reference": name}
            self.copy_rows("ap_sync_job", job.ids, key=f"key {number}", **values)
        self.env.invalidate_all()
        return job.search([("connection_id", "=", self.connection.id)])

    def copy_rows(self, table, ids, **values):
        columns = self.env.execute_query(
            SQL(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = %s AND is_generated = 'NEVER'",
                table,
            )
        )
        names = [name for (name,) in columns if values.get(name, 0) is not None]
        sources = [
            SQL("%s", values[name]) if name in values else SQL.identifier(name)
            for name in names
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO %s (%s) SELECT %s FROM %s WHERE id IN %s",
                SQL.identifier(table),
                SQL(", ").join(map(SQL.identifier, names)),
                SQL(", ").join(sources),
                SQL.identifier(table),
                tuple(ids),
            )
        )

    def bulk(self, action):
        """Return the key under which the progress of an action is shown."""
        follow = action["params"]["next"]
        self.assertEqual(follow["tag"], "ap_sync.progress")
        return follow["params"]["bulk"]

    def test_many_are_marked_at_once_and_sent_by_the_dispatcher(self):
        jobs = self.make_many(MANY)
        user = new_test_user(self.env, "lisa", groups="ap_sync.group_ap_sync_user")
        started = time.monotonic()
        action = self.env.ref("ap_sync.action_job_sync").with_user(user)
        action = action.with_context(
            active_model="ap.sync.job", active_ids=jobs.ids
        ).run()
        self.assertLess(time.monotonic() - started, 5.0)
        self.assertIn(f"{MANY} being looked at", action["params"]["message"])
        bulk = [("bulk_sync", "=", self.bulk(action))]
        self.assertEqual(jobs.search_count(bulk), MANY)
        self.assertEqual(set(jobs.mapped("status")), {"failed"})
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
        self.assertFalse(any(jobs.mapped("sync_requested")))

    def test_requests_cost_the_same_queries_for_few_and_for_many(self):
        jobs = self.make_many(MANY + 50)
        counts = []
        for some in (jobs[:MANY], jobs):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.action_sync()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 2, counts)

    def test_what_needs_a_decision_is_part_of_the_summary_but_not_sent(self):
        unclear = self.submit(self.make_bill())
        unclear.sudo().write(
            {
                "status": "failed",
                "phase": False,
                "next_try_at": False,
                **unclear._prepare_error_values("outcome_unknown", "Nobody knows."),
            }
        )
        new = self.submit(self.make_bill())
        going = self.submit(self.make_bill())
        new.sudo()._update_status("hold", next_try_at=False)
        action = (unclear | new | going).action_sync()
        bulk = [("bulk_sync", "=", self.bulk(action))]
        self.assertEqual(new.search(bulk), unclear | new)
        self.assert_status(unclear, "failed")
        self.assert_status(new, "in_progress", "queued")
        self.assertFalse(going.bulk_sync)  # it is on its way for another reason

    def test_held_jobs_asked_for_go_where_nothing_goes_by_itself(self):
        self.connection.auto_resume = False
        jobs = self.make_many(MANY)
        jobs.sudo()._update_status("hold", next_try_at=False)
        jobs.action_sync()
        # A change of its bill may come first
        jobs[0]._evaluate()
        self.assert_status(jobs[0], "in_progress", "queued")
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})

    def test_many_new_bills_are_made_jobs_by_one_press(self):
        jobs = self.make_many(MANY)
        moves = jobs.move_id
        self.env.cr.execute("DELETE FROM ap_sync_attempt")
        self.env.cr.execute("DELETE FROM ap_sync_job")
        self.env.invalidate_all()
        action = moves.action_ap_sync()
        self.assertIn(f"{MANY} being looked at", action["params"]["message"])
        made = jobs.search([("bulk_sync", "=", self.bulk(action))])
        self.assertEqual(made.move_id, moves)
        self.dispatch()
        self.assertEqual(set(made.mapped("status")), {"success"})

    def test_rules_are_evaluated_for_many_by_the_dispatcher(self):
        jobs = self.make_many(MANY)
        jobs.sudo()._update_status("hold", next_try_at=False)
        action = jobs.action_evaluate()
        self.assertIn(f"{MANY} being looked at", action["params"]["message"])
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"success"})
