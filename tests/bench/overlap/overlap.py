"""How long the device waits between the checkpoints of a sweep: a real coordinator, worker and engine.

    ONDELETTE_BIN_DIR=BUILD/bin overlap.py [--like pythia-70m] [--checkpoints 20] [--folder DIR] [--goal 0.05] [--cold]

Random checkpoints of one shape; so many sequences that computing a checkpoint takes twice as long as loading it (found
out by first sweeps: one over all, which digests the files, then some of one checkpoint each, whose loads nothing
hides). Then a sweep is timed, from its submission to its end.
The device is busy while the engine computes: what the worker's /metrics say of the engine's requests, less its loads.
Exit status 1 where it was idle for more than the goal.
"""
import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "integration"))
from harness import BIN, Cluster, http_get  # noqa: E402

TOKENS = 256
VOCABULARY = 50000
TRIALS = 6


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--like", default="pythia-70m", help="shape of the checkpoints")
    parser.add_argument("--checkpoints", type=int, default=20)
    parser.add_argument("--folder", help="where to keep the checkpoints; a temporary folder if left out")
    parser.add_argument("--goal", type=float, default=0.05, help="idle share")
    parser.add_argument("--cold", action="store_true", help="the files leave memory before the timed sweep")
    return parser.parse_args()


def write_checkpoints(folder, like, count):
    """One model with so many revisions; those that are there already stay."""
    names = [f"step{i}" for i in range(count)]
    for seed, name in enumerate(names):
        path = folder / "random" / name
        if not (path / "config.json").exists():
            subprocess.run([BIN / "ondelette-engine", "init", "--like", like, "--seed", str(seed), "--output", path],
                           check=True, stdout=subprocess.DEVNULL)
    return names


def write_corpus(path, sequences):
    """Other sequences in every file: what was measured before would not be measured again."""
    draw = random.Random(path.name)
    with path.open("w") as file:
        for i in range(sequences):
            tokens = [draw.randrange(VOCABULARY) for _ in range(TOKENS)]
            file.write(json.dumps({"id": f"s{i}", "tokens": tokens}) + "\n")


def forget_pages(folder):
    """The next read of the weights comes from the disk."""
    for path in folder.glob("random/*/model.safetensors"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Engine:
    """What the worker's /metrics say of its engine."""

    def __init__(self, address):
        self.address = address

    def seconds(self):
        """(computing, loading, loads) so far."""
        text = http_get(self.address)

        def value(name):
            return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))

        loading = value("ondelette_worker_load_seconds_sum")
        busy = value("ondelette_worker_engine_busy_seconds_total")
        return busy - loading, loading, value("ondelette_worker_load_seconds_count")


def timed_sweep(cluster, engine, names, corpus, sequences):
    """(seconds, computing, loading, loads) of a sweep of one job a checkpoint."""
    before = engine.seconds()
    start = time.monotonic()
    sweep = cluster.submit(",".join(names), corpus=corpus, spec="relative-window", models="random",
                           extra=("--sequences", sequences, "--sequences-per-job", sequences))
    state = cluster.wait(sweep, 900)
    wall = time.monotonic() - start
    if state != "succeeded":
        raise SystemExit(f"the sweep ended as {state}")
    return (wall, *(now - then for now, then in zip(engine.seconds(), before)))


def trial(cluster, engine, names, corpus):
    """(seconds of a load, of computing a sequence): medians over sweeps of one checkpoint each."""
    rows = [timed_sweep(cluster, engine, [name], corpus, 1) for name in names[:TRIALS]]
    return (statistics.median(row[2] for row in rows), statistics.median(row[1] for row in rows))


def measure(arguments, folder):
    names = write_checkpoints(folder, arguments.like, arguments.checkpoints)
    first, tried, corpus = (folder / f"{name}.jsonl" for name in ("first", "tried", "corpus"))
    for path in (first, tried, corpus):
        write_corpus(path, 512)
    with Cluster(workers=1, models=[folder]) as cluster:
        engine = Engine(cluster.worker_metrics(0))
        timed_sweep(cluster, engine, names, first, 1)
        load, each = trial(cluster, engine, names, tried)
        sequences = max(1, min(512, round(2 * load / each)))
        print(f"{arguments.like}, {len(names)} checkpoints: a load {load:.3f} s, a sequence {each:.3f} s; "
              f"{sequences} sequences each")
        if arguments.cold:
            forget_pages(folder)
        return load / (each * sequences), timed_sweep(cluster, engine, names, corpus, sequences)


def main():
    arguments = options()
    with tempfile.TemporaryDirectory(prefix="ondelette-overlap-") as temporary:
        folder = Path(arguments.folder or temporary).absolute()
        os.makedirs(folder, exist_ok=True)
        share, (wall, computing, loading, loads) = measure(arguments, folder)
    idle = 1 - computing / wall
    print("| load / compute, apart | sweep s | computing s | waiting for loads s | loads | idle | of it loads | of it else |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    print(f"| {share:.2f} | {wall:.1f} | {computing:.1f} | {loading:.1f} | {loads:.0f} | "
          f"{100 * idle:.1f} % | {100 * loading / wall:.1f} % | {100 * (1 - (computing + loading) / wall):.1f} % |")
    return 0 if idle <= arguments.goal else 1


if __name__ == "__main__":
    sys.exit(main())
