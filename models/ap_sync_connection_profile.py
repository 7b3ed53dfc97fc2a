from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..connectors import CONNECTORS, ClientKey, ConnectorError, Posting, Profile
from ..connectors.addresses import parse

#: Of our own ledger, which is no connector: nothing is asked for, nothing is mapped.
LOCAL = Profile(
    name="Odoo's own ledger",
    asks=frozenset(),
    master_data=(),
    posting=Posting.DRAFT,
    client_key=ClientKey.PERSISTENT,
    changes=frozenset(),
    mapped=frozenset(),
    creates_vendors=False,
    attachments=False,
    settle_seconds=0.0,
)


class ApSyncConnection(models.Model):
    """What the connection's kind of ERP is: read from its connector's profile, never
    asked for by its name."""

    _inherit = "ap.sync.connection"

    connector = fields.Selection(
        [
            ("local", LOCAL.name),
            *((code, connector.profile.name) for code, connector in CONNECTORS.items()),
        ],
        required=True,
        default="odoo",
        help="Where the bills go.",
    )
    #: Names of the fields that apply to this kind, for the form.
    asked_fields = fields.Json(compute="_compute_asked_fields")
    asked_hint = fields.Char(compute="_compute_asked_fields")
    url = fields.Char("Address", compute="_compute_url", store=True, readonly=False)
    concurrency = fields.Integer(
        "Bills at Once",
        compute="_compute_concurrency",
        store=True,
        readonly=False,
        precompute=True,
    )

    def _get_profile(self):
        """Return the ``Profile`` of the connection's kind of ERP."""
        self.ensure_one()
        connector = CONNECTORS.get(self.connector)
        return connector.profile if connector else LOCAL

    def _get_mapped_kinds(self):
        """Return the kinds of ERP records that a bill's own must be mapped to."""
        profile = self._get_profile()
        vendors = profile.master_data and not (
            profile.creates_vendors and self.create_vendors
        )
        return profile.mapped | {"vendor"} if vendors else profile.mapped

    @api.depends("connector")
    def _compute_asked_fields(self):
        for connection in self:
            profile = connection._get_profile()
            asked = {"connector", *profile.asks}
            if profile is not LOCAL:
                asked |= {"url", "trust_proposals", "concurrency", "timeout"}
            if profile is not LOCAL and profile.posting is Posting.DRAFT:
                asked.add("post_in_erp")
            if profile.creates_vendors:
                asked.add("create_vendors")
            if profile.attachments:
                asked.add("send_attachments")
            if "journal" in profile.master_data:
                asked.add("erp_journal_id")
            connection.asked_fields = sorted(asked)
            connection.asked_hint = profile.hint

    @api.depends("connector")
    def _compute_url(self):
        """An ERP in the cloud is at one address for all."""
        for connection in self:
            connection.url = connection._get_profile().address or connection.url

    @api.depends("connector")
    def _compute_authority(self):
        for connection in self:
            connection.authority = connection._get_profile().authority

    @api.depends("connector")
    def _compute_concurrency(self):
        for connection in self:
            connection.concurrency = connection._get_profile().concurrency

    @api.constrains("authority")
    def _check_authority(self):
        """The key goes there: never in the clear. Which hosts may be called at all is
        checked with each call, as for the address (connectors/addresses.py)."""
        for connection in self.filtered("authority"):
            try:
                good = parse(connection.authority).scheme == "https"
            except ConnectorError:
                good = False
            if not good:
                raise ValidationError(
                    self.env._(
                        "The sign-in address of %s must be like "
                        "https://login.example.com, with nothing after the host but a "
                        "path.",
                        connection.name,
                    )
                )

    @api.constrains("connector", "concurrency")
    def _check_concurrency(self):
        for connection in self:
            most = connection._get_profile().most_at_once
            if connection.concurrency > most:
                raise ValidationError(
                    self.env._(
                        "%(erp)s bears %(most)s bills at once. Enter no more than "
                        "that in Bills at Once.",
                        erp=connection._get_profile().name,
                        most=most,
                    )
                )
