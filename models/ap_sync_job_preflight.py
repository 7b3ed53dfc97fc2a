from odoo import models


class ApSyncJob(models.Model):
    """What Sync would make of a job, told without doing it."""

    _inherit = "ap.sync.job"

    def action_check(self):
        """Check these jobs: show what Sync would make of each, and write nothing."""
        self.check_access("read")
        # sudo: as rules are applied; the user may read these jobs.
        return self.env["ap.sync.preflight"]._open(self.sudo()._preflight())

    def _preflight(self):
        """Tell what Sync would make of these jobs. Reads, never writes.

        The jobs may be unsaved ones, of bills that have none yet. Queries grow with
        the number of rules, not of jobs.

        :return: one dict of values of ``ap.sync.preflight`` for each job.
        """
        settled = {job: job._get_preflight_settled() for job in self}
        to_go = self.filtered(lambda job: not settled[job])
        causes = self.env["ap.sync.rule"]._evaluate(to_go)
        rows = []
        for job in self:
            if settled[job]:
                result, message = settled[job]
            elif causes[job]:
                root = causes[job][0]
                result, message = root["action"], root["message"]
            else:
                result, message = "sync", job._get_preflight_message()
            stops = causes.get(job) or []
            rows.append(
                {
                    "move_id": job.move_id.id,
                    "connection_id": job.connection_id.id,
                    "result": result,
                    "message": message,
                    "causes": stops or False,
                    "rule_id": stops[0]["rule_id"] if stops else False,
                }
            )
        return rows

    def _get_preflight_settled(self):
        """Return ``(result, message)`` of a job that Sync leaves alone, or None."""
        self.ensure_one()
        if self._origin and self._needs_decision():
            return "decide", self.env._(
                "A manager looks into the ERP first, and presses Resolve."
            )
        if self.status == "success" and not self._has_more_to_send():
            number = self.erp_number or self.env._("no number")
            return "done", self.env._("It is synced already (%s).", number)
        if self.phase in {"sending", "verifying"}:
            return "done", self.env._("It is on its way to the ERP now.")
        return None

    def _get_preflight_message(self):
        self.ensure_one()
        if self.connection_id.connector == "local":
            return self.env._("Odoo would post it.")
        name = self.connection_id.name
        if not self.erp_id:
            return self.env._("It would be sent to %s.", name)
        if self._is_to_cancel():
            text = self.env._("Bill %(number)s in %(connection)s would be cancelled.")
        elif self.erp_files and not self._is_changed():
            text = self.env._("Bill %(number)s in %(connection)s would get its files.")
        else:
            text = self.env._("Bill %(number)s in %(connection)s would be changed.")
        return text % {"number": self.erp_number or self.erp_id, "connection": name}
