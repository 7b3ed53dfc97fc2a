"""Whether AP Sync leaves as it should: a real uninstall on a database of its own.

Odoo forbids module operations inside its tests, so `dev test` does this beside them.
"""

import templates
from ui import DevError, say, step
from workspace import Workspace

# A synced bill with its attempt, one that is under way, an archived connection.
PREPARE = """
from odoo.fields import Command
connection, archived = env["ap.sync.connection"].create(
    [{"name": name, "connector": "local", "trigger": "manual"} for name in "AB"]
)
archived.active = False
def queue(reference):
    bill = env["account.move"].create({
        "move_type": "in_invoice",
        "partner_id": env.ref("base.main_partner").id,
        "ref": reference,
        "invoice_date": "2026-11-10",
        "invoice_line_ids": [Command.create({"name": "Advice", "price_unit": 50.0})],
    })
    return env["ap.sync.job"]._submit(bill, connection)
done = queue("LEAVING-1")
env.cr.commit()
connection._cron_dispatch()
env.invalidate_all()
assert done.status == "success" and done.attempt_ids, (done.status, done.message)
assert queue("LEAVING-2").phase == "queued"
env.cr.commit()
"""
UNINSTALL = """
from odoo.exceptions import UserError
module = env["ir.module.module"].search([("name", "=", "ap_sync")])
try:
    module.button_immediate_uninstall()
    print("RESULT gone")
except UserError as error:
    env.cr.rollback()
    print("RESULT refused:", error)
"""
ABORT = """
for job in env["ap.sync.job"].search([("status", "=", "in_progress")]):
    job._abort("Leaving")
env.cr.commit()
"""

# All but the demo data's own, which Odoo removes with the addon.
BILLS = """
SELECT count(*), md5(string_agg(concat_ws('|', id, name, state, amount_total), ','
                                ORDER BY id))
  FROM account_move
 WHERE id NOT IN (SELECT res_id FROM ir_model_data
                   WHERE module = 'ap_sync' AND model = 'account.move')
"""
# What must not be left, and where to look for it.
LEFTOVERS = {
    "tables": "SELECT tablename FROM pg_tables WHERE tablename LIKE 'ap\\_sync%'",
    "columns": "SELECT table_name || '.' || column_name"
    " FROM information_schema.columns WHERE column_name LIKE 'ap\\_sync%'",
    "models": "SELECT model FROM ir_model WHERE model LIKE 'ap.sync.%'",
    "fields": "SELECT name FROM ir_model_fields WHERE name LIKE 'ap\\_sync%'",
    "scheduled and server actions": "SELECT name->>'en_US' FROM ir_act_server"
    " WHERE name->>'en_US' ILIKE '%ap sync%' OR code LIKE '%\\_cron\\_dispatch%'",
    "scheduled actions": "SELECT cron_name FROM ir_cron"
    " WHERE cron_name ILIKE '%ap sync%'",
    "records of data files": "SELECT name FROM ir_model_data WHERE module = 'ap_sync'",
    "messages": "SELECT id FROM mail_message WHERE model LIKE 'ap.sync.%'",
    "activities": "SELECT id FROM mail_activity WHERE res_model LIKE 'ap.sync.%'",
    "followers": "SELECT id FROM mail_followers WHERE res_model LIKE 'ap.sync.%'",
    "files": "SELECT id FROM ir_attachment WHERE res_model LIKE 'ap.sync.%'",
    "parameters": "SELECT key FROM ir_config_parameter WHERE key LIKE 'ap\\_sync%'",
}


def run(workspace: Workspace) -> int:
    """Uninstall with a bill under way, then without.

    :return: 0, or 1 when it was not refused, went wrong or left something behind.
    """
    database = templates.main_database(workspace, "leaving")
    with step("Uninstalling AP Sync, refused and then for real"):
        workspace.shell_script(database, PREPARE)
        refused = _uninstall(workspace, database)
        [[state]] = _sql(
            workspace,
            database,
            "SELECT state FROM ir_module_module WHERE name = 'ap_sync'",
        )
        if "In Progress" not in refused or state != "installed":
            say(f"Uninstall: FAILED with a bill In Progress: {refused}, then {state}")
            return 1
        workspace.shell_script(database, ABORT)
        before = _sql(workspace, database, BILLS)
        done = _uninstall(workspace, database)
    wrong = []
    if not done.startswith("gone"):
        wrong.append(f"without one: {done}")
    else:
        if _sql(workspace, database, BILLS) != before:
            wrong.append("the bills are not what they were")
        for what, query in LEFTOVERS.items():
            if rows := _sql(workspace, database, query):
                names = ", ".join(row[0] for row in rows[:10])
                wrong.append(f"{what} are left: {names}")
    for line in wrong:
        say(f"   uninstall: {line}")
    say(f"Uninstall: {'FAILED' if wrong else f'refused ({refused}), then clean'}")
    return 1 if wrong else 0


def _uninstall(workspace: Workspace, database: str) -> str:
    output = workspace.shell_script(database, UNINSTALL)
    if "RESULT " not in output:
        raise DevError("Odoo's shell did not say what became of the uninstall.", output)
    return output.split("RESULT ", 1)[1].strip()


def _sql(workspace: Workspace, database: str, query: str) -> list[list[str]]:
    return workspace.postgres.sql(query, database)
