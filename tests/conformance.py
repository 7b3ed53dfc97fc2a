"""What every connector has to do, whatever its ERP: the same documents, the same
faults, the same expected outcomes. ``test_conformance_<erp>.py`` runs it against that
ERP; the table in doc/connectors.md is made of the result by ``dev conformance``.

What an ERP can't do is tested as well: its connector refuses it with a clear error.
"""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

from ..connectors import CONNECTORS, ConnectorError, Outcome, Posting, Receipt
from ..connectors import make_connector as make
from ..connectors.base import Attachment, Document, Line, Ref, Settings, Vendor, matches
from ..connectors.kinds import KINDS
from .connector_server import message
from .lossy_proxy import LossyProxy

PDF = b"%PDF-1.4\n%%EOF\n"


class Conformance:
    """Mixed into a test case, which says how to reach its ERP and look into its books:

    - ``code``, the connector's; ``erp_settings``, the ``Settings`` of a whole
      connection; ``target``, host and port of the ERP;
    - ``account``, ``tax``, ``vendor``: the ERP's ids of an expense account, a tax of
      ``rate`` percent and a vendor; ``currency``; ``today``, a date of an open period;
    - ``closed_day``, a date of a closed period;
    - ``creating`` and ``posting``: words of the request lines of those calls;
    - ``books(document)``: ``[(total, whether it is posted)]``, what the ERP itself
      says of the bills with this document's reference that count, not asked through
      the connector; ``files(receipt)``: names of a bill's files there.
    """

    code: str
    erp_settings: Settings
    target: tuple[str, int]
    account: str
    tax: str
    vendor: str
    rate = Decimal(15)
    currency = "USD"
    today = date(2026, 10, 6)
    closed_day = date(2025, 3, 10)
    creating: str
    posting: str
    books: Callable[[Document], list[tuple[Decimal, bool]]]
    files: Callable[[Receipt], list[str]]

    def setUp(self):
        super().setUp()
        self.proxy = LossyProxy(*self.target)
        self.addCleanup(self.proxy.close)
        self.profile = CONNECTORS[self.code].profile

    # -- For subclasses that know better

    def url_of(self, address):
        """Return the connection's address when the ERP is reached by another host."""
        return address

    def close_period(self):
        """Close the period of ``closed_day``, where it is not closed already."""

    # -- The document

    def document(self, **changes) -> Document:
        """Return a new bill of two lines: 300.50 with tax, 7.00 without."""
        account = Ref("Expenses", "600", 1, self.account)
        tax = (Decimal("300.50") * self.rate / 100).quantize(Decimal("0.01"))
        first = Line(
            name="Consulting",
            quantity=Decimal(2),
            price_unit=Decimal("150.25"),
            discount=Decimal(0),
            subtotal=Decimal("300.50"),
            account=account,
            taxes=(Ref("Tax", "", 2, self.tax),),
        )
        second = Line(
            name="Coffee",
            quantity=Decimal(1),
            price_unit=Decimal("7.00"),
            discount=Decimal(0),
            subtotal=Decimal("7.00"),
            account=account,
        )
        key = str(uuid.uuid4())
        values = {
            "key": key,
            "kind": "bill",
            "reference": f"R-{key[:8]}",
            "bill_date": self.today,
            "accounting_date": self.today,
            "due_date": self.today.replace(month=12, day=24),
            "currency": self.currency,
            "vendor": Vendor("Vendor", local_id=1, erp_id=self.vendor),
            "lines": (first, second),
            "untaxed": Decimal("307.50"),
            "tax": tax,
            "total": Decimal("307.50") + tax,
        }
        return Document(**{**values, **changes})

    def connector(self, **changes):
        """Return the connector as the engine uses it, through the proxy.

        :param changes: of the settings, or of their options.
        """
        names = set(Settings.__dataclass_fields__) - {"options"}
        given = {name: changes.pop(name) for name in names & changes.keys()}
        settings = replace(
            self.erp_settings,
            url=self.url_of(self.proxy.url),
            options={**self.erp_settings.options, **changes},
        )
        return make(self.code, replace(settings, **given))

    def send(self, document, connector=None, **options):
        return (connector or self.connector(**options)).send(
            document, attempt=str(uuid.uuid4()), deadline=self.soon()
        )

    def soon(self):
        return time.monotonic() + 60

    def error_of(self, call, *args, **options):
        with self.assertRaises(ConnectorError) as caught:
            call(*args, **options)
        error = caught.exception
        secret = self.erp_settings.secret
        self.assertNotIn(secret, f"{error.message} {error.excerpt}")
        return error

    def assert_nothing_kept(self, document):
        self.assertEqual(self.books(document), [])

    # -- Booking

    def test_a_bill_is_booked_and_read_back(self):
        document = self.document()
        receipt = self.send(document)
        self.assertTrue(matches(document, receipt), receipt)
        self.assertTrue(receipt.posted and receipt.ours)
        self.assertEqual(receipt.accounting_date, document.accounting_date)
        self.assertEqual(receipt.vendor_erp_id, self.vendor)
        self.assertTrue(receipt.number)
        self.assertEqual(bool(receipt.url), self.profile.deep_link)
        self.assertEqual(self.books(document), [(document.total, True)])

    def test_a_refund_is_booked_as_one(self):
        document = self.document(kind="refund")
        receipt = self.send(document)
        self.assertTrue(matches(document, receipt), receipt)
        [(total, posted)] = self.books(document)
        self.assertEqual((abs(total), posted), (document.total, True))

    def test_a_draft_stays_one_where_that_is_wished(self):
        document = self.document()
        posted = self.profile.posting is Posting.DIRECT  # whatever is wished
        self.assertEqual(self.send(document, post=False).posted, posted)
        self.assertEqual(self.books(document), [(document.total, posted)])

    def test_sent_twice_there_is_one_bill(self):
        document = self.document()
        first, second = self.send(document), self.send(document)
        self.assertEqual(first.erp_id, second.erp_id)
        self.assertEqual(self.books(document), [(document.total, True)])

    def test_of_four_at_once_there_is_one_bill_in_the_end(self):
        document = self.document()

        def one(_number):
            try:
                return self.send(document)
            except ConnectorError as error:
                return error

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(one, range(4)))
        self.send(document)  # the retry that the engine makes in any case
        self.assertEqual(self.books(document), [(document.total, True)])
        ids = {result.erp_id for result in results if isinstance(result, Receipt)}
        self.assertLessEqual(len(ids), 1)

    def test_a_vendor_that_is_not_there_is_created_once_or_asked_for(self):
        number = uuid.uuid4().int % 1_000_000
        vendor = Vendor(f"New {number}", local_id=number, city="Brussels")
        document = self.document(vendor=vendor)
        if not self.profile.creates_vendors:
            self.assertEqual(
                self.error_of(self.send, document).kind, "vendor_not_found"
            )
            return
        first = self.send(document, create_vendors=True)
        second = self.send(self.document(vendor=vendor), create_vendors=True)
        self.assertTrue(first.vendor_erp_id)
        self.assertEqual(first.vendor_erp_id, second.vendor_erp_id)

    def test_of_many_in_one_call_a_bad_one_costs_the_others_nothing(self):
        documents = [self.document() for _number in range(4)]
        documents[2] = self.with_unknown_account()
        if self.profile.batch == 1:
            results = [self.result(document) for document in documents]
        else:
            results = self.connector().send_many(
                documents, attempts=["a", "b", "c", "d"], deadline=self.soon()
            )
        self.assertIsInstance(results.pop(2), ConnectorError)
        self.assert_nothing_kept(documents.pop(2))
        for document, receipt in zip(documents, results, strict=True):
            self.assertTrue(matches(document, receipt), receipt)
            self.assertEqual(self.books(document), [(document.total, True)])

    # -- Answers that are lost or make no sense

    def test_a_lost_answer_to_creating_makes_no_second_bill(self):
        self.lose_and_repeat(self.creating, b"")

    def test_a_lost_answer_to_posting_makes_no_second_bill(self):
        self.lose_and_repeat(self.posting, b"")

    def test_a_page_of_a_proxy_instead_of_the_answer_makes_no_second_bill(self):
        self.lose_and_repeat(self.posting, message("<h1>Bad Gateway</h1>", 502))

    def lose_and_repeat(self, call, answer):
        document, connector = self.document(), self.connector()
        self.proxy.lose(call, answer=answer)
        error = self.error_of(self.send, document, connector)
        self.assertEqual(self.proxy.lost, 1)
        self.assertEqual(error.outcome, Outcome.AMBIGUOUS, error.message)
        found = connector.look_up(document, deadline=self.soon())
        self.assertLessEqual(len(found), 1)
        receipt = self.send(document, connector)
        self.assertTrue(receipt.posted)
        self.assertTrue(all(one.erp_id == receipt.erp_id for one in found))
        self.assertEqual(self.books(document), [(document.total, True)])

    def test_an_erp_that_asks_to_wait_is_not_sent_anything(self):
        document = self.document()
        self.proxy.lose("", answer=message("Slowly", 429, Retry_After=7))
        error = self.error_of(self.send, document)
        self.assertEqual(
            (error.kind, error.outcome), ("rate_limited", Outcome.NOT_SENT)
        )
        self.assertEqual(error.retry_after, 7)
        self.assert_nothing_kept(document)

    def test_a_server_that_is_down_got_nothing(self):
        connector = self.connector(url=self.url_of("http://127.0.0.1:9"))
        error = self.error_of(self.send, self.document(), connector)
        self.assertEqual(
            (error.kind, error.outcome), ("erp_unavailable", Outcome.NOT_SENT)
        )

    # -- Refusals

    def test_a_wrong_key_needs_a_person(self):
        connector = self.connector(secret="0123456789abcdef0123456789abcdef01234567")
        error = self.error_of(self.send, self.document(), connector)
        self.assertTrue(KINDS[error.kind].person, error.kind)
        self.assertIn(error.outcome, {Outcome.REJECTED, Outcome.NOT_SENT})

    def test_a_bill_that_somebody_entered_there_is_told_and_found(self):
        entered = self.document()
        self.send(entered)
        document = replace(entered, key=str(uuid.uuid4()))
        error = self.error_of(self.send, document)
        self.assertEqual(
            (error.kind, error.outcome), ("duplicate_bill", Outcome.REJECTED)
        )
        [found] = self.connector().look_up(document, deadline=self.soon())
        self.assertFalse(found.ours)
        self.assertTrue(matches(document, found), found)
        self.assertEqual(self.books(document), [(document.total, True)])

    def test_a_closed_period_is_told_and_nothing_kept(self):
        self.close_period()
        document = self.document(
            bill_date=self.closed_day, accounting_date=self.closed_day
        )
        error = self.error_of(self.send, document, lock_policy="hold")
        self.assertEqual((KINDS[error.kind].cls, error.outcome), ("P", "rejected"))
        self.assert_nothing_kept(document)

    def test_an_account_that_is_not_there_is_told_and_nothing_kept(self):
        document = self.with_unknown_account()
        error = self.error_of(self.send, document)
        self.assertEqual((KINDS[error.kind].cls, error.outcome), ("M", "rejected"))
        self.assert_nothing_kept(document)

    def with_unknown_account(self):
        """Return a document that the ERP refuses."""
        unknown = Ref("Gone", "999", 9, self.unknown_account())
        document = self.document()
        lines = tuple(replace(line, account=unknown) for line in document.lines)
        return replace(document, lines=lines)

    def unknown_account(self):
        return "99999999"

    def test_a_cent_more_is_told_and_nothing_kept(self):
        whole = self.document()
        cent = Decimal("0.01")
        document = replace(whole, tax=whole.tax + cent, total=whole.total + cent)
        error = self.error_of(self.send, document)
        self.assertEqual(
            (error.kind, error.outcome), ("totals_differ", Outcome.REJECTED)
        )
        self.assert_nothing_kept(document)

    # -- Afterwards

    def test_what_was_never_sent_is_not_found(self):
        found = self.connector().look_up(self.document(), deadline=self.soon())
        self.assertEqual(found, [])

    def test_synced_bills_can_be_read_again(self):
        document = self.document()
        receipt = self.send(document)
        connector = self.connector()
        found = connector.read_bills([receipt.erp_id], deadline=self.soon())
        self.assertEqual(list(found), [receipt.erp_id])
        self.assertTrue(matches(document, found[receipt.erp_id]))

    def test_a_cancelled_bill_counts_no_more(self):
        document, connector = self.document(), self.connector()
        receipt = self.send(document, connector)
        gone = replace(document, cancelled=True)
        if not self.expect_change("cancel", connector, gone, receipt):
            return
        self.change("cancel", connector, gone, receipt)  # once more does no harm
        self.assert_nothing_kept(document)
        found = connector.read_bills([receipt.erp_id], deadline=self.soon())
        self.assertEqual(found, {})

    def test_a_change_arrives(self):
        document, connector = self.document(), self.connector()
        receipt = self.send(document, connector)
        changed = replace(
            document,
            lines=document.lines[1:],
            untaxed=Decimal("7.00"),
            tax=Decimal(0),
            total=Decimal("7.00"),
        )
        if not self.expect_change("update", connector, changed, receipt):
            return
        self.assertEqual(self.books(document), [(Decimal("7.00"), True)])

    def test_files_go_along_and_later(self):
        first = Attachment("bill.pdf", "application/pdf", "a", PDF)
        later = Attachment("later.pdf", "application/pdf", "b", PDF + b"2")
        document = self.document(attachments=(first,))
        connector = self.connector(send_attachments=True)
        receipt = self.send(document, connector)
        self.assertIn("bill.pdf", self.files(receipt))
        both = replace(document, attachments=(first, later))
        if not self.expect_change("attach", connector, both, receipt):
            return
        self.assertEqual(
            [name for name in sorted(self.files(receipt)) if name.endswith(".pdf")],
            ["bill.pdf", "later.pdf"],
        )

    def expect_change(self, name, connector, document, receipt):
        """Make a change; where the ERP takes none, see that it is refused and return
        False."""
        if name in self.profile.changes:
            self.change(name, connector, document, receipt)
            return True
        error = self.error_of(self.change, name, connector, document, receipt)
        self.assertEqual(
            (error.kind, error.outcome), ("update_unsupported", Outcome.REJECTED)
        )
        self.assertEqual(len(self.books(document)), 1)
        return False

    def change(self, name, connector, document, receipt):
        call = getattr(connector, name)
        return call(
            document, receipt.erp_id, attempt=str(uuid.uuid4()), deadline=self.soon()
        )

    def result(self, document):
        try:
            return self.send(document)
        except ConnectorError as error:
            return error

    # -- Setting up

    def test_the_connection_test_finds_all_right(self):
        items = self.connector().check(deadline=self.soon())
        self.assertTrue(items)
        self.assertFalse([item for item in items if not item.ok])

    def test_the_connection_test_tells_a_wrong_key(self):
        connector = self.connector(secret="0123456789abcdef0123456789abcdef01234567")
        wrong = [item for item in connector.check(deadline=self.soon()) if not item.ok]
        self.assertTrue(wrong and all(item.todo for item in wrong))

    def test_master_data_of_each_kind_can_be_read(self):
        connector = self.connector()
        for kind in self.profile.master_data:
            with self.subTest(kind):
                rows = list(connector.fetch(kind, deadline=self.soon()))
                self.assertTrue(all(row.kind == kind and row.name for row in rows))
                self.assertEqual(len({row.erp_id for row in rows}), len(rows))
        accounts = connector.fetch("account", deadline=self.soon())
        self.assertIn(self.account, [row.erp_id for row in accounts])
