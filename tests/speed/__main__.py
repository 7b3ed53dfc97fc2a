"""The bench's own command line, called by `python3 dev bench`."""

import argparse
import json
import sys
import time
from pathlib import Path

import part_cost
import part_flat
import part_latency
import part_list
import part_real
import part_rules
import part_throughput
import report
from bench import Set
from sized import SizedStage
from stage import Stage

#: The parts, by the stage they play on and its name in what `dev` has prepared.
STAGES = {
    "small": (
        Stage,
        {
            "throughput": part_throughput,
            "real": part_real,
            "cost": part_cost,
            "latency": part_latency,
            "flat": part_flat,
        },
    ),
    "sized": (SizedStage, {"list": part_list, "rules": part_rules}),
}
PARTS = [name for _stage, parts in STAGES.values() for name in parts]


def main():
    """Measure what the arguments name and return the exit code: 1 when a goal was
    missed."""
    options = _parser().parse_args()
    if unknown := set(options.parts) - set(PARTS):
        sys.exit(f"No such part: {', '.join(sorted(unknown))}; there are {PARTS}")
    if not options.prepared:
        return 0  # the arguments make sense: that is all `dev` asks before it sets up
    prepared = json.loads(Path(options.prepared).read_text())
    measured, missed = {}, []
    for kind, (make_stage, parts) in STAGES.items():
        wanted = options.parts or PARTS
        asked = {name: part for name, part in parts.items() if name in wanted}
        if not asked:
            continue
        with make_stage(Set(**prepared[kind])) as stage:
            measured["machine"] = report.machine(stage)
            for name, part in asked.items():
                started = time.monotonic()
                say(f"{name}:")
                measured[name] = part.run(stage, options)
                lines, short = part.report(measured[name])
                say("\n".join(lines))
                say(f"{name}: measured in {time.monotonic() - started:.0f} s")
                missed += [f"{name}: {text}" for text in short]
    if options.out:
        text = json.dumps(measured, indent=1, sort_keys=True)
        Path(options.out).write_text(text + "\n", encoding="utf-8")
    for text in missed:
        say(f"goal missed: {text}")
    return 1 if missed else 0


def _parser():
    parser = argparse.ArgumentParser(prog="python3 dev bench")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--prepared", help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--bills", type=int, default=2000)
    parser.add_argument("--peers", default=",".join(part_throughput.GOALS))
    parser.add_argument("--jobs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--most", type=int, default=10_000, help="jobs, for the cost")
    parser.add_argument("--flat", type=int, default=100_000, help="jobs in a row")
    parser.add_argument("--only", help="of the list, what has this in its name")
    parser.add_argument("--out")
    return parser


def say(text):
    """Print at once: the output is often a pipe."""
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
