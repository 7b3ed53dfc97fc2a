import {DomainField, domainField} from "@web/views/fields/domain/domain_field";
import {registry} from "@web/core/registry";

/** Which bills are blocked: no condition means none here, where Odoo says "all". */
export class ApSyncBlockedDomainField extends DomainField {
    static template = "ap_sync.BlockedDomainField";

    get isEmpty() {
        return (this.props.record.data[this.props.name] || "[]") === "[]";
    }
}

registry.category("fields").add("ap_sync_blocked_domain", {
    ...domainField,
    component: ApSyncBlockedDomainField,
});
