from odoo import api, fields, models
from odoo.tools import SQL


class ApSyncSecret(models.Model):
    """The consent that somebody is giving in the browser: who may bring it back, and
    that it is brought back once. What becomes of it: engine/consent.py."""

    _inherit = "ap.sync.secret"

    consent_digest = fields.Char()  # of the state, the user and the browser's session
    consent_until = fields.Datetime()
    consent_holder = fields.Char()  # who buys the tokens right now

    @api.model
    def _begin_consent(self, connection, digest, seconds):
        """Expect a consent; those begun before come to nothing.

        :param digest: by which it is known when it comes back.
        :param seconds: for so long, by PostgreSQL's clock.
        """
        self._lock_row(connection)
        self.env.cr.execute(
            SQL(
                "UPDATE ap_sync_secret SET consent_digest = %s, consent_holder = NULL,"
                " consent_until = clock_timestamp() AT TIME ZONE 'UTC'"
                " + %s * interval '1 second' WHERE connection_id = %s",
                digest,
                seconds,
                connection.id,
            )
        )

    @api.model
    def _take_consent(self, connection, digest, holder):
        """Let this holder, and nobody after it, finish the consent.

        :return: False, with nothing changed, when no such consent is expected, or no
            longer. Of two at once one gets it: the other's transaction fails, is run
            again by Odoo, and finds nothing.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE ap_sync_secret SET consent_digest = NULL,"
                " consent_until = NULL, consent_holder = %s"
                " WHERE connection_id = %s AND consent_digest = %s"
                " AND consent_until > clock_timestamp() AT TIME ZONE 'UTC'"
                " RETURNING id",
                holder,
                connection.id,
                digest,
            ),
            log_exceptions=False,  # of a lost race
        )
        return bool(self.env.cr.fetchone())

    @api.model
    def _end_consent(self, connection, holder, tokens):
        """Store what the holder got instead of all tokens that are there.

        :return: False, with nothing changed, when another consent was begun since.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE ap_sync_secret SET consent_holder = NULL"
                " WHERE connection_id = %s AND consent_holder = %s RETURNING id",
                connection.id,
                holder,
            ),
            log_exceptions=False,  # of a lost race, which is tried again
        )
        if not self.env.cr.fetchone():
            return False
        self._write_tokens(connection, tokens)
        return True
