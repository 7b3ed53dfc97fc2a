import threading

from odoo import models


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _post_dispatch(cls, response):
        """Tell the bench what a request cost PostgreSQL, as Odoo's own log would."""
        thread = threading.current_thread()
        response.headers["X-Speed-Queries"] = thread.query_count
        response.headers["X-Speed-Sql-Seconds"] = thread.query_time
        return super()._post_dispatch(response)
