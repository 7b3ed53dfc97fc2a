import {browser} from "@web/core/browser/browser";
import {onWillDestroy, status, useComponent} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

const CHANNEL = "ap_sync.jobs";

/** What somebody is reading and a reload of the view would take away: open badges. */
export const beingRead = new Set();

/**
 * Call back when jobs changed: soon, but not more often than every ``delay``, however
 * many messages come, and never while nobody looks.
 *
 * @param {Object} bus the bus service
 * @param {Function} reload
 * @param {Object} [options]
 * @param {Number} [options.delay] milliseconds
 * @param {Function} [options.concerns] of a list of job ids, whether they matter
 * @param {Function} [options.isBusy] whether a reload would disturb now
 * @returns {Function} ends it
 */
export function onJobsChanged(bus, reload, options = {}) {
    const {delay = 1000, concerns = () => true, isBusy = () => false} = options;
    let timer = null;

    const run = async () => {
        if (document.hidden || isBusy()) {
            timer = browser.setTimeout(run, delay);
            return;
        }
        try {
            await reload();
        } finally {
            timer = null;
        }
    };
    const schedule = () => {
        if (timer === null) {
            timer = browser.setTimeout(run, delay);
        }
    };
    // Without ids, many changed
    const onMessage = ({job_ids: ids}) => {
        if (!ids || concerns(ids)) {
            schedule();
        }
    };
    // All screens share the channel, so none of them ends its subscription.
    bus.addChannel(CHANNEL);
    bus.subscribe(CHANNEL, onMessage);
    // What came meanwhile is lost
    bus.addEventListener("BUS:RECONNECT", schedule);
    return () => {
        browser.clearTimeout(timer);
        bus.unsubscribe(CHANNEL, onMessage);
        bus.removeEventListener("BUS:RECONNECT", schedule);
    };
}

/**
 * ``onJobsChanged`` for as long as a component lives.
 *
 * @param {Function} reload
 * @param {Object} [options]
 */
export function useJobsChanged(reload, options = {}) {
    const component = useComponent();
    const end = onJobsChanged(
        useService("bus_service"),
        // One whose first rendering was given up is never destroyed
        () => (status(component) === "mounted" ? reload() : end()),
        {
            ...options,
            isBusy: () =>
                status(component) === "new" || beingRead.size || options.isBusy?.(),
        }
    );
    onWillDestroy(end);
}
