import {registry} from "@web/core/registry";
import {RadioField, radioField} from "@web/views/fields/radio/radio_field";

const DECISIONS = {
    in_progress: ["abort"],
    failed: ["verify", "mark_synced", "resend"],
    on_hold: ["release", "mark_synced"],
    blocked: ["release", "mark_synced"],
};

// For many jobs at once, whatever their status
const FOR_MANY = ["release", "mark_synced"];

/** The decisions that make sense for the status of the wizard's job and its rules. */
export class ApSyncDecisionField extends RadioField {
    get items() {
        const {status, can_release: canRelease} = this.props.record.data;
        const allowed = DECISIONS[status] || FOR_MANY;
        return super.items.filter(
            ([decision]) =>
                allowed.includes(decision) && (decision !== "release" || canRelease)
        );
    }
}

registry.category("fields").add("ap_sync_decision", {
    ...radioField,
    component: ApSyncDecisionField,
    fieldDependencies: [
        {name: "status", type: "selection", readonly: true},
        {name: "can_release", type: "boolean", readonly: true},
    ],
});
