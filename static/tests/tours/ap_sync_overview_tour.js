import {registry} from "@web/core/registry";

const row = (text) => `.o_data_row:contains("${text}")`;
const tile = (status) => `.o_ap_sync_tile[data-status=${status}]`;
const listOf = (there, gone) =>
    `.o_list_view:has(${row(there)}):not(:has(${row(gone)}))`;

const menu = (name) => [
    {
        content: "Open the reports",
        trigger: "[data-menu-xmlid='ap_sync.ap_sync_reporting_menu']",
        run: "click",
    },
    {
        content: "Choose one",
        trigger: `.o-dropdown-item:contains(${name})`,
        run: "click",
    },
];

registry.category("web_tour.tours").add("ap_sync_overview", {
    url: "/odoo/ap-sync-jobs",
    steps: () => [
        {
            content: "Two bills are there",
            trigger: `${tile("success")}:contains(/^2.*200.00/)`,
        },
        {
            content: "One is held, of 1,400",
            trigger: `${tile("on_hold")}:contains(/^1.*1,400.00/)`,
        },
        {content: "None is blocked", trigger: `${tile("blocked")}:contains(/^0/)`},
        {
            content: "Show the failed one",
            trigger: `${tile("failed")}:contains(/^1.*100.00/)[aria-pressed=true]`,
        },
        {content: "It alone", trigger: tile("failed"), run: "click"},
        {content: "It is alone", trigger: listOf("FAIL-1", "HELD-1")},
        {content: "Once more: all", trigger: tile("failed"), run: "click"},
        {
            content: "All are there",
            trigger: `.o_list_view:has(${row("DONE-1")}):has(${row("HELD-1")})`,
        },
        ...menu("Overview"),
        ...["trend", "causes", "vendors", "connections", "time"].map((name) => ({
            content: `The graph ${name} is there`,
            trigger: `.o_ap_sync_panel[data-name=${name}] canvas`,
        })),
        {
            content: "The oldest waits first",
            trigger: `.o_ap_sync_panel[data-name=oldest] .o_data_row:first-child:contains(FAIL-1)`,
        },
        {
            content: "A bar of a graph opens its jobs",
            trigger: ".o_ap_sync_panel[data-name=causes] canvas",
            async run({anchor: canvas}) {
                // Bars are drawn, so a test has nothing but places to click on.
                const {left, top, width, height} = canvas.getBoundingClientRect();
                for (let x = 0.1; x < 1 && canvas.isConnected; x += 0.1) {
                    const at = {
                        clientX: left + width * x,
                        clientY: top + height * 0.7,
                        bubbles: true,
                    };
                    canvas.dispatchEvent(new window.MouseEvent("click", at));
                    await new Promise((resolve) => setTimeout(resolve, 300));
                }
            },
        },
        {
            content: "These are the jobs of one cause",
            trigger: ".o_control_panel:contains(Sync Jobs)",
        },
        {
            content: "And only those",
            trigger:
                ".o_list_view:has(.o_data_row):not(:has(.o_data_row ~ .o_data_row))",
        },
        ...menu("Overview"),
        {
            content: "A tile opens its jobs",
            trigger: `.o_ap_sync_overview ${tile("on_hold")}`,
            run: "click",
        },
        {content: "It is alone", trigger: listOf("HELD-1", "FAIL-1")},
        ...menu("Why Syncs Fail"),
        {
            content: "Two bills were refused, although one is there by now",
            trigger: ".o_pivot_cell_value:contains(/^2/)",
            run: "click",
        },
        {content: "The failed one", trigger: row("FAIL-1")},
        {content: "And the mended one", trigger: listOf("FAIL-2", "DONE-1")},
    ],
});
