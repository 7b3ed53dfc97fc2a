"""What outcomes say of the connection as a whole: its circuit breaker, how long its ERP
asks to be left alone, and what only a person can mend."""

from ..connectors.kinds import KINDS
from . import schedule
from .transaction import now


def record(env, jobs, troubles):
    """Open, close or give up the connection's circuit breaker, honour its wishes.

    :param jobs: the jobs of one connection that were served together.
    :param troubles: for each outcome the ``ConnectorError`` that tells of a trouble of
        the connection, or None.
    :return: whether the ERP is at work: it answered, and nothing was to be noted.
    """
    connection = jobs.connection_id
    # What did not get its turn says nothing of the ERP.
    troubles = [t for t in troubles if not t or t.kind != "not_sent_in_time"]
    errors = [trouble for trouble in troubles if trouble]
    stops = [error for error in errors if KINDS[error.kind].person]
    if stops:
        connection._set_attention(stops[0].kind, stops[0].message)
    if connection.attention_kind:
        # It may have been stopped by an earlier answer of this round, before these
        # jobs came back: they are held with the others.
        jobs.filtered(lambda job: job.phase == "retrying")._evaluate()
        return False
    again = connection.failures >= schedule.BREAKER_AFTER
    if len(errors) < len(troubles):
        if connection.failures:
            connection.write({"failures": 0, "failing_since": False})
            connection._bring_forward(now(env))
    elif errors:
        _count_failures(env, connection, errors)
    waits = [error.retry_after for error in errors if error.retry_after]
    if waits:
        asked = schedule.after(now(env), max(waits))
        if again and connection.failures and connection.not_before:
            # It had its wait and takes nothing still: no more calls than in an outage.
            asked = max(asked, connection.not_before)
        connection.write({"not_before": asked})
    return bool(troubles) and not errors


def _count_failures(env, connection, errors):
    since = connection.failing_since or now(env)
    values = {"failing_since": since}
    # What was under way when the breaker opened says nothing more of the ERP.
    if not connection.not_before or connection.not_before <= now(env):
        failures = schedule.count_failures(connection.failures, len(errors))
        values["failures"] = failures
        if pause := schedule.breaker_pause(failures):
            values["not_before"] = now(env) + pause
    connection.write(values)
    if now(env) - since >= schedule.BREAKER_LONG:
        connection._set_attention(
            "erp_unavailable",
            env._("It did not answer for a day: %s", errors[-1].message),
        )
