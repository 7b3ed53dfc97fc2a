from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, config

from ..connectors import ConnectorError, Outcome

#: In odoo.conf: Fernet keys, separated by commas. The first one encrypts, all decrypt.
OPTION = "ap_sync_secret_keys"
#: What is shown instead of a key that is stored.
HIDDEN = "•" * 12


class ApSyncSecret(models.Model):
    """The API keys of connections, encrypted if odoo.conf has a key for that.

    In a table of their own that nobody has a right to: PostgreSQL quotes the whole row
    when it refuses one value of it, Odoo logs that, and so a bad time limit would put
    the API key of its connection into the log.
    """

    _name = "ap.sync.secret"
    _description = "AP Sync Secret"
    _log_access = False

    connection_id = fields.Many2one(
        "ap.sync.connection", required=True, ondelete="cascade"
    )
    value = fields.Char()
    sealed = fields.Boolean("Encrypted")

    _connection_uniq = models.UniqueIndex("(connection_id)")

    @api.model
    def _store(self, connection, value):
        """Keep the API key of one connection; an empty value forgets it.

        :raise UserError: when it can't be encrypted.
        """
        sealed, value = _seal(self.env, value)
        # Every race is lost before the key is part of a query: failed ones are logged,
        # here and by PostgreSQL.
        for query in (
            "INSERT INTO ap_sync_secret (connection_id) VALUES (%s)"
            " ON CONFLICT DO NOTHING",
            "SELECT 1 FROM ap_sync_secret WHERE connection_id = %s FOR UPDATE",
        ):
            self.env.cr.execute(SQL(query, connection.id), log_exceptions=False)
        self.env.cr.execute(
            SQL(
                "UPDATE ap_sync_secret SET value = %s, sealed = %s"
                " WHERE connection_id = %s",
                value or None,
                sealed,
                connection.id,
            ),
            log_exceptions=False,
        )

    @api.model
    def _reveal(self, connection):
        """Return the API key of one connection, for its client and nobody else.

        :raise ConnectorError: ``secret_unreadable``, when it can't be decrypted.
        """
        for value, sealed in self._read_rows(connection):
            return _open(self.env, value) if sealed else value
        return ""

    @api.model
    def _is_stored(self, connection):
        return bool(self._read_rows(connection))

    def _read_rows(self, connection):
        return self.env.execute_query(
            SQL(
                "SELECT value, sealed FROM ap_sync_secret"
                " WHERE connection_id = %s AND value IS NOT NULL",
                connection.id,
            )
        )

    @api.autovacuum
    def _seal_all(self):
        """Encrypt what is not encrypted with the first key of odoo.conf; every night.
        What can't be decrypted stays as it is."""
        if not config.get(OPTION):
            return
        try:
            first = _fernets(self.env)[0]
        except ConnectorError:
            return  # the connections say so themselves
        Connection = self.env["ap.sync.connection"].with_context(active_test=False)
        for connection in Connection.search([("connector", "!=", "local")]):
            for value, sealed in self._read_rows(connection):
                try:
                    if not sealed or not _decrypt(first, value):
                        self._store(connection, self._reveal(connection))
                except ConnectorError:
                    continue


def _seal(env, value):
    """Return ``(whether it is encrypted, the value to store)``."""
    if not value or not config.get(OPTION):
        return False, value
    try:
        return True, MultiFernet(_fernets(env)).encrypt(value.encode()).decode()
    except ConnectorError as error:
        raise UserError(error.message) from None


def _open(env, value):
    if not config.get(OPTION):
        raise _unreadable(
            env._("The API key is encrypted, and odoo.conf has no %s.", OPTION)
        )
    secret = _decrypt(MultiFernet(_fernets(env)), value)
    if secret is None:
        raise _unreadable(
            env._("The API key is encrypted with a key that odoo.conf does not have.")
        )
    return secret


def _decrypt(fernet, value):
    try:
        return fernet.decrypt(value.encode()).decode()
    except InvalidToken:
        return None


def _fernets(env):
    keys = [key.strip() for key in config[OPTION].split(",") if key.strip()]
    try:
        return [Fernet(key) for key in keys]
    except ValueError:
        # Its words would not quote the key today; they are left out all the same.
        raise _unreadable(
            env._("A key in %s of odoo.conf is not a valid Fernet key.", OPTION)
        ) from None


def _unreadable(message):
    return ConnectorError("secret_unreadable", message, Outcome.NOT_SENT)
