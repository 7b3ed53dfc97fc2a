import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const FIELD_WAIT_MS = 3000;

/**
 * Bring the user to a field of the form that is open: into it where it can be edited,
 * or in front of it.
 */
export async function showField(name) {
    const selector = `.o_form_view .o_field_widget[name="${name}"]`;
    let field = null;
    for (const end = Date.now() + FIELD_WAIT_MS; !field && Date.now() < end; ) {
        field = document.querySelector(selector);
        await new Promise((resolve) => setTimeout(resolve, field ? 0 : 50));
    }
    if (field) {
        field.scrollIntoView({block: "center"});
        const input = field.querySelector("input, textarea, select, a");
        input?.focus();
        field.classList.add("o_ap_sync_here");
        setTimeout(() => field.classList.remove("o_ap_sync_here"), FIELD_WAIT_MS);
    }
}

/**
 * Return the function that follows the link of a cause. What is mended in a dialog may
 * free other bills too, so all that is shown is read again when it closes.
 *
 * @param {Function} getRecord gives the record of the view that shows the link
 */
export function useCauseLink(getRecord) {
    const action = useService("action");
    return async (link) => {
        const record = getRecord();
        const {res_model: model, res_id: id} = link.action;
        if (!(model === record.resModel && id === record.resId)) {
            await action.doAction(link.action, {
                onClose: () => record.model.root.load(),
            });
        }
        if (link.field) {
            await showField(link.field);
        }
    };
}

/** What stops a bill: the root first, then its symptoms, each with where to mend it. */
export class ApSyncCauses extends Component {
    static template = "ap_sync.Causes";
    static props = {causes: Array, open: Function};
}

export class ApSyncCausesField extends Component {
    static template = "ap_sync.CausesField";
    static components = {ApSyncCauses};
    static props = {...standardFieldProps};

    setup() {
        this.open = useCauseLink(() => this.props.record);
    }

    get causes() {
        return this.props.record.data[this.props.name] || [];
    }
}

registry.category("fields").add("ap_sync_causes", {
    component: ApSyncCausesField,
    supportedTypes: ["json"],
});
