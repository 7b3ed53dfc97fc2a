"""A pytest plugin for `dev test`: Odoo's own lint tests, narrowed down to our addon.

Odoo's `test_lint` scans every addon on the path, hundreds of them. Here most see only
ours; those that look at the whole registry (names, indexes, signatures, routes) stay
as they are, since Odoo's own models pass them.
"""

import os
import sys

import pytest

ADDON = "ap_sync"
# Nothing here is about an addon like ours:
IGNORED = {
    "test_checkers.py": "tests Odoo's own pylint plugins",
    "test_eslint.py": "`dev lint` looks at JavaScript",
    "test_l10n.py": "is for Odoo's localizations",
    "test_markers.py": "walks all of Odoo; `dev lint` finds conflict markers",
}


def pytest_configure(config):
    """Let Odoo's tests see our addon only."""
    from odoo.modules import Manifest

    ours = Manifest.for_addon(ADDON)
    Manifest.all_addon_manifests = staticmethod(lambda: [ours])


def pytest_ignore_collect(collection_path, config):
    """Leave out the files that have nothing to say about an addon."""
    return True if collection_path.name in IGNORED else None


@pytest.fixture(autouse=True)
def only_our_code(request, monkeypatch):
    """Keep Odoo's pylint test from linting Odoo itself, which takes many minutes."""
    if request.path.name == "test_pylint.py":
        from odoo import tools
        from odoo.modules import Manifest

        import odoo.addons

        monkeypatch.setattr(tools.config, "root_path", Manifest.for_addon(ADDON).path)
        # pytest put Odoo's addons folder on the path and pylint inherits it: its own
        # `import calendar` would find the addon of that name.
        addons = {os.path.realpath(path) for path in odoo.addons.__path__}
        kept = [path for path in sys.path if os.path.realpath(path) not in addons]
        monkeypatch.setattr(sys, "path", kept)
