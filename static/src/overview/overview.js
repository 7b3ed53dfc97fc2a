import {Component, onWillStart, useState} from "@odoo/owl";
import {ApSyncTiles} from "./tiles";
import {Layout} from "@web/search/layout";
import {View} from "@web/views/view";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useJobsChanged} from "../live/live";
import {useService} from "@web/core/utils/hooks";

const JOB = "ap.sync.job";
const WAITING = [["status", "in", ["failed", "on_hold", "in_progress"]]];
// More bars than these are not told apart
const VENDORS = 10;
const STOPPED = [["status", "in", ["failed", "on_hold", "blocked"]]];

/**
 * How the syncs are on the whole: Odoo's own graphs and lists, each of which opens the
 * jobs that it counts.
 */
export class ApSyncOverview extends Component {
    static template = "ap_sync.Overview";
    static components = {ApSyncTiles, Layout, View};
    static props = {...standardActionServiceProps};
    static path = "ap-sync-overview";
    static displayName = _t("Overview");

    setup() {
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.orm = useService("orm");
        this.state = useState({version: 0, panels: []});
        onWillStart(() => this.load());
        useJobsChanged(() => this.load(), {delay: 10000});
    }

    async load() {
        this.state.panels = this.makePanels(await this.findVendors());
        this.state.version++;
    }

    /**
     * @returns {Number[]} those with the most bills that wait or failed
     */
    async findVendors() {
        const groups = await this.orm.formattedReadGroup(
            JOB,
            WAITING,
            ["partner_id"],
            ["__count"],
            {order: "__count DESC", limit: VENDORS}
        );
        return groups.map(({partner_id: vendor}) => vendor && vendor[0]);
    }

    makePanels(vendors) {
        return [
            this.graph("trend", _t("Bills sent, by week"), {
                model: "ap.sync.attempt",
                domain: [["started_at", ">=", "-90d"]],
                groups: ["started_at:week", "outcome"],
                measure: "job_id",
            }),
            this.graph("causes", _t("What stops bills now"), {
                domain: STOPPED,
                groups: ["error_kind", "status"],
            }),
            this.graph("vendors", _t("Waiting or failed, by vendor (at most 10)"), {
                domain: [...WAITING, ["partner_id", "in", vendors]],
                groups: ["partner_id", "status"],
            }),
            this.graph("connections", _t("All bills, by connection"), {
                domain: [],
                groups: ["connection_id", "status"],
            }),
            this.graph("time", _t("Hours from submission to success"), {
                domain: [["synced_at", ">=", "-90d"]],
                groups: ["synced_at:week"],
                measure: "time_to_sync",
            }),
            this.oldest("oldest", _t("Waiting longest")),
        ];
    }

    graph(name, title, {model = JOB, domain, groups, measure = "__count"}) {
        return {
            name,
            title,
            props: {
                type: "graph",
                resModel: model,
                // With the search view come the fields to group by
                views: [
                    [false, "graph"],
                    [false, "search"],
                ],
                domain,
                context: {graph_groupbys: groups, graph_measure: measure},
                display: {controlPanel: false},
                className: "o_ap_sync_graph",
            },
        };
    }

    oldest(name, title) {
        return {
            name,
            title,
            props: {
                type: "list",
                resModel: JOB,
                context: {list_view_ref: "ap_sync.ap_sync_job_view_list_oldest"},
                views: [[false, "list"]],
                domain: WAITING,
                display: {controlPanel: false},
                allowSelectors: false,
                limit: 8,
                selectRecord: (resId) => this.openJobs({res_id: resId}, ["form"]),
            },
        };
    }

    onSelectStatus(status) {
        const context = {[`search_default_${status}`]: 1};
        this.openJobs({context}, ["list", "kanban", "form"]);
    }

    openJobs(values, types) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Sync Jobs"),
            res_model: JOB,
            views: types.map((type) => [false, type]),
            ...values,
        });
    }
}

registry.category("actions").add("ap_sync.overview", ApSyncOverview);
