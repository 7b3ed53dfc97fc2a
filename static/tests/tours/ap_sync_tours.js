import {hoverUntil} from "./ap_sync_tour_hover";
import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const row = (text) => `.o_data_row:contains("${text}")`;

const showAll = [
    {content: "Remove the filter", trigger: ".o_facet_remove", run: "click"},
    {content: "No filter is left", trigger: ".o_searchview:not(:has(.o_facet_remove))"},
];

tours.add("ap_sync_filter_by_status", {
    url: "/odoo/ap-sync-jobs",
    steps: () => [
        {content: "A held bill needs me", trigger: row("HELD-1")},
        {
            content: "A synced one does not",
            trigger: `.o_list_view:not(:has(${row("DONE-1")}))`,
        },
        {
            content: "Hover on the badge",
            trigger: `${row("FAIL-1")} .o_field_ap_sync_badge .badge`,
            run: hoverUntil(
                `${row("FAIL-1")} .o_field_ap_sync_badge .badge`,
                ".o_popover"
            ),
        },
        {
            content: "What happened, as text",
            trigger: ".o_popover:contains('<b>archived</b>'):not(:has(b))",
        },
        {
            content: "What to do",
            trigger: ".o_popover .o_ap_sync_todo:contains('Reactivate the vendor')",
        },
        ...showAll,
        {
            content: "Open the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Choose Success",
            trigger: ".o_filter_menu .o_menu_item:contains(Success)",
            run: "click",
        },
        {
            content: "Only what succeeded is left",
            trigger: `.o_list_view:has(${row("DONE-1")}):not(:has(${row("HELD-1")}))`,
        },
        {
            content: "The badge leads to the ERP",
            trigger: `${row("DONE-1")} a.badge[href="https://erp.example.com/odoo/7"][target=_blank][rel~=noopener]`,
        },
        {
            content: "A link that runs code is none",
            trigger: `${row("EVIL-1")} button.badge:contains(Success)`,
        },
    ],
});

tours.add("ap_sync_map_held_bill", {
    url: "/odoo/ap-sync-jobs",
    steps: () => [
        {
            content: "Open the held bill",
            trigger: `${row("HELD-1")} td[name=move_id]`,
            run: "click",
        },
        {
            content: "Follow the cause",
            trigger: ".o_field_ap_sync_causes a:contains(Map)",
            run: "click",
        },
        {
            content: "Look for the ERP's account",
            trigger: ".modal .o_field_widget[name=erp_record_id] input",
            run: "edit 6000",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains(6000 Consulting)",
            run: "click",
        },
        {
            content: "Save the mapping",
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "The bill goes by itself, and may be there already",
            trigger:
                ".o_form_view .o_field_ap_sync_badge .badge:contains(/In Progress|Success/)",
        },
        {
            content: "Nothing stops it any more",
            trigger: ".o_form_view:not(:has(.o_ap_sync_causes))",
        },
        {
            content: "Back to the list",
            trigger: ".o_back_button, .breadcrumb-item a",
            run: "click",
        },
        {content: "The list is there", trigger: ".o_list_view"},
        ...showAll,
        {
            content: "Look again until it is there",
            trigger: row("HELD-1"),
            timeout: 40000,
            async run({click, queryFirst}) {
                const synced = `${row("HELD-1")} .badge:contains(Success)`;
                while (!queryFirst(synced)) {
                    await click("button:has(> .o_searchview_icon)");
                    await new Promise((resolve) => setTimeout(resolve, 300));
                }
            },
        },
        {
            content: "The badge leads to the ERP's bill",
            trigger: `${row("HELD-1")} a.badge[href*="/odoo/"]`,
        },
        {
            content: "Open it",
            trigger: `${row("HELD-1")} td[name=move_id]`,
            run: "click",
        },
        {
            content: "It has the ERP's number",
            trigger: ".o_form_view .o_field_widget[name=erp_number]:contains(BILL/)",
        },
    ],
});

tours.add("ap_sync_block_vendor", {
    url: "/odoo/ap-sync-settings",
    steps: () => [
        {
            content: "Without a condition no bill is blocked",
            trigger: ".o_field_ap_sync_blocked_domain:contains(No bills)",
        },
        {
            content: "A condition is added in a dialog",
            trigger: ".o_field_ap_sync_blocked_domain button",
            run: "click",
        },
        {
            content: "Not now",
            trigger:
                ".modal:has(.o_domain_selector) .modal-footer button:contains(Discard)",
            run: "click",
        },
        {
            content: "Look for the vendor",
            trigger: ".o_field_widget[name=ap_sync_blocked_partner_ids] input",
            run: "edit Tour Vendor",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Vendor)",
            run: "click",
        },
        {
            content: "It is chosen",
            trigger: ".o_field_widget[name=ap_sync_blocked_partner_ids] .o_tag",
        },
        {
            content: "Save the settings",
            trigger: ".o_form_button_save",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Look at the jobs",
            trigger: "[data-menu-xmlid='ap_sync.ap_sync_job_menu']",
            run: "click",
        },
        {content: "The jobs are there", trigger: ".o_list_view"},
        ...showAll,
        {
            content: "The vendor's bill is blocked",
            trigger: `${row("HELD-1")} .badge:contains(Blocked)`,
        },
    ],
});
