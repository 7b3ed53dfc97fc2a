import {browser} from "@web/core/browser/browser";
import {onWillDestroy, status, useComponent} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

const CHANNEL = "ap_sync.jobs";
/** How long the first of several messages waits for others that belong to it. */
const FIRST_MS = 100;

/** What somebody is reading and a reload of the view would take away: open badges. */
export const beingRead = new Set();

/**
 * Call back when jobs changed: at once, and the longer messages keep coming the less
 * often, down to every ``delay``; never while nobody looks.
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
    let pause = FIRST_MS;
    let lastRun = 0;
    let isReading = false;
    let isOld = false;

    const run = async () => {
        if (document.hidden || isBusy()) {
            timer = browser.setTimeout(run, delay);
            return;
        }
        timer = null;
        isReading = true;
        try {
            await reload();
        } finally {
            isReading = false;
            pause = Math.min(2 * pause, delay);
            lastRun = Date.now();
            if (isOld) {
                isOld = false;
                timer = browser.setTimeout(run, pause);
            }
        }
    };
    const schedule = () => {
        if (isReading) {
            // What changed may be missing in what is being read
            isOld = true;
        } else if (timer === null) {
            if (Date.now() - lastRun > 2 * delay) {
                pause = FIRST_MS;
            }
            timer = browser.setTimeout(run, pause);
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
        isOld = false;
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

/**
 * Load again what is shown. The model's own load would take the place of a filter or a
 * page that is on its way, and the root's alone would turn the page back.
 *
 * @param {Object} model
 */
export async function loadAgain(model) {
    await model.mutex.getUnlockedDef();
    await model.root.load();
}
