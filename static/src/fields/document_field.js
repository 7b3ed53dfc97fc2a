import {Component} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {formatFloat} from "@web/core/utils/numbers";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const KINDS = {
    bill: _t("Bill"),
    refund: _t("Credit Note"),
    receipt: _t("Receipt"),
};

/** The bill as it was sent, read from the stored JSON of the last attempt. */
export class ApSyncDocumentField extends Component {
    static template = "ap_sync.DocumentField";
    static props = {...standardFieldProps};

    get document() {
        return this.props.record.data[this.props.name];
    }

    get heads() {
        const doc = this.document;
        return [
            [_t("Type"), KINDS[doc.kind] || doc.kind],
            [_t("Vendor"), this.label(doc.vendor)],
            [_t("Reference"), doc.reference],
            [_t("Bill Date"), this.date(doc.bill_date)],
            [_t("Accounting Date"), this.date(doc.accounting_date)],
            [_t("Due Date"), this.date(doc.due_date)],
            [_t("Payment Term"), this.label(doc.payment_term)],
            [_t("Source"), doc.origin],
            [_t("Documents"), doc.attachments.map((file) => file.name).join(", ")],
        ].filter(([, value]) => value);
    }

    get hasDiscount() {
        return this.document.lines.some((line) => Number(line.discount));
    }

    get hasAnalytic() {
        return this.document.lines.some((line) => line.analytic.length);
    }

    get totals() {
        const doc = this.document;
        return [
            [_t("Untaxed"), doc.untaxed],
            [_t("Tax"), doc.tax],
            [_t("Total"), doc.total],
        ];
    }

    /** Our name of a record, and the ERP's id of it where it is mapped. */
    label(ref) {
        if (!ref) {
            return "";
        }
        const name = [ref.code, ref.name].filter(Boolean).join(" ");
        return ref.erp_id ? _t("%(name)s (ERP %(id)s)", {name, id: ref.erp_id}) : name;
    }

    labels(refs) {
        return refs.map((ref) => this.label(ref)).join(", ");
    }

    shares(analytic) {
        return analytic
            .map(([ref, share]) => `${this.label(ref)} ${this.number(share, 0)} %`)
            .join(", ");
    }

    date(text) {
        return text ? formatDate(deserializeDate(text)) : "";
    }

    /** @param {String} decimal as it was sent; no digit of it is dropped. */
    number(decimal, least = 2) {
        const fraction = (decimal.split(".")[1] || "").length;
        return formatFloat(Number(decimal), {
            digits: [0, Math.max(least, fraction)],
        });
    }
}

registry.category("fields").add("ap_sync_document", {
    component: ApSyncDocumentField,
    supportedTypes: ["json"],
});
