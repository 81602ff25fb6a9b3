"""Runs an engine over every case of models/cases.json and compares attention and records with the goldens.

    python check.py --engine build/dev/bin/ondelette-engine [--device cpu] [--only NETWORK ...] [--table docs/parity.md]

Needs numpy. Prints the worst error of each metric as a share of its tolerance; exit status 1 where one is exceeded.
--table writes the errors by family and network into the file, between its two marks.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import table
import tensors

HERE = pathlib.Path(__file__).resolve().parent
ATTENTION_ABSOLUTE = 5e-5
RELATIVE, ABSOLUTE = 2e-4, 1e-5
# Figures of the key-shuffled null depend on the engine's own permutation: none is in the goldens.
SHUFFLED = "_key_shuffled"
RECONSTRUCTION_LIMIT = 1e-6  # It measures the arithmetic itself: any value below will do.


class Report:
    """The worst share of the tolerance by network and metric, and what exceeded it."""

    def __init__(self):
        self.networks = {}
        self.failures = []

    def add(self, metric, share, where):
        """`where` begins with the network's name and a slash."""
        worst = self.networks.setdefault(where.split("/")[0], {})
        if share > worst.get(metric, (-1.0, ""))[0]:
            worst[metric] = (share, where)
        if not share <= 1:
            self.failures.append(f"{where}: {metric} is off by {share:.3g} times the tolerance")

    def worst(self):
        """{metric: (share, where)} over all networks."""
        result = {}
        for shares in self.networks.values():
            for metric, found in shares.items():
                result[metric] = max(found, result.get(metric, (-1.0, "")))
        return result

    def value(self, metric, wanted, got, where):
        if wanted is None or got is None:
            if wanted is not got:
                self.failures.append(f"{where}: {metric} is {got}, wanted {wanted}")
        elif metric == "reconstruction_error":
            self.add(metric, got / RECONSTRUCTION_LIMIT if got >= 0 else np.inf, where)
        else:
            self.add(metric, abs(got - wanted) / max(RELATIVE * abs(wanted), ABSOLUTE), where)


def arguments_of(case):
    for field, value in case["set"].items():
        yield from ("--set", f"{field}={json.dumps(value)}")


def run_engine(options, case, folder, output, dump):
    command = [options.engine, "analyze", "--checkpoint", folder, "--tokens", folder / "tokens.jsonl"]
    command += ["--spec", case["spec"], *arguments_of(case), "--device", options.device, "--output", output]
    if dump:
        command += ["--dump-attention", dump]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        return f"{case['model']}/{case['name']}: exit status {done.returncode}: {done.stderr.strip()[-500:]}"
    return None


def read_records(path):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return {(record["sequence"], record["layer"], record["head"]): record["metrics"] for record in records}


def signal_of(case):
    return case["set"].get("signal", "relative" if case["spec"] == "relative-window" else "rows")


def compare_records(wanted, got, case, report):
    where = f"{case['model']}/{case['name']}"
    if wanted.keys() != got.keys():
        report.failures.append(f"{where}: {len(got)} records, wanted {len(wanted)} of {sorted(wanted)[:3]}...")
    for key in wanted.keys() & got.keys():
        place = f"{where} {key[0]} layer {key[1]} head {key[2]}"
        # The engine tells non_finite_rows beside the metrics, and only where there are some.
        for metric in sorted(wanted[key].keys() - got[key].keys() - {"non_finite_rows"}):
            report.failures.append(f"{place}: {metric} is missing")
        for metric in sorted(got[key].keys() - wanted[key].keys()):
            if metric.endswith(SHUFFLED):
                continue
            report.failures.append(f"{place}: {metric} is not one of the spec's metrics")
        for metric in wanted[key].keys() & got[key].keys():
            compare_metric(metric, wanted[key][metric], got[key][metric], place, report)
        compare_shuffled(got[key], signal_of(case), place, report)


def compare_shuffled(metrics, signal, place, report):
    """Permuting the keys of a row leaves its entropy over positions as it was."""
    name = "positional_entropy"
    if signal in ("rows", "last") and name + SHUFFLED in metrics:
        report.value(name + SHUFFLED, metrics[name], metrics[name + SHUFFLED], place)


def compare_metric(metric, wanted, got, place, report):
    if isinstance(wanted, list) != isinstance(got, list) or (isinstance(wanted, list) and len(wanted) != len(got)):
        report.failures.append(f"{place}: {metric} is {got}, wanted {wanted}")
        return
    if not isinstance(wanted, list):
        wanted, got = [wanted], [got]
    for a, b in zip(wanted, got):
        report.value(metric, a, b, place)


def hidden_positions(n, window):
    back = np.arange(n)[:, None] - np.arange(n)
    return (back < 0) | (back >= (window or n))


def compare_attention(folder, stem, dump, report):
    """The kept rows within the tolerance; what the mask hides exactly 0, in every row."""
    description = json.loads((folder / f"{stem}.json").read_text())
    wanted, got = tensors.read(folder / f"{stem}.safetensors"), tensors.read(dump)
    if wanted.keys() != got.keys():
        report.failures.append(f"{folder.name}: {stem} of {sorted(got)}, wanted {sorted(wanted)}")
    for name in wanted.keys() & got.keys():
        where = f"{folder.name}/{stem} {name}"
        error = np.abs(wanted[name] - got[name][:, description["rows"]]).max()
        report.add("attention", error / ATTENTION_ABSOLUTE, where)
        if description["causal"]:
            window = description["windows"][int(name.rsplit("/", 1)[1])]
            seen = np.count_nonzero(got[name][:, hidden_positions(description["tokens"], window)])
            report.add("hidden", float(seen and np.inf), where)


def check_case(options, case, report):
    folder, stem = HERE / "models" / case["model"], case.get("attention")
    with tempfile.TemporaryDirectory() as scratch:
        output, dump = pathlib.Path(scratch, "records.jsonl"), pathlib.Path(scratch, "attention.safetensors")
        failure = run_engine(options, case, folder, output, dump if stem else None)
        if failure:
            report.failures.append(failure)
            return
        if stem:
            compare_attention(folder, stem, dump, report)
        compare_records(read_records(folder / f"{case['name']}.jsonl"), read_records(output), case, report)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="+", help="networks or families")
    parser.add_argument("--table", type=pathlib.Path)
    options = parser.parse_args()
    report = Report()
    cases = json.loads((HERE / "models" / "cases.json").read_text())
    if options.only:
        cases = [case for case in cases if {case["model"], case["family"]} & set(options.only)]
    for case in cases:
        check_case(options, case, report)
    print(f"{'metric':32} worst, as a share of the tolerance")
    for metric, (share, where) in sorted(report.worst().items()):
        print(f"{metric:32} {share:8.4f}  {where}")
    print("\n".join(report.failures[:50]))
    print(f"{len(report.failures)} failures")
    failed = bool(report.failures) or not report.networks
    if options.table and not failed:
        version = subprocess.run([options.engine, "version"], capture_output=True, text=True, check=True).stdout.strip()
        table.write(options.table, version, options.device, cases, report.networks, ATTENTION_ABSOLUTE)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
