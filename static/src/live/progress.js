import {Component, reactive, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {formatInteger} from "@web/views/fields/formatters";
import {onJobsChanged} from "./live";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

const JOB = "ap.sync.job";
// If a message of the bus got lost
const LOOK_ANYWAY = 10000;
// What will not move within moments: it ends the wait, and is told
const LATER = ["retrying", "verifying"];

/**
 * How far the bulk sync is that was started last. It goes on while other screens are
 * looked at.
 */
const progressService = {
    dependencies: ["bus_service", "field", "orm"],

    start(env, {bus_service: bus, field, orm}) {
        const state = reactive({bulk: false, total: 0, done: 0, results: []});
        let stop = null;
        let timer = null;

        const close = () => {
            stop?.();
            browser.clearInterval(timer);
            stop = null;
            state.bulk = false;
        };

        const load = async () => {
            const {bulk} = state;
            const [{status}, groups] = await Promise.all([
                field.loadFields(JOB, {fieldNames: ["status"]}),
                orm.silent.formattedReadGroup(
                    JOB,
                    [["bulk_sync", "=", bulk]],
                    ["status", "phase", "sync_requested"],
                    ["__count"]
                ),
            ]);
            if (state.bulk !== bulk) {
                return;
            }
            const count = (found) =>
                groups.filter(found).reduce((sum, group) => sum + group.__count, 0);
            const isOpen = (group) =>
                group.sync_requested ||
                (group.status === "in_progress" && !LATER.includes(group.phase));
            state.total = count(() => true);
            state.done = state.total - count(isOpen);
            state.results = status.selection
                .map(([name, label]) => ({
                    name,
                    label: name === "in_progress" ? _t("To be tried again") : label,
                    count: count((group) => group.status === name && !isOpen(group)),
                }))
                .filter((result) => result.count);
            if (state.done === state.total) {
                stop?.();
                stop = null;
                browser.clearInterval(timer);
            }
        };

        return {
            state,
            close,
            async open(bulk) {
                close();
                Object.assign(state, {bulk, total: 0, done: 0, results: []});
                stop = onJobsChanged(bus, load);
                timer = browser.setInterval(load, LOOK_ANYWAY);
                await load();
            },
        };
    },
};

/** The progress of a bulk sync; in the end a summary with links to what needs work. */
export class ApSyncProgress extends Component {
    static template = "ap_sync.Progress";
    static props = {};

    setup() {
        this.action = useService("action");
        this.progress = useService("ap_sync.progress");
        this.state = useState(this.progress.state);
    }

    get isDone() {
        return this.state.total > 0 && this.state.done === this.state.total;
    }

    get percent() {
        return this.state.total
            ? Math.floor((100 * this.state.done) / this.state.total)
            : 0;
    }

    get title() {
        const total = formatInteger(this.state.total);
        return this.isDone
            ? _t("%s bills: done", total)
            : _t("Syncing: %(done)s of %(total)s bills", {
                  done: formatInteger(this.state.done),
                  total,
              });
    }

    formatInteger(value) {
        return formatInteger(value);
    }

    openJobs(result) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Bulk Sync: %s", result.label),
            res_model: JOB,
            domain: [
                ["bulk_sync", "=", this.state.bulk],
                ["status", "=", result.name],
            ],
            views: ["list", "kanban", "form"].map((type) => [false, type]),
        });
    }
}

registry.category("services").add("ap_sync.progress", progressService);
registry
    .category("main_components")
    .add("ap_sync.progress", {Component: ApSyncProgress});
registry.category("actions").add("ap_sync.progress", (env, {params}) => {
    env.services["ap_sync.progress"].open(params.bulk);
    return {type: "ir.actions.client", tag: "soft_reload"};
});
