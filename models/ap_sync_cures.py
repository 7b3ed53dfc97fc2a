"""Who cures each kind of error, and where.

The codes are those of ``connectors/kinds.py``. What an unlisted kind needs follows from
its class there, so that a new kind is never without an answer.
"""

from odoo.tools.translate import LazyTranslate

from ..connectors.kinds import AUTO, KINDS

_lt = LazyTranslate(__name__)

#: who: (in words, the group that may)
WHO = {
    "bill": (_lt("Whoever enters the bill"), "account.group_account_invoice"),
    "user": (_lt("Anyone who uses AP Sync"), "ap_sync.group_ap_sync_user"),
    "manager": (_lt("An AP Sync manager"), "ap_sync.group_ap_sync_manager"),
    "administrator": (
        _lt("An AP Sync administrator"),
        "ap_sync.group_ap_sync_administrator",
    ),
    "erp": (_lt("Whoever keeps the records of the ERP"), None),
    "system": (_lt("The administrator of this Odoo"), "base.group_system"),
    "nobody": (_lt("Nobody needs to: it goes by itself"), None),
}

#: What the owner of a held bill mends on the bill itself.
OWN_CURES = {"bill", "user"}

WHO_BY_CLASS = {
    "D": "bill",
    "M": "erp",
    "P": "bill",
    "C": "manager",
    "T": "nobody",
    "X": "manager",
    "U": "manager",
}

WHO_BY_KIND = {
    "gl_account_unmapped": "manager",
    "mapping_changed": "manager",
    "term_unknown": "manager",
    "dimension_invalid": "manager",
    "tax_invalid": "manager",
    "item_invalid": "bill",
    "possible_duplicate": "bill",
    "po_not_received": "erp",
    "ledger_closed": "erp",
    "no_period": "erp",
    "permission_missing": "erp",
    "form_hides_field": "erp",
    "rate_field_hidden": "erp",
    "internal": "system",
    "aborted": "user",
}

#: The field that cures it, where the link leads to a record of that model.
FIELD_BY_KIND = {
    "account.move": {
        "vendor_missing": "partner_id",
        "gl_account_missing": "invoice_line_ids",
        "item_invalid": "invoice_line_ids",
        "tax_form_unsupported": "invoice_line_ids",
        "dimension_missing": "invoice_line_ids",
        "billable_no_customer": "invoice_line_ids",
        "no_lines": "invoice_line_ids",
        "zero_total": "invoice_line_ids",
        "negative_total": "invoice_line_ids",
        "totals_differ": "invoice_line_ids",
        "reference_missing": "ref",
        "date_missing": "invoice_date",
        "due_date_invalid": "invoice_date_due",
        "currency_not_enabled": "currency_id",
        "po_number_too_long": "invoice_origin",
        "period_closed": "date",
        "period_locked": "date",
        "date_outside_period": "date",
        "no_period": "date",
    },
    "res.partner": {"vendor_blocked": "ap_sync_blocked"},
}

#: What the ERP refused and another mapping cures: whose mapping, of a bill.
MAPPED_BY_KIND = {
    **dict.fromkeys(
        [
            "vendor_not_found",
            "vendor_inactive",
            "vendor_name_taken",
            "vendor_not_in_company",
        ],
        lambda move: move.commercial_partner_id,
    ),
    **dict.fromkeys(
        ["gl_account_inactive", "gl_account_wrong_type"],
        lambda move: move.ap_sync_line_ids.account_id,
    ),
    "tax_invalid": lambda move: move.ap_sync_line_ids.tax_ids,
    "dimension_invalid": lambda move: move._get_ap_sync_analytic_accounts(),
    "term_unknown": lambda move: move.invoice_payment_term_id,
}


def get_who(kind):
    """Return who cures a kind of error: a key of ``WHO``.

    :param kind: a code of ``connectors/kinds.py``; an unknown one needs a decision.
    """
    known = KINDS.get(kind)
    if known and known.retry == AUTO:
        return "nobody"
    if known and known.person:
        return "administrator"
    return WHO_BY_KIND.get(kind) or WHO_BY_CLASS[known.cls if known else "U"]


def who_cures(env, kind):
    """Return ``(who, whether the user of ``env`` is one of them)``."""
    text, group = WHO[get_who(kind)]
    you = bool(group) and env.user.has_group(group)
    return env._(text), you  # pylint: disable=unknown-option-value,gettext-variable
