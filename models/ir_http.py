from odoo import models
from odoo.http import request

#: In the browser's session: what the next page of the web client tells, once.
NOTICE = "ap_sync_notice"


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        """Override of `web`: a redirect can't tell anything; the page it leads to can
        (static/src/notice)."""
        info = super().session_info()
        if NOTICE in request.session:
            info[NOTICE] = request.session.pop(NOTICE)
        return info
