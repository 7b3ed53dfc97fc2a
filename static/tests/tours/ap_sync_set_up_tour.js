import {pollBus} from "./ap_sync_live_tour";
import {registry} from "@web/core/registry";

const step = (name, state) => `[data-step=${name}][data-state=${state}]`;
const row = (text) => `.o_data_row:contains("${text}")`;

/** What a step that has just become the next one looks like: its button has the focus. */
const press = (name) => [
    {
        content: `${name} is next, and the only primary button`,
        trigger: `.o_ap_sync_setup:not(:has(.btn-primary ~ .btn-primary)) ${step(name, "now")} .btn-primary`,
    },
    {
        content: `Press it: ${name}`,
        trigger: `${step(name, "now")} .btn-primary:not([disabled])`,
        run: "click",
    },
];

const fill = (name, text) => ({
    content: `Fill in ${name}`,
    trigger: `.o_form_view .o_field_widget[name=${name}] :is(input, textarea)`,
    run: `edit ${text}`,
});

registry.category("web_tour.tours").add("ap_sync_set_up", {
    steps: () => [
        {
            content: "A new connection",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "The rest comes later",
            trigger: ".o_form_view:not(:has([name=post_in_erp]))",
            run: pollBus,
        },
        fill("name", "New ERP"),
        fill("url", "https://new.example.com"),
        fill("api_key", "secret-canary-key"),
        ...press("connect"),
        {
            content: "The next step has the focus",
            trigger: `${step("test", "now")} .btn-primary:focus`,
        },
        ...press("test"),
        {
            content: "The next has the focus, though the form was loaded anew",
            trigger: `${step("refresh", "now")} .btn-primary:focus`,
        },
        {
            content: "What was tested is folded by now: look at it",
            trigger: `${step("test", "done")} details:not([open]) summary`,
            run: "click",
        },
        {
            content: "Item by item",
            trigger: `${step("test", "done")} details[open] .fa-check[aria-label=ok]`,
        },
        ...press("refresh"),
        {
            content: "What came",
            trigger: `${step("refresh", "done")}:contains("2 accounts")`,
        },
        ...press("map"),
        {
            content: "Bills wait for nothing yet; what is sure is proposed",
            trigger: `${row("Proposed")}:contains("same code")`,
        },
        {
            content: "What is only similar is missing: choose it",
            trigger: `${row("Missing")} .o_ap_sync_suggestions button:contains(Rents)`,
            run: "click",
        },
        {
            content: "It is mapped, and no longer to do",
            trigger: `.o_list_view:not(:has(${row("Missing")}))`,
        },
        {
            content: "Accept what is proposed",
            trigger: "button[name=action_accept_proposals]:not([disabled])",
            run: "click",
        },
        {
            content: "Nothing is left to do",
            trigger: `.o_list_view:not(:has(${row("Proposed")}))`,
        },
        {
            content: "Back to the connection",
            trigger: ".o_back_button, .breadcrumb-item a:contains(New ERP)",
            run: "click",
        },
        ...press("try"),
        {
            content: "The small bill is proposed, and would pass",
            trigger:
                ".modal [name=check]:contains(Would sync), .modal .badge:contains(Would sync)",
        },
        {
            content: "Send it",
            trigger: ".modal button[name=action_send]",
            run: "click",
        },
        {
            content: "What became of it",
            trigger: ".modal .o_field_ap_sync_badge .badge:contains(Success)",
            timeout: 40000,
        },
        {
            content: "With the way into the ERP",
            trigger: ".modal button[name=action_open_erp]",
        },
        {
            content: "Close it",
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            content: "It is in the books",
            trigger: `${step("try", "done")}:contains("ERP/0001")`,
        },
        ...press("switch_on"),
        {
            content: "Older bills stay",
            trigger: ".modal .alert:contains('0 bills go now'):contains('1 older')",
        },
        {
            content: "Switch on",
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "The path is folded",
            trigger: ".o_ap_sync_setup:not([open]) summary:contains(all 6 steps done)",
        },
        {
            content: "The usual buttons are there",
            trigger: "button[name=action_test_connection]",
        },
    ],
});
