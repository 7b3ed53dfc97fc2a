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
) + ("psycopg[binary,pool]>=3.2,<4",)
SET_UP = Path(__file__).with_name("tryton_set_up.py")
CONFIGURATION = """[database]
uri = {uri}
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
    ready_status = 401
    uri = "sqlite://"
    prefix = "AP_SYNC_TEST_TRYTON"

    def __init__(self, workspace: Workspace, name: str = "tryton", web: bool = False):
        """:param web: whether people can open it in a browser."""
        super().__init__(workspace, name, self._name_database(workspace))
        self.ready_path = f"/{self.database}/rest/model/account.invoice"
        self._web = tryton_web.provide() if web else None
        self._python = python_env.for_tryton(PACKAGES)
        self.folder = workspace.run_dir / name
        self.folder.mkdir()
        self.facts = self._prepare()

    @property
    def file(self) -> Path:
        """The database itself, to be read without the server."""
        return _file(self.folder)

    def told(self) -> dict[str, str]:
        """What tests are told of it, as variables of their environment."""
        values = {
            "URL": self.url,
            "DB": self.database,
            "KEY": self.facts["bot_key"],
            "FACTS": json.dumps(self.facts),
            **self._tell_tables(),
        }
        return {f"{self.prefix}_{name}": value for name, value in values.items()}

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

    def _name_database(self, workspace: Workspace) -> str:
        return DATABASE

    def _prepare(self) -> dict:
        """Have a filled database of this server's own; return its facts."""
        prepared = _prepared(self._python)
        shutil.copy(_file(prepared), self.folder)
        return json.loads((prepared / "facts.json").read_text())

    def _tell_tables(self) -> dict[str, str]:
        return {"FILE": str(self.file)}

    def _command(self, port: int) -> tuple[list[str], dict[str, str]]:
        program = self._python.with_name("trytond")
        conf = _configure(self.folder, self.uri, port, self._web)
        return [str(program), "-c", str(conf), "-d", self.database], shell.clean_env()


def _prepared(python: Path) -> Path:
    """The folder with the filled file, made when it is not there.

    Its fiscal years are those around today, so each calendar year makes a new one.
    """
    key = digest(python)
    folder = paths.subfolder("tryton") / key
    with only_one(f"tryton_{key}", "filling Tryton's database"):
        if not folder.exists():
            building = folder.with_name(f"{key}.new")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            with step("Making the database of Tryton (once)"):
                _file(building).touch()
                fill(python, building, TrytonServer.uri, DATABASE)
            building.rename(folder)
    return folder


def digest(python: Path) -> str:
    """What tells filled databases apart: all that they are made of, and the year."""
    return paths.digest(python, SET_UP.read_text(), CONFIGURATION, date.today().year)


def fill(python: Path, folder: Path, uri: str, database: str) -> None:
    """Fill an empty database, and write what is in it to `facts.json` in a folder."""
    conf = _configure(folder, uri, 0)
    password = folder / "password"
    password.write_text(secrets.token_hex())
    log = paths.subfolder("logs") / "tryton-set-up.log"
    shell.run(
        [
            *(python.with_name("trytond-admin"), "-c", conf, "-d", database),
            *("--email", "admin@example.com"),
            *("--activate-dependencies", "-u", "account_invoice"),
        ],
        error="Tryton could not install its modules: see its words above.",
        env=shell.clean_env(TRYTONPASSFILE=str(password)),
        log=log,
    )
    shell.run(
        [python, SET_UP, f"{uri}/{database}", folder / "facts.json"],
        error="Tryton's database could not be filled: see the words above.",
        env=shell.clean_env(TRYTOND_CONFIG=str(conf)),
        log=log,
    )


def _configure(folder: Path, uri: str, port: int, web: Path | None = None) -> Path:
    conf = folder / "trytond.conf"
    text = CONFIGURATION.format(folder=folder, uri=uri, port=port, web=web or "")
    conf.write_text(text)
    return conf


def _file(folder: Path) -> Path:
    return folder / f"{DATABASE}.sqlite"
