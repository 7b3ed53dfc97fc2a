import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** The cause in one line of a list; the badge beside it says the whole on hover. */
export class ApSyncCauseField extends Component {
    static template = "ap_sync.CauseField";
    static props = {...standardFieldProps};

    get cause() {
        const data = this.props.record.data;
        if (data.changed_since_sync) {
            return _t("The bill was changed after it was synced.");
        }
        if (data.erp_changes) {
            return _t("The ERP has it otherwise: %s.", data.erp_changes);
        }
        if (data.erp_files === "missing") {
            return _t("Files of this bill are missing in the ERP.");
        }
        return (data[this.props.name] || "").replace(/\s+/g, " ");
    }
}

registry.category("fields").add("ap_sync_cause", {
    component: ApSyncCauseField,
    supportedTypes: ["text"],
    fieldDependencies: [
        {name: "changed_since_sync", type: "boolean", readonly: true},
        {name: "erp_changes", type: "text", readonly: true},
        {name: "erp_files", type: "selection", readonly: true},
    ],
});
