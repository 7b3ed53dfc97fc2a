import {
    ActionableErrorsField,
    actionableErrorsField,
} from "@account/components/actionable_errors/actionable_errors";
import {registry} from "@web/core/registry";

/**
 * What stops a bill, each cause with a link to where it is mended. What is mended in a
 * dialog may free the bill, so the record is read again when that closes.
 */
export class ApSyncCausesField extends ActionableErrorsField {
    async handleOnClick(cause) {
        await this.actionService.doAction(cause.action, {
            onClose: () => this.props.record.load(),
        });
    }
}

registry.category("fields").add("ap_sync_causes", {
    ...actionableErrorsField,
    component: ApSyncCausesField,
});
