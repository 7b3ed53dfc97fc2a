"""`dev run`: AP Sync beside an external ERP, with demo bills, to try or to check."""

import threading
from pathlib import Path

import demo
import demo_check
import demo_erps
import demo_invoices
import templates
from demo_erps import Erp
from servers import OdooServer
from ui import DevError, say, step
from workspace import Workspace

WATCH_SECONDS = 1
# One for Odoo's own jobs, one that is free for ours.
CRON_THREADS = 2


def run(odoo: str | None, check: bool, invoices: str | None, erp_name: str) -> int:
    """Start both servers, sync, print what came of it.

    :param erp_name: which external ERP, a key of `demo_erps.ERPS`.
    :param check: end after that, with 0 when all is right, else 1.
    :param invoices: a folder with bills to import.
    :raises DevError: when something does not start, or the folder is not there.
    """
    folder = Path(invoices).expanduser().absolute() if invoices else None
    if folder and not folder.is_dir():
        raise DevError(f"--invoices {folder} is not a folder: give one with bills.")
    with Workspace(odoo) as workspace:
        main = templates.main_database(workspace, "main")
        erp = demo_erps.make(erp_name, workspace)
        main_server = OdooServer(workspace, "main", main, CRON_THREADS)
        with step("Starting the external ERP"):
            erp.server.start()
        try:
            with step("Starting AP Sync"):
                main_server.start()
            rows = _play(workspace, main_server, erp, folder)
            _print_table(rows)
            right = all(row[-1] == "ok" for row in rows[1:])
            if check:
                verdict = "passed" if right else "FAILED"
                say(f"dev run --check: {verdict}: {demo_check.summary(rows)}")
                return 0 if right else 1
            _stay(main_server, erp)
            return 0
        finally:
            main_server.stop()
            erp.server.stop()


def _play(
    workspace: Workspace,
    main: OdooServer,
    erp: Erp,
    folder: Path | None,
) -> list[tuple[str, ...]]:
    """All that happens in Odoo and the ERP; returns the table to print."""
    with step("Connecting the two, reading the ERP's accounts"):
        servers = demo.connect(workspace, main, erp)
        demo.prepare(servers)
    if folder:
        with step(f"Importing the e-invoices of {folder}"):
            bills = demo_invoices.import_invoices(servers, folder)
        say(f"   {len(bills)} bills imported")
    else:
        with step("Entering the demo bills"):
            demo.enter_bills(servers)
    with step("Syncing"):
        demo.sync(servers)
    return demo_check.verify(servers, all_statuses=not folder)


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [
        max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)
    ]
    for row in rows:
        cells = [
            str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)
        ]
        say("  ".join(cells).rstrip())


def _stay(main: OdooServer, erp: Erp) -> None:
    """Show the addresses and wait for Ctrl-C.

    :raises DevError: when a server ends by itself.
    """
    say("")
    say(f"AP Sync       {main.url}/odoo   login admin, password admin")
    say(f"External ERP  {erp.invitation}")
    say(f"Logs          {main.log.parent}")
    say("Ctrl-C stops both and drops their databases.")
    pause = threading.Event()
    try:
        while main.running() and erp.server.running():
            pause.wait(WATCH_SECONDS)
    except KeyboardInterrupt:
        say("\nStopping.")
        return
    ended = main if not main.running() else erp.server
    raise DevError(f"The {ended.name} server ended by itself: see {ended.log}.")
