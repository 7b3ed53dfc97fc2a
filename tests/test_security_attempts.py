from contextlib import contextmanager

from psycopg2 import IntegrityError

from odoo import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import mute_logger

from ..connectors import Outcome
from .common import ApSyncCommon, error


class TestAttemptsStay(ApSyncCommon):
    """What was sent stays on record as it was: nobody changes or deletes an attempt,
    not even as superuser, and whatever else is deleted."""

    def setUp(self):
        super().setUp()
        self.erp.script = [error("invalid_data", Outcome.REJECTED)]
        self.job = self.submit(self.make_bill())
        self.dispatch()
        self.attempt = self.job.attempt_ids
        self.before = self.row()
        self.env.user.group_ids |= self.env.ref("base.group_system")

    def row(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT to_jsonb(a) FROM ap_sync_attempt a WHERE id = %s", [self.attempt.id]
        )
        return self.env.cr.fetchone()

    @contextmanager
    def refused(self):
        """Expect a refusal by Odoo or by the database."""
        try:
            with self.env.cr.savepoint():
                yield
        except (UserError, IntegrityError):
            self.env.invalidate_all()
        else:
            self.fail("It was not refused")

    def everybody(self):
        """Yield the attempt as the administrator, under sudo and as the superuser."""
        yield "administrator", self.attempt
        yield "sudo", self.attempt.sudo()
        yield "superuser", self.attempt.with_user(SUPERUSER_ID)
        # What may come in as a context over RPC.
        for flag in (
            "_force_unlink",
            "force_delete",
            "ap_sync_outcome",
            "install_mode",
        ):
            yield flag, self.attempt.sudo().with_context(**{flag: True})

    def test_nobody_changes_one(self):
        self.assertTrue(self.before)
        for who, attempt in self.everybody():
            for name in sorted(self.attempt._fields.keys() - {"id", "display_name"}):
                with self.subTest(who, field=name), self.assertRaises(UserError):
                    attempt.write({name: False})
            with self.subTest(who, how="assigned"), self.assertRaises(UserError):
                attempt.message = "It went well"
            with self.subTest(who, how="web"), self.assertRaises(UserError):
                attempt.web_save({"outcome": "accepted"}, {})
        self.assertEqual(self.row(), self.before)

    def test_nobody_deletes_one(self):
        for who, attempt in self.everybody():
            with self.subTest(who), self.assertRaises(UserError):
                attempt.unlink()
        self.assertEqual(self.row(), self.before)

    def test_nobody_changes_or_deletes_one_through_its_job(self):
        job = self.job.sudo()
        for command in (
            Command.update(self.attempt.id, {"outcome": "accepted"}),
            Command.delete(self.attempt.id),
            Command.unlink(self.attempt.id),
            Command.clear(),
            Command.set([]),
        ):
            with self.subTest(command), self.assertRaises(UserError):
                job.write({"attempt_ids": [command]})
                self.env.flush_all()
        self.assertEqual(self.row(), self.before)

    def test_none_goes_with_what_it_belongs_to(self):
        bill = self.job.move_id
        for what in (self.job, self.connection, bill, bill.company_id, bill.journal_id):
            for flags in ({}, {"_force_unlink": True, "force_delete": True}):
                with (
                    self.subTest(what, flags=flags),
                    mute_logger("odoo.sql_db"),
                    self.refused(),
                ):
                    what.sudo().with_context(**flags).unlink()
                    self.env.flush_all()
        self.assertEqual(self.row(), self.before)

    def test_an_import_or_a_copy_changes_none(self):
        Attempt = self.env["ap.sync.attempt"].sudo()
        external_id = self.attempt.export_data(["id"])["datas"][0][0]
        for fields, values in (
            (["id", "outcome"], [external_id, "accepted"]),
            ([".id", "outcome"], [str(self.attempt.id), "accepted"]),
        ):
            with self.subTest(fields):
                self.assertFalse(Attempt.load(fields, [values])["ids"])
        with self.refused():
            # Its number would occur twice.
            self.attempt.sudo().copy()
        self.assertEqual(self.row(), self.before)

    def test_the_engine_gives_an_outcome_once(self):
        self.assertEqual(self.attempt.outcome, "rejected")
        self.assertFalse(self.attempt.sudo()._set_outcome({"outcome": "accepted"}))
        self.assertEqual(self.row(), self.before)

    def test_numbers_have_no_gap(self):
        for _again in range(3):
            self.erp.script = [error("invalid_data", Outcome.REJECTED)]
            self.job.action_sync()
            self.dispatch()
        self.assertEqual(self.job.attempt_ids.mapped("number"), [4, 3, 2, 1])
        self.assertEqual(self.job.attempt_count, 4)
