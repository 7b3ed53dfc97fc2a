from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .ap_sync_cures import OWN_CURES, get_who
from .ap_sync_guidance import describe
from .ap_sync_states import WAITING, state_of

#: More jobs than this are evaluated again by the dispatcher, not while a user waits.
EVALUATE_AT_ONCE = 200
#: What stops a bill may go while the bill is being stopped, in a transaction that
#: neither sees. So a newly stopped bill is looked at once more after this long.
LOOK_AGAIN = timedelta(minutes=1)


class ApSyncJob(models.Model):
    """What the rules make of jobs."""

    _inherit = "ap.sync.job"

    def _evaluate(self, fresh=False):
        """Apply the rules: block, hold, or let go. Wakes the dispatchers of what goes.

        :param fresh: these jobs were just submitted or a person pressed Sync, so
            they go whatever the connection says of held bills.
        :return: ``{"queue" | "ready" | "hold" | "block": jobs}``.
        """
        # One that somebody has asked to sync is still to be served.
        marked = self.filtered(lambda job: job.evaluate_at and not job.sync_requested)
        marked.write({"evaluate_at": False})
        routed, to_wake = {}, self.connection_id.browse()
        for job, causes in self._get_causes_by_job():
            if causes:
                event = causes[0]["action"]
            elif (
                fresh
                or job.sync_requested
                or job.connection_id.auto_resume
                or not job._is_stopped()
            ):
                event = "queue"
            else:
                event = "ready"
            routed[event] = routed.get(event, self.browse()) | job
            if job._route(event, causes) and event == "queue":
                to_wake |= job.connection_id
        to_wake._wake()
        return routed

    def _get_causes_by_job(self):
        """Return ``[(job, causes)]``, each company's in its language."""
        found = []
        for jobs in self.grouped("company_id").values():
            spoken = jobs._in_company_language()
            found += spoken.env["ap.sync.rule"]._evaluate(spoken).items()
        return found

    def _get_bill_stop(self):
        """Return why the bill itself is in no state to be sent: ``(kind, message)``,
        or None."""
        self.ensure_one()
        move, connection = self.move_id, self.connection_id
        if move.state == "cancel":
            if self._is_to_cancel():
                return None
            return "bill_cancelled", self.env._("The bill is cancelled.")
        if connection.connector == "local" and move.state == "posted":
            return "already_posted", self.env._("The bill is already posted in Odoo.")
        if connection.trigger == "posted" and move.state == "draft":
            return "bill_not_posted", self.env._("The bill is a draft.")
        return None

    def _get_twin_id(self):
        """Return the id of the bill that this one may be a duplicate of, if held."""
        for cause in self.causes or []:
            if cause["kind"] == "possible_duplicate" and cause.get("fixes"):
                return cause["fixes"][0]["res_id"]
        return None

    def _is_stopped(self):
        return self.status in {"blocked", "on_hold"}

    def _route(self, event, causes):
        """Move one job where the rules send it, unless it is there already.

        :return: whether it was moved.
        """
        state = state_of(self.status, self.phase)
        if event == "queue" and state in WAITING:
            return False
        if event in {"hold", "block"} and self.causes == causes and self._is_stopped():
            return False
        values = self._prepare_cause_values(causes)
        if event == "queue":
            values.update(next_try_at=self._now(), retry_since=False, retry_count=0)
        else:
            values.update(next_try_at=False, evaluate_at=self._now() + LOOK_AGAIN)
        if event != "queue":
            # Its owner may have to be asked, or no more.
            own = event == "hold" and get_who(causes[0]["kind"]) in OWN_CURES
            values["effects_due"] = own or bool(self.activity_ids)
        if event == "ready":
            values.update(
                evaluate_at=False,
                message=self.env._("What stopped this bill is mended."),
                guidance=self.env._("Press Sync."),
            )
        self._update_status(event, **values)
        return True

    @api.model
    def _prepare_cause_values(self, causes):
        """Return the values that show the causes of a hold or block, root first."""
        root = causes[0] if causes else {}
        todo = describe(self.env, root["kind"])[1] if root else False
        return {
            "causes": causes or False,
            "cause_kinds": "," + "".join(f"{c['kind']}," for c in causes)
            if causes
            else False,
            "rule_id": root.get("rule_id", False),
            "error_kind": root.get("kind", False),
            "message": root.get("message", False),
            "guidance": root.get("guidance") or todo,
        }

    @api.model
    def _request_evaluation(self, domain):
        """Evaluate jobs again: a few at once, many by the dispatcher."""
        # sudo: what changed concerns jobs that its author may not see.
        Job = self.sudo()
        domain = Domain(domain)
        jobs = Job.search(domain, limit=EVALUATE_AT_ONCE + 1)
        if len(jobs) <= EVALUATE_AT_ONCE:
            jobs._evaluate()
            return
        jobs = Job.search(domain)
        jobs.write({"evaluate_at": self._now()})
        jobs.connection_id._wake()

    def _evaluate_marked(self):
        """Evaluate the jobs that were marked for it, and sync those for which somebody
        asked. Called by the engine."""
        requested = self.filtered("sync_requested")
        self.write({"evaluate_at": False, "sync_requested": False})
        requested._sync()
        others = self - requested
        waiting = others.filtered(
            lambda job: job._is_stopped() or job.phase in {"queued", "retrying"}
        )
        waiting._evaluate()

    # === CHANGED SINCE THE SYNC === #

    def _note_changes(self):
        """Flag synced jobs whose bill no longer says what was sent."""
        for job in self.filtered(lambda j: j.status == "success"):
            changed = job._is_bill_changed()
            if changed != job.changed_since_sync:
                job.write({"changed_since_sync": changed})

    def _is_bill_changed(self):
        self.ensure_one()
        cancelled = self.move_id.state == "cancel"
        if cancelled or self.erp_cancelled:
            return cancelled != self.erp_cancelled
        if self.connection_id.connector == "local":
            return self.move_id.state != "posted"
        return self._get_fingerprint() != self.synced_fingerprint

    def _get_fingerprint(self):
        """Return the hash of what the bill says now; see ``Document.fingerprint``."""
        self.ensure_one()
        # Which records the bill uses matters, not what they are called in the ERP.
        document = self.move_id._prepare_ap_sync_document(self, erp_ids={}, files={})
        return document.fingerprint()

    def _get_bill_stamps(self):
        """Return ``{job: stamp}``, with one query: equal stamps mean that nobody has
        written on the bill or its lines in between. They miss what a bill says without
        being written on, as when a country gets another code."""
        moves = self.move_id
        # Whole models: to name the lines they would have to be read first.
        moves.flush_model()
        self.env["account.move.line"].flush_model()
        # Which version of a row is seen, by PostgreSQL's own columns ("System Columns"
        # in its manual): not even what bypasses the ORM is missed.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT move.id, move.xmin::text, move.ctid::text,
                       array_agg(line.xmin::text || line.ctid ORDER BY line.id)
                  FROM account_move move
             LEFT JOIN account_move_line line ON line.move_id = move.id
                 WHERE move.id IN %s
              GROUP BY move.id
                """,
                tuple(moves.ids) or (0,),
            )
        )
        stamps = {move_id: tuple(stamp) for move_id, *stamp in rows}
        return {job: stamps[job.move_id.id] for job in self}
