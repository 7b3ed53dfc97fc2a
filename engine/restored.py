"""Notice that the database is not the one a connection was last served in: restored
from a backup, copied, or failed over to a standby.

What was sent in the time that is lost is in the ERP and on no record here, so no bill
is sent before the ERP was asked whether it has it. That is one call too many for each
bill when nothing was lost, which can't be told apart. An ERP that honours keys is asked
as well: what was refused and corrected in that time went under a key that is lost.

A disk that is put back as it was (a snapshot of a volume or a virtual machine, files of
a backup without recovery) looks the same from within. The README says what to do then.
"""

import logging

import psycopg2

from odoo.tools import SQL

from ..connectors import CONNECTORS, Capability
from . import schedule
from .transaction import now

_logger = logging.getLogger(__name__)

#: Managed databases and forks may not tell, or not know, what is asked of them.
UNTOLD = (psycopg2.ProgrammingError, psycopg2.NotSupportedError)


def get_identity(env):
    """Return a text that is another one after a restore, a copy or a failover.

    A new cluster has another system identifier, a promoted standby and a recovery to
    a point in time another timeline, a database made anew another oid, and what was
    restored into the same database has tables of other oids.
    """
    place = SQL(
        "(SELECT oid FROM pg_database WHERE datname = current_database()),"
        " 'ap_sync_connection'::regclass::oid"
    )
    try:
        with env.cr.savepoint(flush=False):
            # The timeline of what is being written: that of the last checkpoint is
            # still the old one for a while after a promotion.
            cluster = SQL(
                "(pg_control_system()).system_identifier,"
                " left(pg_walfile_name(pg_current_wal_lsn()), 8)"
            )
            return _read_identity(env, SQL("%s, %s", cluster, place))
    except UNTOLD:
        return _read_identity(env, place)


def _read_identity(env, parts):
    env.cr.execute(SQL("SELECT concat_ws('/', %s)", parts), log_exceptions=False)
    return env.cr.fetchone()[0]


def notice(env, connection_id, known):
    """Mark what may have been sent already if this is another database than before.

    Part of the transaction that takes the connection's lease, so that nothing is
    claimed in between.

    :param known: the identity of the database in which it was served last, if any.
    """
    identity = get_identity(env)
    if identity == known:
        return
    connection = env["ap.sync.connection"].browse(connection_id)
    connection.database_identity = identity
    if not known or connection.connector == "local":
        return  # Odoo's own ledger was restored with its jobs
    # All that is not settled: also what is held may have been let go and sent, and
    # what failed may have been mended. An update of a bill that is known there is
    # harmless twice.
    env.cr.execute(
        SQL(
            """
            UPDATE ap_sync_job SET look_first = true
             WHERE connection_id = %s AND status != 'success' AND erp_id IS NULL
            """,
            connection_id,
        )
    )
    _logger.warning(
        "AP Sync: connection %s was last served in another database (this one is"
        " restored, a copy, or was a standby); %s bills wait for a look into the ERP",
        connection_id,
        env.cr.rowcount,
    )
    connection.message_post(
        body=env._(
            "This database was restored from a backup, copied, or failed over. What "
            "was sent in the meantime is not on record here, so the ERP is asked "
            "before any of the bills that wait is sent; where it can't be asked, a "
            "manager decides. What was entered in the lost time is in the ERP alone."
        )
    )


def ask_first(jobs):
    """Have the ERP asked about marked jobs of a connection whose turn to be sent has
    come.

    The mark stays until the answer is clear, whatever crashes. Where the ERP can't be
    asked, a person has to look.
    """
    connection = jobs.connection_id
    connector = CONNECTORS[connection.connector]  # never the local ledger
    if connector.capability == Capability.NONE:
        message = jobs.env._(
            "The database was restored from a backup, copied, or failed over: the bill "
            "may have been sent before, and this ERP can't be asked."
        )
        jobs._update_status(
            "fail",
            next_try_at=False,
            effects_due=True,
            **jobs._prepare_error_values("outcome_unknown", message),
        )
        return
    message = jobs.env._(
        "The database was restored from a backup, copied, or failed over: the ERP is "
        "asked whether the bill was sent before."
    )
    # After a failover the ERP may still be busy with what was sent just before.
    settle = connection._get_settle_seconds(connector)
    jobs._update_status(
        "ask_first",
        next_try_at=schedule.after(now(jobs.env), settle),
        # The window of a backup from last week would be over at once.
        retry_since=False,
        retry_count=0,
        **jobs._prepare_error_values("no_answer", message),
    )
