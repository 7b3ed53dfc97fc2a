import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

const step = (state) => `[data-step=connect][data-state=${state}]`;

/** Leaves for Xero's page, where a person presses a button at once, and comes back. */
const go = {
    content: "Connect: the first step, and what the form offers later",
    trigger: `.o_form_view:has(button[name=action_open_consent]:contains(Connect to Xero)) ${step("now")} .btn-primary:contains(Connect to Xero)`,
    run: "click",
    expectUnloadPage: true,
};

registry.category("web_tour.tours").add("ap_sync_consent", {
    steps: () => [
        {
            content: "What has to be entered at Xero can be copied",
            trigger:
                ".o_field_widget[name=consent_uri]:contains(/ap_sync/oauth/callback) .o_btn_char_copy",
        },
        go,
        {
            content: "It says how it went",
            trigger: ".o_notification:contains(Connected to Xero):contains(all right)",
        },
        {
            content: "The address holds nothing of it",
            trigger: `.o_form_view ${step("done")}`,
            run: () => {
                const {hash, href, search} = browser.location;
                if (search || hash) {
                    throw new Error(`left in the address: ${href}`);
                }
            },
        },
    ],
});

registry.category("web_tour.tours").add("ap_sync_consent_declined", {
    steps: () => [
        go,
        {
            content: "It says what happened and what to do",
            trigger:
                ".o_notification:contains(Not connected):contains(declined):contains(press Connect to Xero)",
        },
        {
            content: "Nothing has changed",
            trigger: `.o_form_view ${step("now")}`,
        },
    ],
});
