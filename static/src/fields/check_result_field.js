import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** What *Test connection* found, item by item. */
export class ApSyncCheckResultField extends Component {
    static template = "ap_sync.CheckResultField";
    static props = {...standardFieldProps};

    get items() {
        return this.props.record.data[this.props.name] || [];
    }
}

registry.category("fields").add("ap_sync_check_result", {
    component: ApSyncCheckResultField,
    supportedTypes: ["json"],
});
