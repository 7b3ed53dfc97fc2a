import {GraphRenderer} from "@web/views/graph/graph_renderer";
import {PivotRenderer} from "@web/views/pivot/pivot_renderer";
import {_t} from "@web/core/l10n/translation";
import {graphView} from "@web/views/graph/graph_view";
import {pivotView} from "@web/views/pivot/pivot_view";
import {registry} from "@web/core/registry";

/**
 * Attempts are counted by their bills, so a number opens these, not the attempts.
 *
 * @param {Function} Renderer
 * @returns {Function}
 */
const openingJobs = (Renderer) =>
    class extends Renderer {
        openView(domain, views, context, newWindow) {
            this.actionService.doAction(
                {
                    type: "ir.actions.act_window",
                    name: _t("Sync Jobs"),
                    res_model: "ap.sync.job",
                    domain: [["attempt_ids", "any", domain]],
                    views: [
                        [false, "list"],
                        [false, "form"],
                    ],
                },
                {newWindow}
            );
        }
    };

const views = registry.category("views");

views.add("ap_sync_attempt_graph", {
    ...graphView,
    Renderer: openingJobs(GraphRenderer),
});
views.add("ap_sync_attempt_pivot", {
    ...pivotView,
    Renderer: openingJobs(PivotRenderer),
});
