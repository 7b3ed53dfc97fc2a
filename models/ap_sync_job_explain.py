import json

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_list

from ..connectors.kinds import KINDS
from .ap_sync_cures import FIELD_BY_KIND, MAPPED_BY_KIND, who_cures
from .ap_sync_guidance import describe
from .ap_sync_mapping import MAPPING_KINDS

#: A bill of a hundred unmapped accounts shows this many links; mapped, the next follow.
MAX_LINKS = 10


class ApSyncJob(models.Model):
    """What a job says about itself: what stops it, who cures that, and where."""

    _inherit = "ap.sync.job"

    cause_alerts = fields.Json(compute="_compute_cause_alerts")

    @api.depends(
        "status", "causes", "message", "changed_since_sync", "erp_changes", "erp_files"
    )
    @api.depends_context("uid", "lang")
    def _compute_cause_alerts(self):
        for job in self:
            job.cause_alerts = [
                job._prepare_alert(cause, is_root=not index)
                for index, cause in enumerate(job._get_causes())
            ]

    @api.readonly
    def get_explanation(self):
        """Return what the badge says when it is opened: the causes with their links,
        the ERP's last answer, and what the user may do about it now."""
        self.ensure_one()
        self.check_access("read")
        phases = dict(self._fields["phase"]._description_selection(self.env))
        attempt = self.attempt_ids[:1]
        return {
            "connection": self.connection_id.display_name,
            "causes": self.cause_alerts or [],
            "phase": phases.get(self.phase, ""),
            "next_try_at": self.status == "in_progress" and self.next_try_at,
            "attempt_count": self.attempt_count,
            "last_attempt_at": self.last_attempt_at,
            "erp_number": self.erp_number,
            "answer": attempt.excerpt,
            "http_status": attempt.http_status,
            "actions": self._get_actions(),
        }

    def _get_actions(self):
        """Return the one or two buttons that help now: ``name`` of the method,
        ``text`` and ``context``."""
        self.ensure_one()
        actions = []

        def add(name, text, **context):
            actions.append({"name": name, "text": text, "context": context})

        retrying = self.phase == "retrying"
        manager = self.env.user.has_group("ap_sync.group_ap_sync_manager")
        if self.needs_decision:
            if manager:
                add("action_open_resolve", self.env._("Resolve"))
        elif self.can_sync:
            text = self.env._("Try now") if retrying else self.env._("Sync")
            add("action_sync", text)
        if self.status == "success" and self.connector == "local":
            add("action_open_bill", self.env._("Open the bill"))
        elif self.status == "success" and self.erp_url:
            add("action_open_erp", self.env._("Open in ERP"))
        elif manager and self._is_stopped() and self.rule_id:
            add("action_open_resolve", self.env._("Release"))
        elif manager and self.status == "failed" and self.connector != "local":
            add(
                "action_open_resolve",
                self.env._("Mark as synced"),
                default_decision="mark_synced",
            )
        return actions

    # === CAUSES === #

    def _get_causes(self):
        """Return what people have to know of this job, the root first, as causes: see
        ``ap.sync.rule._evaluate``."""
        self.ensure_one()
        if self.causes:
            return self.causes
        # What to do about a kind of error is told in the reader's language.
        guidance = False if self.error_kind else self.guidance
        message, fixes = self.message, []
        if self.changed_since_sync:
            message, guidance = self._describe_change()
        elif self.status == "failed":
            fixes = self._find_fixes()
        elif self.status == "success" and self.erp_changes:
            message = self.env._("The ERP has it otherwise: %s.", self.erp_changes)
            guidance = self.env._(
                "Press Sync to send it as it is here. If the ERP is right, correct the "
                "bill here and have a manager mark it as synced."
            )
        elif self.erp_files == "missing":
            message = self.env._("Files of this bill are missing in the ERP.")
            guidance = self.env._("Press Sync to send them alone.")
        elif self.status == "success":
            return []
        if not message:
            return []
        return [
            {
                "kind": self.error_kind,
                "action": False,
                "message": message,
                "guidance": guidance,
                "fixes": fixes,
            }
        ]

    def _find_fixes(self):
        """Return where that is mended for which the ERP refused the bill."""
        known = KINDS.get(self.error_kind)
        if not known:
            return []
        Rule, kind, model = self.env["ap.sync.rule"], known.code, "account.move"
        if kind in MAPPED_BY_KIND and self.connector != "local":
            fixes = [
                Rule._prepare_mapping_fix(self.connection_id, record)
                for record in MAPPED_BY_KIND[kind](self.move_id)
            ]
        elif kind in FIELD_BY_KIND[model] or known.cls in {"D", "P"}:
            fixes = [{"record": self.move_id}]
        elif known.person or kind == "mapping_changed":
            fixes = [{"record": self.connection_id}]
        else:
            fixes = []
        return [Rule._prepare_fix(**fix) for fix in fixes]

    def _prepare_alert(self, cause, is_root):
        """Return a cause in words for one reader, with the links that he may follow."""
        levels = {"failed": "danger", "blocked": "danger", "in_progress": "info"}
        title = todo = who = ""
        you = False
        if cause["kind"]:
            title, todo = describe(self.env, cause["kind"])
            who, you = who_cures(self.env, cause["kind"])
        links = [
            self._prepare_link(cause["kind"], fix)
            for fix in cause.get("fixes", [])[:MAX_LINKS]
        ]
        return {
            "level": levels.get(self.status, "warning") if is_root else "light",
            "title": title,
            "message": cause["message"],
            "guidance": cause["guidance"] or todo,
            "who": who,
            "you": you,
            "links": [link for link in links if link],
        }

    def _prepare_link(self, kind, fix):
        # Who may not make or read what is missing reads whom to ask for.
        needed = "read" if fix["res_id"] else "create"
        Model = self.env[fix["model"]]
        if not Model.has_access(needed):
            return None
        field = FIELD_BY_KIND.get(fix["model"], {}).get(kind)
        if not fix["res_id"]:
            text = fix["name"]
        elif field:
            label = Model._fields[field]._description_string(self.env)
            text = self.env._(
                "%(field)s of %(record)s", field=label, record=fix["name"]
            )
        else:
            text = self.env._("Open %s", fix["name"])
        others = self.search_count(
            self._get_waiting_domain(kind, fix)
            & Domain("move_id", "!=", self.move_id.id)
        )
        return {
            "text": text,
            "field": field or False,
            "others": self.env._("%s more bills wait for this", others)
            if others > 1
            else self.env._("1 more bill waits for this")
            if others
            else "",
            "action": {
                "type": "ir.actions.act_window",
                "name": fix["name"],
                "res_model": fix["model"],
                "res_id": fix["res_id"],
                "views": [[False, "form"]],
                "target": "current" if fix["res_id"] else "new",
                "context": {"dialog_size": "medium", **fix["context"]},
            },
        }

    # === WHO WAITS FOR THE SAME === #

    @api.model
    def _get_waiting_domain(self, kind, fix):
        """Return which stopped jobs wait for the same thing, as root or as symptom.

        :param fix: see ``ap.sync.rule._prepare_fix``.
        """
        same = {key: fix[key] for key in ("model", "res_id", "context")}
        pattern = json.dumps([{"kind": kind, "fixes": [same]}])
        return (
            Domain("status", "in", ["on_hold", "blocked"])
            & Domain("cause_kinds", "like", f",{kind},")
            & Domain.custom(
                to_sql=lambda model, alias, query: SQL(
                    "%s @> %s::jsonb",
                    model._field_to_sql(alias, "causes", query),
                    pattern,
                )
            )
        )

    @api.model
    def _find_waiting_for_mapping(self, connection, record):
        """Return the jobs that a mapping of this record lets go: those held for want of
        it, and those that failed for what it says now."""
        Rule = self.env["ap.sync.rule"]
        fix = Rule._prepare_fix(**Rule._prepare_mapping_fix(connection, record))
        on_connection = Domain("connection_id", "=", connection.id)
        held = self.search(
            on_connection
            & Domain.OR(self._get_waiting_domain(k, fix) for k in MAPPING_KINDS)
        )
        failed = self.search(
            on_connection
            & Domain("status", "=", "failed")
            & Domain("error_kind", "in", list(MAPPED_BY_KIND))
        )

        def needs_record(job):
            needed = MAPPED_BY_KIND[job.error_kind](job.move_id)
            return needed._name == record._name and record in needed

        return held | failed.filtered(needs_record)

    def _describe_released(self, with_stopped=True):
        """Return in words what became of jobs that waited for a mapping; nothing for
        no jobs.

        :param with_stopped: whether those that still wait are told as well.
        """
        released = self.filtered(lambda job: job.status == "in_progress")
        # Many are left to the dispatcher; see _request_evaluation.
        marked = (self - released).filtered(
            lambda job: job.evaluate_at and job.evaluate_at <= job._now()
        )
        ready = self.filtered(lambda job: job.phase == "ready")
        stopped = self - released - marked - ready
        parts = [
            text % len(jobs)
            for jobs, text in (
                (released, self.env._("%s released")),
                (marked, self.env._("%s go in a moment, if nothing else stops them")),
                (ready, self.env._("%s ready: press Sync")),
                (
                    stopped if with_stopped else self.browse(),
                    self.env._("%s still stopped by another cause"),
                ),
            )
            if jobs
        ]
        return format_list(self.env, parts, "unit") if parts else ""
