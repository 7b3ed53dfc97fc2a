"""Send the daily mails, each in a transaction of its own."""

from .transaction import now, transact


def run(registry):
    """Mail every user who wants it and has something to look after, once a day.

    A crash ends in the middle; the next call goes on with those who got none today.
    """
    for user_id in transact(registry, _find_readers):
        transact(registry, _mail, user_id)


def _find_readers(env):
    """Return the ids of the users who got no mail today and may get one."""
    users = env.ref("ap_sync.group_ap_sync_user").all_user_ids
    today = now(env).date()
    return users.filtered(
        lambda user: (
            user.active
            and user.ap_sync_daily_digest
            and user.email
            and user.ap_sync_digest_on != today
        )
    ).ids


def _mail(env, user_id):
    user = env["res.users"].browse(user_id)
    if env["ap.sync.job"]._mail_digest(user):
        user.ap_sync_digest_on = now(env).date()
