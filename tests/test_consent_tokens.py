"""A consent and the renewal of tokens at once: the newest tokens stay. On real
connections to PostgreSQL, as several processes have them."""

import threading

import psycopg2.errors

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..connectors import ConnectorError, Outcome
from ..engine import client, consent
from .test_tokens import TokenCase
from .xero_server import FakeXero

URI = "https://odoo.example.com/ap_sync/oauth/callback"


@tagged("post_install", "-at_install")
class TestConsentTokens(TokenCase):
    def setUp(self):
        super().setUp()
        self.xero = FakeXero()
        self.enterContext(self.xero)
        self.xero.redirect_uri = URI
        self.holder = "holder-1"

    def begin(self, digest="digest"):
        """Begin a consent; return the code it brings back."""
        self.secret("_begin_consent", digest, 600)
        connector = self.connector()
        place = self.xero.consent(connector.consent_address(URI, "state"))
        return place.partition("code=")[2].partition("&")[0]

    def secret(self, method, *args):
        def call(env):
            connection = env["ap.sync.connection"].browse(self.connection_id)
            return getattr(env["ap.sync.secret"], method)(connection, *args)

        return self.run_(call)

    def connector(self):
        def point(env):
            connection = env["ap.sync.connection"].browse(self.connection_id)
            connection.url = self.xero.url

        self.run_(point)
        return client.open_client(self.registry_, self.connection_id)[0]

    def finish(self, code):
        self.assertTrue(self.secret("_take_consent", "digest", self.holder))
        consent.finish(self.registry_, self.connection_id, self.holder, code, URI)

    def test_a_renewal_under_way_does_not_undo_a_consent(self):
        code = self.begin()

        def meanwhile(refresh):
            self.finish(code)
            return self.exchange(refresh)

        with mute_logger("odoo.addons.ap_sync.engine.tokens"):
            error = self.refusal(exchange=meanwhile)
        self.assertEqual(error.outcome, Outcome.NOT_SENT)
        self.assertEqual(self.row()[0], self.xero.refresh)
        # Who tries again gets what the consent brought, and asks for nothing.
        self.assertTrue(self.renew().access.startswith("access-"))
        self.assertEqual(self.exchanged, ["refresh-0"])

    def test_a_consent_that_fails_leaves_a_renewal_its_lease(self):
        self.begin()

        def meanwhile(refresh):
            with self.assertRaises(ConnectorError) as caught:
                self.finish("a code of nobody")
            self.assertEqual(caught.exception.kind, "token_expired")
            return self.exchange(refresh)

        self.assertEqual(self.renew(exchange=meanwhile).refresh, "refresh-1")
        self.assertEqual(self.row(), ("refresh-1", "access-1", None))

    def test_one_that_was_overtaken_by_another_stores_nothing(self):
        code = self.begin()
        self.assertTrue(self.secret("_take_consent", "digest", self.holder))
        newer = self.begin("newer")
        with self.assertRaises(ConnectorError) as caught:
            consent.finish(self.registry_, self.connection_id, self.holder, code, URI)
        self.assertEqual(caught.exception.kind, "sync_overlap")
        self.assertEqual(self.row()[0], "refresh-0")
        self.assertTrue(self.secret("_take_consent", "newer", "holder-2"))
        consent.finish(self.registry_, self.connection_id, "holder-2", newer, URI)
        self.assertEqual(self.row()[0], self.xero.refresh)

    def test_no_transaction_is_open_while_xero_is_asked(self):
        code = self.begin()
        answer = self.xero._give_tokens

        def watch(request):
            self.seen = self.registry_.open_ones
            return answer(request)

        self.xero._give_tokens = watch
        self.finish(code)
        self.assertEqual(self.seen, 0)

    def test_of_two_at_once_one_takes_it(self):
        self.begin()
        reached, ended = threading.Event(), []

        def second():
            reached.wait()
            try:
                ended.append(self.secret("_take_consent", "digest", "second"))
            except psycopg2.errors.SerializationFailure as error:
                ended.append(error)

        def first(env):
            taken = env["ap.sync.secret"]._take_consent(
                env["ap.sync.connection"].browse(self.connection_id), "digest", "first"
            )
            reached.set()
            thread.join(1)  # it waits for our commit
            self.assertTrue(thread.is_alive())
            return taken

        thread = threading.Thread(target=second)
        thread.start()
        self.assertTrue(self.run_(first))
        thread.join(20)
        self.assertIsInstance(ended[0], psycopg2.errors.SerializationFailure)
        # Odoo runs such a request again.
        self.assertFalse(self.secret("_take_consent", "digest", "second"))
