import {Component} from "@odoo/owl";
import {deserializeDateTime, toLocaleDateTimeString} from "@web/core/l10n/dates";
import {ApSyncCauses} from "./causes_field";

/**
 * What a badge says when it is opened. Everything the ERP said is shown as text, never
 * as HTML.
 */
export class ApSyncBadgePopover extends Component {
    static template = "ap_sync.BadgePopover";
    static components = {ApSyncCauses};
    static props = {
        close: Function,
        status: String,
        explanation: Object,
        open: Function,
        run: Function,
    };

    get explanation() {
        return this.props.explanation;
    }

    moment(text) {
        const moment = deserializeDateTime(text);
        return `${moment.toRelative()} (${toLocaleDateTimeString(moment)})`;
    }

    open(link) {
        this.props.close();
        return this.props.open(link);
    }

    run(action) {
        this.props.close();
        return this.props.run(action);
    }
}
