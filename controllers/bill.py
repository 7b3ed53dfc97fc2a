from werkzeug.exceptions import NotFound

from odoo.http import Controller, request, route


class ApSyncBill(Controller):
    """The way back: an ERP that keeps a link with its bill has this one."""

    @route("/ap_sync/bill/<string:key>", type="http", auth="user", methods=["GET"])
    def bill(self, key):
        """Lead to the bill that was sent under a key.

        :param key: the idempotency key of the job, or of an attempt: a bill that was
            changed since has another one.
        :raise NotFound: also when the user may not see the bill's job.
        """
        job = request.env["ap.sync.job"].search([("key", "=", key)], limit=1)
        if not job:
            attempts = request.env["ap.sync.attempt"]
            job = attempts.search([("key", "=", key)], limit=1).job_id
        if not job:
            raise NotFound
        return request.redirect(f"/odoo/account.move/{job.move_id.id}")
