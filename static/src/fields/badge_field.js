import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {BadgeField, badgeField} from "@web/views/fields/badge/badge_field";

const COLORS = {
    success: "text-bg-success",
    failed: "text-bg-danger",
    in_progress: "text-bg-info",
    on_hold: "text-bg-warning",
    blocked: "text-bg-dark",
};

const MAX_CAUSES = 5;

/**
 * Return the address if a browser may open it: an ERP's answer is not trusted, so
 * nothing but http and https gets through.
 *
 * @param {String|false} address
 * @returns {String|false}
 */
export function safeUrl(address) {
    const url = URL.canParse(address || "") && new URL(address);
    return url && ["http:", "https:"].includes(url.protocol) ? url.href : false;
}

/**
 * The sync status: says on hover what happened, why and what to do; opens the bill in
 * the ERP once it is there. Messages of the ERP are shown as text, never as HTML.
 */
export class ApSyncBadgeField extends BadgeField {
    static template = "ap_sync.BadgeField";
    static props = {
        ...BadgeField.props,
        messageField: String,
        guidanceField: String,
        causesField: String,
        urlField: String,
        localField: {type: String, optional: true},
    };

    setup() {
        super.setup();
        this.action = useService("action");
    }

    get data() {
        return this.props.record.data;
    }

    get status() {
        return this.data[this.props.name];
    }

    get badgeClass() {
        return COLORS[this.status];
    }

    get url() {
        return this.status === "success" && safeUrl(this.data[this.props.urlField]);
    }

    /** Odoo's own ledger: the bill itself is what was booked. */
    get opensBill() {
        return (
            this.status === "success" && this.data[this.props.localField] === "local"
        );
    }

    get tooltip() {
        const causes = this.data[this.props.causesField] || [];
        const entries = causes.length
            ? causes.map(({message, guidance}) => ({message, guidance}))
            : [
                  {
                      message: this.data[this.props.messageField] || "",
                      guidance: this.data[this.props.guidanceField] || "",
                  },
              ];
        const info = {
            entries: entries.slice(0, MAX_CAUSES),
            more: Math.max(0, entries.length - MAX_CAUSES),
            opens: Boolean(this.url || this.opensBill),
        };
        const empty = !info.opens && !entries.some((e) => e.message || e.guidance);
        return empty ? false : JSON.stringify(info);
    }

    openBill() {
        return this.action.doActionButton({
            type: "object",
            name: "action_open_bill",
            resModel: this.props.record.resModel,
            resId: this.props.record.resId,
        });
    }
}

function fieldNames(options) {
    return {
        messageField: options.message_field || "message",
        guidanceField: options.guidance_field || "guidance",
        causesField: options.causes_field || "causes",
        urlField: options.url_field || "erp_url",
        localField: options.local_field,
    };
}

export const apSyncBadgeField = {
    ...badgeField,
    component: ApSyncBadgeField,
    supportedTypes: ["selection"],
    fieldDependencies: ({options}) => {
        const names = fieldNames(options);
        return [
            {name: names.messageField, type: "text", readonly: true},
            {name: names.guidanceField, type: "text", readonly: true},
            {name: names.causesField, type: "json", readonly: true},
            {name: names.urlField, type: "char", readonly: true},
            ...(names.localField
                ? [{name: names.localField, type: "selection", readonly: true}]
                : []),
        ];
    },
    extractProps: ({decorations, options}) => ({
        decorations,
        ...fieldNames(options),
    }),
};

registry.category("fields").add("ap_sync_badge", apSyncBadgeField);
