import {Component, useEffect, useRef} from "@odoo/owl";
import {ViewButton} from "@web/views/view_button/view_button";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

// The step whose button was pressed: the next one gets the focus, also when the action
// has loaded the whole form anew.
let pressed = null;

/** The path of setting up a connection; folded once it is switched on. */
export class ApSyncSetupField extends Component {
    static template = "ap_sync.SetupField";
    static components = {ViewButton};
    static props = {...standardFieldProps};

    setup() {
        this.root = useRef("root");
        useEffect(
            () => {
                const current = this.steps.find((step) => step.state === "now");
                if (pressed && current && current.name !== pressed) {
                    this.root.el?.querySelector(".btn-primary")?.focus();
                }
                pressed = null;
            },
            () => [JSON.stringify(this.steps)]
        );
    }

    get steps() {
        return this.props.record.data[this.props.name] || [];
    }

    get isFolded() {
        return this.props.record.data.is_switched_on;
    }

    get title() {
        const done = this.steps.filter((step) => step.state === "done").length;
        return done === this.steps.length
            ? _t("Set up: all %s steps done", done)
            : _t("Set up: %(done)s of %(total)s steps done", {
                  done,
                  total: this.steps.length,
              });
    }

    getIcon(step) {
        return {done: "fa-check-circle text-success", now: "fa-arrow-circle-right"}[
            step.state
        ];
    }

    getStateText(step) {
        return {done: _t("Done"), now: _t("To do now"), later: _t("Later")}[step.state];
    }

    getButtonClass(step) {
        return {done: "btn-link p-0", now: "btn-primary", later: "btn-secondary"}[
            step.state
        ];
    }

    onPress(step) {
        pressed = step.name;
    }

    async save() {
        await this.props.record.save();
    }
}

registry.category("fields").add("ap_sync_setup", {
    component: ApSyncSetupField,
    supportedTypes: ["json"],
    fieldDependencies: [{name: "is_switched_on", type: "boolean", readonly: true}],
});
