"""What a kind of ERP is, as data: read by the screens, the rules and the engine."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import BaseCase, Form, tagged

from ..connectors import CONNECTORS, Capability, ClientKey, Outcome, Profile
from ..connectors.odoo import OdooConnector
from ..connectors.protocol import Connector
from .common import ApSyncCommon, error


class TestProfiles(BaseCase):
    """Each connector that is registered says what it is, and truly."""

    def test_every_connector_has_every_call_that_its_profile_promises(self):
        calls = {name for name in vars(Connector) if not name.startswith("_")}
        calls -= {"code", "profile", "capability", "settle_seconds", "send_many"}
        consent = {"consent_address", "redeem"}
        for code, connector in CONNECTORS.items():
            with self.subTest(code):
                self.assertEqual(connector.code, code)
                self.assertEqual(connector.capability, connector.profile.capability)
                self.assertFalse(
                    [name for name in calls - consent if not hasattr(connector, name)]
                )
                for name in consent:
                    self.assertEqual(
                        hasattr(connector, name), connector.profile.consent
                    )
                self.assertEqual(
                    hasattr(connector, "send_many"), connector.profile.batch > 1
                )
                self.assertLessEqual(
                    connector.profile.concurrency, connector.profile.most_at_once
                )
                self.assertLessEqual(
                    connector.profile.mapped, set(connector.profile.master_data)
                )

    def test_an_erp_that_can_be_asked_is_asked_even_if_it_honours_keys(self):
        plain = Profile(name="ERP", asks=frozenset(), master_data=())
        keys = replace(plain, client_key=ClientKey.EXPIRING, key_seconds=600.0)
        self.assertEqual(plain.capability, Capability.NONE)
        self.assertEqual(keys.capability, Capability.IDEMPOTENT)
        asked = replace(keys, look_up=("reference",))
        self.assertEqual(asked.capability, Capability.LOOKUP)


@tagged("post_install", "-at_install")
class TestProfile(ApSyncCommon):
    def use(self, **values):
        """Let the tests' ERP be one of another kind."""
        profile = replace(OdooConnector.profile, **values)
        self.erp.profile = replace(profile, batch=1)
        self.patch(OdooConnector, "profile", profile)

    def test_the_form_asks_only_for_what_the_kind_of_erp_needs(self):
        self.use(asks=frozenset({"api_key"}), attachments=False, creates_vendors=False)
        form = Form(self.connection)
        for name in ("api_key", "url", "concurrency", "trust_proposals"):
            self.assertFalse(form._get_modifier(name, "invisible"), name)
        for name in ("erp_database", "login", "send_attachments", "create_vendors"):
            self.assertTrue(form._get_modifier(name, "invisible"), name)

    def test_a_kind_that_is_at_one_address_for_all_comes_with_it(self):
        self.use(address="https://api.erp.example.com", concurrency=2)
        connection = self.env["ap.sync.connection"].create(
            {"name": "Cloud", "connector": "odoo"}
        )
        self.assertEqual(connection.url, "https://api.erp.example.com")
        self.assertEqual(connection.concurrency, 2)

    def test_no_more_bills_go_at_once_than_the_erp_bears(self):
        self.use(concurrency=1, most_at_once=1)
        self.connection.concurrency = 1
        with self.assertRaisesRegex(ValidationError, "bears 1 bills at once"):
            self.connection.concurrency = 2

    def test_only_what_the_erp_needs_has_to_be_mapped(self):
        self.connection.mapping_ids.unlink()
        tax = {"tax_ids": [Command.set(self.purchase_tax.ids)]}
        job = self.submit(self.make_bill(lines=[tax]))
        kinds = {cause["kind"] for cause in job.causes}
        self.assertEqual(kinds, {"gl_account_unmapped", "tax_unmapped"})
        self.use(mapped=frozenset({"account"}))
        job._evaluate(fresh=True)
        self.assertEqual({c["kind"] for c in job.causes}, {"gl_account_unmapped"})

    def test_what_only_this_kind_of_erp_needs_is_asked_for_before_it_is_sent(self):
        self.use(required=("payment_term", "reference"))
        job = self.submit(self.make_bill(invoice_payment_term_id=False))
        self.assert_status(job, "on_hold")
        [cause] = job.causes
        self.assertEqual(cause["kind"], "field_missing")
        self.assertIn("Another Odoo needs what this bill", cause["message"])
        self.assertIn("Payment Terms", cause["message"])
        job.move_id.button_draft()
        job.move_id.invoice_payment_term_id = self.pay_terms_a
        job.move_id.action_post()
        self.commit()
        job._evaluate(fresh=True)
        self.assert_status(job, "in_progress", "queued")

    def test_a_missing_reference_is_told_once(self):
        self.use(required=("reference",))
        job = self.submit(self.make_bill(ref=False))
        self.assertEqual([c["kind"] for c in job.causes], ["reference_missing"])
        rule = self.env.ref("ap_sync.rule_reference_missing")
        rule.active = False
        job._evaluate(fresh=True)
        self.assertEqual([c["kind"] for c in job.causes], ["field_missing"])

    def test_a_vendor_must_be_mapped_where_the_erp_lets_none_be_created(self):
        self.use(creates_vendors=False)
        job = self.submit(self.make_bill())
        self.assert_status(job, "on_hold")
        self.assertEqual([c["kind"] for c in job.causes], ["vendor_unmapped"])

    def test_a_change_that_the_erp_does_not_take_needs_a_decision(self):
        self.use(changes=frozenset({"cancel"}))
        bill = self.make_bill()
        job = self.submit(bill)
        self.dispatch()
        self.assert_status(job, "success")
        writes = len(self.erp.writes)
        bill.ref = "CORRECTED"
        self.commit()
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "update_unsupported")
        self.assertTrue(job.needs_decision)
        self.assertEqual(len(self.erp.writes), writes)


@tagged("post_install", "-at_install")
class TestReadBack(ApSyncCommon):
    """What the ERP did with a bill that it accepted is read back and compared."""

    def send_with(self, **values):
        self.erp.script = [values]
        job = self.submit(self.make_bill())
        self.dispatch()
        return job

    def test_a_cent_more_in_the_erp_is_a_difference_and_no_success(self):
        job = self.send_with(total=Decimal("0.01"))
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "booked_differently")
        self.assertIn("Total: ", job.message)
        self.assertIn("0.01", job.message)
        self.assertEqual(job.attempt_ids.outcome, Outcome.ACCEPTED.value)
        self.assertTrue(job.erp_id and job.erp_url and job.erp_number)

    def test_a_silently_moved_date_is_told_with_both_dates(self):
        job = self.send_with(accounting_date=date(2031, 1, 1))
        self.assertEqual(job.error_kind, "booked_differently")
        self.assertIn("01/01/2031", job.message)

    def test_a_date_that_the_erp_may_choose_is_a_success(self):
        self.connection.lock_policy = "next_open"
        job = self.send_with(accounting_date=date(2031, 1, 1))
        self.assert_status(job, "success")

    def test_another_currency_is_a_difference(self):
        job = self.send_with(currency="XAF")
        self.assertIn("Currency: ", job.message)

    def test_sync_then_changes_the_erps_bill_and_adds_none(self):
        job = self.send_with(total=Decimal("0.01"))
        erp_id = job.erp_id
        job.action_sync()
        self.dispatch()
        self.assert_status(job, "success")
        self.assertEqual(job.erp_id, erp_id)
        self.assertEqual(job.attempt_ids[0].operation, "update")

    def test_a_bill_that_is_right_there_can_be_marked_as_synced(self):
        job = self.send_with(currency="XAF")
        actions = [action["text"] for action in job._get_actions()]
        self.assertEqual(actions, ["Sync", "Mark as synced"])

    def test_what_is_found_after_a_lost_answer_is_compared_as_well(self):
        self.erp.settle_seconds = 60.0
        self.erp.script = [("after", error("no_answer", Outcome.AMBIGUOUS))]
        job = self.submit(self.make_bill())
        self.dispatch()
        [(key, receipt)] = self.erp.ledger.items()
        self.erp.ledger[key] = replace(receipt, accounting_date=date(2031, 1, 1))
        self.make_due(job)
        self.dispatch()
        self.assert_status(job, "failed")
        self.assertEqual(job.error_kind, "booked_differently")
        self.assertEqual(len(self.erp.writes), 1)
