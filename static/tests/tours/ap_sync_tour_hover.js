const TRIES = 20;

/**
 * Rest on an element until something opens. When a list is loaded again under a real
 * mouse, the browser enters the new element by itself; a tour has to.
 *
 * @param {String} selector
 * @param {String} opened
 * @returns {Function} what a step runs
 */
export const hoverUntil = (selector, opened) => async (helpers) => {
    for (let tries = 0; tries < TRIES && !helpers.queryFirst(opened); tries++) {
        await helpers.hover(selector);
        await new Promise((resolve) => setTimeout(resolve, 500));
    }
};
