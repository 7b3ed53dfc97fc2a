import {registry} from "@web/core/registry";
import {
    ReferenceField,
    referenceField,
} from "@web/views/fields/reference/reference_field";

/**
 * Our record of a mapping by the name that the mapping keeps: of an account with its
 * code, which Odoo's own name shows to accountants alone.
 */
export class ApSyncMappedRecordField extends ReferenceField {
    getValue() {
        const value = super.getValue();
        const name = this.props.record.data.local_name;
        return value && name ? {...value, displayName: name} : value;
    }
}

registry.category("fields").add("ap_sync_mapped_record", {
    ...referenceField,
    component: ApSyncMappedRecordField,
    supportedTypes: ["reference"],
    fieldDependencies: [{name: "local_name", type: "char", readonly: true}],
});
