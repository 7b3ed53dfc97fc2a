"""The keys of what we make in another Odoo: external ids in a namespace of ours."""

from .base import ConnectorError, Outcome
from .odoo_errors import from_exception, is_rolled_back
from .odoo_rpc import Session

#: Module part of the external ids we make in the ERP: no module may be called so.
NAMESPACE = "__ap_sync__"


def find_key(odoo: Session, key: str) -> int | None:
    """Return the ERP's id of the record we made under a key, or ``None``.

    Odoo has no other way to ask that a plain accounting user may use; a key that is
    not there is an error there (and a traceback in its log), hence only asked when
    there is doubt.

    :raise ConnectorError: ``permission_missing`` when it is there, but not for us.
    """
    try:
        _model, record = odoo.ask(
            "ir.model.data",
            "check_object_reference",
            module=NAMESPACE,
            xml_id=key,
            context={"active_test": False},
        )
    except ConnectorError as error:
        if "External ID not found" in error.message:
            return None
        raise
    if not record:
        raise ConnectorError(
            "permission_missing",
            f"The ERP has a record {NAMESPACE}.{key}, but hides it from this key.",
            Outcome.REJECTED,
        )
    return record


def get_or_create(odoo: Session, model: str, key: str, values: dict, call) -> int:
    """Return the id of the record with our key, made with the values if it is new; see
    ``get_or_create_many``."""
    return get_or_create_many(odoo, model, [key], values, call)[0]


def get_or_create_many(
    odoo: Session, model: str, keys: list[str], values: dict, call
) -> list[int]:
    """Return the ids of the records with our keys, those that are new made with the
    values.

    One atomic step: ``load`` looks for the external id, and a unique index guards it.
    The values go as defaults, not as columns: columns would be written again into a
    record that is there, which empties or changes it (a posted bill moved to today's
    date).

    :param call: ``odoo.do``, or ``odoo.ask`` when a lost answer does no harm.
    """
    defaults = {f"default_{name}": value for name, value in values.items() if value}
    for pause in (0.2, 0.5, 1.0, 2.0, None):
        result = call(
            model,
            "load",
            fields=["id"],
            data=[[f"{NAMESPACE}.{key}"] for key in keys],
            context=defaults,
        )
        if not isinstance(result, dict):
            raise ConnectorError(
                "answer_unreadable", "The ERP's answer could not be understood."
            )
        if result.get("ids"):
            return result["ids"]
        message = _first_error(result)
        # Of several that do this at once all but one fail; then it is there.
        if not is_rolled_back(message):
            raise from_exception("UserError", message, odoo.rpc.transport.redact)
        if pause is None or not odoo.sleep(pause):
            break
    raise ConnectorError("concurrency_limit", message, Outcome.NOT_SENT)


def _first_error(result):
    texts = [str(one.get("message", "")) for one in result.get("messages") or []]
    return next(
        (text for text in texts if text), "The ERP refused it and gave no reason."
    )
