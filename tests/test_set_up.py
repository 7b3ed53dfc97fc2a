from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from ..connectors.base import CheckItem
from ..engine import probe
from .common import ApSyncCommon, Outcome, error


class TestSetUp(ApSyncCommon):
    """The path from a new connection to bills that go by themselves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new = cls._make_connection("New ERP")
        groups = {
            "user": "account.group_account_invoice",
            "manager": "ap_sync.group_ap_sync_manager,account.group_account_invoice",
        }
        cls.users = {
            role: new_test_user(cls.env, f"ap_sync_{role}", groups=names)
            for role, names in groups.items()
        }

    def steps(self, connection=None, user=None):
        connection = connection or self.new
        connection.invalidate_recordset()
        if user:
            connection = connection.with_user(user)
        return {step["name"]: step for step in connection.setup_steps}

    def states(self, connection=None):
        return [step["state"] for step in self.steps(connection).values()]

    def set_tested(self, ok=True):
        self.new.sudo().write(
            {
                "checked_at": self.env.cr.now(),
                "check_result": [
                    {"name": "Key", "ok": ok, "message": "Said.", "todo": "Make one."}
                ],
            }
        )

    def dialog(self, action, user=None):
        model = self.env[action["res_model"]]
        if user:
            model = model.with_user(user)
        return Form(model.with_context(**action["context"]))

    # -- The steps

    def test_a_new_connection_is_off(self):
        made = self.env["ap.sync.connection"].create(
            {"name": "X", "connector": "local"}
        )
        self.assertEqual(made.trigger, "manual")
        self.assertFalse(made.is_switched_on)
        self.make_bill()
        self.assertFalse(self.new.job_ids)
        self.assertEqual(
            list(self.steps()),
            ["connect", "test", "refresh", "map", "try", "switch_on"],
        )
        self.assertEqual(self.states(), ["done", "now"] + ["later"] * 4)

    def test_before_it_is_saved_there_is_nothing_but_to_connect(self):
        dialog = Form(self.env["ap.sync.connection"])
        steps = dialog.setup_steps
        self.assertEqual([s["name"] for s in steps if s["button"]], ["connect"])
        self.assertEqual(steps[0]["state"], "now")
        dialog.connector = "local"
        self.assertIn("Name it", dialog.setup_steps[0]["text"])

    def test_without_a_key_it_is_not_connected(self):
        self.new.api_key = False
        self.assertEqual(self.states()[0], "now")

    def test_each_step_is_told_from_what_is_there(self):
        self.set_tested(ok=False)
        step = self.steps()["test"]
        self.assertEqual((step["state"], step["items"][0]["ok"]), ("now", False))
        self.set_tested()
        self.assertEqual(self.states()[1:3], ["done", "now"])
        self.env["ap.sync.erp.record"].sudo().create(
            {"connection_id": self.new.id, "kind": "vendor", "erp_id": "1"}
            | {"name": "One"}
        )
        account = self.expense.copy()
        self.env.flush_all()
        self.new.sudo()._store_erp_data({}, None, None)
        self.assertIn("1 vendors, 0 accounts", self.steps()["refresh"]["text"])
        proposal = self._map(account, "1", self.new, state="proposed")
        step = self.steps()["map"]
        self.assertEqual(step["state"], "now")
        self.assertIn("1 proposals to confirm", step["text"])
        self.new.mapping_ids.filtered(lambda m: m.state == "missing").unlink()
        proposal.action_confirm()
        self.assertEqual(self.states(), ["done"] * 4 + ["now", "later"])

    def test_another_address_or_key_is_tested_again(self):
        self.set_tested()
        self.new.sudo().refreshed_at = self.env.cr.now()
        self.new.api_key = "another-key"
        self.assertFalse(self.new.checked_at)
        self.assertTrue(self.new.refreshed_at, "it is the same ERP")
        self.set_tested()
        self.new.write({"name": "Renamed", "url": self.new.url, "timeout": 30})
        self.assertTrue(self.new.checked_at)
        self.new.url = "https://other.example.com"
        self.assertFalse(self.new.checked_at or self.new.refreshed_at)

    def test_the_local_ledger_has_no_steps_that_do_not_apply(self):
        ledger = self._make_connection("Ledger", connector="local", url=False)
        self.assertEqual(list(self.steps(ledger)), ["try", "switch_on"])
        with self.assert_refused(UserError, "nothing to"):
            ledger.action_open_missing()

    def test_each_role_gets_the_buttons_it_may_press(self):
        buttons = {
            role: [n for n, s in self.steps(user=user).items() if s["button"]]
            for role, user in self.users.items()
        }
        self.assertEqual(buttons["user"], [])
        self.assertEqual(buttons["manager"], ["refresh", "map", "try"])
        step = self.steps(user=self.users["manager"])["test"]
        self.assertIn("administrator", step["who"])

    def test_an_error_that_ends_the_test_says_what_to_do(self):
        def check(*, deadline):
            raise error("credentials_wrong", Outcome.REJECTED)

        self.erp.check = check
        self._run_check()
        [item] = self.steps()["test"]["items"]
        self.assertFalse(item["ok"])
        self.assertTrue(item["todo"])
        self.erp.check = lambda *, deadline: [CheckItem("Key", True, "Yes.")]
        self._run_check()
        self.assertEqual(self.steps()["test"]["state"], "done")

    def _run_check(self):
        self._run(probe.check_connection, self.new.id)

    # -- Try one bill

    def mapped(self):
        self._map(self.expense, "600", self.new)

    def test_the_smallest_of_the_newest_that_would_pass_is_proposed(self):
        self.mapped()
        self.make_bill(lines=[{"price_unit": 70.0}])
        small = self.make_bill(lines=[{"price_unit": 10.0}])
        self.make_bill(ref=False, lines=[{"price_unit": 1.0}])  # would be held
        self.make_bill(post=False, lines=[{"price_unit": 2.0}])
        dialog = self.dialog(self.new.action_open_trial(), self.users["manager"])
        self.assertEqual(dialog.move_id, small)
        self.assertEqual(dialog.result, "sync")

    def test_it_alone_is_sent_and_shown(self):
        self.mapped()
        others = self.make_bill() | self.make_bill()
        bill = self.make_bill(lines=[{"price_unit": 10.0}])
        dialog = self.dialog(self.new.action_open_trial(), self.users["manager"])
        action = dialog.save().action_send()
        job = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((job.move_id, job.connection_id), (bill, self.new))
        self.dispatch(self.new)
        self.assert_status(job, "success")
        self.assertEqual(len(self.erp.writes), 1)
        self.assertFalse(others.ap_sync_job_ids)
        step = self.steps()["try"]
        self.assertIn(job.erp_number, step["text"])
        self.assertEqual(step["state"], "done")

    def test_what_stops_it_is_shown_with_the_link_that_mends_it(self):
        self.make_bill()
        dialog = self.dialog(self.new.action_open_trial())
        self.assertEqual(dialog.result, "hold")
        link = dialog.cause_alerts[0]["links"][0]
        self.assertEqual(link["action"]["res_model"], "ap.sync.map")

    def test_a_pause_stops_it_as_all_others(self):
        self.mapped()
        bill = self.make_bill()
        self.new._pause("Period close")
        dialog = self.dialog(self.new.action_open_trial())
        self.assertEqual((dialog.move_id, dialog.result), (bill, "hold"))
        dialog.save().action_send()
        self.dispatch(self.new)
        self.assertFalse(self.erp.writes)

    def test_a_bill_that_was_held_is_tried_with_the_job_it_has(self):
        bill = self.make_bill()
        job = self.submit(bill, self.new)
        self.assert_status(job, "on_hold")
        self.new.auto_resume = False
        self.mapped()
        dialog = self.dialog(self.new.action_open_trial())
        self.assertEqual(dialog.save().action_send()["res_id"], job.id)
        self.dispatch(self.new)
        self.assert_status(job, "success")

    def test_nobody_tries_another_company_s_bill(self):
        other = self.setup_other_company(name="Other company")
        stranger = new_test_user(
            self.env,
            "ap_sync_stranger",
            groups="ap_sync.group_ap_sync_administrator,account.group_account_invoice",
            company_id=other["company"].id,
            company_ids=other["company"].ids,
        )
        Trial = self.env["ap.sync.trial"]
        with self.assertRaises(AccessError):
            Trial.with_user(stranger).create({"connection_id": self.new.id})
        theirs = self._make_connection("Theirs", company_id=other["company"].id)
        bill = self.make_bill()
        with self.assertRaises(AccessError):
            Trial.with_user(stranger).create(
                {"connection_id": theirs.id, "move_id": bill.id}
            )
        trial = Trial.create({"connection_id": theirs.id, "move_id": bill.id})
        with self.assert_refused(UserError, "Choose a bill that Theirs takes"):
            trial.action_send()
        with self.assertRaises(AccessError):
            Trial.with_user(self.users["user"]).create({"connection_id": self.new.id})

    def test_for_the_local_ledger_a_draft_is_tried(self):
        self.env["ap.sync.rule"].search([]).active = False
        ledger = self._make_connection("Ledger", connector="local", url=False)
        self.make_bill()
        draft = self.make_bill(post=False)
        dialog = self.dialog(ledger.action_open_trial())
        self.assertEqual((dialog.move_id, dialog.result), (draft, "sync"))
        dialog.save().action_send()
        self.dispatch(ledger)
        self.assertEqual(draft.state, "posted")

    # -- Switch on

    def test_from_now_on_bills_go_and_older_ones_do_not(self):
        self.mapped()
        old = self.make_bill()
        dialog = self.dialog(self.new.action_open_switch_on())
        self.assertEqual(dialog.trigger, "posted")
        self.assertEqual((dialog.now_count, dialog.old_count), (0, 1))
        dialog.save().action_apply()
        self.assertTrue(self.new.is_switched_on)
        self.assertTrue(self.new.switched_on_at)
        self.assertFalse(old.ap_sync_job_ids)
        bill = self.make_bill()
        self.assertEqual(bill.ap_sync_job_ids.connection_id, self.new)
        self.assertEqual(self.steps()["switch_on"]["state"], "done")

    def test_older_ones_go_when_they_are_asked_for(self):
        self.mapped()
        self.make_bill(invoice_date="2026-01-10")
        old = self.make_bill(invoice_date="2026-11-02")
        dialog = self.dialog(self.new.action_open_switch_on())
        dialog.take_old = True
        dialog.since = date(2026, 11, 1)
        self.assertEqual((dialog.now_count, dialog.old_count), (1, 2))
        message = dialog.save().action_apply()["params"]["message"]
        self.assertEqual(message, "1 queued")
        self.dispatch(self.new)
        self.assertEqual(self.new.job_ids.move_id, old)
        self.assert_status(self.new.job_ids, "success")

    def test_by_hand_is_a_choice_too(self):
        self.make_bill()
        dialog = self.dialog(self.new.action_open_switch_on())
        dialog.trigger = "manual"
        self.assertEqual((dialog.now_count, dialog.old_count), (0, 0))
        dialog.save().action_apply()
        self.assertTrue(self.new.is_switched_on)
        self.assertEqual(self.new.trigger, "manual")
        self.assertFalse(self.new.job_ids)
        self.assertFalse(self.new.copy().is_switched_on)

    def test_only_an_administrator_switches_on(self):
        manager = self.users["manager"]
        with self.assertRaises(AccessError):
            self.new.with_user(manager).action_open_switch_on()
        with self.assertRaises(AccessError):
            self.new.with_user(manager)._switch_on("posted")
        with self.assert_refused(AccessError, "by AP Sync itself"):
            self.new.switched_on_at = self.env.cr.now()
        self.assertFalse(self.new.is_switched_on)

    def test_where_bill_sync_is_off_for_the_company_it_says_so(self):
        self.new._switch_on("posted")
        self.env.company.ap_sync_automatic = False
        self.assertIn("Automatic Bill Sync is off", self.steps()["switch_on"]["text"])
