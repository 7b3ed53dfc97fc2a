import {registry} from "@web/core/registry";
import {session} from "@web/session";

/** Tells what the request before this page had to say: it ended with a redirect. */
const noticeService = {
    dependencies: ["notification"],

    start(env, {notification}) {
        const notice = session.ap_sync_notice;
        if (notice) {
            const {message, title, type} = notice;
            notification.add(message, {title, type, sticky: type !== "success"});
            delete session.ap_sync_notice;
        }
    },
};

registry.category("services").add("ap_sync.notice", noticeService);
