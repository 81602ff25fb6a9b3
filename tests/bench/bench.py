"""The side-by-side benchmark: the engine against a notebook, a tuned one, and the plain forward pass (README.md).

    tests/bench/run [--quick] [--sizes 14m 70m] [--tokens 512] [--spec paper-table5] [--json FILE]

Prints a table with the goal beside each ratio. Without --quick and with nothing chosen: everything, about three hours.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys

import cases
import extras
import machine
import report
import smoke
import turns

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "ondelette-bench"
PARTS = ("cases", "batch", "load", "layers")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a choice of everything, under 10 minutes on two cores")
    parser.add_argument("--smoke", action="store_true", help="a minute; exit status 1 where smoke.json is missed")
    parser.add_argument("--long", action="store_true", help="also 32,768 tokens through the 70M shape")
    parser.add_argument("--sizes", nargs="+", choices=list(cases.SHAPES))
    parser.add_argument("--tokens", nargs="+", type=int)
    parser.add_argument("--spec", nargs="+", choices=list(cases.SPECS))
    parser.add_argument("--parts", nargs="*", choices=PARTS, help="all by default; cases alone where some are chosen")
    parser.add_argument("--peers", nargs="*", choices=("a", "b"), default=("a", "b"), help="beside c")
    parser.add_argument("--engine", type=pathlib.Path, default=ROOT / "build" / "release" / "bin" / "ondelette-engine")
    parser.add_argument("--work", type=pathlib.Path, default=CACHE, help="where the random checkpoints are kept")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait for a load below 0.7 before starting")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--record", metavar="TITLE", help="also write the table into docs/performance.md")
    options = parser.parse_args()
    if not options.engine.exists():
        parser.error(f"{options.engine} is missing: deploy/build release, or --engine PATH")
    picked = options.sizes or options.tokens or options.spec
    if options.parts is None:
        options.parts = ("cases",) if picked else PARTS
    options.seconds_a_case = 12 if options.quick or options.smoke else 60
    return options


def case_list(options):
    if "cases" not in options.parts:
        return []
    if options.quick:
        return list(cases.QUICK)
    sizes, tokens = options.sizes or list(cases.SHAPES), options.tokens or cases.TOKENS
    return list(cases.chosen(sizes, tokens, options.spec or cases.DEFAULT_SPECS))


def measure_cases(options, chosen):
    """By size: a contest each."""
    entries = []
    for size in dict.fromkeys(case.size for case in chosen):
        own = [case for case in chosen if case.size == size]
        with turns.Contest(options, size, any(case.notebook for case in own)) as contest:
            for case in own:
                print(f"measuring {size}, n = {case.tokens}, {case.spec_name}", file=sys.stderr, flush=True)
                entries.append(turns.measure(contest, case))
    return entries


def measure_extras(options):
    """[(name, what was found)], each said on stderr before it begins."""
    usual = {"batch": ("14m", "70m"), "load": ("160m",) if options.quick else ("410m",), "layers": ("70m",)}
    wanted = [(name, size) for name in usual if name in options.parts for size in options.sizes or usual[name]]
    wanted += [("long", "70m")] if options.long else []
    found = []
    for name, size in wanted:
        print(f"measuring {name}, {size}", file=sys.stderr, flush=True)
        with machine.Watch() as watch:
            measured = getattr(extras, name)(options, size)
        found.append((name, {**measured, "quiet": watch.share < turns.QUIET}))
    return found


def engine_version(engine):
    done = subprocess.run([engine, "version"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def main():
    options = parse()
    options.work.mkdir(parents=True, exist_ok=True)
    with (options.work / "log").open("w") as options.log:
        machine.wait_for_quiet(options.wait)
        if options.smoke:
            sys.exit(smoke.run(options))
        result = {
            "machine": machine.description(),
            "engine": engine_version(options.engine),
            "torch": importlib.metadata.version("torch"),
            "transformers": importlib.metadata.version("transformers"),
            "cases": measure_cases(options, case_list(options)),
            "extras": measure_extras(options),
        }
    lines = list(report.render(result))
    print("\n".join(lines))
    if options.record:
        page = ROOT / "docs" / "performance.md"
        page.write_text(report.record(page.read_text(), options.record, lines))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
