"""The kinds of sync error, as data.

One row per kind of error that accounts-payable products document; those that no
connector raises yet are there for the ERPs to come. The words shown to people are in
``models/ap_sync_guidance.py`` (they are translated, this file is not).

``cls`` says where the cause lies: D our data, M mapping or master data in the ERP,
P period, C connection or permission, T transient, X conflict with what the ERP has,
U outcome unknown.

``retry`` says what a person may do with a bill that failed so: ``fix`` it and press
Sync; ``check`` the ERP first, or ``no``: both ask for a decision (*Resolve*) and no
bulk retry touches them. ``auto`` passes by itself. Whether the engine tries again is
decided by the outcome of the attempt, not by the kind.
"""

from dataclasses import dataclass

AUTO, FIX, CHECK, NO = "auto", "fix", "check", "no"


@dataclass(frozen=True)
class Kind:
    """One kind of error: its code, class letter, retry policy.

    ``person`` marks what only a person can mend on the connection itself: all its
    jobs are held until that is done, instead of failing one after the other.
    """

    code: str
    cls: str
    retry: str
    person: bool = False


def _kinds(cls, retry, *codes, person=False):
    return [Kind(code, cls, retry, person) for code in codes]


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in [
        # -- Vendors
        *_kinds(
            "M",
            FIX,
            "vendor_not_found",
            "vendor_inactive",
            "vendor_on_hold",
            "vendor_name_taken",
            "vendor_id_missing",
            "vendor_no_payable_account",
            "vendor_not_in_company",
        ),
        *_kinds("X", CHECK, "vendor_changed_in_erp"),
        *_kinds("D", FIX, "vendor_missing"),
        # -- GL accounts, items, taxes, dimensions, terms, currency
        *_kinds("D", FIX, "gl_account_missing"),
        *_kinds(
            "M",
            FIX,
            "gl_account_unmapped",
            "gl_account_inactive",
            "gl_account_duplicate",
            "gl_account_wrong_type",
            "item_invalid",
            "tax_invalid",
            "dimension_invalid",
            "project_not_linked",
            "term_unknown",
            "currency_not_enabled",
            "mapping_changed",
        ),
        *_kinds(
            "D",
            FIX,
            "tax_form_unsupported",
            "dimension_missing",
            "billable_no_customer",
        ),
        # -- The bill's own fields
        *_kinds(
            "D",
            FIX,
            "field_missing",
            "reference_missing",
            "date_missing",
            "due_date_invalid",
            "no_lines",
            "zero_total",
            "negative_total",
            "text_too_long",
            "po_not_matched",
            "po_number_too_long",
            "attachment_missing",
            "attachment_refused",
            "invalid_data",
            "totals_differ",
        ),
        # -- Periods
        *_kinds(
            "P",
            FIX,
            "period_closed",
            "period_locked",
            "date_outside_period",
            "ledger_closed",
            "no_period",
        ),
        *_kinds("P", NO, "period_closed_update"),
        # -- Conflicts with what the ERP has
        *_kinds(
            "X",
            CHECK,
            "duplicate_bill",
            "duplicate_payment",
            "nothing_due",
            "bill_missing_in_erp",
            "edited_in_erp",
            "both_changed",
        ),
        *_kinds("X", NO, "bill_paid_in_erp", "credit_applied", "update_unsupported"),
        *_kinds("X", FIX, "po_not_received", "already_posted", "booked_differently"),
        *_kinds("X", AUTO, "stale_version"),
        # -- The connection: a person has to mend it
        *_kinds(
            "C",
            FIX,
            "token_expired",
            "credentials_wrong",
            "secret_unreadable",
            "integration_user_lost",
            "connection_inactive",
            "address_wrong",
            "address_refused",
            "redirected",
            "certificate_invalid",
            "company_wrong",
            person=True,
        ),
        *_kinds(
            "C", FIX, "permission_missing", "form_hides_field", "rate_field_hidden"
        ),
        # -- Passing
        *_kinds(
            "T",
            AUTO,
            "rate_limited",
            "rate_limited_daily",
            "concurrency_limit",
            "erp_unavailable",
            "sync_overlap",
            "not_sent_in_time",
        ),
        # -- Outcome unknown: look into the ERP first, always
        *_kinds("U", CHECK, "no_answer", "answer_unreadable", "outcome_unknown"),
        *_kinds("U", CHECK, "internal"),
        # -- Rules of our own (block or hold before anything is sent)
        *_kinds("C", FIX, "rule", "vendor_blocked", "vendor_unmapped", "tax_unmapped"),
        *_kinds("C", FIX, "connection_paused", "possible_duplicate"),
        # -- A manager's decision
        *_kinds("C", FIX, "aborted"),
        *_kinds("D", FIX, "bill_cancelled", "bill_not_posted"),
    ]
}
