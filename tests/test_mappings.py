from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..connectors.incoming import plain
from .common import ApSyncCommon


class TestMappings(ApSyncCommon):
    """What our records are called in the ERP: proposed, confirmed, kept apart."""

    def store(self, kind, *rows):
        """Bring the ERP's records of a kind, as *Refresh data* does.

        :param rows: ``(erp_id, code, name)``, and False as a fourth if archived.
        """
        Record = self.env["ap.sync.erp.record"].sudo()
        return Record._store(
            self.connection,
            kind,
            [
                {
                    "erp_id": row[0],
                    "code": row[1],
                    "name": row[2],
                    "detail": "",
                    "active": row[3:] != (False,),
                }
                for row in rows
            ],
        )

    def propose(self):
        """Return ``{our record: ERP id}`` of what is proposed now."""
        mappings = self.env["ap.sync.mapping"]._propose(self.connection)
        self.assertEqual(
            set(mappings.mapped("state")), {"proposed"} if mappings else set()
        )
        return {mapping.record: mapping.erp_id for mapping in mappings}

    def records(self, kind):
        return (
            self.env["ap.sync.erp.record"]
            .with_context(active_test=False)
            .search([("connection_id", "=", self.connection.id), ("kind", "=", kind)])
        )

    def shown(self, mappings):
        """Return the names of our records as the list shows them."""
        rows = mappings.web_read({"record": {"fields": {"display_name": {}}}})
        return [row["record"] and row["record"]["display_name"] for row in rows]

    # -- Proposals

    def test_the_same_code_is_proposed_before_the_same_name(self):
        account = self.expense.copy({"code": "600901", "name": "Rent"})
        self.store("account", ("1", "600901", "Something else"), ("2", "7", "Rent"))
        self.assertEqual(self.propose()[account], "1")

    def test_the_same_name_is_proposed_where_no_code_fits(self):
        account = self.expense.copy({"code": "600901", "name": "Office  Rent"})
        self.store("account", ("2", "7", "office rent"))
        self.assertEqual(self.propose(), {account: "2"})

    def test_a_vendor_is_known_by_its_reference_and_a_tax_by_its_name(self):
        self.partner_a.write({"ref": "V-7", "supplier_rank": 1})
        tax = self.purchase_tax.copy({"name": "Levy"})
        self.store("vendor", ("70", "v-7", "Another name"))
        self.store("tax", ("71", "", "Levy"))
        self.assertEqual(self.propose(), {self.partner_a: "70", tax: "71"})

    def test_a_name_that_was_kept_from_spreadsheets_is_known_all_the_same(self):
        tax = self.purchase_tax.copy({"name": "-20% withheld"})
        self.store("tax", ("71", "", plain("-20% withheld")))
        self.assertEqual(self.propose(), {tax: "71"})

    def test_what_is_ambiguous_on_either_side_proposes_nothing(self):
        self.expense.copy({"code": "600901", "name": "Rent"})
        self.store("account", ("1", "1", "Rent"), ("2", "2", "Rent"))
        self.assertFalse(self.propose())
        for code in ("600902", "600903"):
            self.expense.copy({"code": code, "name": "Power"})
        self.store("account", ("3", "3", "Power"))
        self.assertFalse(self.propose())

    def test_an_archived_record_of_the_erp_proposes_nothing(self):
        self.expense.copy({"code": "600901", "name": "Rent"})
        self.store("account", ("1", "600901", "Rent", False))
        self.assertFalse(self.propose())

    def test_what_is_mapped_already_is_not_proposed_again(self):
        self.store("account", ("9", self.expense.code, self.expense.name))
        self.assertNotIn(self.expense, self.propose())

    def test_another_company_s_records_are_not_proposed(self):
        company = self.setup_other_company(name="Other company")["company"]
        account = self.expense.with_company(company).create(
            {
                "name": "Theirs alone",
                "code": "600901",
                "account_type": "expense",
                "company_ids": company.ids,
            }
        )
        self.store("account", ("1", "600901", "Theirs alone"))
        self.assertNotIn(account, self.propose())

    # -- In use

    def test_a_proposal_is_used_once_it_is_confirmed_or_proposals_are_trusted(self):
        account = self.expense.copy()
        mapping = self._map(account, "601", state="proposed")
        Mapping = self.env["ap.sync.mapping"]
        self.assertFalse(Mapping._get_erp_ids(self.connection, [account]))
        self.connection.trust_proposals = True
        self.assertEqual(
            Mapping._get_erp_ids(self.connection, [account]), {account: "601"}
        )
        self.connection.trust_proposals = False
        mapping.action_confirm()
        self.assertEqual(
            Mapping._get_erp_ids(self.connection, [account]), {account: "601"}
        )

    def test_a_mapping_without_an_erp_id_can_not_be_confirmed(self):
        mapping = self._map(self.expense.copy(), False, state="proposed")
        mapping.action_confirm()
        self.assertEqual(mapping.state, "proposed")

    def test_a_mapping_is_used_on_its_own_connection_alone(self):
        other = self._make_connection("Other ERP")
        erp_ids = self.env["ap.sync.mapping"]._get_erp_ids(other, [self.expense])
        self.assertFalse(erp_ids)

    def test_choosing_the_erp_s_record_fills_its_id(self):
        self.store("account", ("55", "600", "Costs"))
        mapping = self._map(self.expense.copy(), False)
        mapping.erp_record_id = self.records("account")
        self.assertEqual(mapping.erp_id, "55")
        self.assertEqual(mapping.kind, "account")

    def test_an_account_is_shown_with_its_code_to_everyone(self):
        new = self.expense.copy()
        bill = self.make_bill(lines=[{"account_id": new.id}])
        self.env.user.group_ids -= self.quick_ref("account.group_account_user")
        self.env.user.group_ids -= self.quick_ref("account.group_account_manager")
        mapping = self.connection.mapping_ids.filtered(lambda m: m.kind == "account")
        account = mapping.record
        self.assertEqual(account.display_name, account.name, "Odoo shows no code")
        self.assertEqual(mapping.local_name, f"{account.code} {account.name}")
        job = self.submit(bill)
        self.assertEqual(
            job.causes[0]["fixes"][0]["name"], f"Map {new.code} {new.name}"
        )

    def test_the_list_costs_no_query_for_each_record(self):
        def count(mappings):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            names = self.shown(mappings)
            queries = self.env.cr.sql_log_count - before
            self.assertEqual(names, [m.record.display_name for m in mappings])
            return queries

        mappings = self.env["ap.sync.mapping"].union(
            *(
                self._map(record, "7")
                for number in range(12)
                for record in (
                    self.partner_a.copy({"name": f"Vendor {number}"}),
                    self.expense.copy({"name": f"Account {number}"}),
                )
            )
        )
        count(mappings)
        self.assertEqual(count(mappings), count(mappings[:4]))

    def test_the_list_shows_what_is_there_and_may_be_read(self):
        gone, hidden, vendor = self.partner_a.create(
            [{"name": name} for name in ("Gone", "Hidden", "Vendor")]
        )
        mappings = self.env["ap.sync.mapping"].union(
            *(self._map(record, "7") for record in (gone, hidden, vendor))
        )
        gone.unlink()
        self.env["ir.rule"].sudo().create(
            {
                "name": "Hidden",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": [("id", "!=", hidden.id)],
            }
        )
        self.env.invalidate_all()
        none, refused, name = self.shown(mappings)
        self.assertFalse(none)
        self.assertIn("access", refused)
        self.assertEqual(name, "Vendor")

    def test_the_list_is_shown_to_who_may_see_no_analytic_accounts(self):
        plan = self.env["account.analytic.plan"].sudo().create({"name": "Projects"})
        project = plan.env["account.analytic.account"].create(
            {"name": "Project", "plan_id": plan.id}
        )
        mappings = self._map(self.partner_b, "7") | self._map(project.sudo(False), "8")
        user = new_test_user(self.env, "una_user", groups="ap_sync.group_ap_sync_user")
        self.quick_ref("account.access_account_analytic_account").perm_read = False
        self.env.invalidate_all()
        name, refused = self.shown(mappings.with_user(user))
        self.assertEqual(name, self.partner_b.name)
        self.assertIn("access", refused)

    def test_the_vendor_that_the_erp_used_is_remembered(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        mapping = self.connection.mapping_ids.filtered(
            lambda m: m.record == self.partner_a
        )
        self.assertEqual((mapping.erp_id, mapping.state), ("77", "confirmed"))
        self.assertFalse(job.changed_since_sync)

    # -- Refused

    def test_another_company_s_record_is_refused(self):
        company = self.setup_other_company(name="Other company")["company"]
        account = self.expense.with_company(company).create(
            {
                "name": "Theirs",
                "code": "600901",
                "account_type": "expense",
                "company_ids": company.ids,
            }
        )
        vendor = self.partner_b.copy({"company_id": company.id})
        for record in (account, vendor):
            with self.assert_refused(ValidationError, "belongs to another company"):
                self._map(record, "1")

    def test_a_record_is_mapped_once_for_a_connection(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._map(self.expense, "601")
        self._map(self.expense, "601", self._make_connection("Other ERP"))

    def test_a_record_of_another_kind_or_connection_is_refused(self):
        self.store("tax", ("1", "", "Tax"))
        mapping = self._map(self.expense.copy(), False)
        with self.assert_refused(ValidationError, "is not a account of ERP"):
            mapping.erp_record_id = self.records("tax")
        self.store("account", ("1", "1", "Account"))
        record = self.records("account")
        theirs = self._map(self.expense, False, self._make_connection("Other ERP"))
        with self.assert_refused(ValidationError, "of Other ERP"):
            theirs.erp_record_id = record

    # -- Refresh data

    def test_new_changed_and_gone_records_are_stored(self):
        self.store("account", ("1", "1", "One"), ("2", "2", "Two"))
        mapping = self._map(self.expense.copy(), False)
        mapping.erp_record_id = self.records("account").filtered(
            lambda r: r.erp_id == "2"
        )
        self.assertEqual(
            self.store("account", ("1", "1", "Renamed"), ("3", "3", "Three")), 2
        )
        self.assertEqual(
            {r.erp_id: (r.name, r.active) for r in self.records("account")},
            {"1": ("Renamed", True), "2": ("Two", False), "3": ("Three", True)},
        )
        self.assertEqual(mapping.erp_record_id.erp_id, "2", "it stays visible")

    def test_a_record_that_comes_back_is_active_again(self):
        self.store("account", ("1", "1", "One"))
        self.store("account")
        self.assertFalse(self.records("account").active)
        self.store("account", ("1", "1", "One"))
        self.assertTrue(self.records("account").active)

    def test_a_record_that_is_given_twice_is_stored_once(self):
        self.store("account", ("1", "1", "One"), ("1", "1", "One again"))
        self.assertEqual(self.records("account").mapped("name"), ["One again"])

    def test_the_same_id_of_another_kind_is_another_record(self):
        self.store("account", ("1", "1", "One"))
        self.store("tax", ("1", "", "Tax"))
        self.assertTrue(self.records("account").active)

    def test_nothing_is_refreshed_for_odoo_s_own_ledger(self):
        ledger = self._make_connection("Ledger", connector="local", url=False)
        with self.assert_refused(UserError, "nothing to .*refresh"):
            ledger.action_refresh_data()
