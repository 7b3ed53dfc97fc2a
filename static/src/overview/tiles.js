import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {formatInteger, formatMonetary} from "@web/views/fields/formatters";
import {useJobsChanged} from "../live/live";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";

const AMOUNT = "amount_company:sum_currency";
const COLORS = {
    success: "success",
    failed: "danger",
    in_progress: "info",
    on_hold: "warning",
    blocked: "secondary",
};

/**
 * One tile for each sync status: how many bills, and how much money in the currency of
 * the user's company. The rules on records apply, as to any list.
 */
export class ApSyncTiles extends Component {
    static template = "ap_sync.Tiles";
    static props = {
        // What is counted, besides what the user may see
        domain: {type: Array},
        // The statuses that are shown as pressed
        active: {type: Array, optional: true},
        onSelect: {type: Function},
        // Counted again whenever jobs change, or this is another object
        version: {type: Object, optional: true},
    };
    static defaultProps = {active: []};

    setup() {
        this.orm = useService("orm");
        this.fields = useService("field");
        this.state = useState({tiles: []});
        this.loads = 0;
        onWillStart(() => this.load(this.props));
        // The list does not wait for its tiles
        onWillUpdateProps((next) => {
            if (next.version !== this.props.version) {
                this.load(next);
            }
        });
        useJobsChanged(() => this.load(this.props));
    }

    async load({domain}) {
        const load = ++this.loads;
        const [{status}, groups] = await Promise.all([
            this.fields.loadFields("ap.sync.job", {fieldNames: ["status"]}),
            this.orm.formattedReadGroup(
                "ap.sync.job",
                domain,
                ["status"],
                ["__count", AMOUNT]
            ),
        ]);
        if (load !== this.loads) {
            // Answered after one that was asked for later
            return;
        }
        const found = Object.fromEntries(groups.map((group) => [group.status, group]));
        this.state.tiles = status.selection.map(([name, label]) => ({
            name,
            label,
            color: COLORS[name],
            count: formatInteger(found[name]?.__count || 0),
            amount: formatMonetary(found[name]?.[AMOUNT] || 0, {
                currencyId: user.activeCompany.currency_id,
            }),
            empty: !found[name]?.__count,
        }));
    }
}
