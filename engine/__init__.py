"""When and how jobs move: the only place that opens cursors, commits or starts
threads.

One bill, from queued to Success::

    T1 claim    own transaction: lock what is due, apply the rules again, freeze the
                document, write the attempts, take a lease; commit
    T2 send     no transaction open: many bills at once, a deadline for each
    T3 record   own transaction: guarded by the lease's token, tried again alone
    T4 effects  own transaction: chatter and activities; may run again harmlessly

    resolve     after an unclear answer: wait, ask the ERP, then adopt, re-send or stop
    reap        every minute: what a crash left behind, what nobody woke
    restored    another database than before: the ERP is asked before a bill is sent
    compare     once a day: does the ERP still have what was synced?
    digest      once a day: a mail for each user whose bills are not all there
    retention   once a day: attempts older than their company keeps them

``models`` come in by the functions here and by nothing else. Those that may ask the ERP
end the caller's transaction first, all but one, so that none of ours is open meanwhile.
"""

import logging

from . import (
    alarm,
    compare,
    consent,
    digest,
    dispatcher,
    probe,
    reaper,
    restored,
    retention,
    worker,
)

_logger = logging.getLogger(__name__)


def dispatch(env, connection_id):
    """Send what is due on one connection; called by its scheduled action. Returns when
    that is done, or when all that is left is to wait for the ERP.

    :param env: the environment of the scheduled action; its transaction is committed.
    """
    env["ir.cron"]._commit_progress()
    _serve(env.registry, connection_id, by="scheduler")


def dispatch_in_queue_job(env, connection_id):
    """Send what is due on one connection; called by a job of OCA queue_job.

    ``env``'s transaction is the one that can't be ended: queue_job holds a row lock in
    it, by which its runner knows that the job is alive, and forbids commits. So it is
    left alone and lies idle for as long as a run lasts (``BUDGET`` and ``GRACE`` of the
    dispatcher); the scheduler keeps one like it. It holds nothing that ours wait for:
    that lock, and a snapshot. All we do is done on cursors of our own, and is committed
    and right whatever becomes of that transaction.

    A job that is killed is started again by queue_job, one that failed is not. Neither
    matters: what it had claimed is mended by the reaper, what is still due is woken by
    it. So this never raises; a failed job would only stand in queue_job's list and ask
    for a person.
    """
    try:
        _serve(env.registry, connection_id, by="queue_job")
    except Exception:
        _logger.exception("AP Sync: connection %s was not served", connection_id)


def _serve(registry, connection_id, by):
    worker.lend(
        lambda lent: dispatcher.run(registry, connection_id, by=by, worker=lent)
    )


def wake_at(env, connection_id, at):
    """Have the scheduler come for a connection's action at a time that was set for it,
    once the caller's transaction is committed.

    :param at: UTC. Odoo's workers come up to a minute after it where this fails.
    """
    seconds = (at - env.cr.now()).total_seconds()
    if seconds > 0:
        dbname = env.cr.dbname
        env.cr.postcommit.add(
            lambda: alarm.clock.set(dbname, f"connection {connection_id}", seconds)
        )


def reap(env):
    """Mend what crashes left behind and wake what is due; called every minute."""
    env["ir.cron"]._commit_progress()
    reaper.run(env.registry)


def remove_old_attempts(env):
    """Remove the attempts that were kept long enough; called once a day.

    :return: ``(removed, more)``: how many, and whether some may be left.
    """
    env["ir.cron"]._commit_progress()
    return retention.run(env.registry)


def compare_with_erps(env):
    """Ask the ERPs whether they still have what was synced; called once a day.

    :return: whether some bills are left for another run.
    """
    env["ir.cron"]._commit_progress()
    return compare.run(env.registry)


def send_digests(env):
    """Send the daily mails; called once a day."""
    env["ir.cron"]._commit_progress()
    digest.run(env.registry)


def check_connection(env, connection_id):
    """Ask the ERP item by item what is right and wrong, and store the result."""
    env.cr.commit()
    probe.check_connection(env.registry, connection_id)
    env.invalidate_all()


def finish_consent(env, connection_id, holder, code, redirect_uri):
    """Buy tokens with what a person's consent has brought, store them, and test the
    connection.

    :param holder: who was given the consent by ``ap.sync.secret._take_consent``; that
        is committed here, before the ERP is called: a code is good for one call.
    :return: whether the test found all right.
    :raise ConnectorError: when there are no tokens; those of before stay.
    """
    env.cr.commit()
    consent.finish(env.registry, connection_id, holder, code, redirect_uri)
    good = probe.check_connection(env.registry, connection_id)
    env.invalidate_all()
    return good


def refresh_data(env, connection_id):
    """Pull the ERP's master data and propose mappings.

    :return: the notification that says how many records came.
    """
    env.cr.commit()
    action = probe.refresh_data(env.registry, connection_id, env.context)
    env.invalidate_all()
    return action


def get_database_identity(env):
    """Return a text that tells this database from the same restored, copied or failed
    over. Asks PostgreSQL in the caller's transaction, which goes on."""
    return restored.get_identity(env)
