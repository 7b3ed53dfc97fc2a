"""The words for each kind of error: what it is called and what to do about it.

The codes are those of ``connectors/kinds.py``; a test keeps the two in step. They
stand here because they are translated.
"""

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

FALLBACK = "outcome_unknown"

#: code: (title, what to do)
GUIDANCE = {
    # -- Vendors
    "vendor_not_found": (
        _lt("Vendor not in the ERP"),
        _lt("Create the vendor in the ERP or map it to an existing one, then Sync."),
    ),
    "vendor_inactive": (
        _lt("Vendor inactive in the ERP"),
        _lt("Reactivate the vendor in the ERP or map it to another one, then Sync."),
    ),
    "vendor_on_hold": (
        _lt("Vendor on hold in the ERP"),
        _lt("Lift the vendor's hold in the ERP, then Sync."),
    ),
    "vendor_name_taken": (
        _lt("Vendor name already used"),
        _lt("Map the vendor to the ERP record of that name, or rename one, then Sync."),
    ),
    "vendor_id_missing": (
        _lt("Vendor number missing"),
        _lt("Give the vendor a number in the ERP, then Sync."),
    ),
    "vendor_no_payable_account": (
        _lt("Vendor without payable account"),
        _lt("Set the payable account on the vendor in the ERP, then Sync."),
    ),
    "vendor_not_in_company": (
        _lt("Vendor not in this ERP company"),
        _lt("Give the vendor to the ERP company of this connection, then Sync."),
    ),
    "vendor_changed_in_erp": (
        _lt("Vendor changed in the ERP"),
        _lt("Compare the bill in the ERP, then press Resolve."),
    ),
    "vendor_missing": (
        _lt("Vendor missing"),
        _lt("Choose the vendor on the bill."),
    ),
    # -- Accounts, items, taxes, dimensions, terms, currency
    "gl_account_missing": (
        _lt("GL account missing"),
        _lt("Choose an account on every bill line."),
    ),
    "gl_account_unmapped": (
        _lt("GL account not mapped"),
        _lt("Map each account named here to one of the ERP."),
    ),
    "gl_account_inactive": (
        _lt("GL account archived"),
        _lt("Reactivate the account, or use another one on the bill, then Sync."),
    ),
    "gl_account_duplicate": (
        _lt("GL account number used twice"),
        _lt("Merge the two accounts in the ERP, then Refresh data and Sync."),
    ),
    "gl_account_wrong_type": (
        _lt("GL account of the wrong type"),
        _lt("Map or choose an account that takes vendor bills, then Sync."),
    ),
    "item_invalid": (
        _lt("Item not valid"),
        _lt("Replace the item on the bill line, then Sync."),
    ),
    "tax_invalid": (
        _lt("Tax not valid"),
        _lt("Map the tax to a purchase tax of the ERP, then Sync."),
    ),
    "dimension_invalid": (
        _lt("Dimension not valid"),
        _lt("Reactivate or map the analytic account, then Sync."),
    ),
    "project_not_linked": (
        _lt("Project not linked"),
        _lt("Link project and customer in the ERP, then Sync."),
    ),
    "term_unknown": (
        _lt("Payment term unknown"),
        _lt("Map the payment term to one of the ERP, then Sync."),
    ),
    "currency_not_enabled": (
        _lt("Currency not enabled"),
        _lt("Activate the bill's currency where the bill is booked, then Sync."),
    ),
    "mapping_changed": (
        _lt("Mapped record gone from the ERP"),
        _lt("Refresh data on the connection, map the record again, then Sync."),
    ),
    "tax_form_unsupported": (
        _lt("Tax form not supported"),
        _lt("Use a tax the ERP can compute itself, then Sync."),
    ),
    "dimension_missing": (
        _lt("Dimension missing"),
        _lt("Set the analytic distribution on the bill lines, then Sync."),
    ),
    "billable_no_customer": (
        _lt("Billable without customer"),
        _lt("Choose a customer or switch billable off, then Sync."),
    ),
    # -- The bill's own fields
    "field_missing": (
        _lt("Required field missing"),
        _lt("Fill the field named here on the bill, then Sync."),
    ),
    "reference_missing": (
        _lt("Bill reference missing"),
        _lt("Enter the vendor's bill number in Bill Reference."),
    ),
    "date_missing": (_lt("Bill date missing"), _lt("Enter the bill date.")),
    "due_date_invalid": (
        _lt("Due date not valid"),
        _lt("Set the due date on or after the bill date, then Sync."),
    ),
    "no_lines": (_lt("No lines"), _lt("Add the bill's lines.")),
    "zero_total": (
        _lt("Total is zero"),
        _lt("Enter the amounts, or cancel the bill if there is nothing to book."),
    ),
    "negative_total": (
        _lt("Total below zero"),
        _lt("Enter it as a vendor credit note instead, then Sync."),
    ),
    "text_too_long": (
        _lt("Text too long"),
        _lt("Shorten the text named here, then Sync."),
    ),
    "po_not_matched": (
        _lt("Purchase order not matched"),
        _lt("Match the bill to the right order, then Sync."),
    ),
    "po_number_too_long": (
        _lt("Purchase order number too long"),
        _lt("Shorten the source document, then Sync."),
    ),
    "attachment_missing": (
        _lt("Document missing"),
        _lt("Attach the vendor's document to the bill."),
    ),
    "attachment_refused": (
        _lt("Document refused by the ERP"),
        _lt("Attach a smaller file or another format, then Sync."),
    ),
    "invalid_data": (
        _lt("Refused by the ERP"),
        _lt("Correct what the message names, then Sync."),
    ),
    "totals_differ": (
        _lt("Totals differ"),
        _lt("Compare taxes and rounding on both sides and correct them, then Sync."),
    ),
    # -- Periods
    "period_closed": (
        _lt("Period closed"),
        _lt(
            "Change the accounting date, reopen the period, or let the connection use "
            "the next open date."
        ),
    ),
    "period_locked": (
        _lt("Period locked"),
        _lt(
            "Reopen the period, correct the date, or let the connection use the next "
            "open date."
        ),
    ),
    "date_outside_period": (
        _lt("Date outside the period"),
        _lt("Use an accounting date within the posting period, then Sync."),
    ),
    "ledger_closed": (
        _lt("Payables closed"),
        _lt("Reopen the payables ledger in the ERP, then Sync."),
    ),
    "no_period": (
        _lt("No period for the date"),
        _lt("Create the fiscal period in the ERP, then Sync."),
    ),
    "period_closed_update": (
        _lt("Period closed after the first sync"),
        _lt("Change the bill in the ERP by hand, then mark it as synced."),
    ),
    # -- Conflicts
    "duplicate_bill": (
        _lt("Bill already in the ERP"),
        _lt("Compare the two, then press Resolve: mark as synced, or send it again."),
    ),
    "duplicate_payment": (
        _lt("Payment reference already used"),
        _lt("Use another payment reference, then press Resolve."),
    ),
    "nothing_due": (
        _lt("Nothing due in the ERP"),
        _lt("Void the payment in the ERP, then press Resolve."),
    ),
    "bill_missing_in_erp": (
        _lt("Bill gone from the ERP"),
        _lt("Find out who deleted it there; then Resolve: send it again."),
    ),
    "booked_differently": (
        _lt("Booked differently in the ERP"),
        _lt("Mark it as synced if that is right; else correct it and press Sync."),
    ),
    "edited_in_erp": (
        _lt("Bill edited in the ERP"),
        _lt("Compare both sides, then mark it as synced or correct it here."),
    ),
    "both_changed": (
        _lt("Both sides changed"),
        _lt("Compare both sides, then mark it as synced or correct it here."),
    ),
    "bill_paid_in_erp": (
        _lt("Bill already paid in the ERP"),
        _lt("Change it in the ERP by hand, then mark it as synced."),
    ),
    "credit_applied": (
        _lt("Credit already applied"),
        _lt("Undo the application in the ERP, then press Resolve."),
    ),
    "update_unsupported": (
        _lt("Bill already synced"),
        _lt("This ERP takes no changes: change it there, then mark it as synced."),
    ),
    "po_not_received": (
        _lt("Order not received"),
        _lt("Receive the order in the ERP, then Sync."),
    ),
    "already_posted": (
        _lt("Bill is already posted"),
        _lt("Nothing is left to post here; mark it as synced."),
    ),
    "stale_version": (
        _lt("Somebody saved first"),
        _lt("Nothing to do: it is tried again."),
    ),
    # -- The connection
    "token_expired": (
        _lt("Access expired"),
        _lt(
            "An administrator connects again, or renews the key on the connection and "
            "presses Test connection; all jobs then go."
        ),
    ),
    "credentials_wrong": (
        _lt("Key refused"),
        _lt("An administrator enters a valid key and tests the connection."),
    ),
    "secret_unreadable": (
        _lt("API key can't be decrypted"),
        _lt("Enter it anew, or its encryption key in odoo.conf, and test it."),
    ),
    "integration_user_lost": (
        _lt("Integration user lost its role"),
        _lt("Give the role back in the ERP, then press Test connection."),
    ),
    "connection_inactive": (
        _lt("Connection not active"),
        _lt("Activate it in the ERP, then press Test connection."),
    ),
    "address_wrong": (
        _lt("Address wrong"),
        _lt("An administrator corrects the address and presses Test connection."),
    ),
    "address_refused": (
        _lt("Address not allowed"),
        _lt(
            "Use the ERP's public https address, or have the server's administrator "
            "add the host to ap_sync_allowed_hosts in odoo.conf; then press Test "
            "connection."
        ),
    ),
    "redirected": (
        _lt("Address redirects"),
        _lt("Enter the final address on the connection, then press Test connection."),
    ),
    "certificate_invalid": (
        _lt("Certificate not valid"),
        _lt("Renew the ERP's certificate, then press Test connection."),
    ),
    "company_wrong": (
        _lt("Company not found in the ERP"),
        _lt("Correct the company on the connection, then press Test connection."),
    ),
    "permission_missing": (
        _lt("Right missing in the ERP"),
        _lt("Give the integration user the right named here, then Sync."),
    ),
    "form_hides_field": (
        _lt("Field hidden in the ERP"),
        _lt("Show the field on the ERP's form, then Sync."),
    ),
    "rate_field_hidden": (
        _lt("Exchange rate hidden in the ERP"),
        _lt("Show the exchange rate on the ERP's form, then Sync."),
    ),
    # -- Passing
    "rate_limited": (
        _lt("ERP asks to wait"),
        _lt("Nothing to do: it goes on when the ERP allows."),
    ),
    "rate_limited_daily": (
        _lt("Daily limit reached"),
        _lt("Nothing to do: it goes on when the ERP's limit is reset."),
    ),
    "concurrency_limit": (
        _lt("ERP busy"),
        _lt("Nothing to do: it is tried again."),
    ),
    "erp_unavailable": (
        _lt("ERP not reachable"),
        _lt("Nothing to do for now: it is tried again for three days."),
    ),
    "sync_overlap": (
        _lt("Another sync is running"),
        _lt("Nothing to do: it is tried again."),
    ),
    "not_sent_in_time": (
        _lt("Not sent in time"),
        _lt("Nothing to do: it is tried again."),
    ),
    # -- Unknown
    "no_answer": (
        _lt("No clear answer"),
        _lt("Nothing to do: the ERP is asked whether it has the bill."),
    ),
    "answer_unreadable": (
        _lt("Answer not readable"),
        _lt("Nothing to do: the ERP is asked whether it has the bill."),
    ),
    "outcome_unknown": (
        _lt("Outcome unknown"),
        _lt(
            "Look for the bill in the ERP. An AP Sync manager then presses Resolve: "
            "check again, mark it as synced, or send it again."
        ),
    ),
    "internal": (
        _lt("Internal error"),
        _lt("Ask your administrator to look for this job in the server's log."),
    ),
    # -- A manager's decision
    "aborted": (_lt("Aborted"), _lt("Press Sync to send it after all.")),
    # -- Rules
    "rule": (_lt("Stopped by a rule"), _lt("See the rule named here.")),
    "vendor_blocked": (
        _lt("Vendor blocked"),
        _lt(
            "An AP Sync manager removes Block sync on the vendor if its bills should "
            "go."
        ),
    ),
    "vendor_unmapped": (
        _lt("Vendor not mapped"),
        _lt("Map the vendor to one of the ERP, or let the connection create vendors."),
    ),
    "tax_unmapped": (
        _lt("Tax not mapped"),
        _lt("Map each tax named here to one of the ERP."),
    ),
    "connection_paused": (
        _lt("Connection paused"),
        _lt("Nothing to do: the job goes when the connection is resumed."),
    ),
    "bill_cancelled": (
        _lt("Bill cancelled"),
        _lt("Nothing to do: a cancelled bill is not sent."),
    ),
    "bill_not_posted": (
        _lt("Bill not ready"),
        _lt("Post the bill, or mark the draft Ready to sync; then it goes."),
    ),
    "possible_duplicate": (
        _lt("Possible duplicate"),
        _lt("Compare the bills named here; cancel one or correct its reference."),
    ),
}


def describe(env, kind):
    """Return ``(title, what to do)`` of a kind, in the user's language.

    :param kind: a code of ``connectors/kinds.py``; an unknown one is described as
        an unknown outcome, the careful reading.
    """
    title, todo = GUIDANCE.get(kind) or GUIDANCE[FALLBACK]
    return env._(title), env._(todo)  # pylint: disable=unknown-option-value,gettext-variable
