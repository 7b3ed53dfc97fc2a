"""A real Tryton 8.0 as external ERP, out of the Python index, with its own environment.

It is a program beside us: nothing of ours imports it. Its database is one SQLite file,
filled once by `tryton_set_up.py` and copied for every run.
"""

import json
import secrets
import shutil
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

import paths
import python_env
import shell
import tryton_web
from locks import only_one
from servers import Server
from ui import DevError, step
from workspace import Workspace

DATABASE = "erp_tryton"
TIMEOUT_SECONDS = 30
# All of one series: what pip would bring by itself is the newest of each.
PACKAGES = tuple(
    f"{name}==8.0.*"
    for name in (
        "trytond",
        "trytond_account",
        "trytond_account_invoice",
        "trytond_account_product",
        "trytond_company",
        "trytond_country",
        "trytond_currency",
        "trytond_party",
        "trytond_product",
        "proteus",
    )
)
SET_UP = Path(__file__).with_name("tryton_set_up.py")
CONFIGURATION = """[database]
uri = sqlite://
path = {folder}
list = True

[web]
listen = 127.0.0.1:{port}
root = {web}

[password]
length = 4
"""


class TrytonServer(Server):
    """A Tryton on a copy of the prepared file.

    `facts` is what `tryton_set_up.py` wrote down: ids, and the keys `bot_key` (an
    accountant's) and `admin_key`.
    """

    # It asks for a key, and only of a database that it has loaded.
    ready_path = f"/{DATABASE}/rest/model/account.invoice"
    ready_status = 401

    def __init__(self, workspace: Workspace, name: str = "tryton", web: bool = False):
        """:param web: whether people can open it in a browser."""
        super().__init__(workspace, name, DATABASE)
        self._web = tryton_web.provide() if web else None
        self._python = python_env.for_tryton(PACKAGES)
        prepared = _prepared(self._python)
        self.folder = workspace.run_dir / name
        self.folder.mkdir()
        shutil.copy(_file(prepared), self.folder)
        self.facts = json.loads((prepared / "facts.json").read_text())

    @property
    def file(self) -> Path:
        """The database itself, to be read without the server."""
        return _file(self.folder)

    def told(self) -> dict[str, str]:
        """What tests are told of it, as variables of their environment."""
        return {
            "AP_SYNC_TEST_TRYTON_URL": self.url,
            "AP_SYNC_TEST_TRYTON_DB": self.database,
            "AP_SYNC_TEST_TRYTON_KEY": self.facts["bot_key"],
            "AP_SYNC_TEST_TRYTON_FILE": str(self.file),
            "AP_SYNC_TEST_TRYTON_FACTS": json.dumps(self.facts),
        }

    def change(self, path: str, values: dict, method: str = "PUT") -> None:
        """Change a record (`account.account/7`) or, with POST, make one, as the
        administrator.

        :raises DevError: with Tryton's own words.
        """
        request = urllib.request.Request(
            f"{self.url}/{self.database}/rest/model/{path}",
            method=method,
            data=json.dumps(values).encode(),
            headers={
                "Authorization": f"Bearer {self.facts['admin_key']}",
                "Content-Type": "application/json",
            },
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            raise DevError(f"Tryton answered {error.code} to {path}.", words) from error

    def _command(self, port: int) -> tuple[list[str], dict[str, str]]:
        program = self._python.with_name("trytond")
        conf = _configure(self.folder, port, self._web)
        return [str(program), "-c", str(conf), "-d", DATABASE], shell.clean_env()


def _prepared(python: Path) -> Path:
    """The folder with the filled file, made when it is not there.

    Its fiscal years are those around today, so each calendar year makes a new one.
    """
    key = paths.digest(python, SET_UP.read_text(), CONFIGURATION, date.today().year)
    folder = paths.subfolder("tryton") / key
    with only_one(f"tryton_{key}", "filling Tryton's database"):
        if not folder.exists():
            building = folder.with_name(f"{key}.new")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            with step("Making the database of Tryton (once)"):
                _fill(python, building)
            building.rename(folder)
    return folder


def _fill(python: Path, folder: Path) -> None:
    conf = _configure(folder, 0)
    _file(folder).touch()
    password = folder / "password"
    password.write_text(secrets.token_hex())
    log = paths.subfolder("logs") / "tryton-set-up.log"
    shell.run(
        [
            *(python.with_name("trytond-admin"), "-c", conf, "-d", DATABASE),
            *("--email", "admin@example.com"),
            *("--activate-dependencies", "-u", "account_invoice"),
        ],
        error="Tryton could not install its modules: see its words above.",
        env=shell.clean_env(TRYTONPASSFILE=str(password)),
        log=log,
    )
    shell.run(
        [python, SET_UP, DATABASE, folder / "facts.json"],
        error="Tryton's database could not be filled: see the words above.",
        env=shell.clean_env(TRYTOND_CONFIG=str(conf)),
        log=log,
    )


def _configure(folder: Path, port: int, web: Path | None = None) -> Path:
    conf = folder / "trytond.conf"
    text = CONFIGURATION.format(folder=folder, port=port, web=web or "")
    conf.write_text(text)
    return conf


def _file(folder: Path) -> Path:
    return folder / f"{DATABASE}.sqlite"
