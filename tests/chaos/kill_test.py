"""kill -9 of engine, worker and coordinator at random moments: nothing is lost, nothing is committed twice.

Every round takes a seed, kills something several times while a sweep runs, restarts what a service manager would
restart, and compares the exported tables with those of an undisturbed run, byte for byte.
    kill_test.py [--rounds N] [--seed S]
"""
import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from harness import Cluster  # noqa: E402

CHECKPOINTS = "step0,step1,step64,main"
EXTRA = ("--sequences", "16", "--sequences-per-job", "4")
LEASE_SECONDS = 2
STATES = ("queued", "leased", "succeeded", "failed", "cancelled")


def undisturbed():
    with Cluster(workers=2, lease_seconds=LEASE_SECONDS) as cluster:
        sweep = cluster.submit(CHECKPOINTS, extra=EXTRA)
        state = cluster.wait(sweep, 300)
        assert state == "succeeded", state
        return cluster.tables(sweep)


def engines_of(worker):
    """Process ids of a worker's engine."""
    found = subprocess.run(["pgrep", "-P", str(worker.process.pid), "-f", "ondelette-engine"], capture_output=True,
                           text=True)
    return [int(pid) for pid in found.stdout.split()]


def strike(cluster, victim):
    """Kills one process; the ones that a service manager would restart are started again."""
    if victim == "server":
        cluster.server.kill()
        cluster.start_server()
    elif victim.startswith("worker"):
        index = int(victim[-1])
        cluster.workers[index].kill()
        cluster.start_worker(index)
    else:
        for pid in engines_of(cluster.workers[int(victim[-1])]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def check_counts(row):
    assert sum(row[state] for state in STATES) == row["jobs"], f"the counts do not add up: {row}"


def check_store(path):
    """Every job has exactly one result, whose records are each there once; and there are no others."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
        def ask(query):
            return store.execute(query).fetchall()
        keys = sorted(key for (key,) in ask("select key from jobs"))
        assert keys == sorted(key for (key,) in ask("select key from results")), "jobs and results differ"
        assert not ask("select 1 from jobs j left join results r on r.id = j.result where r.key is not j.key"), \
            "a job names another's result"
        ((measured,),) = ask("select sum(measured) from results")
        ((records, sequences),) = ask("select count(*), count(distinct result || ':' || sequence) from records")
        assert measured == records == sequences, f"{measured} measured, {records} records, {sequences} distinct"


def round_of(seed, expected):
    dice = random.Random(seed)
    strikes = []
    with Cluster(workers=2, lease_seconds=LEASE_SECONDS) as cluster:
        sweep = cluster.submit(CHECKPOINTS, extra=EXTRA)
        for _ in range(dice.randint(2, 5)):
            time.sleep(dice.uniform(0.0, 1.2))
            victim = dice.choice(["server", "worker-0", "worker-1", "engine-0", "engine-1"])
            strike(cluster, victim)
            strikes.append(victim)
            row = cluster.sweep(sweep)
            check_counts(row)
            if row["state"] != "running":
                break
        state = cluster.wait(sweep, 300)
        row = cluster.sweep(sweep)
        check_counts(row)
        assert state == "succeeded", f"{state}: {row}\n{cluster.cli('get', sweep).stdout}"
        tables = cluster.tables(sweep)
        check_store(cluster.folder / "ondelette.db")
    assert tables == expected, f"seed {seed}: the tables differ after {strikes}"
    return strikes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    expected = undisturbed()
    for seed in range(flags.seed, flags.seed + flags.rounds):
        start = time.monotonic()
        strikes = round_of(seed, expected)
        print(f"seed {seed}: killed {', '.join(strikes)}; tables equal ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{flags.rounds} rounds, all tables byte-identical")


if __name__ == "__main__":
    main()
