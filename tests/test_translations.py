import io
import re

import polib

from odoo.tests import tagged
from odoo.tools import file_path
from odoo.tools.translate import code_translations, trans_export

from ..connectors import Outcome
from .common import ApSyncCommon, error

PLACEHOLDER = re.compile(r"%%|%\(\w+\)s|%s|%d|</?\w+[^>]*>")
FIX = "Run `python3 dev translate`, and translate what is left."


def read(name):
    """Return the file of that name in i18n, as polib reads it."""
    return polib.pofile(file_path(f"ap_sync/i18n/{name}"))


@tagged("post_install", "-at_install")
class TestTranslations(ApSyncCommon):
    def test_the_template_has_every_text_and_no_other(self):
        buffer = io.BytesIO()
        trans_export(False, ["ap_sync"], buffer, "po", self.env)
        texts = {entry.msgid for entry in polib.pofile(buffer.getvalue().decode())}
        self.assertEqual(texts ^ {entry.msgid for entry in read("ap_sync.pot")}, set())

    def test_german_is_complete(self):
        german = {entry.msgid: entry for entry in read("de.po")}
        for text in read("ap_sync.pot"):
            with self.subTest(text.msgid):
                entry = german[text.msgid]
                self.assertTrue(entry.msgstr, FIX)
                self.assertFalse(entry.fuzzy, FIX)
                self.assertEqual(
                    sorted(PLACEHOLDER.findall(entry.msgstr)),
                    sorted(PLACEHOLDER.findall(entry.msgid)),
                )

    def activate_german(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["ap_sync"], ["de_DE"])

    def test_german_shows_in_views_statuses_messages_and_in_the_browser(self):
        self.activate_german()
        german = self.env(context={**self.env.context, "lang": "de_DE"})
        jobs = german["ap.sync.job"]
        view = jobs.get_view(self.env.ref("ap_sync.ap_sync_job_view_form").id, "form")
        self.assertIn("Klären", view["arch"])
        statuses = dict(jobs.fields_get(["status"])["status"]["selection"])
        self.assertEqual(
            statuses,
            {
                "success": "Erfolgreich",
                "failed": "Fehlgeschlagen",
                "in_progress": "In Arbeit",
                "blocked": "Gesperrt",
                "on_hold": "Angehalten",
            },
        )
        in_browser = code_translations.get_web_translations("ap_sync", "de_DE")
        texts = {entry["id"]: entry["string"] for entry in in_browser["messages"]}
        self.assertEqual(texts["Overview"], "Übersicht")

    def test_what_the_engine_finds_is_said_in_the_language_of_the_company(self):
        self.activate_german()
        self.env.company.partner_id.lang = "de_DE"
        held, refused = self.submit(self.make_bill(ref=False) | self.make_bill())
        held._evaluate()
        self.assertIn("Rechnungsreferenz", held.guidance)
        self.erp.script = [error("period_closed", Outcome.REJECTED)]
        self.dispatch()
        self.assert_status(refused, "failed")
        self.assertIn("öffnen Sie die Periode", refused.guidance)

    def test_a_reader_is_told_what_to_do_in_the_own_language(self):
        self.activate_german()
        held, refused = self.submit(self.make_bill(ref=False) | self.make_bill())
        held._evaluate()
        self.erp.script = [error("period_closed", Outcome.REJECTED)]
        self.dispatch()
        self.assertIn("Enter the vendor", held.guidance)
        for job, title, todo in (
            (held, "Rechnungsreferenz fehlt", "ein"),
            (refused, "Periode", "öffnen Sie die Periode"),
        ):
            [alert] = job.with_context(lang="de_DE").get_explanation()["causes"]
            self.assertIn(title, alert["title"])
            self.assertIn(todo, alert["guidance"])
