import {hoverUntil} from "./ap_sync_tour_hover";
import {registry} from "@web/core/registry";
import {rpc, rpcBus} from "@web/core/network/rpc";

const CHANNEL = "ap_sync.jobs";
const row = (text) => `.o_data_row:contains("${text}")`;
const badge = (status) => `.badge:contains(${status})`;
const progress = ".o_ap_sync_progress";

const callbacks = new Set();
const jobsChange = () => callbacks.forEach((callback) => callback({job_ids: false}));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often a list was read until now, for all to see. */
function countReadings() {
    const {dataset} = document.body;
    dataset.readings = 0;
    rpcBus.addEventListener("RPC:RESPONSE", ({detail}) => {
        if (detail.data.params.method === "web_search_read") {
            dataset.readings++;
        }
    });
}

/**
 * A websocket in a test may open or not. This asks for the same messages, on the channels
 * the same code gives, and hands them to whoever subscribed to the bus.
 */
export function pollBus() {
    const bus = odoo.__WOWL_DEBUG__.root.env.services.bus_service;
    bus.subscribe = (type, callback) => type === CHANNEL && callbacks.add(callback);
    bus.unsubscribe = (type, callback) => callbacks.delete(callback);
    // From the first: what a test sends is as old as its transaction
    let last = 1;
    const poll = async () => {
        const params = {channels: [CHANNEL], last, is_first_poll: true};
        const {notifications} = await rpc("/websocket/peek_notifications", params, {
            silent: true,
        });
        for (const {id, message} of notifications) {
            last = id;
            if (message.type === CHANNEL) {
                callbacks.forEach((callback) => callback(message.payload));
            }
        }
        setTimeout(poll, 500);
    };
    poll();
}

registry.category("web_tour.tours").add("ap_sync_live", {
    url: "/odoo/ap-sync-jobs",
    steps: () => [
        {content: "The jobs are there", trigger: row("Failed"), run: pollBus},
        {
            content: "Open something else",
            trigger: "[data-menu-xmlid='ap_sync.ap_sync_connection_menu']",
            run: "click",
        },
        {content: "It is there", trigger: ".o_list_view:has([name=connector])"},
        {
            content: "Open the jobs again",
            trigger: "[data-menu-xmlid='ap_sync.ap_sync_job_menu']",
            run: "click",
        },
        {
            content: "Read what a badge says",
            trigger: `.o_list_view:has(.o_ap_sync_tiles) .o_data_row ${badge("Failed")}`,
            run: hoverUntil(`.o_data_row ${badge("Failed")}`, ".o_popover"),
        },
        {
            content: "Jobs change meanwhile",
            trigger: ".o_popover .o_ap_sync_todo",
            run: async () => {
                countReadings();
                jobsChange();
                await wait(2500);
            },
        },
        {content: "What is read stays", trigger: "body[data-readings='0']"},
        {
            content: "Away from it",
            trigger: ".o_popover .o_ap_sync_todo",
            run: "hover .o_control_panel .o_breadcrumb",
        },
        {content: "Now the list follows", trigger: "body:not([data-readings='0'])"},
        {
            content: "With the keyboard on a row, jobs change again",
            trigger: ".o_data_row .o_list_record_selector input",
            run() {
                this.anchor.focus();
                document.body.dataset.readings = 0;
                jobsChange();
            },
        },
        {content: "The list follows", trigger: "body:not([data-readings='0'])"},
        {
            content: "Who is on a row stays there",
            trigger: ".o_data_row .o_list_record_selector input:focus",
            run: () => wait(500),
        },
        {
            content: "Also when it is drawn",
            trigger: ".o_data_row .o_list_record_selector input:focus",
        },
        {
            content: "Select the page",
            trigger: ".o_list_view:has(.o_ap_sync_tiles) thead .o_list_record_selector",
            run: "click",
        },
        {
            content: "Select what is on the other pages",
            trigger: ".o_selection_box .o_select_domain",
            run: "click",
        },
        {
            content: "Sync all five",
            trigger: ".o_control_panel button[name=action_sync]",
            run: "click",
        },
        {
            content: "The progress ends by itself, and all are accounted for",
            trigger: `${progress}:contains("5 bills: done") [aria-valuenow="100"]`,
            timeout: 60000,
        },
        {content: "Three are there", trigger: `${progress} li:contains(/Success.*3/)`},
        {
            content: "The tiles follow",
            trigger: ".o_ap_sync_tile[data-status=success]:contains(/^3/)",
        },
        {
            content: "So does the list: what is done does not need me any more",
            trigger:
                ".o_list_view:has(.o_data_row):not(:has(.badge:contains(Success)))",
        },
        {
            content: "Open what needs work",
            trigger: `${progress} button[data-status=failed]`,
            run: "click",
        },
        {
            content: "It is one bill",
            trigger: `.o_list_view:has(.o_data_row ${badge("Failed")}):not(:has(.o_data_row ~ .o_data_row))`,
        },
        {
            content: "Close the progress",
            trigger: `${progress} .btn-close`,
            run: "click",
        },
        {
            content: "Open the bill",
            trigger: ".o_data_row td[name=move_id]",
            run: "click",
        },
        {
            content: "Sync it",
            trigger: ".o_form_view button[name=action_sync]",
            run: "click",
        },
        {
            content: "The form follows, too",
            trigger: `.o_form_view .o_field_ap_sync_badge ${badge("Success")}`,
            timeout: 60000,
        },
    ],
});

/** Do something while a list takes a second to be read. */
const slowly = (act) => async (helpers) => {
    const {_rpc} = rpc;
    rpc._rpc = async (url, params, ...rest) => {
        if (url.endsWith("/web_search_read")) {
            await wait(1000);
        }
        return _rpc(url, params, ...rest);
    };
    await act(helpers);
    await wait(2500);
    rpc._rpc = _rpc;
};

/** Jobs change while the page that somebody asked for is still under way. */
const changeWhile = (ask) =>
    slowly(async (helpers) => {
        await ask(helpers);
        await wait(300);
        jobsChange();
    });

registry.category("web_tour.tours").add("ap_sync_live_asked", {
    url: "/odoo/ap-sync-connections",
    steps: () => [
        {content: "It is there", trigger: ".o_list_view", run: pollBus},
        {
            content: "Open the jobs",
            trigger: "[data-menu-xmlid='ap_sync.ap_sync_job_menu']",
            run: "click",
        },
        {
            content: "Two of the three that need me are on the first page",
            trigger: ".o_list_view:has(.o_ap_sync_tiles):has(.o_data_row)",
        },
        {
            content: "Go into a badge while the list is read again",
            trigger: `.o_list_view:has(.o_ap_sync_tiles) .o_data_row ${badge("Failed")}`,
            run: slowly(async ({anchor, press}) => {
                jobsChange();
                await wait(300);
                anchor.focus();
                await press("Enter");
            }),
        },
        {
            content: "It stays open, and Escape leaves it",
            trigger: ".o_popover:has(:focus)",
            run: "press Escape",
        },
        {
            content: "Who was in it is back on the badge",
            trigger: `.o_data_row ${badge("Failed")}:focus`,
            run: () => wait(600),
        },
        {content: "And it stays closed", trigger: "body:not(:has(.o_popover))"},
        {
            content: "Turn the page while jobs change",
            trigger: ".o_list_view:has(.o_ap_sync_tiles) .o_pager_next",
            run: changeWhile(({click}) => click(".o_pager_next")),
        },
        {
            content: "The page is turned",
            trigger: ".o_list_view .o_pager_value:contains(/^3/)",
        },
        {
            content: "Ask for the held one while jobs change",
            trigger: ".o_ap_sync_tile[data-status=on_hold]",
            run: changeWhile(({click}) =>
                click(".o_ap_sync_tile[data-status=on_hold]")
            ),
        },
        {
            content: "It is what is shown",
            trigger: `.o_list_view:has(.o_facet_value:contains(On Hold)):has(${badge("On Hold")}):not(:has(.o_data_row ${badge("Failed")}))`,
        },
        {
            content: "Open the groupings",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Group by vendor",
            trigger: ".o_group_by_menu .o_menu_item:contains(Vendor)",
            run: "click",
        },
        {content: "Unfold the group", trigger: ".o_group_header", run: "click"},
        {
            content: "Jobs change while somebody is on a row of it",
            trigger: ".o_data_row .o_list_record_selector input",
            async run({anchor}) {
                anchor.focus();
                jobsChange();
                await wait(2500);
            },
        },
        {
            content: "Who is on a row stays there",
            trigger:
                ".o_group_header + .o_data_row .o_list_record_selector input:focus",
        },
    ],
});

registry.category("web_tour.tours").add("ap_sync_live_bill", {
    url: "/odoo/ap-sync-connections",
    steps: () => [
        {content: "It is there", trigger: ".o_list_view", run: pollBus},
        {
            content: "Open the jobs",
            trigger: "[data-menu-xmlid='ap_sync.ap_sync_job_menu']",
            run: "click",
        },
        {
            content: "Open the job",
            trigger: ".o_data_row td[name=move_id]",
            run: "click",
        },
        {
            content: "Open its bill",
            trigger: ".o_form_view button[name=action_open_bill]",
            run: "click",
        },
        {
            content: "It is in no books yet",
            trigger: `.o_form_view .o_field_ap_sync_badge[name=ap_sync_status] ${badge("Failed")}`,
        },
        {
            content: "Somebody else syncs it",
            trigger: ".o_form_view",
            async run() {
                const {orm} = odoo.__WOWL_DEBUG__.root.env.services;
                const jobs = await orm.search("ap.sync.job", []);
                await orm.call("ap.sync.job", "action_sync", [jobs]);
            },
        },
        {
            content: "The form follows",
            trigger: `.o_form_view .o_field_ap_sync_badge[name=ap_sync_status] ${badge("Success")}`,
            timeout: 60000,
        },
        {
            content: "With the ERP's number",
            trigger: ".o_form_view [name=ap_sync_erp_number]:contains(/[0-9]/)",
        },
    ],
});
