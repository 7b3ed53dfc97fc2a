"""The bench's own command line, called by `python3 dev faults`."""

import argparse
import importlib
import json
import sys
import time
import traceback
from pathlib import Path

import matrix
from bench import Bench, Set
from case import Case
from chaos import FAILED_ONCE, Chaos
from invariants import leaks, violations
from real import RealChaos
from real_tryton import TrytonChaos

#: The exit code when there is nothing to run for this engine.
NOTHING = 5

# Importing them registers their rows.
for module in sorted(Path(__file__).parent.glob("rows_*.py")):
    importlib.import_module(module.stem)


def main():
    """Run what the arguments name and return the exit code."""
    options = _parser().parse_args()
    if options.list:
        _list()
        return 0
    chosen = _chosen(options)
    seeds, real, tryton = _seeds(options)
    if not options.prepared:
        # The arguments make sense: that is all `dev` asks before it sets up.
        return 0 if chosen or seeds or real or tryton else NOTHING
    given = Set(**json.loads(Path(options.prepared).read_text()))
    started = time.monotonic()
    failed = 0
    with Bench(given) as bench:
        say(f"The bench is up in {time.monotonic() - started:.0f} s.")
        for row in chosen:
            for behaviour in row.quick if options.quick else row.behaviours:
                failed += not _run_row(bench, row, behaviour)
        failed += _run_seeds(Chaos, bench, seeds)
        failed += _run_seeds(RealChaos, bench, real)
        failed += _run_seeds(TrytonChaos, bench, tryton)
        for text in leaks(bench):
            say(f"   {text}")
            failed += 1
    runs = sum(len(row.quick if options.quick else row.behaviours) for row in chosen)
    verdict = "passed" if not failed else f"FAILED ({failed})"
    say(
        f"dev faults: {verdict}: {len(chosen)} rows in {runs} runs, "
        f"{len(seeds)} + {len(real)} + {len(tryton)} seeds, "
        f"{time.monotonic() - started:.0f} s, "
        f"woken by {options.engine}"
    )
    return 1 if failed else 0


def _parser():
    parser = argparse.ArgumentParser(prog="python3 dev faults")
    parser.add_argument("--prepared", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--rows", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--engine", default="scheduler", help=argparse.SUPPRESS)
    parser.add_argument("--queue-job", action="store_true")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--real", type=int, default=0)
    parser.add_argument("--tryton", type=int, default=0)
    parser.add_argument("--first-seed", type=int, default=1)
    return parser


def _chosen(options):
    """Return the rows to run for this engine."""
    rows = sorted(matrix.ROWS, key=lambda row: (row.number, row.letter))
    if options.rows:
        wanted = set(options.rows.replace(" ", "").split(","))
        known = {row.name for row in rows} | {str(row.number) for row in rows}
        if wanted - known:
            sys.exit(f"No such rows: {', '.join(sorted(wanted - known))}; see --list.")
        rows = [row for row in rows if {row.name, str(row.number)} & wanted]
    elif options.quick:
        rows = [row for row in rows if row.quick]
    elif options.seeds or options.real or options.tryton:
        rows = []
    if options.queue_job:
        return rows
    return [row for row in rows if row.queue_job == (options.engine == "queue_job")]


def _seeds(options):
    """Return the seeds to play for this engine: with the fake ERP, with a real Odoo,
    with a real Tryton."""
    if options.engine == "queue_job" and not options.queue_job:
        return (), (), ()
    first = options.first_seed
    seeds = range(first, first + options.seeds)
    if options.quick:
        seeds = sorted({*FAILED_ONCE, *seeds})
    real, tryton = (
        range(first, first + count) for count in (options.real, options.tryton)
    )
    return seeds, real, tryton


def _list():
    for row in sorted(matrix.ROWS, key=lambda row: (row.number, row.letter)):
        mark = "*" if row.quick else "q" if row.queue_job else " "
        say(f"{row.name:>4} {mark} {row.title} ({', '.join(row.behaviours)})")
    say("   * also in the short set of .ci/run; q with OCA queue_job, as all others")
    say("   are with --queue-job. Not run on one machine:")
    for number, reason in sorted(matrix.UNABLE.items()):
        say(f"{number:>4}   {reason}")


def _run_row(bench, row, behaviour):
    """Run one row for one behaviour, print what came of it; return whether it held."""
    started = time.monotonic()
    problems = []
    case = None
    try:
        case = Case(bench, behaviour)
        row.run(case)
    except AssertionError as error:
        problems.append(str(error))
    except Exception:
        problems.append(traceback.format_exc())
    for each in [case, *case.others] if case else []:
        problems += violations(each)
        each.archive()
    verdict = "ok" if not problems else "FAILED"
    say(
        f"{row.name:>4} {behaviour:<6} {verdict:<6} "
        f"{time.monotonic() - started:5.1f} s  {row.title}"
    )
    for problem in problems:
        say(f"       {problem}")
    return not problems


def _run_seeds(kind, bench, seeds):
    failed = 0
    for seed in seeds:
        started = time.monotonic()
        chaos = kind(bench, seed)
        try:
            problems = chaos.run()
            summary = chaos.summary()
        except Exception:
            problems, summary = [traceback.format_exc()], ""
        verdict = "ok" if not problems else "FAILED"
        say(
            f"{kind.__name__} {seed} {verdict} {time.monotonic() - started:.0f} s: "
            f"{summary}; the host was restarted {bench.host.restarts} times so far"
        )
        for problem in problems:
            say(f"       {problem}")
        failed += bool(problems)
    return failed


def say(text):
    """Print at once: the output is often a pipe."""
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
