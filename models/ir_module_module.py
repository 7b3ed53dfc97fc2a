from odoo import models
from odoo.exceptions import UserError


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def button_uninstall(self):
        """Override of `base`: AP Sync stays while bills are under way. Only its jobs
        and attempts tell which of them the ERP may have got already.

        This is where every way to uninstall passes (the page, the command line, an app
        that AP Sync depends on) before anything is changed; an ``uninstall_hook`` comes
        when Odoo has committed that it goes.

        :raise UserError: while a job is In Progress.
        """
        self.check_access("write")
        leaving = self | self.downstream_dependencies()
        if "ap_sync" in leaving.mapped("name"):
            self._check_no_ap_sync_job_open()
        return super().button_uninstall()

    def _check_no_ap_sync_job_open(self):
        # sudo: who uninstalls need not see the jobs of all companies.
        count = (
            self.env["ap.sync.job"]
            .sudo()
            .search_count([("status", "=", "in_progress")])
        )
        if count:
            raise UserError(
                self.env._(
                    "AP Sync has bills In Progress (%s), and with it would go all that "
                    "is known of them. Pause its connections, wait until none is In "
                    "Progress any more (or abort those that are), then uninstall it.",
                    count,
                )
            )
