import hashlib
import hmac
import secrets
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.http import STORED_SESSION_BYTES, request

from .. import engine
from ..connectors import ConnectorError, make_connector

#: Where the browser comes back to from the ERP; ``controllers/oauth.py``.
CALLBACK = "/ap_sync/oauth/callback"
#: How long a person may take to consent.
CONSENT_SECONDS = 600


class ApSyncConnection(models.Model):
    """Access that a person gives in the browser (OAuth 2.0, RFC 6749, 4.1): there and
    back. What it brings is kept as a refresh token, see engine/tokens.py."""

    _inherit = "ap.sync.connection"

    #: Empty where the kind of ERP knows no consent.
    consent_label = fields.Char(compute="_compute_consent")
    consent_uri = fields.Char(
        "Redirect URI",
        compute="_compute_consent",
        help="Enter it, exactly so, as redirect URI of your app in the ERP's developer "
        "portal.",
    )

    @api.depends("connector")
    def _compute_consent(self):
        for connection in self:
            profile = connection._get_profile()
            label = profile.consent and self.env._("Connect to %s", profile.name)
            connection.consent_label = label
            connection.consent_uri = label and connection._get_consent_uri()

    def _get_consent_uri(self):
        return f"{self.get_base_url()}{CALLBACK}"

    def _add_consent(self, step):
        """Return the step *Connect* of setting up, which leads on to the consent where
        there is one. A test that is good needs none: the app's own key was enough."""
        if not step["done"] or not self._get_profile().consent:
            return step
        label = self.consent_label
        if self.env["ap.sync.secret"]._has_tokens(self):
            again = self.env._("%s again", label)
            return {**step, "button": "action_open_consent", "label": again}
        if self._prepare_step_test()["done"]:
            return step
        return {
            **step,
            "done": False,
            "text": self.env._(
                "Saved. Press %s and allow the access there; for an app that needs no "
                "consent, such as a Custom Connection, press Test connection.",
                label,
            ),
            "button": "action_open_consent",
            "label": label,
        }

    # === THERE === #

    def action_open_consent(self):
        """Send the browser to the ERP, where a person gives the access."""
        self.ensure_one()
        self.check_access("write")
        stored = self.env["ap.sync.secret"]._is_stored(self)
        if not (self._get_profile().consent and self.login and stored):
            raise UserError(
                self.env._(
                    "Enter the login and the key of your app first, then save. An ERP "
                    "that takes a key alone asks for no consent."
                )
            )
        state = f"{self.id}.{secrets.token_urlsafe(32)}"
        try:
            client = make_connector(self.connector, self._get_settings())
        except ConnectorError as error:
            raise UserError(error.message) from None
        self.env["ap.sync.secret"]._begin_consent(
            self, self._get_consent_digest(state), CONSENT_SECONDS
        )
        return {
            "type": "ir.actions.act_url",
            "url": client.consent_address(self._get_consent_uri(), state),
            "target": "self",
        }

    @api.model
    def _get_consent_digest(self, state):
        """Bind a state to the user and the browser that it was made for. The part of
        the session's id that Odoo keeps while it renews the rest is used; logging out
        ends it."""
        session = request.session.sid[:STORED_SESSION_BYTES] if request else ""
        key = f"{self.env.uid}:{session}".encode()
        return hmac.new(key, state.encode(), hashlib.sha256).hexdigest()

    # === AND BACK === #

    @api.model
    def _finish_consent(self, state, code, error):
        """Take what the browser brought back from the ERP.

        :param state: as it came: nothing of it is believed before it is found.
        :param code: buys the tokens; empty when there is none.
        :param error: the ERP's word for why there is none.
        :return: ``(connection, notice)``: the connection, empty when the state is not
            this user's, and what to tell as ``type``, ``title`` and ``message``.
        """
        connection = self._find_consent(state)
        holder = str(uuid.uuid4())
        if not connection or not self.env["ap.sync.secret"]._take_consent(
            connection, self._get_consent_digest(state), holder
        ):
            return connection, self._prepare_stale_notice()
        if error or not code:
            return connection, connection._prepare_declined_notice(error)
        uri = connection._get_consent_uri()
        try:
            good = engine.finish_consent(self.env, connection.id, holder, code, uri)
        except ConnectorError as problem:
            return connection, connection._prepare_failed_notice(problem)
        return connection, connection._prepare_connected_notice(good)

    @api.model
    def _find_consent(self, state):
        """Return the connection that a state names, if this user may set it up."""
        number = state.partition(".")[0]
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            return self.browse()
        connection = self.browse(int(number)).exists()
        return connection if connection.has_access("write") else self.browse()

    @api.model
    def _prepare_stale_notice(self):
        return {
            "type": "danger",
            "title": self.env._("Not connected"),
            "message": self.env._(
                "This consent is not one that was begun here: it took more than ten "
                "minutes, was used already, was begun anew, or belongs to another "
                "user, browser or address of this Odoo. Nothing has changed. Open the "
                "connection and begin again."
            ),
        }

    def _prepare_declined_notice(self, error):
        if error == "access_denied":
            why = self.env._("The access was declined in the ERP.")
        else:
            why = self.env._(
                "The ERP gave no access, most likely as the app there lacks a right or "
                "this redirect URI."
            )
        return {
            "type": "warning",
            "title": self.env._("Not connected"),
            "message": self.env._(
                "%(why)s Nothing has changed. To try again, press %(button)s and allow "
                "the access.",
                why=why,
                button=self.consent_label,
            ),
        }

    def _prepare_failed_notice(self, problem):
        todo = {
            "token_expired": self.env._("Begin again, and don't reload the page."),
            "sync_overlap": self.env._("Finish the one begun last, or begin again."),
            "erp_unavailable": self.env._("Begin again when it can be reached."),
        }
        return {
            "type": "danger",
            "title": self.env._("Not connected"),
            "message": self.env._(
                "%(what)s Nothing has changed. %(todo)s",
                what=problem.message,
                todo=todo.get(problem.kind) or self._get_todo(problem.kind),
            ),
        }

    def _prepare_connected_notice(self, good):
        if good:
            message = self.env._("The access is stored, and the test found all right.")
            kind = "success"
        else:
            wrong = next((i for i in self.check_result or [] if not i["ok"]), {})
            kind, message = (
                "warning",
                self.env._(
                    "The access is stored. The test found something that is left to "
                    "do: %(what)s %(todo)s Then press Test connection.",
                    what=wrong.get("message") or "",
                    todo=wrong.get("todo") or "",
                ),
            )
        title = self.env._("Connected to %s", self._get_profile().name)
        return {"type": kind, "title": title, "message": message}
