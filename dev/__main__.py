"""`python3 dev COMMAND`: set up, test, lint and run AP Sync. Standard library only."""

import argparse
import errno
import os
import signal
import sys

MINIMUM = (3, 11)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python3 dev",
        description="Work on AP Sync. Everything downloaded goes to a cache outside"
        " the checkout (AP_SYNC_CACHE names another place).",
    )
    commands = top.add_subparsers(dest="command", required=True)
    odoo = {
        "metavar": "PATH",
        "help": "an Odoo 19 you have: a git checkout, or a folder from which `import"
        " odoo` works (default: AP_SYNC_ODOO, else Debian's is downloaded)",
    }
    run = commands.add_parser("run", help="start AP Sync with an external ERP to try")
    run.add_argument(
        "--check", action="store_true", help="try it all, then exit 0 or 1"
    )
    run.add_argument(
        "--erp",
        choices=("odoo", "tryton"),
        default="odoo",
        help="the external ERP: another Odoo (default), or a Tryton",
    )
    run.add_argument("--invoices", metavar="DIR", help="bills to import")
    run.add_argument("--odoo", **odoo)
    test = commands.add_parser(
        "test", help="run the tests; further arguments go to pytest"
    )
    test.add_argument("--odoo", **odoo)
    faults = commands.add_parser(
        "faults",
        help="break real processes and see that no bill is lost or doubled: --list,"
        " --rows 5,24, --seeds N (a soak), --quick (the short set), --queue-job (woken"
        " by OCA queue_job)",
    )
    faults.add_argument("--odoo", **odoo)
    bench = commands.add_parser(
        "bench", help="measure the speed beside peers that do the same work"
    )
    bench.add_argument("--odoo", **odoo)
    suite = commands.add_parser(
        "conformance",
        help="run what every connector has to do against each ERP, and write the"
        " tables of doc/connectors.md",
    )
    suite.add_argument("--odoo", **odoo)
    shots = commands.add_parser("screenshots", help="take a picture of every screen")
    shots.add_argument("--out", metavar="DIR", help="where to (default: in the cache)")
    shots.add_argument("--odoo", **odoo)
    texts = commands.add_parser(
        "translate", help="gather the texts to translate, for all languages"
    )
    texts.add_argument("--odoo", **odoo)
    lint = commands.add_parser("lint", help="check the style and the structure")
    lint.add_argument("--fix", action="store_true", help="let formatters repair it")
    return top


def execute(arguments: list[str]) -> int:
    """Run one command and return the exit code."""
    options, rest = parser().parse_known_args(arguments)
    if rest and options.command not in ("test", "faults", "bench"):
        parser().error(f"unknown arguments: {' '.join(rest)}")
    if options.command == "lint":
        import command_lint

        return command_lint.run(fix=options.fix)
    if options.command == "test":
        import command_test

        return command_test.run(options.odoo, rest)
    if options.command == "faults":
        import command_faults

        return command_faults.run(options.odoo, rest)
    if options.command == "bench":
        import command_bench

        return command_bench.run(options.odoo, rest)
    if options.command == "conformance":
        import command_conformance

        return command_conformance.run(options.odoo)
    if options.command == "screenshots":
        import screenshots

        return screenshots.run(options.odoo, options.out)
    if options.command == "translate":
        import command_translate

        return command_translate.run(options.odoo)
    import command_run

    return command_run.run(options.odoo, options.check, options.invoices, options.erp)


def main() -> int:
    """Run a command; a foreseeable failure ends in a sentence, not a traceback."""
    if sys.version_info < MINIMUM:
        print(f"dev needs Python {MINIMUM[0]}.{MINIMUM[1]} or newer.", file=sys.stderr)
        return 2
    from ui import DevError

    # `kill` ends us as Ctrl-C does, so that servers and databases are cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return execute(sys.argv[1:])
    except DevError as error:
        if error.details:
            print(error.details, file=sys.stderr)
        print(f"\n{error.message}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno == errno.ENOSPC:
            reason = "The disk is full: make room (2 GB are enough to begin with)."
        else:
            reason = f"{error}: check that file and its permissions."
        print(f"\n{reason}", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 2


if __name__ == "__main__":
    sys.exit(main())
