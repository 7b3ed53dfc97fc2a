from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, config

from ..connectors import ConnectorError, Outcome
from ..connectors.tokens import Tokens

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
    # Of an ERP that gives new tokens all the time: see engine/tokens.py.
    refresh_token = fields.Char()
    access_token = fields.Char()
    access_until = fields.Float()  # seconds since 1970
    tokens_sealed = fields.Boolean("Tokens Encrypted")
    renewing_by = fields.Char()
    renewing_until = fields.Datetime()

    _connection_uniq = models.UniqueIndex("(connection_id)")

    @api.model
    def _store(self, connection, value):
        """Keep the API key of one connection; an empty value forgets it.

        :raise UserError: when it can't be encrypted.
        """
        sealed, value = _seal(self.env, value)
        # Every race is lost before the key is part of a query: failed ones are logged,
        # here and by PostgreSQL.
        self._lock_row(connection)
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

    @api.model
    def _store_refresh_token(self, connection, token):
        """Keep a refresh token that a person entered or a consent gave, instead of all
        tokens that are there; an empty one forgets them. A renewal under way will find
        that it has lost its lease.

        :raise UserError: when it can't be encrypted.
        """
        self._write_tokens(connection, Tokens(refresh=token or ""))

    @api.model
    def _has_tokens(self, connection):
        """Tell whether the connection has a refresh token."""
        return bool(
            self.env.execute_query(
                SQL(
                    "SELECT 1 FROM ap_sync_secret"
                    " WHERE connection_id = %s AND refresh_token IS NOT NULL",
                    connection.id,
                )
            )
        )

    @api.model
    def _read_tokens(self, connection):
        """Return the ``Tokens`` of one connection, for its client and nobody else.

        :raise ConnectorError: ``secret_unreadable``, when they can't be decrypted.
        """
        for refresh, access, until, sealed in self.env.execute_query(
            SQL(
                "SELECT refresh_token, access_token, access_until, tokens_sealed"
                " FROM ap_sync_secret WHERE connection_id = %s",
                connection.id,
            )
        ):
            if sealed:
                refresh = refresh and _open(self.env, refresh)
                access = access and _open(self.env, access)
            return Tokens(access or "", refresh or "", until or 0.0)
        return Tokens()

    @api.model
    def _lock_renewal(self, connection):
        """Lock the row; return the seconds that somebody's lease has left, or 0."""
        self.env.cr.execute(
            SQL(
                "SELECT extract(epoch FROM renewing_until"
                " - clock_timestamp() AT TIME ZONE 'UTC')"
                " FROM ap_sync_secret WHERE connection_id = %s FOR UPDATE",
                connection.id,
            ),
            log_exceptions=False,  # of a lost race, which is tried again
        )
        left = self.env.cr.fetchone()
        return max(0.0, float(left and left[0] or 0))

    @api.model
    def _write_renewal(self, connection, holder, seconds):
        """Give the lease to somebody, on a row that is locked.

        :raise ConnectorError: ``secret_unreadable``, when what they will bring could
            not be encrypted: it would be lost, and the old tokens with it.
        """
        self._check_can_seal()
        self.env.cr.execute(
            SQL(
                "UPDATE ap_sync_secret SET renewing_by = %s, renewing_until ="
                " clock_timestamp() AT TIME ZONE 'UTC' + %s * interval '1 second'"
                " WHERE connection_id = %s",
                holder,
                seconds,
                connection.id,
            )
        )

    @api.model
    def _end_renewal(self, connection, holder, tokens):
        """Store what the holder of the lease got, and take the lease back.

        :param tokens: None when it got nothing.
        :return: False, with nothing changed, when the lease is no longer its own.
        """
        self.env.cr.execute(
            SQL(
                "SELECT 1 FROM ap_sync_secret"
                " WHERE connection_id = %s AND renewing_by = %s FOR UPDATE",
                connection.id,
                holder,
            ),
            log_exceptions=False,
        )
        if not self.env.cr.fetchone():
            return False
        self._write_tokens(connection, tokens or self._read_tokens(connection))
        return True

    def _write_tokens(self, connection, tokens):
        sealed, refresh = _seal(self.env, tokens.refresh)
        _sealed, access = _seal(self.env, tokens.access)
        # As with the key: every race is lost before a token is part of a query.
        self._lock_row(connection)
        self.env.cr.execute(
            SQL(
                "UPDATE ap_sync_secret SET refresh_token = %s, access_token = %s,"
                " access_until = %s, tokens_sealed = %s,"
                " renewing_by = NULL, renewing_until = NULL"
                " WHERE connection_id = %s",
                refresh or None,
                access or None,
                tokens.until,
                sealed,
                connection.id,
            ),
            log_exceptions=False,
        )

    def _check_can_seal(self):
        if config.get(OPTION):
            _fernets(self.env)

    def _lock_row(self, connection):
        for query in (
            "INSERT INTO ap_sync_secret (connection_id) VALUES (%s)"
            " ON CONFLICT DO NOTHING",
            "SELECT 1 FROM ap_sync_secret WHERE connection_id = %s FOR UPDATE",
        ):
            self.env.cr.execute(SQL(query, connection.id), log_exceptions=False)

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
            self._seal_tokens(connection, first)

    def _seal_tokens(self, connection, first):
        """Encrypt the tokens with this key, unless they are, or are being renewed:
        then they are about to be written anyway."""
        for sealed, refresh in self.env.execute_query(
            SQL(
                "SELECT tokens_sealed, refresh_token FROM ap_sync_secret"
                " WHERE connection_id = %s AND refresh_token IS NOT NULL"
                " AND renewing_by IS NULL FOR UPDATE SKIP LOCKED",
                connection.id,
            )
        ):
            try:
                if not sealed or not _decrypt(first, refresh):
                    self._write_tokens(connection, self._read_tokens(connection))
            except ConnectorError:
                return


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
