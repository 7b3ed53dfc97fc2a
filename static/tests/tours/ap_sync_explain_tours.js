import {hoverUntil} from "./ap_sync_tour_hover";
import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const row = (text) => `.o_data_row:contains("${text}")`;
const badge = (text) => `${row(text)} .o_field_ap_sync_badge .badge`;
const bill = ".o_form_view .o_field_widget[name=ref]";

const showAll = [
    {content: "Remove the filter", trigger: ".o_facet_remove", run: "click"},
    {content: "No filter is left", trigger: ".o_searchview:not(:has(.o_facet_remove))"},
];

tours.add("ap_sync_badge_explains", {
    url: "/odoo/ap-sync-jobs",
    steps: () => [
        {
            content: "A screen reader hears it without opening anything",
            trigger: `${badge("FAIL-1")}[aria-label^="Sync status: Failed. "][aria-label*="archived"][aria-haspopup=dialog][aria-expanded=false]`,
        },
        {
            content: "Hover",
            trigger: badge("FAIL-1"),
            run: hoverUntil(badge("FAIL-1"), ".o_popover"),
        },
        {
            content: "The cause, as text",
            trigger:
                ".o_popover [role=dialog][aria-label]:contains('<b>archived</b>'):not(:has(b))",
        },
        {
            content: "What to do",
            trigger: ".o_popover .o_ap_sync_todo:contains(Reactivate the vendor)",
        },
        {
            content: "Who can do it",
            trigger: ".o_popover:contains(Whoever keeps the records of the ERP)",
        },
        {
            content: "How often it was tried",
            trigger: ".o_popover dd:contains(/^1, the/)",
        },
        {
            content: "The badge says that it is open",
            trigger: ".badge[aria-expanded=true]",
        },
        {
            content: "Away from it",
            trigger: ".o_control_panel .o_breadcrumb",
            run: "hover",
        },
        {content: "It closes", trigger: "body:not(:has(.o_popover))"},
        {
            content: "Hover again",
            trigger: badge("FAIL-1"),
            run: hoverUntil(badge("FAIL-1"), ".o_popover"),
        },
        {
            content: "Unfold the ERP's answer",
            trigger: ".o_popover details:not([open]) summary:contains(HTTP 422)",
            run: "click",
        },
        {
            content: "As it was, and as text",
            trigger: ".o_popover details[open] pre:contains('<i>no such partner</i>')",
        },
        {
            content: "Escape closes it",
            trigger: ".o_popover summary",
            run: "press Escape",
        },
        {content: "It is closed", trigger: "body:not(:has(.o_popover))"},
        {
            content: "With the keyboard",
            trigger: badge("FAIL-1"),
            run() {
                this.anchor.focus();
            },
        },
        {content: "Focus opens it too", trigger: ".o_popover .o_ap_sync_causes"},
        {
            content: "Enter goes into it",
            trigger: `${badge("FAIL-1")}:focus`,
            run: "press Enter",
        },
        {
            content: "And leaves by Escape",
            trigger: ".o_popover:has(:focus)",
            run: "press Escape",
        },
        {content: "Back on the badge", trigger: `${badge("FAIL-1")}:focus`},
        {content: "Which is closed", trigger: "body:not(:has(.o_popover))"},
        {content: "In again", trigger: badge("FAIL-1"), run: "click"},
        {
            content: "A manager may mark it, with proof",
            trigger: ".o_popover button:contains(Mark as synced)",
            run: "click",
        },
        {
            content: "That decision is chosen",
            trigger:
                ".modal .o_field_ap_sync_decision input:checked[data-value=mark_synced]",
        },
        {content: "Not now", trigger: ".modal button[special=cancel]", run: "click"},
        {content: "The dialog is gone", trigger: "body:not(:has(.modal))"},
        {content: "In again", trigger: badge("FAIL-1"), run: "click"},
        {
            content: "Sync, from within",
            trigger: ".o_popover button:contains(/^Sync$/)",
            run: "click",
        },
        {content: "It says so", trigger: ".o_notification:contains(1 queued)"},
        {
            content: "It needs nobody any more",
            trigger: `.o_list_view:not(:has(${row("FAIL-1")}))`,
        },
        ...showAll,
        {
            content: "It is on its way again",
            trigger: `${row("FAIL-1")} .badge:contains(In Progress)`,
        },
        {
            content: "The ERP's bill",
            trigger: `${badge("DONE-1")}[href]`,
            run: hoverUntil(`${badge("DONE-1")}[href]`, ".o_popover"),
        },
        {
            content: "Says its number there, and opens it",
            trigger:
                ".o_popover:has(dd:contains(ERP/0001)) button:contains(Open in ERP)",
        },
    ],
});

tours.add("ap_sync_one_cure", {
    url: "/odoo/ap-sync-jobs",
    steps: () => [
        {
            content: "Open a bill with two causes",
            trigger: `${row("partner_b")} td[name=move_id]`,
            run: "click",
        },
        {
            content: "The root comes first, with a link to the field",
            trigger:
                ".o_ap_sync_causes > .alert-warning:first-child:contains(no reference) a:contains(Reference of)",
        },
        {
            content: "Its symptom after it, with a link to the mapping",
            trigger:
                ".o_ap_sync_causes > div:contains(After that) + .alert:contains(Rent) a:contains(Map 600901 Rent)",
        },
        {
            content: "It says who waits for the same",
            trigger: ".o_ap_sync_causes .alert:contains(3 more bills wait for this)",
        },
        {
            content: "Cure it here",
            trigger: ".o_ap_sync_causes a:contains(Map 600901 Rent)",
            run: "click",
        },
        {
            content: "Look for the ERP's account",
            trigger: ".modal .o_field_widget[name=erp_record_id] input",
            run: "edit 6310",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains(6310 Rents)",
            run: "click",
        },
        {
            content: "It is known how many bills that is",
            trigger: ".modal .o_field_widget[name=waiting_count]:contains(4)",
        },
        {
            content: "Map it",
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "It says how many went, and how many did not",
            trigger:
                ".o_notification:contains(3 released, 1 still stopped by another cause)",
        },
        {
            content: "One cause is left here",
            trigger: ".o_ap_sync_causes:contains(no reference):not(:contains(Rent))",
        },
        {
            content: "Follow its link",
            trigger: ".o_ap_sync_causes a:contains(Reference of)",
            run: "click",
        },
        {
            content: "It leads into the field of the bill",
            trigger: `${bill} input:focus`,
            run: "edit CURED-1",
        },
        {content: "Save", trigger: ".o_form_button_save", run: "click"},
        {
            content: "Nothing keeps it from the books any more",
            trigger:
                ".o_form_view:not(:has(.o_ap_sync_causes)) .o_field_ap_sync_badge .badge:contains(In Progress)",
        },
    ],
});

tours.add("ap_sync_on_the_bill", {
    url: "/odoo/action-account.action_move_in_invoice",
    steps: () => [
        {content: "Bills have a badge", trigger: badge("FAIL-1")},
        {
            content: "Look for a number of the ERP",
            trigger: ".o_searchview_input",
            run: "edit ERP/0001",
        },
        {
            content: "As such",
            trigger:
                ".o_searchview_autocomplete .o-dropdown-item:contains(/ERP Number/) a, .o_searchview_autocomplete .o-dropdown-item:contains(ERP Number)",
            run: "click",
        },
        {
            content: "That is our bill",
            trigger: `.o_list_view:has(${row("DONE-1")}):not(:has(${row("FAIL-1")}))`,
        },
        {
            content: "Take the last filter away",
            trigger: ".o_searchview_facet:contains(ERP/0001) .o_facet_remove",
            run: "click",
        },
        {
            content: "Open the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "What sync holds",
            trigger: ".o_filter_menu .o_menu_item:contains(Sync On Hold)",
            run: "click",
        },
        {
            content: "Only that is left; open it",
            trigger: `.o_list_view:not(:has(${row("DONE-1")})) ${row("partner_b")} td[name=name]`,
            run: "click",
        },
        {
            content: "A banner says why",
            trigger:
                ".o_form_view .o_field_ap_sync_causes .alert:contains(no reference)",
        },
        {
            content: "And leads to the field, on this form",
            trigger: ".o_field_ap_sync_causes a:contains(Reference of)",
            run: "click",
        },
        {
            content: "Enter it",
            trigger: `${bill} input:focus`,
            run: "edit CURED-1",
        },
        {content: "Save", trigger: ".o_form_button_save", run: "click"},
        {
            content: "The banner goes by itself",
            trigger:
                ".o_form_view:not(:has(.o_ap_sync_causes)) .o_field_ap_sync_badge .badge:contains(In Progress)",
        },
    ],
});
