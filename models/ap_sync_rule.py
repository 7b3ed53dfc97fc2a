import ast

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_list

MAX_DOMAIN_LENGTH = 4000
MAX_DOMAIN_TERMS = 60
#: Each "%" of a pattern makes the comparison one power slower: with ten of them a bill
#: keeps the dispatcher busy for hours.
MAX_WILDCARDS = 2

#: What a condition on bills may not look into: people and secrets, and what is itself
#: the result of the rules.
CLOSED_MODELS = {"res.users", "res.groups", "ir.config_parameter"}


class ApSyncRule(models.Model):
    """Blocks or holds jobs: a named check, chosen vendors, or a domain on bills.

    There is no Python in a rule. How rules are applied: ap_sync_rule_evaluate.py.
    """

    _name = "ap.sync.rule"
    _description = "AP Sync Rule"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    action = fields.Selection(
        [("block", "Block"), ("hold", "Hold")], required=True, default="hold"
    )
    company_id = fields.Many2one("res.company", index=True)
    connection_ids = fields.Many2many(
        "ap.sync.connection",
        string="Connections",
        help="Empty: all connections.",
    )
    condition = fields.Selection(
        [
            ("check", "A check"),
            ("vendors", "Vendors"),
            ("domain", "Bills like"),
        ],
        required=True,
        default="domain",
    )
    condition_summary = fields.Char("Stops", compute="_compute_condition_summary")
    check_name = fields.Selection(selection="_selection_check_name", string="Check")
    partner_ids = fields.Many2many("res.partner", string="Vendors")
    category_ids = fields.Many2many("res.partner.category", string="Vendor Categories")
    bill_domain = fields.Char("Bills", default="[]")
    guidance = fields.Text(
        translate=True, help="What to do about it, in words for the accountant."
    )
    allow_release = fields.Boolean(
        "Single Bills May Be Released",
        default=True,
        help="A manager may let one bill go although this rule stops it, with a reason "
        "that is kept.",
    )
    from_settings = fields.Boolean(readonly=True, copy=False)
    job_count = fields.Integer("Jobs Stopped", compute="_compute_job_count")

    _check_has_name = models.Constraint(
        "CHECK (condition != 'check' OR check_name IS NOT NULL)",
        "Choose the check that this rule applies.",
    )

    # === COMPUTES AND CONSTRAINTS === #

    @api.model
    def _selection_check_name(self):
        return [(name, label) for name, (label, _kind) in self._get_checks().items()]

    @api.depends("condition", "check_name", "partner_ids", "category_ids")
    def _compute_condition_summary(self):
        """What the rule looks at, in one line of a list."""
        checks = self._get_checks()
        labels = dict(self._fields["condition"]._description_selection(self.env))
        for rule in self:
            if rule.condition == "check" and rule.check_name:
                rule.condition_summary, _kind = checks[rule.check_name]
                continue
            chosen = [*rule.partner_ids, *rule.category_ids]
            names = [record.display_name for record in chosen]
            label = labels.get(rule.condition, "")
            rule.condition_summary = (
                f"{label}: {format_list(self.env, names)}"
                if rule.condition == "vendors" and names
                else label
            )

    def _compute_job_count(self):
        counts = dict(
            self.env["ap.sync.job"]._read_group(
                [("rule_id", "in", self.ids)], ["rule_id"], ["__count"]
            )
        )
        for rule in self:
            rule.job_count = counts.get(rule, 0)

    @api.constrains("company_id", "connection_ids", "partner_ids")
    def _check_companies(self):
        """A rule of all companies may name what belongs to one of them."""
        for rule in self.sudo().filtered("company_id"):
            named = rule.connection_ids.company_id | rule.partner_ids.company_id
            if named - rule.company_id:
                raise ValidationError(
                    self.env._(
                        "The rule %(rule)s is for %(company)s alone. Choose "
                        "connections and vendors of this company.",
                        rule=rule.name,
                        company=rule.company_id.name,
                    )
                )

    @api.constrains("bill_domain")
    def _check_bill_domain(self):
        for rule in self:
            self._check_bill_domain_text(rule.bill_domain)

    @api.constrains("condition", "partner_ids", "category_ids", "bill_domain", "active")
    def _check_condition(self):
        """A rule on all bills is made by a pause, not by an empty condition."""
        for rule in self:
            if (
                rule.active
                and rule.condition == "domain"
                and Domain(ast.literal_eval(rule.bill_domain or "[]")).is_true()
            ):
                raise ValidationError(
                    self.env._(
                        "The rule %s would stop every bill. Give it a condition, or "
                        "pause the connection instead.",
                        rule.name,
                    )
                )

    @api.model
    def _check_bill_domain_text(self, text):
        """Refuse anything but a short literal domain on stored fields of a bill that
        its author may read: no code, no hop into another model's secrets, and nothing
        that could be learnt by watching which bills a condition stops."""
        try:
            if len(text or "") > MAX_DOMAIN_LENGTH:
                raise ValueError(self.env._("it is too long"))
            terms = ast.literal_eval(text or "[]")
            domain = Domain(terms)
            if len(terms) > MAX_DOMAIN_TERMS:
                raise ValueError(self.env._("it has too many terms"))
            if not domain.is_true():
                self._check_bill_terms(domain, self._open_to_author("account.move"))
            self.env["account.move"]._search(domain)
        except (
            ValueError,
            SyntaxError,
            TypeError,
            RecursionError,
            MemoryError,
            KeyError,
        ) as error:
            raise ValidationError(
                self.env._(
                    "The condition on bills is not valid: %s. Use the editor to "
                    "choose fields and values.",
                    error,
                )
            ) from error

    @api.model
    def _check_bill_terms(self, domain, model, hops=1):
        """Raise ValueError unless all terms are on readable fields of the model, or of
        models at most ``hops`` away; a sub-search counts as a hop."""
        for term in domain.iter_conditions():
            target = self._check_bill_path(term.field_expr, model, hops)
            if "any" in term.operator:
                self._check_bill_terms(Domain(term.value), target, hops - 1)
            else:
                self._check_bill_value(term)

    @api.model
    def _check_bill_value(self, term):
        """Raise ValueError unless the value is plain data, compared at little cost."""
        several = isinstance(term.value, list | tuple | set | frozenset)
        for value in term.value if several else [term.value]:
            if not isinstance(value, str | int | float | None):
                raise ValueError(
                    self.env._("%s can't be compared with that", term.field_expr)
                )
            if "like" in term.operator and str(value).count("%") > MAX_WILDCARDS:
                raise ValueError(
                    self.env._("%s has too many %% in its pattern", term.field_expr)
                )

    @api.model
    def _check_bill_path(self, path, model, hops):
        """Raise ValueError unless the path ends on a readable field.

        :return: the model that the last field leads to.
        """
        names = path.split(".")
        if len(names) > hops + 1 or hops < 0:
            raise ValueError(self.env._("%s goes too deep", path))
        for name in names:
            field = model._fields.get(name)
            if field is None or field.groups or not field.store:
                raise ValueError(self.env._("%s can't be used", path))
            if field.relational:
                closed = field.comodel_name in CLOSED_MODELS
                if closed or field.comodel_name.startswith("ap.sync."):
                    raise ValueError(self.env._("%s can't be used", path))
                model = self._open_to_author(field.comodel_name)
        return model

    @api.model
    def _open_to_author(self, name):
        """Return a model; raise ValueError when the condition's author can't read it.

        Rules are applied as sudo, so each would answer one question about it.
        """
        # Odoo runs constraints as sudo; data files and shells are nobody's.
        author = self if self.env.uid == SUPERUSER_ID else self.sudo(False)
        if not author.env[name].has_access("read"):
            raise ValueError(
                self.env._("its author may not read %s", self.env[name]._description)
            )
        return self.env[name]

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        rules._reevaluate_jobs()
        return rules

    def write(self, vals):
        # Jobs of the connections a rule no longer names are concerned as well.
        before = self._get_connections()
        result = super().write(vals)
        if "company_id" in vals:
            # Odoo looks at the record before the write only; moved into a company that
            # its author can't see, a rule would stop that one's bills.
            self.check_access("write")
        if vals.keys() - {"sequence", "name", "allow_release"}:
            (before | self._get_connections())._reevaluate_jobs()
        return result

    def unlink(self):
        connections = self._get_connections()
        result = super().unlink()
        connections._reevaluate_jobs()
        return result

    def _get_connections(self):
        """Return the connections that these rules apply to."""
        connections = self.env["ap.sync.connection"].sudo()
        for rule in self.sudo():
            domain = Domain.TRUE
            if rule.company_id:
                domain = Domain("company_id", "=", rule.company_id.id)
            connections |= rule.connection_ids or connections.search(domain)
        return connections

    def _reevaluate_jobs(self):
        self._get_connections()._reevaluate_jobs()
