import json

import openpyxl

from odoo import http
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.misc import file_open

from .common import ApSyncCommon

HEADERS = ["Connection", "Type", "Odoo Code", "In Odoo", "ERP ID", "ERP Code"]
FIELDS = ["connection_id", "kind", "local_code", "local_name", "erp_id", "erp_code"]
EXPORTED = [*FIELDS, "erp_name", "state"]


class MappingImportCommon(ApSyncCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rent = cls.expense.copy({"code": "600901", "name": "Rent"})
        cls.power = cls.expense.copy({"code": "600902", "name": "Power"})
        cls.erp_rent = cls._offer("account", "63", "6310", "Rents")
        cls.erp_power = cls._offer("account", "64", "6320", "Energy")

    @classmethod
    def _offer(cls, kind, erp_id, code, name, **values):
        return (
            cls.env["ap.sync.erp.record"]
            .sudo()
            .create(
                {
                    "connection_id": cls.connection.id,
                    "kind": kind,
                    "erp_id": erp_id,
                    "code": code,
                    "name": name,
                    **values,
                }
            )
        )

    def find(self, record):
        return self.env["ap.sync.mapping"].search(
            [
                ("connection_id", "=", self.connection.id),
                ("record", "=", f"{record._name},{record.id}"),
            ]
        )


class TestMappingImport(MappingImportCommon):
    """A spreadsheet names both sides in words; what it names must be there."""

    def load(self, *rows, fields=None, user=None):
        Mapping = self.env["ap.sync.mapping"]
        return (Mapping.with_user(user) if user else Mapping).load(
            fields or FIELDS, [list(row) for row in rows]
        )

    def assert_row_refused(self, row, pattern, field=None):
        before = self.env["ap.sync.mapping"].search_count([])
        result = self.load(["ERP", "GL Account", "600902", "", "", "6320"], row)
        self.assertFalse(result["ids"])
        [message] = result["messages"]
        self.assertRegex(message["message"], pattern)
        self.assertEqual(message["rows"], {"from": 1, "to": 1})
        if field:
            self.assertEqual(message["field"], field)
        self.assertEqual(self.env["ap.sync.mapping"].search_count([]), before)

    def test_a_row_is_told_in_words(self):
        result = self.load(
            ["ERP", "GL Account", "600901", "", "", "6310"],
            ["erp", "account", "", "power", "64", ""],
        )
        self.assertEqual(result["messages"], [])
        self.assertEqual(len(result["ids"]), 2)
        rent, power = self.find(self.rent), self.find(self.power)
        self.assertEqual((rent.erp_record_id, rent.erp_id), (self.erp_rent, "63"))
        self.assertEqual((power.erp_record_id, power.erp_id), (self.erp_power, "64"))
        self.assertEqual((rent | power).mapped("state"), ["confirmed"] * 2)

    def test_a_vendor_is_named_by_reference_vat_or_name(self):
        self.partner_a.write({"ref": "V-7"})
        self.partner_b.write({"vat": "BE0477472701", "name": "Brewery"})
        self._offer("vendor", "70", "", "Theirs")
        self._offer("vendor", "71", "", "Brewery")
        result = self.load(
            ["ERP", "Vendor", "V-7", "", "70", ""],
            ["ERP", "Vendor", "BE0477472701", "Brewery", "71", ""],
        )
        self.assertEqual(result["messages"], [])
        self.assertEqual(self.find(self.partner_a).erp_id, "70")
        self.assertEqual(self.find(self.partner_b).erp_id, "71")

    def test_a_known_mapping_is_changed_not_doubled(self):
        mapping = self._map(self.rent, "9")
        result = self.load(["ERP", "GL Account", "600901", "Rent", "", "6310"])
        self.assertEqual(result["ids"], mapping.ids)
        self.assertEqual(mapping.erp_id, "63")

    def test_a_row_that_says_nothing_of_the_erp_changes_nothing(self):
        mapping = self._map(self.rent, "9", state="proposed")
        self.load(
            ["ERP", "GL Account", "600901", "", "", ""],
            ["ERP", "GL Account", "600902", "", "", ""],
        )
        self.assertEqual((mapping.erp_id, mapping.state), ("9", "proposed"))
        self.assertEqual(self.find(self.power).state, "missing")

    def test_what_is_filled_in_is_confirmed_and_lets_bills_go(self):
        job = self.submit(self.make_bill(lines=[{"account_id": self.rent.id}]))
        self.env["ap.sync.mapping"]._list_missing(self.connection)
        self.assertEqual(self.find(self.rent).waiting_count, 1)
        self.load(
            ["ERP", "GL Account", "600901", "Rent", "", "6310", "Missing"],
            ["ERP", "GL Account", "600902", "Power", "", "6320", "Proposed"],
            fields=[*FIELDS, "state"],
        )
        self.assertEqual(self.find(self.rent).state, "confirmed")
        self.assertEqual(self.find(self.power).state, "proposed")
        self.assert_status(job, "in_progress", "queued")

    def test_what_is_not_there_is_refused_with_a_sentence(self):
        account = "GL Account"
        self._offer("account", "65", "65", "Twin")
        self._offer("account", "66", "66", "Twin")
        self._offer("account", "67", "67", "Gone", active=False)
        for row, pattern, field in [
            (["Else", account, "600901", "", "63"], "no connection “Else”", None),
            (["ERP", "Thing", "600901", "", "63"], "no type “Thing”", "kind"),
            (["ERP", "", "600901", "", "63"], "Say which type", "kind"),
            (["ERP", account, "", "", "63"], "Say which record", None),
            (["ERP", account, "123", "", "63"], "no record .* like “123”", None),
            (["ERP", account, "600901", "Power", "63"], "no record", None),
            (["ERP", account, "600901", "", "99"], "ERP has no such record", "erp_id"),
            (["ERP", account, "600901", "", "67"], "archived in the ERP", None),
            (["ERP", account, "600901", "", "63", "64"], "row says otherwise", None),
        ]:
            with self.subTest(row=row):
                self.assert_row_refused([*row, ""][:6], pattern, field)

    def test_names_that_several_have_need_more(self):
        self.expense.copy({"code": "600903", "name": "Rent"})
        self._offer("account", "65", "65", "Twin")
        self._offer("account", "66", "66", "Twin")
        self.assert_row_refused(
            ["ERP", "GL Account", "", "Rent", "63", ""], "Give the code as well"
        )
        fields = [*FIELDS, "erp_name"]
        result = self.load(
            ["ERP", "GL Account", "600901", "", "", "", "Twin"], fields=fields
        )
        self.assertRegex(result["messages"][0]["message"], "Give the ERP ID")

    def test_a_record_that_is_in_the_file_twice_is_refused(self):
        self.assert_row_refused(
            ["ERP", "GL Account", "", "Power", "63", ""],
            "Power is in the file twice: see row 1",
        )

    def test_another_company_s_records_are_not_found(self):
        other = self.setup_other_company(name="Other company")["company"]
        theirs = self.expense.with_company(other).create(
            {
                "name": "Theirs",
                "code": "777777",
                "account_type": "expense",
                "company_ids": other.ids,
            }
        )
        self.assert_row_refused(
            ["ERP", "GL Account", "777777", "", "63", ""], "has no record"
        )
        stranger = new_test_user(
            self.env,
            "ap_sync_stranger",
            groups="ap_sync.group_ap_sync_manager,account.group_account_manager",
            company_id=other.id,
            company_ids=other.ids,
        )
        result = self.load(["ERP", "GL Account", "777777", "", "63", ""], user=stranger)
        self.assertRegex(result["messages"][0]["message"], "no connection “ERP”")
        mine = self._map(self.rent, "9")
        fields = [".id", "erp_id"]
        result = self.load([str(mine.id), "63"], fields=fields, user=stranger)
        self.assertFalse(result["ids"])
        self.assertFalse(self.find(theirs))
        self.assertEqual(mine.erp_id, "9")

    def test_a_user_imports_nothing(self):
        user = new_test_user(
            self.env, "ap_sync_clerk", groups="account.group_account_invoice"
        )
        with self.assertRaises(AccessError):
            self.load(["ERP", "GL Account", "600901", "", "63", ""], user=user)

    def test_a_long_file_comes_in_parts(self):
        rows = [
            ["ERP", "GL Account", "600901", "", "63", ""],
            ["ERP", "GL Account", "600902", "", "64", ""],
            ["ERP", "GL Account", "600901", "", "64", ""],
        ]
        Mapping = self.env["ap.sync.mapping"].with_context(_import_limit=1)
        result = Mapping.load(FIELDS, rows)
        self.assertRegex(result["messages"][0]["message"], "twice: see row 1")
        result = Mapping.load(FIELDS, rows[:2])
        self.assertEqual((len(result["ids"]), result["nextrow"]), (1, 1))
        self.assertFalse(self.find(self.power))

    def test_the_template_has_the_columns_of_the_import(self):
        [template] = self.env["ap.sync.mapping"].get_import_templates()
        with file_open(template["template"].lstrip("/"), "rb") as file:
            sheet = openpyxl.load_workbook(file).active
            headers = [cell.value for cell in sheet[1]]
        fields = self.env["ap.sync.mapping"].fields_get()
        labels = {field["string"] for field in fields.values()}
        self.assertLessEqual(set(headers), labels)
        self.assertEqual(headers[: len(HEADERS)], HEADERS)


@tagged("post_install", "-at_install")
class TestMappingRoundTrip(MappingImportCommon, HttpCase):
    """What Odoo's export writes, Odoo's import reads: the same mappings."""

    # `common.py` does it for each test.
    registry_test_mode = False

    @classmethod
    def get_default_groups(cls):
        """Override of `account`: who may export."""
        groups = super().get_default_groups()
        return groups | cls.quick_ref("base.group_allow_export")

    def setUp(self):
        super().setUp()
        tax = self.purchase_tax.copy({"name": "-20% withheld"})
        formula = self.expense.copy({"code": "600905", "name": "=1+1"})
        self._map(self.rent, "63").erp_record_id = self.erp_rent
        self._map(self.power, False, state="proposed").erp_record_id = self.erp_power
        self._map(tax, "71").erp_record_id = self._offer(
            "tax", "71", "", "'-20% withheld"
        )
        self._map(formula, False, state="missing")
        self.partner_a.ref = "007"
        self._map(self.partner_a, "77")  # what the ERP used, in no list of it

    def rows(self):
        mappings = self.env["ap.sync.mapping"].search(
            [("connection_id", "=", self.connection.id)]
        )
        return sorted(
            (str(m.record), m.erp_record_id.id, m.erp_id, m.state) for m in mappings
        )

    def export(self, kind):
        """Return the file that the web client's export gives."""
        self.authenticate(self.env.user.login, self.env.user.login)
        labels = self.env["ap.sync.mapping"].fields_get()
        data = {
            "model": "ap.sync.mapping",
            "fields": [
                {"name": name, "label": labels[name]["string"], "type": "char"}
                for name in EXPORTED
            ],
            "ids": False,
            "domain": [("connection_id", "=", self.connection.id)],
            "import_compat": False,
            "context": {},
        }
        response = self.url_open(
            f"/web/export/{kind}",
            data={
                "data": json.dumps(data),
                "csrf_token": http.Request.csrf_token(self),
            },
        )
        self.assertEqual(response.status_code, 200, response.text[:500])
        return response.content

    def import_file(self, content, name, mimetype):
        """Import a file as the web client does; return the messages."""
        wizard = self.env["base_import.import"].create(
            {
                "res_model": "ap.sync.mapping",
                "file": content,
                "file_name": name,
                "file_type": mimetype,
            }
        )
        options = {"has_headers": True, "quoting": '"', "separator": ","}
        options.update(sheet="", encoding="utf-8", limit=2000, skip=0)
        preview = wizard.parse_preview(dict(options))
        self.assertNotIn("error", preview, preview.get("error"))
        matches = preview["matches"]
        fields = [
            "/".join(matches[column]) if column in matches else False
            for column in range(len(preview["headers"]))
        ]
        self.assertEqual(fields, EXPORTED, "each column is recognised by its title")
        result = wizard.execute_import(
            fields, preview["headers"], {**preview["options"], "limit": 2000}
        )
        return result["messages"]

    def assert_same_after_import(self, kind, mimetype):
        before = self.rows()
        content = self.export(kind)
        messages = self.import_file(content, f"mappings.{kind}", mimetype)
        self.assertEqual(messages, [])
        self.assertEqual(self.rows(), before, "imported over itself")
        self.connection.mapping_ids.unlink()
        messages = self.import_file(content, f"mappings.{kind}", mimetype)
        # The ERP's list does not have it, so a new mapping to it is refused.
        self.assertRegex(messages[0]["message"], "ERP has no such record: “600”")

    def test_csv(self):
        self.assert_same_after_import("csv", "text/csv")

    def test_xlsx(self):
        self.assert_same_after_import(
            "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
