"""Tokens that are good for one time: renewed by one at a time, stored before they are
used. On real connections to PostgreSQL, as several processes have them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo import SUPERUSER_ID, api
from odoo.sql_db import db_connect
from odoo.tests import TransactionCase
from odoo.tools import config, mute_logger

from ..connectors import ConnectorError, Outcome, Settings
from ..connectors.memory_tokens import MemoryTokens
from ..connectors.tokens import Tokens
from ..connectors.xero import XeroConnector
from ..engine import client, failpoints, tokens
from ..engine.tokens import SecretTokens
from ..models.ap_sync_secret import OPTION
from .xero_server import CLIENT, CLIENT_SECRET, FakeXero


class Crash(BaseException):
    """The process is gone: no handler of ours may catch it."""


class RealRegistry:
    """Gives cursors on connections of their own, which really commit; ``open_ones``
    counts those that are in use now."""

    def __init__(self, database):
        self._database = db_connect(database)
        self.open_ones = 0

    def cursor(self):
        cr = self._database.cursor()
        self.open_ones += 1
        close = cr.close

        def closing():
            self.open_ones -= 1
            close()

        cr.close = closing
        return cr


class TokenCase(TransactionCase):
    def setUp(self):
        super().setUp()
        self.registry_ = RealRegistry(self.env.cr.dbname)
        self.connection_id = self.run_(self._make)
        self.addCleanup(self.run_, self._remove)
        self.store = SecretTokens(self.registry_, self.connection_id)
        self.exchanged = []
        self._lock = threading.Lock()

    def run_(self, step):
        """Run a step in a transaction of its own, and commit it."""
        with self.registry_.cursor() as cr:
            return step(api.Environment(cr, SUPERUSER_ID, {}))

    def _make(self, env):
        connection = env["ap.sync.connection"].create(
            {
                "name": "Xero of the tests of tokens",
                "connector": "xero",
                "api_key": CLIENT_SECRET,
                "login": CLIENT,
                "trigger": "manual",
            }
        )
        env["ap.sync.secret"]._store_refresh_token(connection, "refresh-0")
        return connection.id

    def _remove(self, env):
        connection = env["ap.sync.connection"].browse(self.connection_id)
        env.cr.execute(
            "DELETE FROM ap_sync_secret WHERE connection_id = %s", [connection.id]
        )
        connection.unlink()

    def exchange(self, refresh):
        """Buy tokens as an ERP gives them: for each refresh token one time."""
        self.assertFalse(self.registry_.open_ones, "a transaction is open")
        with self._lock:
            self.exchanged.append(refresh)
            number = len(self.exchanged)
        time.sleep(0.3)
        return Tokens(f"access-{number}", f"refresh-{number}", time.time() + 1800)

    def renew(self, store=None, instead_of="", seconds=20, exchange=None):
        return (store or self.store).renew(
            exchange or self.exchange,
            instead_of=instead_of,
            deadline=time.monotonic() + seconds,
        )

    def row(self):
        """Return what PostgreSQL has: refresh and access token, who renews."""

        def read(env):
            env.cr.execute(
                "SELECT refresh_token, access_token, renewing_by FROM ap_sync_secret"
                " WHERE connection_id = %s",
                [self.connection_id],
            )
            return env.cr.fetchone()

        return self.run_(read)

    def end_lease(self):
        """Let the time of a lease pass."""
        self.run_(
            lambda env: env.cr.execute(
                "UPDATE ap_sync_secret SET renewing_until = now() - interval '1 day'"
                " WHERE connection_id = %s",
                [self.connection_id],
            )
        )

    def refusal(self, *args, **options):
        with self.assertRaises(ConnectorError) as caught:
            self.renew(*args, **options)
        return caught.exception


class TestTokens(TokenCase):
    def test_new_tokens_are_stored_before_they_are_used(self):
        got = self.renew()
        self.assertEqual(got.access, "access-1")
        self.assertEqual(self.row(), ("refresh-1", "access-1", None))
        # Another process sees them, and needs no call.
        other = SecretTokens(self.registry_, self.connection_id)
        self.assertEqual(other.current(), got)
        self.assertEqual(self.exchanged, ["refresh-0"])

    def test_of_many_at_once_one_sends_the_refresh_token(self):
        stores = [
            SecretTokens(self.registry_, self.connection_id) for _process in range(4)
        ]
        # A transaction that is open belongs to another thread here.
        exchange = self._unchecked
        for round_ in range(3):
            worn = f"access-{round_}" if round_ else ""
            with ThreadPoolExecutor(8) as pool:
                got = list(
                    pool.map(
                        lambda number, worn=worn: self.renew(
                            stores[number % 4], worn, exchange=exchange
                        ),
                        range(8),
                    )
                )
            self.assertEqual({one.access for one in got}, {f"access-{round_ + 1}"})
        self.assertEqual(self.exchanged, ["refresh-0", "refresh-1", "refresh-2"])

    def _unchecked(self, refresh):
        with patch.object(self.registry_, "open_ones", 0):
            return self.exchange(refresh)

    def test_who_comes_later_gets_what_the_first_brought(self):
        first = self.renew()
        self.assertEqual(self.renew(instead_of=""), first)
        self.assertEqual(len(self.exchanged), 1)
        second = self.renew(instead_of=first.access)
        self.assertEqual((second.access, len(self.exchanged)), ("access-2", 2))

    def test_a_refusal_gives_the_lease_back_at_once(self):
        def refuse(refresh):
            raise ConnectorError("token_expired", "No.", Outcome.REJECTED)

        self.assertEqual(self.refusal(exchange=refuse).kind, "token_expired")
        self.assertEqual(self.row(), ("refresh-0", None, None))
        self.assertEqual(self.renew().access, "access-1")

    def test_who_waits_in_vain_sent_nothing(self):
        self._crash()
        error = self.refusal(seconds=0.5)
        self.assertEqual(
            (error.kind, error.outcome), ("sync_overlap", Outcome.NOT_SENT)
        )
        self.assertGreater(error.retry_after, 60)
        self.assertEqual(len(self.exchanged), 1)

    def test_after_a_crash_the_same_token_is_tried_once_the_lease_is_over(self):
        self._crash()
        refresh, access, holder = self.row()
        self.assertEqual((refresh, access), ("refresh-0", None))
        self.assertTrue(holder)
        self.end_lease()
        # Where the ERP takes it once more, all goes on.
        self.assertEqual(self.renew().access, "access-2")
        self.assertEqual(self.exchanged, ["refresh-0", "refresh-0"])
        self.assertEqual(self.row(), ("refresh-2", "access-2", None))

    def test_a_process_that_stood_still_does_not_undo_what_a_person_entered(self):
        def enter(refresh):
            self.run_(
                lambda env: env["ap.sync.secret"]._store_refresh_token(
                    env["ap.sync.connection"].browse(self.connection_id), "pasted"
                )
            )
            return self.exchange(refresh)

        with mute_logger("odoo.addons.ap_sync.engine.tokens"):
            error = self.refusal(exchange=enter)
        self.assertEqual(error.outcome, Outcome.NOT_SENT)
        self.assertEqual(self.row()[0], "pasted")

    def test_without_a_refresh_token_a_person_is_asked(self):
        self.run_(
            lambda env: env["ap.sync.secret"]._store_refresh_token(
                env["ap.sync.connection"].browse(self.connection_id), ""
            )
        )
        self.assertEqual(self.refusal().kind, "token_expired")
        self.assertEqual(self.exchanged, [])

    def test_tokens_are_encrypted_like_keys(self):
        got = self.renew()
        old, new = (Fernet.generate_key().decode() for _key in range(2))
        # The nightly job encrypts what is there, and again when the key changes.
        for keys in (old, f"{new},{old}", new):
            with patch.dict(config._runtime_options, {OPTION: keys}):
                self.run_(lambda env: env["ap.sync.secret"]._seal_all())
                self.assertNotIn("refresh-1", str(self.row()))
                self.assertNotIn("access-1", str(self.row()))
                other = SecretTokens(self.registry_, self.connection_id)
                self.assertEqual(other.current(), got)
        with patch.dict(config._runtime_options, {OPTION: new}):
            got = self.renew(instead_of=got.access)
            self.assertNotIn("refresh-2", str(self.row()))
            self.assertNotIn("access-2", str(self.row()))
        # Without the key nothing is sent, and what is stored stays.
        self.assertEqual(self.refusal(instead_of=got.access).kind, "secret_unreadable")
        self.assertEqual(len(self.exchanged), 2)

    def test_nothing_is_bought_that_could_not_be_stored(self):
        with patch.dict(config._runtime_options, {OPTION: "no key"}):
            self.assertEqual(self.refusal().kind, "secret_unreadable")
        self.assertEqual(self.exchanged, [])
        self.assertEqual(self.row(), ("refresh-0", None, None))

    def test_tokens_of_this_process_are_bought_once(self):
        store = MemoryTokens()
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(lambda _n: self.renew(store), range(4)))
        self.assertEqual({one.access for one in got}, {"access-1"})
        self.assertNotIn("access-1", repr(got))

    def test_those_of_this_process_are_waited_for_no_longer_than_there_is_time(self):
        store = MemoryTokens()
        buying, go_on = threading.Event(), threading.Event()

        def slow(refresh):
            buying.set()
            self.assertTrue(go_on.wait(20))
            return self.exchange(refresh)

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(self.renew, store, exchange=slow)
            self.assertTrue(buying.wait(20))
            error = self.refusal(store, seconds=0.1)
            go_on.set()
        told = (error.kind, error.outcome)
        self.assertEqual(told, ("not_sent_in_time", Outcome.NOT_SENT))
        self.assertEqual(self.renew(store), first.result())

    def test_one_of_this_process_that_was_refused_is_not_used_again(self):
        store = MemoryTokens()
        refused = self.renew(store).access

        def fail(refresh):
            raise ConnectorError("erp_unavailable", "It is down.", Outcome.NOT_SENT)

        self.refusal(store, instead_of=refused, exchange=fail)
        self.assertFalse(store.current().usable)
        self.assertEqual(self.renew(store).access, "access-2")

    def _crash(self):
        """Let the process end between the ERP's answer and the store."""

        def end(name):
            if name == "exchanged":
                raise Crash

        with patch.object(failpoints, "reach", end), self.assertRaises(Crash):
            self.renew()


class TestTokensWithXero(TokenCase):
    """The same with the connector, and a Xero that takes a token one time."""

    def setUp(self):
        super().setUp()
        self.xero = FakeXero()
        self.enterContext(self.xero)
        self.addCleanup(lambda: self.assertEqual(self.xero.faults, []))
        self.xero.custom = False
        self.run_(
            lambda env: env["ap.sync.secret"]._store_refresh_token(
                env["ap.sync.connection"].browse(self.connection_id), self.xero.refresh
            )
        )

    def connector(self):
        """Return the connector as a new process has it."""
        return XeroConnector(
            Settings(
                url=self.xero.url,
                secret=CLIENT_SECRET,
                login=CLIENT,
                company=self.xero.books.tenant,
                allowed_hosts=("127.0.0.1",),
                tokens=SecretTokens(self.registry_, self.connection_id),
            )
        )

    def ask(self, connector):
        return connector.lock_date(deadline=time.monotonic() + 20)

    def test_the_engine_gives_the_connector_its_tokens(self):
        connector, _concurrency = client.open_client(self.registry_, self.connection_id)
        kept = connector._connector.settings.tokens
        self.assertIsInstance(kept, tokens.SecretTokens)
        self.assertEqual(kept.current().refresh, self.xero.refresh)

    def test_processes_take_turns_however_often_tokens_end(self):
        connectors = [self.connector() for _process in range(3)]
        for _round in range(3):
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(self.ask, connectors))
            self.xero.expire_access()
        self.assertEqual(len(self.xero.exchanged), len(set(self.xero.exchanged)))
        self.assertEqual(len(self.xero.exchanged), 3)
        self.assertEqual(self.row()[0], self.xero.refresh)

    def test_a_crash_before_the_store_is_mended_while_xero_takes_it_again(self):
        self.xero.grace = True
        self.crash()
        self.end_lease()
        self.ask(self.connector())
        self.assertEqual(self.row()[0], self.xero.refresh)

    def test_a_crash_that_is_found_late_asks_a_person_to_connect_again(self):
        self.crash()
        self.end_lease()
        with self.assertRaises(ConnectorError) as caught:
            self.ask(self.connector())
        self.assertEqual(caught.exception.kind, "token_expired")
        self.assertNotIn("refresh-", caught.exception.message)
        [item] = self.connector().check(deadline=time.monotonic() + 20)
        self.assertFalse(item.ok)
        self.assertIn("Press Connect to Xero again", item.todo)

    def crash(self):
        def end(name):
            if name == "exchanged":
                raise Crash

        with patch.object(failpoints, "reach", end), self.assertRaises(Crash):
            self.ask(self.connector())
