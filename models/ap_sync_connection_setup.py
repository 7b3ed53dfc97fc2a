from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_datetime, format_list

from .ap_sync_secret import HIDDEN

#: What a test has looked at: with another of these it says nothing any more.
TESTED = {
    "connector",
    "url",
    "erp_database",
    "erp_company",
    "login",
    "authority",
    "protocol",
    "api_key",
    "refresh_token",
    "erp_journal_id",
}
#: Of these nothing is read to compare: they are dots.
SECRETS = {"api_key", "refresh_token"}
#: What makes it another ERP, or another company of it.
PLACE = {"url", "erp_database", "erp_company"}
#: Which records *Refresh data* counts for people.
COUNTED = ["vendor", "account", "tax", "payment_term", "analytic"]


class ApSyncConnection(models.Model):
    """The path of setting up a connection: its steps, told from what is there."""

    _inherit = "ap.sync.connection"

    switched_on_at = fields.Datetime(
        "Switched On", copy=False, readonly=True, tracking=True
    )
    setup_steps = fields.Json(compute="_compute_setup_steps", compute_sudo=False)
    is_switched_on = fields.Boolean(compute="_compute_is_switched_on")

    # === COMPUTES AND GUARDS === #

    @api.depends("trigger", "switched_on_at")
    def _compute_is_switched_on(self):
        """One that takes bills by itself is on, whoever made it so; one for bills that
        are synced by hand when somebody has said so."""
        for connection in self:
            by_itself = connection.trigger in {"posted", "ready"}
            connection.is_switched_on = by_itself or bool(connection.switched_on_at)

    @api.model
    def _get_engine_fields(self):
        return super()._get_engine_fields() | {"switched_on_at"}

    def write(self, vals):
        """Override to forget what was found out about another address or key."""
        if not TESTED & vals.keys():
            return super().write(vals)
        before = {connection: connection._read_tested() for connection in self}
        result = super().write(vals)
        for connection in self:
            old, new = before[connection], connection._read_tested()
            # A refresh token is another one with each use, so it can't be compared.
            entered = vals.get("refresh_token", HIDDEN) != HIDDEN
            if old != new or entered:
                forget = {"check_result": False, "checked_at": False}
                if any(old[name] != new[name] for name in PLACE):
                    forget["refreshed_at"] = False
                # sudo: set by nobody else; the write above was checked.
                super(ApSyncConnection, connection.sudo()).write(forget)
        return result

    def _read_tested(self):
        self.ensure_one()
        values = {name: self[name] for name in TESTED - SECRETS}
        stored = self.env["ap.sync.secret"]._read_rows(self) if self.id else None
        return {**values, "key": stored}

    # === THE STEPS === #

    @api.depends_context("uid", "lang", "tz")
    @api.depends(
        "connector",
        "url",
        "checked_at",
        "check_result",
        "refreshed_at",
        "is_switched_on",
        "trust_proposals",
    )
    def _compute_setup_steps(self):
        """Each step: ``name``, ``title``, ``state`` (done, now or later), ``text``,
        ``items`` of the test, and ``button`` and ``label`` where the user may."""
        roles = [
            role
            for role in ("user", "manager", "administrator")
            if self.env.user.has_group(f"ap_sync.group_ap_sync_{role}")
        ]
        for connection in self:
            steps = connection._prepare_setup_steps()
            current = next((s for s in steps if not s["done"]), None)
            for step in steps:
                done = step.pop("done")
                state = "done" if done else "now" if step is current else "later"
                step["state"] = state
                if step.pop("role") not in roles:
                    step["who"] = step["button"] and self._get_setup_who(step["name"])
                    step["button"] = False
                elif not connection.id and step["name"] != "connect":
                    step["button"] = False
            connection.setup_steps = steps

    def _get_setup_who(self, name):
        if name in {"connect", "test", "switch_on"}:
            return self.env._("An AP Sync administrator does this.")
        return self.env._("An AP Sync manager does this.")

    def _prepare_setup_steps(self):
        """Return the steps that apply to this connection, in their order."""
        self.ensure_one()
        steps = []
        if self.connector != "local":
            steps += [
                self._add_consent(self._prepare_step_connect()),
                self._prepare_step_test(),
                self._prepare_step_refresh(),
                self._prepare_step_map(),
            ]
        elif not self.id:
            steps.append(self._prepare_step_connect())
        return [*steps, self._prepare_step_try(), self._prepare_step_switch_on()]

    def _prepare_step(self, name, title, done, text, button, label, role, items=()):
        return {
            "name": name,
            "title": title,
            "done": bool(done),
            "text": text or "",
            "items": list(items),
            "button": button,
            "label": label,
            "role": role,
        }

    def _prepare_step_connect(self):
        local = self.connector == "local"
        key = self.id and self.env["ap.sync.secret"]._is_stored(self)
        done = self.id and (local or (self.url and key))
        if done:
            text = self.url
        elif local:
            text = self.env._("Name it, then save.")
        elif self.id:
            text = self.env._("Enter the address and the key below, then save.")
        else:
            text = self.env._(
                "Enter a name, the kind, the address and the key below, then save."
            )
        return self._prepare_step(
            "connect",
            self.env._("Connect"),
            done,
            text,
            False if done else "save",
            self.env._("Save"),
            "administrator",
        )

    def _prepare_step_test(self):
        items = self.check_result or []
        wrong = [item for item in items if not item["ok"]]
        done = self.checked_at and items and not wrong
        if done:
            text = self.env._("All is right. %s", self._format_time(self.checked_at))
        elif wrong:
            text = self.env._("Not yet. Mend what is marked, then test again.")
        else:
            text = self.env._("Asks the ERP item by item what is right and wrong.")
        return self._prepare_step(
            "test",
            self.env._("Test"),
            done,
            text,
            "action_test_connection",
            self.env._("Test again") if items else self.env._("Test connection"),
            "administrator",
            items,
        )

    def _prepare_step_refresh(self):
        if self.refreshed_at:
            text = self._describe_refreshed()
        else:
            text = self.env._("Reads vendors, accounts, taxes and terms of the ERP.")
        return self._prepare_step(
            "refresh",
            self.env._("Refresh data"),
            self.refreshed_at,
            text,
            "action_refresh_data",
            self.env._("Refresh again")
            if self.refreshed_at
            else self.env._("Refresh data"),
            "manager",
        )

    def _describe_refreshed(self):
        counts = dict(
            self.env["ap.sync.erp.record"]._read_group(
                [("connection_id", "=", self.id)], ["kind"], ["__count"]
            )
        )
        texts = {
            "vendor": self.env._("%s vendors"),
            "account": self.env._("%s accounts"),
            "tax": self.env._("%s taxes"),
            "payment_term": self.env._("%s terms"),
            "analytic": self.env._("%s analytic accounts"),
        }
        parts = [
            texts[kind] % counts.get(kind, 0)
            for kind in COUNTED
            if kind in counts or kind != "analytic"
        ]
        return self.env._(
            "%(counts)s. %(when)s",
            counts=format_list(self.env, parts, "unit"),
            when=self._format_time(self.refreshed_at),
        )

    def _prepare_step_map(self):
        counts = dict(
            self.env["ap.sync.mapping"]._read_group(
                [("connection_id", "=", self.id)], ["state"], ["__count"]
            )
            if self.id
            else []
        )
        missing, proposed = counts.get("missing", 0), counts.get("proposed", 0)
        total = sum(counts.values())
        parts = [
            self.env._(
                "%(mapped)s of %(total)s mapped",
                mapped=counts.get("confirmed", 0),
                total=total,
            )
        ]
        if proposed:
            parts.append(self.env._("%s proposals to confirm", proposed))
        if missing:
            parts.append(self.env._("%s missing", missing))
        open_count = missing + (0 if self.trust_proposals else proposed)
        return self._prepare_step(
            "map",
            self.env._("Map what is missing"),
            self.refreshed_at and not open_count,
            format_list(self.env, parts, "unit")
            if total
            else self.env._("What is called how in the ERP."),
            "action_open_missing",
            self.env._("Open mappings")
            if self.refreshed_at and not open_count
            else self.env._("Map"),
            "manager",
        )

    def _prepare_step_try(self):
        synced = self.id and self.env["ap.sync.job"].search(
            [("connection_id", "=", self.id), ("status", "=", "success")],
            order="synced_at desc, id desc",
            limit=1,
        )
        if synced:
            text = self.env._(
                "%(bill)s is in the books as %(number)s.",
                bill=synced.reference or synced.move_id.name,
                number=synced.erp_number or self.env._("no number"),
            )
        else:
            text = self.env._("Sends one bill that you choose, and no other.")
        return self._prepare_step(
            "try",
            self.env._("Try one bill"),
            synced,
            text,
            "action_open_trial",
            self.env._("Try another") if synced else self.env._("Try one bill"),
            "manager",
        )

    def _prepare_step_switch_on(self):
        labels = dict(self._fields["trigger"]._description_selection(self.env))
        if self.is_switched_on:
            text = self.env._("Bills go: %s.", labels[self.trigger])
        else:
            text = self.env._("Off: no bill goes by itself yet.")
        if self.is_switched_on and not self.company_id.ap_sync_automatic:
            text = self.env._(
                "%s Automatic Bill Sync is off in the settings, so they go only when "
                "somebody presses Sync.",
                text,
            )
        return self._prepare_step(
            "switch_on",
            self.env._("Switch on"),
            self.is_switched_on,
            text,
            "action_open_switch_on",
            self.env._("Change") if self.is_switched_on else self.env._("Switch on"),
            "administrator",
        )

    def _format_time(self, moment):
        return format_datetime(self.env, moment, dt_format="short")

    # === ACTIONS === #

    def action_open_missing(self):
        """List what is missing or proposed on this connection, what bills wait for
        first."""
        self.ensure_one()
        self._check_manager()
        self._check_external()
        self.env["ap.sync.mapping"]._list_missing(self)
        action = self.action_open_mappings()
        return {
            **action,
            "name": self.env._("Map What Is Missing"),
            "context": {**action["context"], "search_default_to_do": 1},
        }

    def action_open_trial(self):
        """Choose one bill, look at what would become of it, and send it alone."""
        self.ensure_one()
        self._check_manager()
        return self._open_setup_dialog("ap.sync.trial", self.env._("Try One Bill"))

    def action_open_switch_on(self):
        """Ask when bills go, and say which."""
        self.ensure_one()
        self.check_access("write")
        return self._open_setup_dialog("ap.sync.switch.on", self.env._("Switch On"))

    def _open_setup_dialog(self, model, name):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_connection_id": self.id},
        }

    # === BUSINESS METHODS === #

    def _get_untaken_domain(self, trigger, since=False):
        """Tell the bills that this connection would have taken at their time, had it
        been switched on.

        :param trigger: a value of ``trigger``.
        :param since: a bill date to begin with.
        :return: a domain of ``account.move``; nothing for bills synced by hand.
        """
        self.ensure_one()
        states = {
            "posted": Domain("state", "=", "posted"),
            "ready": Domain("state", "=", "draft") & Domain("ap_sync_ready", "=", True),
        }
        if trigger not in states:
            return Domain.FALSE
        domain = self._get_bill_domain() & states[trigger]
        if since:
            domain &= Domain("invoice_date", ">=", since)
        return domain & Domain(
            "ap_sync_job_ids", "not any", [("connection_id", "=", self.id)]
        )

    def _switch_on(self, trigger):
        """Take bills from now on at the moment chosen."""
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("ap_sync.group_ap_sync_administrator"):
            raise AccessError(
                self.env._("Only AP Sync administrators switch connections on.")
            )
        self.write({"trigger": trigger})
        # sudo: kept by this button alone; the user was checked above.
        self.sudo().write({"switched_on_at": self.env.cr.now().replace(microsecond=0)})
