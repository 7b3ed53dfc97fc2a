import {onWillUnmount, useRef} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {getPopoverForTarget} from "@web/core/popover/popover";
import {usePopover} from "@web/core/popover/popover_hook";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {BadgeField, badgeField} from "@web/views/fields/badge/badge_field";
import {ApSyncBadgePopover} from "./badge_popover";
import {beingRead, loadAgain, useJobsChanged} from "../live/live";
import {useCauseLink} from "./causes_field";

const COLORS = {
    success: "text-bg-success",
    failed: "text-bg-danger",
    in_progress: "text-bg-info",
    on_hold: "text-bg-warning",
    blocked: "text-bg-dark",
};

/** How long the mouse rests on a badge before it opens, or is away before it closes. */
const HOVER_MS = 250;

/**
 * Return the address if a browser may open it: an ERP's answer is not trusted, so
 * nothing but http and https gets through.
 *
 * @param {String|false} address
 * @returns {String|false}
 */
export function safeUrl(address) {
    const url = URL.canParse(address || "") && new URL(address);
    return url && ["http:", "https:"].includes(url.protocol) ? url.href : false;
}

/**
 * The sync status. On hover and focus it opens and says what happened, why, what to do
 * and who can; Enter or a click goes into it, or to the ERP's bill once that is there.
 */
export class ApSyncBadgeField extends BadgeField {
    static template = "ap_sync.BadgeField";
    static props = {
        ...BadgeField.props,
        messageField: String,
        guidanceField: String,
        urlField: String,
        jobField: {type: String, optional: true},
    };

    setup() {
        super.setup();
        this.action = useService("action");
        this.orm = useService("orm");
        this.ui = useService("ui");
        this.openCause = useCauseLink(() => this.props.record);
        this.badge = useRef("badge");
        const options = {
            position: "bottom-start",
            onClose: () => {
                beingRead.delete(this);
                this.badge.el?.setAttribute("aria-expanded", "false");
            },
        };
        // A glance leaves the focus where it is; who goes in has it until Escape.
        this.glance = usePopover(ApSyncBadgePopover, {
            ...options,
            setActiveElement: false,
        });
        this.visit = usePopover(ApSyncBadgePopover, {
            ...options,
            useBottomSheet: this.ui.isSmall,
            onClose: () => {
                options.onClose();
                this.isLeft = true;
            },
        });
        // The bill's form; a list of bills would have a listener in every row.
        if (this.props.jobField && this.env.config.viewType === "form") {
            const {record} = this.props;
            useJobsChanged(() => loadAgain(record.model), {
                concerns: (ids) => ids.includes(this.jobId),
                isBusy: () => record.model.root.dirty,
            });
        }
        onWillUnmount(() => {
            clearTimeout(this.timer);
            beingRead.delete(this);
        });
    }

    get data() {
        return this.props.record.data;
    }

    get status() {
        return this.data[this.props.name];
    }

    get badgeClass() {
        return COLORS[this.status];
    }

    get url() {
        return this.status === "success" && safeUrl(this.data[this.props.urlField]);
    }

    /** What a screen reader says of it, without anything being opened. */
    get label() {
        const {messageField, guidanceField} = this.props;
        return [
            _t("Sync status: %s.", this.formattedValue),
            this.data[messageField],
            this.data[guidanceField],
        ]
            .filter(Boolean)
            .join(" ");
    }

    get jobId() {
        const {jobField, record} = this.props;
        return jobField ? record.data[jobField]?.id : record.resId;
    }

    // -- Opening and closing

    async show(popover) {
        const jobId = this.jobId;
        if (!jobId) {
            return;
        }
        this.wanted = popover;
        const explanation = await this.orm.silent.call(
            "ap.sync.job",
            "get_explanation",
            [[jobId]]
        );
        // Gone again, or into it, before the answer came.
        if (this.wanted !== popover || !this.badge.el) {
            return;
        }
        this.hide();
        beingRead.add(this);
        popover.open(this.badge.el, {
            // The bottom sheet of a phone gives none of its own.
            close: () => this.hide(),
            status: this.formattedValue,
            explanation,
            open: this.openCause,
            run: (action) => this.run(jobId, action),
        });
        this.badge.el.setAttribute("aria-expanded", "true");
    }

    hide() {
        this.wanted = null;
        this.glance.close();
        this.visit.close();
    }

    onEnter() {
        clearTimeout(this.timer);
        if (!this.glance.isOpen && !this.visit.isOpen && !this.ui.isSmall) {
            beingRead.add(this);
            this.timer = setTimeout(() => this.show(this.glance), HOVER_MS);
        }
    }

    onFocus({relatedTarget}) {
        // Given back by what was just closed, which comes from nowhere: stays closed
        const isBack = this.isLeft && !relatedTarget;
        this.isLeft = false;
        if (!isBack && this.badge.el.matches(":focus-visible")) {
            this.onEnter();
        }
    }

    /** A glance stays open while the mouse or the focus is in it. */
    onLeave() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
            const {el} = this.badge;
            const box = el && getPopoverForTarget(el);
            if (box?.matches(":hover, :focus-within")) {
                box.addEventListener("mouseleave", () => this.onLeave(), {once: true});
            } else if (!el?.matches(":hover, :focus-visible")) {
                this.wanted = this.wanted === this.glance ? null : this.wanted;
                this.glance.close();
                if (!this.visit.isOpen) {
                    beingRead.delete(this);
                }
            }
        }, HOVER_MS);
    }

    onKeydown(ev) {
        if (ev.key === "Enter" || ev.key === " ") {
            // Pressed on the badge, not on the row of the list.
            ev.stopPropagation();
        } else if (ev.key === "ArrowDown" && ev.altKey) {
            // The way in where Enter follows the link to the ERP.
            ev.stopPropagation();
            ev.preventDefault();
            this.onClick();
        }
    }

    onClick() {
        clearTimeout(this.timer);
        return this.show(this.visit);
    }

    // -- Doing

    async run(jobId, {name, context}) {
        const {record} = this.props;
        if (!record.isInEdition || (await record.save())) {
            await this.action.doActionButton({
                type: "object",
                name,
                resModel: "ap.sync.job",
                resId: jobId,
                buttonContext: context,
                onClose: () => record.model.root.load(),
            });
        }
    }
}

function fieldNames(options) {
    return {
        messageField: options.message_field || "message",
        guidanceField: options.guidance_field || "guidance",
        urlField: options.url_field || "erp_url",
        jobField: options.job_field,
    };
}

export const apSyncBadgeField = {
    ...badgeField,
    component: ApSyncBadgeField,
    supportedTypes: ["selection"],
    fieldDependencies: ({options}) => {
        const names = fieldNames(options);
        return [
            {name: names.messageField, type: "text", readonly: true},
            {name: names.guidanceField, type: "text", readonly: true},
            {name: names.urlField, type: "char", readonly: true},
            ...(names.jobField
                ? [
                      {
                          name: names.jobField,
                          type: "many2one",
                          relation: "ap.sync.job",
                          readonly: true,
                          // Only its id is needed: so no name is asked for.
                          invisible: true,
                      },
                  ]
                : []),
        ];
    },
    extractProps: ({decorations, options}) => ({
        decorations,
        ...fieldNames(options),
    }),
};

registry.category("fields").add("ap_sync_badge", apSyncBadgeField);
