"""A minute's check for CI: has the engine become much slower against b than it was?"""

import json
import pathlib

import cases
import turns

COMMITTED = pathlib.Path(__file__).resolve().parent / "smoke.json"
TIMES = 2


def run(options):
    """Exit status 1 where the engine's time over the better b's is more than twice the committed ratio."""
    committed = json.loads(COMMITTED.read_text())
    options.seconds_a_case = 5
    failed = False
    with turns.Contest(options, "14m", notebook=False) as contest:
        for case in cases.SMOKE:
            found = turns.measure(contest, case)
            value, wanted = found["ratios"]["engine/b"]["median"], committed[str(case.tokens)]
            failed |= value > TIMES * wanted
            word = "too slow" if value > TIMES * wanted else "as committed"
            print(f"14M, n = {case.tokens}, {case.spec_name}: engine / b {value:.2f}, committed {wanted:.2f}: {word}")
    return 1 if failed else 0
