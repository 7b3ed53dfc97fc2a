import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** The cause in one line of a list; the badge beside it says the whole on hover. */
export class ApSyncCauseField extends Component {
    static template = "ap_sync.CauseField";
    static props = {...standardFieldProps};

    get cause() {
        return (this.props.record.data[this.props.name] || "").replace(/\s+/g, " ");
    }
}

registry.category("fields").add("ap_sync_cause", {
    component: ApSyncCauseField,
    supportedTypes: ["text"],
});
