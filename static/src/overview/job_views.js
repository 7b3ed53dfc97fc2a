import {ApSyncTiles} from "./tiles";
import {FormController} from "@web/views/form/form_controller";
import {KanbanController} from "@web/views/kanban/kanban_controller";
import {KanbanRenderer} from "@web/views/kanban/kanban_renderer";
import {ListController} from "@web/views/list/list_controller";
import {ListRenderer} from "@web/views/list/list_renderer";
import {formView} from "@web/views/form/form_view";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {KeptRowsModel} from "../live/kept_rows";
import {loadAgain, useJobsChanged} from "../live/live";

/**
 * The tiles above a list or kanban of jobs. A click shows just these jobs, another one
 * all of them.
 *
 * @param {Function} Renderer
 * @returns {Function}
 */
const withTiles = (Renderer) =>
    class extends Renderer {
        static components = {...Renderer.components, ApSyncTiles};

        get tilesProps() {
            return {
                domain: this.env.searchModel.globalDomain,
                active: this.getStatusFilters()
                    .filter((item) => item.isActive)
                    .map((item) => item.name),
                onSelect: this.onSelectStatus.bind(this),
                version: this.props.list,
            };
        }

        getStatusFilters() {
            const names = this.props.list.fields.status.selection.map(([name]) => name);
            return this.env.searchModel.getSearchItems(
                (item) => item.type === "filter" && names.includes(item.name)
            );
        }

        onSelectStatus(status) {
            const {searchModel} = this.env;
            const filter = this.getStatusFilters().find(({name}) => name === status);
            const isAlone =
                filter.isActive &&
                searchModel.facets.filter(({type}) => type !== "groupBy").length ===
                    1 &&
                this.tilesProps.active.length === 1;
            // The tile counts all jobs of its status, so no other filter may stay.
            searchModel.clearFilters();
            if (!isAlone) {
                searchModel.toggleSearchItem(filter.id);
            }
        }
    };

class ApSyncJobListRenderer extends withTiles(ListRenderer) {
    static template = "ap_sync.JobListRenderer";
}

class ApSyncJobKanbanRenderer extends withTiles(KanbanRenderer) {
    static template = "ap_sync.JobKanbanRenderer";
}

// Still to be loaded, or with a selection that would be lost
const isBusy = (root) => !root || root.selection?.length || root.isDomainSelected;

/**
 * A list or kanban that loads again when jobs change.
 *
 * @param {Function} Controller
 * @returns {Function}
 */
const reloading = (Controller) =>
    class extends Controller {
        setup() {
            super.setup();
            useJobsChanged(() => loadAgain(this.model), {
                isBusy: () => isBusy(this.model.root),
            });
        }
    };

class ApSyncJobFormController extends FormController {
    setup() {
        super.setup();
        useJobsChanged(() => loadAgain(this.model), {
            concerns: (ids) => ids.includes(this.model.root?.resId),
        });
    }
}

const views = registry.category("views");

views.add("ap_sync_job_list", {
    ...listView,
    Controller: reloading(ListController),
    Model: KeptRowsModel,
    Renderer: ApSyncJobListRenderer,
});
views.add("ap_sync_job_kanban", {
    ...kanbanView,
    Controller: reloading(KanbanController),
    Model: KeptRowsModel,
    Renderer: ApSyncJobKanbanRenderer,
});
views.add("ap_sync_job_form", {...formView, Controller: ApSyncJobFormController});
