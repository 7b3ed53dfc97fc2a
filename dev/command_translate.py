"""`dev translate`: gather all texts in `i18n/ap_sync.pot`, and see to its languages."""

import json

import paths
import templates
from ui import say, step
from workspace import Workspace

# In Odoo's shell, where its exporter and polib are. Dates and names of people in the
# headers would be a change in every commit.
SCRIPT = """
import io, json, polib
from pathlib import Path
from odoo.tools.translate import trans_export

folder = Path({folder!r})
buffer = io.BytesIO()
trans_export(False, [{addon!r}], buffer, "po", env)
template = polib.pofile(buffer.getvalue().decode())
for name in ("POT-Creation-Date", "PO-Revision-Date", "Last-Translator"):
    template.metadata.pop(name, None)
folder.mkdir(exist_ok=True)
template.save(str(folder / "{addon}.pot"))
result = {{}}
for path in sorted(folder.glob("*.po")):
    language = polib.pofile(str(path))
    language.merge(template)
    for entry in language.obsolete_entries():
        language.remove(entry)
    language.sort(key=lambda entry: entry.msgid)
    language.save(str(path))
    left = language.untranslated_entries() + language.fuzzy_entries()
    result[path.name] = len(left)
print(json.dumps([len(template), result]))
"""


def run(odoo: str | None) -> int:
    """Write the template and merge it into each language; returns 0.

    Says how many texts of each language still have to be translated; the addon's tests
    fail until there is none.
    """
    script = SCRIPT.format(
        folder=str(paths.CHECKOUT / "i18n"), addon=paths.TECHNICAL_NAME
    )
    with Workspace(odoo) as workspace:
        database = templates.main_database(workspace, "main")
        with step("Gathering the texts"):
            output = workspace.shell_script(database, script)
    total, left = json.loads(output.strip().splitlines()[-1])
    say(f"{total} texts in i18n/{paths.TECHNICAL_NAME}.pot")
    for name, count in left.items():
        say(f"i18n/{name}: {count} to translate")
    return 0
