from odoo import models
from odoo.tools import format_date, format_list, formatLang

from ..connectors import Document
from ..connectors.base import Ref

#: A bill that was written anew shows this many changes.
MAX_CHANGES = 5


class ApSyncJob(models.Model):
    """What a bill says now that it did not say when it was synced."""

    _inherit = "ap.sync.job"

    def _describe_change(self):
        """Return ``(message, what to do)`` of a bill changed since its sync."""
        self.ensure_one()
        cancelled = self.move_id.state == "cancel"
        if cancelled:
            message = self.env._("The bill was cancelled after it was synced.")
            todo = self.env._("Press Sync to cancel it in the ERP too.")
        elif self.erp_cancelled:
            message = self.env._(
                "The bill was cancelled in the ERP and is valid again here."
            )
            todo = self.env._("Press Sync to send it again.")
        else:
            message = self.env._("The bill was changed after it was synced.")
            if changes := self._describe_changes():
                message = self.env._(
                    "The bill was changed after it was synced: %s.", changes
                )
            todo = self.env._("Press Sync to send it as it is now.")
        if self.needs_decision:
            todo = self.env._(
                "An AP Sync manager changes it in the ERP by hand, then presses "
                "Resolve."
            )
        return message, todo

    def _describe_changes(self):
        """Return in words what was changed since the last document was sent; nothing
        where that can't be told."""
        self.ensure_one()
        try:
            sent = Document.from_json(self.attempt_ids[:1].document)
        except (TypeError, KeyError, ValueError):
            return ""  # of an older format, or marked as synced without a document
        today = self.move_id._prepare_ap_sync_document(self, erp_ids={}, files={})
        changes = self._list_changes(self._compare(sent, today))
        shown = changes[:MAX_CHANGES]
        if left := len(changes) - len(shown):
            shown.append(self.env._("%s more", left))
        return format_list(self.env, shown, "unit") if shown else ""

    def _note_erp_changes(self, held):
        """Flag synced bills that the ERP no longer has as they were sent. Called by
        the engine.

        :param held: ``{ERP id: receipt}`` of what the ERP has now.
        """
        mapped = self.env["ap.sync.mapping"]._get_erp_ids(
            self.connection_id, [self.partner_id]
        )
        for job in self._in_company_language():
            receipt = held.get(job.erp_id)
            changes = job._describe_erp_changes(receipt, mapped.get(job.partner_id))
            if changes != (job.erp_changes or ""):
                job.write({"erp_changes": changes or False})
                job._announce()

    def _describe_erp_changes(self, receipt, vendor_erp_id):
        """Return in words what the ERP has otherwise than the bill says, if anything.

        :param receipt: the ERP's bill, None if it is gone.
        :param vendor_erp_id: the ERP's id of the vendor, if it is mapped.
        """
        self.ensure_one()
        if self.changed_since_sync:
            return ""  # told already, and what was sent can't be read off the bill
        if not receipt:
            return self.env._("it was cancelled or deleted there")
        reference = (self.reference or "").strip()
        differences = [
            (self.env._("Reference"), reference, receipt.reference),
            (self.env._("Currency"), self.currency_id.name, receipt.currency),
            (
                self.env._("Total"),
                self.currency_id.round(self.amount_total),
                self.currency_id.round(float(receipt.total or 0)),
            ),
        ]
        changes = self._list_changes(
            (label, ours, theirs)
            for label, ours, theirs in differences
            if ours != theirs
        )
        if vendor_erp_id and receipt.vendor_erp_id != vendor_erp_id:
            changes.append(self.env._("another vendor"))
        if not receipt.posted and self.connection_id.post_in_erp:
            changes.append(self.env._("it is a draft there"))
        return format_list(self.env, changes, "unit") if changes else ""

    def _describe_booked_differently(self, document, receipt):
        """Return in words what the ERP booked otherwise than it was sent, if anything.
        Called by the engine with what was read back from the ERP.

        :param document: the ``Document`` that was sent.
        :param receipt: the ``Receipt``; what the ERP did not tell is not compared.
        """
        self.ensure_one()
        if document.cancelled:
            return ""
        connection = self.connection_id
        differences = [
            (self.env._("Reference"), document.reference, receipt.reference),
            (self.env._("Currency"), document.currency, receipt.currency),
            (self.env._("Total"), document.total, receipt.total),
        ]
        # The connection may allow the ERP to choose an open date: its notes tell then.
        if receipt.posted and connection.lock_policy == "hold":
            differences.append(
                (
                    self.env._("Accounting date"),
                    document.accounting_date,
                    receipt.accounting_date,
                )
            )
        changes = self._list_changes(
            (label, ours, theirs)
            for label, ours, theirs in differences
            if theirs not in (None, "") and ours != theirs
        )
        return format_list(self.env, changes, "unit") if changes else ""

    def _list_changes(self, differences):
        return [
            self.env._(
                "%(field)s: %(before)s → %(after)s",
                field=label,
                before=self._describe_value(before),
                after=self._describe_value(after),
            )
            for label, before, after in differences
        ]

    def _compare(self, sent, today):
        """Yield ``(label, before, after)`` for what differs between two documents."""
        fields = {
            "vendor": self.env._("Vendor"),
            "reference": self.env._("Reference"),
            "bill_date": self.env._("Bill date"),
            "accounting_date": self.env._("Accounting date"),
            "due_date": self.env._("Due date"),
            "payment_term": self.env._("Payment terms"),
            "currency": self.env._("Currency"),
            "tax": self.env._("Tax"),
            "total": self.env._("Total"),
        }
        for name, label in fields.items():
            yield from _difference(label, getattr(sent, name), getattr(today, name))
        if len(sent.lines) != len(today.lines):
            yield self.env._("Lines"), str(len(sent.lines)), str(len(today.lines))
            return
        fields = {
            "name": self.env._("Description of line %s"),
            "account": self.env._("Account of line %s"),
            "taxes": self.env._("Taxes of line %s"),
            "quantity": self.env._("Quantity of line %s"),
            "price_unit": self.env._("Price of line %s"),
            "subtotal": self.env._("Amount of line %s"),
            "analytic": self.env._("Analytic accounts of line %s"),
        }
        pairs = zip(sent.lines, today.lines, strict=True)
        for number, (before, after) in enumerate(pairs, 1):
            for name, label in fields.items():
                yield from _difference(
                    label % number, getattr(before, name), getattr(after, name)
                )

    def _describe_value(self, value):
        match value:
            case None | "" | ():
                return self.env._("none")
            case str():
                return f"“{value}”"
            case Ref():
                return value.name
            case tuple():
                # Analytic accounts come with their share, taxes alone.
                refs = [item[0] if isinstance(item, tuple) else item for item in value]
                return format_list(self.env, [ref.name for ref in refs], "unit")
            case _ if hasattr(value, "isoformat"):
                return format_date(self.env, value)
            case _:
                return formatLang(self.env, float(value), digits=2)


def _difference(label, before, after):
    if _identity(before) != _identity(after):
        yield label, before, after


def _identity(value):
    """What is compared: which record it is, not what it is called today."""
    if isinstance(value, Ref):
        return value.local_id
    if isinstance(value, tuple):
        return [_identity(item) for item in value]
    return value
