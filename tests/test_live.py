from odoo.tests import HttpCase, new_test_user, tagged

from ..connectors import Outcome
from ..models.ap_sync_job_live import CHANNEL, MAX_IDS
from .common import ApSyncCommon, error
from .common_scheduler import SchedulerMixin

ROLE = "ap_sync.group_ap_sync_user"


@tagged("post_install", "-at_install")
class TestLive(SchedulerMixin, ApSyncCommon, HttpCase):
    """What open screens hear of, and that they follow."""

    # `common.py` does it for each test.
    registry_test_mode = False
    # The first page builds the assets, which takes long on a busy machine.
    test_cursor_lock_timeout = 120

    def setUp(self):
        super().setUp()
        self.env["bus.bus"].sudo().search([]).unlink()

    def heard(self, login=None):
        """Return what a client hears on the channel, as Odoo's bus answers it."""
        self.commit()
        if login:
            self.authenticate(login, login)
        answer = self.make_jsonrpc_request(
            "/websocket/peek_notifications",
            {"channels": [CHANNEL], "last": 1, "is_first_poll": True},
        )
        return [
            notification["message"]["payload"]
            for notification in answer["notifications"]
            if notification["message"]["type"] == CHANNEL
        ]

    def make_user(self, login, groups=ROLE, companies=None):
        companies = companies or self.env.company
        return new_test_user(
            self.env,
            login,
            password=login,
            groups=groups,
            company_id=companies[:1].id,
            company_ids=[(6, 0, companies.ids)],
        ).login

    def test_who_sees_jobs_hears_their_ids_and_no_more(self):
        job = self.submit(self.make_bill())
        self.commit()
        self.dispatch()
        heard = self.heard(self.make_user("lisa_user"))
        self.assertEqual(heard[0], {"job_ids": job.ids})
        # Queued, sending, success: all was told, and nothing else
        self.assertEqual({str(payload) for payload in heard}, {str(heard[0])})
        self.assertGreaterEqual(len(heard), 3)

    def test_what_changes_while_it_is_being_read_is_read_again(self):
        """Else the screen shows the job as it was, until another one changes."""
        login = self.make_user("rita_reads")
        self.commit()
        self.browser_js(
            "/odoo",
            """
            const {onJobsChanged} = odoo.loader.modules.get("@ap_sync/live/live");
            const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
            let change, reads = 0;
            const bus = {
                addChannel() {},
                addEventListener() {},
                subscribe: (_channel, onMessage) => (change = () => onMessage({})),
            };
            onJobsChanged(bus, () => (++reads === 1 ? wait(600) : null));
            (async () => {
                change();
                await wait(400);
                change(); // the first reading is under way
                await wait(3000);
                const text = reads === 2 ? "test successful" : `${reads} readings`;
                console[reads === 2 ? "log" : "error"](text);
            })();
            """,
            "odoo.loader.modules.has('@ap_sync/live/live')",
            login=login,
        )

    def test_nobody_else_hears_of_them(self):
        self.submit(self.make_bill())
        other = self.setup_other_company(name="Other company")["company"]
        self.assertEqual(self.heard(self.make_user("other_user", companies=other)), [])
        self.assertEqual(
            self.heard(self.make_user("no_role", groups="base.group_user")), []
        )
        both = self.make_user("both_user", companies=self.env.company | other)
        self.assertEqual(len(self.heard(both)), 1)

    def test_many_are_told_without_their_ids(self):
        Job = self.env["ap.sync.job"]
        Job._send_changes({self.env.company.id: set(range(MAX_IDS + 1))})
        heard = self.heard(self.make_user("lisa_user"))
        self.assertEqual(heard, [{"job_ids": False}])

    def test_the_sync_goes_on_when_nobody_can_be_told(self):
        job = self.submit(self.make_bill())
        bus = type(self.env["bus.bus"])
        self.patch(bus, "_sendone", lambda *args: self.fail("not to be raised"))
        self.env.cr.precommit.clear()
        self.dispatch()
        self.assert_status(job, "success")

    def test_a_bulk_sync_is_followed_on_the_screen(self):
        """More than a page of bills is synced; list, progress and form follow."""
        self.env.ref("ap_sync.ap_sync_job_action").limit = 3
        refused = error("gl_account_inactive", Outcome.REJECTED)
        bills = [self.make_bill(ref=f"LIVE-{number}") for number in range(5)]
        self.erp.script = [refused] * 5
        jobs = self.submit(self.env["account.move"].union(*bills))
        self.dispatch()
        self.assertEqual(set(jobs.mapped("status")), {"failed"})
        bills[0].invoice_line_ids.account_id = self.expense.copy({"name": "Unmapped"})
        self.commit()
        self.erp.script = ["accept"] * 3 + [refused]
        with self.scheduler():
            self.start_tour(
                "/odoo/ap-sync-jobs",
                "ap_sync_live",
                login=self.env.user.login,
                timeout=120,
            )
        self.env.invalidate_all()
        self.assertEqual(sorted(jobs.mapped("status")), ["on_hold"] + ["success"] * 4)

    def test_what_somebody_asks_for_is_shown_although_jobs_change(self):
        """A page turned, or a tile pressed, wins over the reload that jobs ask for."""
        self.env.ref("ap_sync.ap_sync_job_action").limit = 2
        self.erp.script = [error("gl_account_inactive", Outcome.REJECTED)] * 2
        bills = [self.make_bill(ref=f"LIVE-{number}") for number in range(3)]
        bills[0].invoice_line_ids.account_id = self.expense.copy({"name": "Unmapped"})
        jobs = self.submit(self.env["account.move"].union(*bills))
        self.dispatch()
        self.assertEqual(sorted(jobs.mapped("status")), ["failed", "failed", "on_hold"])
        self.commit()
        self.start_tour(
            "/odoo/ap-sync-connections",
            "ap_sync_live_asked",
            login=self.env.user.login,
        )

    def test_a_bill_is_followed_on_its_own_form(self):
        self.erp.script = [error("gl_account_inactive", Outcome.REJECTED), "accept"]
        job = self.submit(self.make_bill())
        self.dispatch()
        self.assert_status(job, "failed")
        self.commit()
        with self.scheduler():
            self.start_tour(
                "/odoo/ap-sync-connections",
                "ap_sync_live_bill",
                login=self.env.user.login,
                timeout=120,
            )
        self.assert_status(job, "success")
