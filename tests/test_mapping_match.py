import logging
import time

from lxml import etree

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import BaseCase, new_test_user

from ..models.matching import Index, Labels, norm_vat
from .common import ApSyncCommon

_logger = logging.getLogger(__name__)


def reasons(index, label):
    return [(match.key, match.reason) for match in index.rank(label)]


class TestMatching(BaseCase):
    """Which record of the ERP ours may be: ranked, with the reason."""

    def test_what_is_surer_comes_first(self):
        index = Index(
            {
                1: Labels(name="harbour supplies"),
                2: Labels(code="v-7", name="someone else"),
                3: Labels(name="harbor supply"),
                4: Labels(name="the harbour", vat="be0477472701"),
                5: Labels(name="nobody"),
            }
        )
        label = Labels(code="v-7", name="harbor supply", vat="be0477472701")
        self.assertEqual(reasons(index, label), [(4, "vat"), (2, "code"), (3, "name")])
        label = Labels(name="harbour suplies")
        self.assertEqual(reasons(index, label)[0], (1, "similar"))
        self.assertEqual(reasons(index, Labels(name="zzz")), [])

    def test_codes_of_shorter_and_longer_charts_and_rates_are_suggested(self):
        index = Index({1: Labels(code="6000"), 2: Labels(code="6001")})
        self.assertEqual(reasons(index, Labels(code="600000")), [(1, "zeros")])
        index = Index({1: Labels(name="in 15", rate="15%"), 2: Labels(rate="7%")})
        self.assertEqual(reasons(index, Labels(rate="15%")), [(1, "rate")])

    def test_only_what_is_sure_is_proposed(self):
        theirs = {1: Labels(code="1", name="rent"), 2: Labels(name="rents")}
        index = Index(theirs)
        self.assertEqual(index.propose({"a": Labels(name="rent")}), {"a": 1})
        self.assertEqual(index.propose({"a": Labels(name="rentss")}), {})
        twice = {"a": Labels(name="rent"), "b": Labels(name="rent")}
        self.assertEqual(index.propose(twice), {})

    def test_it_is_the_same_every_time(self):
        labels = {n: Labels(name="power and water") for n in (3, 1, 2, 4)}
        found = [key for key, _ in reasons(Index(labels), Labels(name="power"))]
        again = Index(dict(reversed(labels.items())))
        self.assertEqual(
            found, [key for key, _ in reasons(again, Labels(name="power"))]
        )

    def test_a_vat_number_is_compared_without_dots(self):
        self.assertEqual(norm_vat("BE 0477.472.701"), "be0477472701")
        self.assertEqual(norm_vat("n/a"), "")

    def test_two_thousand_against_two_thousand_take_moments(self):
        words = ["rent", "power", "travel", "fees", "repair", "cars", "food", "tools"]

        def name(n):
            pair = f"{words[n % 8]} {words[n // 8 % 8]}"
            return f"{pair} {chr(97 + n % 26) * 4} {n}"

        theirs = {n: Labels(code=f"e{n}", name=name(n)) for n in range(2000)}
        ours = {n: Labels(code=f"o{n}", name=name(n) + "s") for n in range(2000)}
        started = time.monotonic()
        index = Index(theirs)
        index.propose(ours)
        found = [index.rank(label) for label in ours.values()]
        seconds = time.monotonic() - started
        self.assertEqual(len(found), 2000)
        self.assertLess(seconds, 20, "on a busy machine; 2 s on an idle one")


class TestMissing(ApSyncCommon):
    """What bills use and the ERP is not known to have; proposals accepted in bulk."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rent = cls.expense.copy({"code": "600901", "name": "Rent"})
        cls.power = cls.expense.copy({"code": "600902", "name": "Power"})
        cls.Mapping = cls.env["ap.sync.mapping"]

    def offer(self, kind, *rows):
        self.env["ap.sync.erp.record"].sudo()._store(
            self.connection,
            kind,
            [
                {"erp_id": row[0], "code": row[1], "name": row[2], "detail": ""}
                | {"active": True, **dict(zip(["detail"], row[3:], strict=False))}
                for row in rows
            ],
        )

    def list_missing(self, state="missing"):
        self.Mapping._list_missing(self.connection)
        found = self.Mapping.search(
            [("connection_id", "=", self.connection.id), ("state", "=", state)]
        )
        return {mapping.record: mapping for mapping in found}

    def bill(self, account, **values):
        return self.make_bill(lines=[{"account_id": account.id}], **values)

    def test_it_lists_what_bills_use_and_what_they_wait_for(self):
        self.bill(self.power)
        self.submit(self.bill(self.rent) | self.bill(self.rent))
        missing = self.list_missing()
        self.assertIn(self.power, missing)
        self.assertEqual(missing[self.rent].waiting_count, 2)
        self.assertEqual(missing[self.power].waiting_count, 0)
        self.assertNotIn(self.expense, missing, "it is mapped")
        self.assertNotIn(self.partner_a, missing, "vendors are created")
        self.connection.create_vendors = False
        self.assertIn(self.partner_a, self.list_missing())
        self.assertNotIn(self.partner_b, self.list_missing(), "no bill is of it")

    def test_what_bills_wait_for_comes_first_then_what_is_missing(self):
        self.submit(self.bill(self.power))
        self.bill(self.rent)
        self.offer("account", ("63", "600903", "Fees"))
        fees = self.expense.copy({"code": "600903", "name": "Fees"})
        self.Mapping._propose(self.connection)
        self.list_missing()
        view = self.env.ref("ap_sync.ap_sync_mapping_view_list")
        [order] = etree.fromstring(view.arch).xpath("/list/@default_order")
        found = self.Mapping.search(
            [
                ("connection_id", "=", self.connection.id),
                ("state", "!=", "confirmed"),
                ("kind", "=", "account"),
            ],
            order=order,
        )
        self.assertEqual(
            [mapping.record for mapping in found], [self.power, self.rent, fees]
        )

    def test_what_is_needed_no_more_is_listed_no_more(self):
        bill = self.bill(self.rent)
        self.assertIn(self.rent, self.list_missing())
        bill.button_draft()
        bill.button_cancel()
        self.assertNotIn(self.rent, self.list_missing())
        self.assertNotIn(self.rent, self.list_missing(), "twice is harmless")

    def test_a_missing_one_gets_a_proposal_when_the_data_is_refreshed(self):
        self.bill(self.rent)
        mapping = self.list_missing()[self.rent]
        self.offer("account", ("63", "600901", "Rents"))
        self.assertEqual(self.Mapping._propose(self.connection), mapping)
        self.assertEqual((mapping.state, mapping.erp_id), ("proposed", "63"))
        self.assertFalse(self.Mapping._get_erp_ids(self.connection, [self.rent]))

    def test_the_same_vat_number_is_proposed_before_code_and_name(self):
        self.partner_a.write(
            {"vat": "BE0477472701", "supplier_rank": 1, "ref": "V-7", "name": "Brewery"}
        )
        self.offer(
            "vendor",
            ("1", "V-7", "Other", ""),
            ("2", "", "Brewery", ""),
            ("3", "", "Trade name", "BE 0477.472.701"),
        )
        self.Mapping._propose(self.connection)
        mapping = self.Mapping.search([("state", "=", "proposed")])
        self.assertEqual((mapping.record, mapping.erp_id), (self.partner_a, "3"))
        self.assertEqual(
            [(s["reason"], s["chosen"]) for s in mapping.suggestions],
            [("same VAT number", True), ("same code", False), ("same name", False)],
        )

    def test_what_is_similar_is_suggested_and_never_proposed(self):
        self.bill(self.rent)
        self.offer("account", ("63", "6310", "Rents"), ("64", "6009010", "Zeros"))
        self.assertFalse(self.Mapping._propose(self.connection))
        mapping = self.list_missing()[self.rent]
        self.assertEqual(
            {s["name"]: s["reason"] for s in mapping.suggestions},
            {"6310 Rents": "similar name", "6009010 Zeros": "same code but for zeros"},
        )
        self.assertFalse(any(s["chosen"] for s in mapping.suggestions))

    def test_a_suggestion_that_is_chosen_lets_bills_go(self):
        jobs = self.submit(self.bill(self.rent) | self.bill(self.rent))
        other = self.submit(self.bill(self.power))
        self.offer("account", ("63", "6310", "Rents"))
        mapping = self.list_missing()[self.rent]
        action = mapping.action_choose(mapping.suggestions[0]["id"])
        self.assertEqual(action["params"]["message"], "1 mapped. Bills: 2 released.")
        self.assertEqual((mapping.state, mapping.erp_id), ("confirmed", "63"))
        for job in jobs:
            self.assert_status(job, "in_progress", "queued")
        self.assert_status(other, "on_hold")

    def test_a_record_of_another_connection_can_not_be_chosen(self):
        self.bill(self.rent)
        mapping = self.list_missing()[self.rent]
        other = self._make_connection("Other ERP")
        theirs = (
            self.env["ap.sync.erp.record"]
            .sudo()
            .create(
                {"connection_id": other.id, "kind": "account", "erp_id": "1"}
                | {"name": "Theirs"}
            )
        )
        with self.assert_refused(ValidationError, "Choose one from that"):
            mapping.action_choose(theirs.id)

    def test_proposals_are_accepted_all_at_once_and_only_they(self):
        jobs = self.submit(self.bill(self.rent) | self.bill(self.power))
        self.offer("account", ("63", "600901", "Rent"), ("64", "6", "Powers"))
        self.Mapping._propose(self.connection)
        self.list_missing()
        shown = self.Mapping.with_context(
            active_domain=[("connection_id", "=", self.connection.id)]
        )
        message = shown.action_accept_proposals()["params"]["message"]
        self.assertEqual(message, "1 mapped. Bills: 1 released.")
        self.assertEqual(jobs.sorted("id").mapped("status"), ["in_progress", "on_hold"])
        self.assertEqual(self.list_missing().keys(), {self.power})
        with self.assert_refused(UserError, "no proposal to accept"):
            shown.action_accept_proposals()

    def test_a_user_accepts_nothing_and_another_company_sees_nothing(self):
        proposal = self._map(self.rent, "63", state="proposed")
        user = new_test_user(
            self.env, "ap_sync_clerk", groups="account.group_account_invoice"
        )
        for call in (
            proposal.with_user(user).action_accept_proposals,
            lambda: proposal.with_user(user).action_choose(1),
            self.connection.with_user(user).action_open_missing,
        ):
            with self.assertRaises(AccessError):
                call()
        other = self.setup_other_company(name="Other company")["company"]
        stranger = new_test_user(
            self.env,
            "ap_sync_stranger",
            groups="ap_sync.group_ap_sync_manager,account.group_account_invoice",
            company_id=other.id,
            company_ids=other.ids,
        )
        mappings = self.Mapping.with_user(stranger).with_context(active_domain=[])
        with self.assert_refused(UserError, "no proposal to accept"):
            mappings.action_accept_proposals()
        with self.assertRaises(AccessError):
            self.connection.with_user(stranger).action_open_missing()
        self.assertEqual(proposal.state, "proposed")

    def test_nobody_writes_what_is_read_off_the_records(self):
        mapping = self._map(self.rent, "63")
        mapping.write({"kind": "tax", "local_code": "x", "erp_name": "x"})
        self.assertEqual((mapping.kind, mapping.local_code), ("account", "600901"))

    def test_many_accounts_do_not_time_out(self):
        count = 500
        accounts = self.env["account.account"].create(
            [
                {
                    "code": f"7{n:05}",
                    "name": f"Account {n} of many",
                    "account_type": "expense",
                }
                for n in range(count)
            ]
        )
        self.offer(
            "account",
            *(
                (str(n), f"7{n:05}" if n % 2 else f"x{n}", f"Theirs {n}")
                for n in range(count)
            ),
        )
        self.env.flush_all()
        self.env.invalidate_all()
        seconds = {}

        def measure(name, function):
            started = time.monotonic()
            result = function()
            self.env.flush_all()
            seconds[name] = round(time.monotonic() - started, 1)
            self.env.invalidate_all()
            return result

        proposals = measure("propose", lambda: self.Mapping._propose(self.connection))
        self.assertEqual(len(proposals), count // 2)
        self.Mapping.create(
            [
                {
                    "connection_id": self.connection.id,
                    "record": f"account.account,{account.id}",
                    "state": "missing",
                }
                for account in accounts[::2]
            ]
        )
        missing = self.Mapping.search([("state", "=", "missing")])
        measure("suggest 80", lambda: missing[:80].mapped("suggestions"))
        measure("suggest all", lambda: missing.mapped("suggestions"))
        measure("accept", proposals.action_accept_proposals)
        fields = ["connection_id", "kind", "local_code", "erp_id"]
        rows = [["ERP", "GL Account", f"7{n:05}", str(n)] for n in range(0, count)]
        result = measure("import", lambda: self.Mapping.load(fields, rows))
        self.assertEqual(result["messages"], [])
        self.assertEqual(len(result["ids"]), count)
        _logger.info("%s accounts: %s", count, seconds)
        self.assertLess(max(seconds.values()), 15, f"on a busy machine: {seconds}")
