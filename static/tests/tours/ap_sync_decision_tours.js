import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const row = (text) => `.o_data_row:contains("${text}")`;
const group = (text) => `.o_group_header:contains("${text}")`;
const dialog = (rest) => `.modal .o_form_view ${rest}`;

const choose = (reference) => ({
    content: `Choose ${reference}`,
    trigger: `${row(reference)} .o_list_record_selector input`,
    run: "click",
});

const decide = (text) => ({
    content: `Decide: ${text}`,
    trigger: dialog(`.o_radio_item:contains("${text}") input`),
    run: "click",
});

const fill = (name, text) => ({
    content: `Fill in ${name}`,
    trigger: dialog(`[name=${name}] input`),
    run: `edit ${text}`,
});

const apply = {
    content: "Apply",
    trigger: ".modal button[name=action_apply]",
    run: "click",
};

const closed = {content: "The dialog is closed", trigger: "body:not(:has(.modal))"};

const openResolve = {
    content: "Open the decision",
    trigger: ".o_form_view button[name=action_open_resolve]:contains(Resolve)",
    run: "click",
};

tours.add("ap_sync_check", {
    steps: () => [
        choose("NEW-1"),
        choose("HELD-1"),
        choose("DONE-1"),
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:has(.fa-cog)",
            run: "click",
        },
        {
            content: "Check them",
            trigger: ".o-dropdown--menu .o-dropdown-item:contains(Check sync)",
            run: "click",
        },
        {
            content: "Two would be held",
            trigger: group("Would be held (2)"),
        },
        {
            content: "One is there already",
            trigger: group("Nothing to send (1)"),
        },
        {
            content: "Which ones",
            trigger: group("Would be held (2)"),
            run: "click",
        },
        {
            content: "Look at one",
            trigger: `${row("NEW-1")}:contains(No GL code of the ERP) td[name=message]`,
            run: "click",
        },
        {
            content: "What is missing, with a link to where it is mended",
            trigger: ".o_form_view .o_field_ap_sync_causes a:contains(Map)",
        },
        {
            content: "What the ERP would get",
            trigger: ".o_form_view .o_ap_sync_document:contains(Consulting)",
        },
        {
            content: "Open the bill",
            trigger: ".o_form_view .o_field_widget[name=move_id] .o_form_uri",
            run: "click",
        },
        {
            content: "Check it there as well",
            trigger: ".o_form_view button[name=action_ap_sync_check]",
            run: "click",
        },
        {
            content: "The same answer",
            trigger: dialog(".o_field_badge:contains(Would be held)"),
        },
        {
            content: "Close it",
            trigger: ".modal footer button:contains(Close)",
            run: "click",
        },
        closed,
    ],
});

tours.add("ap_sync_preview_rule", {
    steps: () => [
        {
            content: "No condition, no preview",
            trigger: ".o_form_view:not(:has(.o_field_actionable_errors))",
        },
        {
            content: "Name it",
            trigger: ".o_form_view [name=name] input, .o_form_view input#name_0",
            run: "edit Not this vendor",
        },
        {
            content: "It blocks",
            trigger: ".o_field_widget[name=action] .o_radio_item:contains(Block) input",
            run: "click",
        },
        {
            content: "Open the kinds of condition",
            trigger:
                ".o_field_widget[name=condition] select, .o_field_widget[name=condition] input",
            run: "click",
        },
        {
            content: "It is about vendors",
            trigger: ".o_select_menu_item:contains(Vendors)",
            run: "click",
        },
        {
            content: "Look for the vendor",
            trigger: ".o_field_widget[name=partner_ids] input",
            run: "edit Tour Vendor",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Vendor)",
            run: "click",
        },
        {
            content: "What this would do, before it is saved",
            trigger:
                ".o_field_actionable_errors:contains(This would block 1 of 2 open jobs.)",
        },
        {
            content: "Show it",
            trigger: ".o_field_actionable_errors a:contains(Show)",
            run: "click",
        },
        {
            content: "The vendor's bill alone",
            trigger: `.modal .o_list_view:has(${row("HELD-1")}):not(:has(${row("FAIL-1")}))`,
        },
        {
            content: "Close it",
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            content: "The rule is still being written",
            trigger: ".o_form_view .o_form_button_cancel",
            run: "click",
        },
        {
            content: "Thought better of it",
            trigger: ".o_list_view",
        },
    ],
});

tours.add("ap_sync_mark_as_synced", {
    steps: () => [
        openResolve,
        decide("It is in the ERP"),
        {
            content: "Without proof it can't be applied",
            ...apply,
        },
        {
            content: "The number is asked for",
            trigger: dialog("[name=erp_number].o_field_invalid"),
        },
        fill("erp_number", "INV/2026/77"),
        fill("erp_url", "https://erp.example.com/odoo/77"),
        fill("reason", "Entered there by hand"),
        apply,
        closed,
        {
            content: "It is a success",
            trigger: ".o_form_view .o_field_ap_sync_badge .badge:contains(Success)",
        },
        {
            content: "With the number",
            trigger: ".o_form_view [name=erp_number]:contains(INV/2026/77)",
        },
        {
            content: "And by whom",
            trigger: ".o_form_view .o_field_widget[name=marked_by_id]",
        },
        {
            content: "And why",
            trigger: ".o-mail-Message:contains(Entered there by hand)",
        },
    ],
});

tours.add("ap_sync_release", {
    steps: () => [
        {
            content: "It is held",
            trigger: ".o_form_view .o_field_ap_sync_badge .badge:contains(On Hold)",
        },
        openResolve,
        decide("Release it from the rules"),
        fill("reason", "The controller maps it there"),
        apply,
        closed,
        {
            content: "It goes",
            trigger: ".o_form_view .o_field_ap_sync_badge .badge:contains(In Progress)",
        },
        {
            content: "The reason is kept",
            trigger: ".o-mail-Message:contains(The controller maps it there)",
        },
    ],
});

tours.add("ap_sync_release_refused", {
    steps: () => [
        openResolve,
        {
            content: "It can be marked",
            trigger: dialog(".o_radio_item:contains(It is in the ERP)"),
        },
        {
            content: "It can't be released",
            trigger: ".modal .o_form_view:not(:has(.o_radio_item:contains(Release)))",
        },
        {
            content: "Leave it",
            trigger: ".modal footer button:contains(Discard)",
            run: "click",
        },
        closed,
    ],
});

tours.add("ap_sync_pause_and_resume", {
    steps: () => [
        {
            content: "Pause",
            trigger: ".o_form_view button[name=action_open_pause]:contains(Pause)",
            run: "click",
        },
        fill("reason", "AP period close"),
        {
            content: "Until when",
            trigger: dialog("[name=until] input, .modal [name=until] button"),
            run: "click",
        },
        {
            content: "The last day of that month",
            trigger: ".o_datetime_picker .o_date_item_cell:not(.o_out_of_range):last",
            run: "click",
        },
        {
            content: "Pause it",
            trigger: ".modal button[name=action_pause]",
            run: "click",
        },
        closed,
        {
            content: "It says why",
            trigger: ".o_form_view .alert:contains(AP period close)",
        },
        {
            content: "And until when",
            trigger: ".o_form_view .alert [name=paused_until]:visible",
        },
        {
            content: "Look at its jobs",
            trigger: ".o_form_view button[name=action_open_jobs]",
            run: "click",
        },
        {
            content: "They wait, and say why",
            trigger: `${row("FREE-1")}:contains(On Hold):contains(AP period close)`,
        },
        {
            content: "Back to the connection",
            trigger: ".o_breadcrumb .breadcrumb-item a:contains(ERP)",
            run: "click",
        },
        {
            content: "Resume",
            trigger: ".o_form_view button[name=action_resume]",
            run: "click",
        },
        {
            content: "It is paused no more",
            trigger: ".o_form_view button[name=action_open_pause]:contains(Pause)",
        },
    ],
});

tours.add("ap_sync_release_many", {
    steps: () => [
        {
            content: "Select the page",
            trigger: ".o_list_view thead .o_list_record_selector",
            run: "click",
        },
        {
            content: "Select what is on the other pages",
            trigger: ".o_selection_box .o_select_domain",
            run: "click",
        },
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:has(.fa-cog)",
            run: "click",
        },
        {
            content: "Decide on all of them",
            trigger: ".o-dropdown--menu .o-dropdown-item:contains(Release or mark)",
            run: "click",
        },
        {
            content: "Both decisions for many, no other",
            trigger: dialog(
                "[name=decision]:has(.o_radio_item:nth-child(2)):not(:has(.o_radio_item:nth-child(3)))"
            ),
        },
        decide("Release it"),
        fill("reason", "The vendors give none"),
        apply,
        closed,
        {
            content: "What became of them",
            trigger: ".o_notification:contains(queued):contains(left as they are)",
        },
    ],
});

tours.add("ap_sync_assign", {
    steps: () => [
        choose("HELD-1"),
        choose("FAIL-1"),
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:has(.fa-cog)",
            run: "click",
        },
        {
            content: "Give them away",
            trigger: ".o-dropdown--menu .o-dropdown-item:contains(Assign)",
            run: "click",
        },
        {
            content: "Look for a colleague",
            trigger: dialog(".o_field_widget[name=user_id] input"),
            run: "edit Lisa Clerk",
        },
        {
            content: "Choose her",
            trigger: ".o-autocomplete--dropdown-item:contains(Lisa Clerk)",
            run: "click",
        },
        apply,
        closed,
        {
            content: "Take one as an example",
            trigger: `${row("FAIL-1")} td[name=move_id]`,
            run: "click",
        },
        {
            content: "It is hers",
            trigger: ".o_form_view .o_field_widget[name=user_id]:contains(Lisa Clerk)",
        },
    ],
});
