"""A minute's check for CI: has the engine become much slower against b than it was?"""

import json
import pathlib
import sys

import cases
import turns

COMMITTED = pathlib.Path(__file__).resolve().parent / "smoke.json"
TIMES = 2
ATTEMPTS = 3
SKIPPED = 77


def measure(contest, case):
    """Again while the machine is shared, a few times."""
    for _ in range(ATTEMPTS):
        found = turns.measure(contest, case)
        if found["quiet"]:
            break
    return found


def run(options):
    """Exit status 1 where the engine's time over the better b's is more than twice the committed ratio, 77 where others
    used the machine, so that no ratio means anything. Figures that differ from b's end it either way."""
    committed = json.loads(COMMITTED.read_text())
    options.seconds_a_case = 5
    outcomes = []
    with turns.Contest(options, "14m", notebook=False) as contest:
        for case in cases.SMOKE:
            found = measure(contest, case)
            value, wanted = found["ratios"]["engine/b"]["median"], committed[str(case.tokens)]
            slow = value > TIMES * wanted
            word = "TOO SLOW" if slow else "good enough"
            if not found["quiet"]:
                word = "not judged, others use this machine"
            print(f"14M, n = {case.tokens}, {case.spec_name}: engine / b {value:.2f}, committed {wanted:.2f}: {word}")
            outcomes.append(SKIPPED if not found["quiet"] else int(slow))
    if 1 in outcomes:
        return 1
    if SKIPPED in outcomes:
        print("SKIPPED: the benchmark's smoke version needs the machine for itself", file=sys.stderr)
        return SKIPPED
    return 0
