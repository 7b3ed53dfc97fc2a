from odoo.http import Controller, request, route

from ..models.ap_sync_connection_consent import CALLBACK
from ..models.ir_http import NOTICE


class ApSyncOauth(Controller):
    """The way back from an ERP in which a person has given access."""

    @route(CALLBACK, type="http", auth="user", methods=["GET"])
    def callback(self, state="", code="", error="", **_others):
        """Finish a consent and lead to its connection, which tells how it went.

        The query holds secrets for as long as the exchange takes: nothing of it is
        logged, put into a page or sent on, and the browser leaves it with the answer.

        :param state: see ``ap.sync.connection._finish_consent``.
        """
        connection, notice = request.env["ap.sync.connection"]._finish_consent(
            state, code, error
        )
        request.session[NOTICE] = notice
        # Without an id: whose state it is not learns of no connection.
        place = f"/{connection.id}" if connection else ""
        response = request.redirect(f"/odoo/ap-sync-connections{place}")
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response
