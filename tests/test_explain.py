from odoo.tests import new_test_user

from ..connectors.kinds import KINDS
from ..models.ap_sync_cures import FIELD_BY_KIND, MAPPED_BY_KIND, WHO, who_cures
from ..models.ap_sync_guidance import GUIDANCE
from .common import ApSyncCommon, Outcome, error


class TestExplain(ApSyncCommon):
    """What a job says of itself: the cause, who cures it and where, what to press."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(
            cls.env,
            "clerk",
            groups="account.group_account_invoice,ap_sync.group_ap_sync_user",
            company_id=cls.env.company.id,
            company_ids=[(6, 0, cls.env.company.ids)],
        )

    def refuse(self, kind="vendor_inactive", **values):
        """Return the job of a bill that the ERP refused."""
        job = self.submit(self.make_bill())
        self.erp.script = [error(kind, Outcome.REJECTED, **values)]
        self.dispatch()
        self.assert_status(job, "failed")
        return job

    def buttons(self, job):
        return [action["text"] for action in job.get_explanation()["actions"]]

    def links(self, job):
        return [link["text"] for alert in job.cause_alerts for link in alert["links"]]

    # -- The tables

    def test_every_kind_has_somebody_who_cures_it(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.assertTrue(who_cures(self.env, kind)[0])
        for code, (_text, group) in WHO.items():
            with self.subTest(code):
                self.assertTrue(not group or self.env.ref(group))

    def test_every_kind_and_field_of_the_tables_is_one(self):
        for model, fields in FIELD_BY_KIND.items():
            self.assertLessEqual(set(fields), set(GUIDANCE))
            self.assertLessEqual(set(fields.values()), set(self.env[model]._fields))
        self.assertLessEqual(set(MAPPED_BY_KIND), set(KINDS))
        bill = self.make_bill()
        for kind, records_of in MAPPED_BY_KIND.items():
            with self.subTest(kind):
                self.env["ap.sync.mapping"]._get_kind(records_of(bill))

    def test_who_passes_by_itself_needs_nobody(self):
        self.assertEqual(
            who_cures(self.env, "rate_limited"),
            ("Nobody needs to: it goes by itself", False),
        )
        self.assertEqual(
            who_cures(self.env, "credentials_wrong"),
            ("An AP Sync administrator", True),
        )

    # -- What the popover gets

    def test_a_refused_bill_shows_the_answer_and_the_attempts(self):
        job = self.refuse(status=422, excerpt="<b>no</b>")
        said = job.get_explanation()
        self.assertEqual((said["answer"], said["http_status"]), ("<b>no</b>", 422))
        self.assertEqual(said["attempt_count"], 1)
        self.assertFalse(said["next_try_at"])
        [alert] = said["causes"]
        self.assertEqual(alert["title"], "Vendor inactive in the ERP")
        self.assertEqual(alert["message"], "The ERP said vendor_inactive.")
        self.assertIn("Reactivate the vendor", alert["guidance"])
        self.assertEqual(alert["level"], "danger")

    def test_a_retry_says_when_it_is_tried_next(self):
        job = self.submit(self.make_bill())
        self.erp.script = [error("rate_limited")]
        self.dispatch()
        self.assert_status(job, "in_progress", "retrying")
        said = job.get_explanation()
        self.assertEqual(said["next_try_at"], job.next_try_at)
        self.assertEqual(said["phase"], "Waiting to retry")
        self.assertEqual(said["causes"][0]["level"], "info")
        self.assertEqual(self.buttons(job), ["Try now"])

    def test_the_buttons_are_those_that_help(self):
        held = self.submit(self.make_bill(ref=False))
        self.partner_b.ap_sync_blocked = True
        blocked = self.submit(self.make_bill(partner_id=self.partner_b.id))
        failed, unknown = self.refuse(), self.refuse("outcome_unknown")
        done = self.submit(self.make_bill())
        self.dispatch()
        for job, manager, clerk in (
            (held, ["Sync", "Release"], ["Sync"]),
            (blocked, ["Release"], []),
            (failed, ["Sync", "Mark as synced"], ["Sync"]),
            (unknown, ["Resolve", "Mark as synced"], []),
            (done, ["Open in ERP"], ["Open in ERP"]),
        ):
            with self.subTest(job.status, kind=job.error_kind):
                self.assertEqual(self.buttons(job), manager)
                self.assertEqual(self.buttons(job.with_user(self.clerk)), clerk)

    def test_a_changed_bill_is_explained_and_sent_again(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assertFalse(job.cause_alerts)
        sent = job.move_id.ref
        job.move_id.ref = "OTHER"
        self.commit()
        [alert] = job.cause_alerts
        self.assertEqual(
            alert["message"],
            f"The bill was changed after it was synced: Reference: “{sent}” → “OTHER”.",
        )
        self.assertEqual(self.buttons(job), ["Sync", "Open in ERP"])

    def test_each_change_since_the_sync_is_told_and_many_are_counted(self):
        bill = self.make_bill(lines=[{"price_unit": 100.0}, {"price_unit": 50.0}])
        job = self.submit(bill)
        self.dispatch()
        power = self.expense.copy({"code": "600902", "name": "Power"})
        bill.button_draft()
        bill.invoice_line_ids[0].price_unit = 120.0
        bill.invoice_line_ids[1].account_id = power
        bill.action_post()
        self.commit()
        said = job._describe_changes()
        self.assertIn("Price of line 1: 100.00 → 120.00", said)
        self.assertIn(f"Account of line 2: {self.expense.name} → Power", said)
        self.assertIn("Total: ", said)
        bill.button_draft()
        bill.write(
            {
                "partner_id": self.partner_b.id,
                "invoice_date": "2026-10-01",
                "date": "2026-10-02",
                "ref": "OTHER",
            }
        )
        self.assertRegex(job._describe_changes(), r"^Vendor: partner_a → .* \d+ more$")
        bill.invoice_line_ids[1].unlink()
        self.assertEqual(job._describe_changes().count("line"), 0)

    def test_a_bill_that_was_cancelled_says_so(self):
        job = self.submit(self.make_bill())
        self.dispatch()
        job.move_id.button_cancel()
        self.commit()
        self.assertIn("cancelled after it was synced", job.cause_alerts[0]["message"])

    # -- The root first, and where it is cured

    def test_the_root_comes_first_and_each_cause_links_to_its_field_or_record(self):
        account = self.expense.copy({"code": "600901", "name": "Rent"})
        power = self.expense.copy({"code": "600902", "name": "Power"})
        bill = self.make_bill(
            ref=False, lines=[{"account_id": account.id}, {"account_id": power.id}]
        )
        job = self.submit(bill)
        root, symptom = job.cause_alerts
        self.assertEqual((root["level"], symptom["level"]), ("warning", "light"))
        [link] = root["links"]
        self.assertEqual(link["field"], "ref")
        self.assertEqual(link["action"]["res_id"], bill.id)
        self.assertEqual(self.links(job)[1:], ["Map 600901 Rent", "Map 600902 Power"])

    def test_who_may_not_map_reads_whom_to_ask(self):
        job = self.submit(
            self.make_bill(lines=[{"account_id": self.expense.copy().id}])
        )
        [alert] = job.with_user(self.clerk).cause_alerts
        self.assertFalse(alert["links"])
        self.assertEqual((alert["who"], alert["you"]), ("An AP Sync manager", False))
        self.assertTrue(job.cause_alerts[0]["you"])

    def test_what_the_erp_refused_leads_to_what_cures_it(self):
        self.assertEqual(self.links(self.refuse()), ["Map partner_a"])
        period = self.refuse("period_closed")
        self.assertEqual(period.cause_alerts[0]["links"][0]["field"], "date")
        self.assertFalse(self.links(self.refuse("outcome_unknown")))

    def test_a_refused_key_leads_to_the_connection(self):
        self.connection.sudo()._set_attention("credentials_wrong", "No.")
        job = self.submit(self.make_bill())
        self.assertEqual(self.links(job), ["Open ERP"])
        self.assertEqual(job.cause_alerts[0]["who"], "An AP Sync administrator")

    # -- On the bill

    def test_the_bill_shows_the_causes_of_each_connection(self):
        bill = self.make_bill(ref=False)
        self.assertFalse(bill.ap_sync_alerts)
        job = self.submit(bill)
        bill.invalidate_recordset()
        self.assertEqual(bill.ap_sync_alerts, job.cause_alerts)
        self.assertEqual(bill.ap_sync_job_id, job)
        self.submit(bill, self._make_connection("Other ERP"))
        bill.invalidate_recordset()
        self.assertEqual(
            [alert["title"].split(":")[0] for alert in bill.ap_sync_alerts],
            ["ERP", "Other ERP", "Other ERP"],
        )
        stranger = new_test_user(
            self.env, "stranger", groups="account.group_account_readonly"
        )
        self.assertFalse(bill.with_user(stranger).ap_sync_alerts)

    def test_a_bill_that_goes_shows_no_banner(self):
        bill = self.make_bill()
        self.submit(bill)
        self.assertFalse(bill.ap_sync_alerts)
        self.dispatch()
        self.assertFalse(bill.ap_sync_alerts)

    def test_who_saves_a_bill_reads_at_once_what_that_changed(self):
        bill = self.make_bill(ref=False)
        self.submit(bill)
        self.commit()
        [saved] = bill.web_save(
            {"ref": "CURED-1"}, {"ap_sync_status": {}, "ap_sync_alerts": {}}
        )
        self.assertEqual(saved["ap_sync_status"], "in_progress")
        self.assertFalse(saved["ap_sync_alerts"])

    def test_bills_are_found_by_the_number_of_the_erp(self):
        bills = self.make_bill() | self.make_bill()
        self.submit(bills[0])
        self.dispatch()
        number = bills[0].ap_sync_erp_number
        self.assertEqual(number, "ERP/0001")

        def find(*term):
            return bills.search(
                [("id", "in", bills.ids), ("ap_sync_erp_number", *term)]
            )

        self.assertEqual(find("=", number), bills[0])
        self.assertEqual(find("ilike", "0001"), bills[0])
        self.assertEqual(find("not ilike", "0001"), bills[1])
        self.assertEqual(find("=", False), bills[1])
        self.assertEqual(find("!=", False), bills[0])
