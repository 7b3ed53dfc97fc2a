"""OCA queue_job, for the tests of what AP Sync does where it is installed.

It stays out of the Python environment: there `import odoo.addons.queue_job` would work
on every database, and hide it if AP Sync could not do without.
"""

import shutil
from pathlib import Path

import paths
import shell
from locks import only_one
from ui import step

ADDON = "queue_job"
# Odoo wants to see the second one before it installs the first.
PACKAGES = ("odoo-addon-queue-job==19.0.2.4.0.1", "openupgradelib==3.13.7")


def provide(python: Path) -> Path:
    """The folder that belongs on the Python path; filled when the cache has none.

    :raises DevError: when pip can't.
    """
    folder = paths.subfolder("addons") / paths.digest(*PACKAGES)
    with only_one("addons", "installing OCA queue_job"):
        if folder.exists():
            return folder
        building = folder.with_suffix(".new")
        shutil.rmtree(building, ignore_errors=True)
        # Without what it depends on: that names Odoo, which is on no registry.
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
        with step("Installing OCA queue_job"):
            shell.run(
                [*pip, "--no-deps", "--target", building, *PACKAGES],
                error="Could not install OCA queue_job: check the network and pip's"
                " package index, then run this again.",
            )
        building.rename(folder)
    return folder
