import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/** The ERP's records that ours may be, best first; one click maps to it. */
export class ApSyncSuggestionsField extends Component {
    static template = "ap_sync.SuggestionsField";
    static props = {...standardFieldProps};

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
    }

    /** Of what is proposed only that, with the reason: the rest would be clutter. */
    get suggestions() {
        const all = this.props.record.data[this.props.name] || [];
        const chosen = all.filter((suggestion) => suggestion.chosen);
        return chosen.length ? chosen : all;
    }

    async choose(suggestion) {
        const {resModel, resId} = this.props.record;
        const action = await this.orm.call(resModel, "action_choose", [
            [resId],
            suggestion.id,
        ]);
        await this.action.doAction(action);
    }
}

registry.category("fields").add("ap_sync_suggestions", {
    component: ApSyncSuggestionsField,
    supportedTypes: ["json"],
});
