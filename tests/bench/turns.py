"""The engine and its peers over one case: checked equal, then timed in turns."""

import statistics
import time
from contextlib import ExitStack

import agreement
import cases
import machine
import processes

QUIET = 0.05  # A run counts as undisturbed where others used less of the machine.
PAUSE = 0.05  # Between turns: OpenMP's threads spin for a while after their work.


class Contest:
    """The programs over one checkpoint. Use as a context: they end with it."""

    def __init__(self, options, size, notebook):
        self.options = options
        self.path = cases.checkpoint(options.engine, options.work, size)
        self.notebook = notebook
        self.programs = {}

    def __enter__(self):
        threads, log = machine.threads(), self.options.log
        with ExitStack() as stack:

            def peer(name, script, environment=None):
                started = processes.Peer(script, self.path, threads, log, environment)
                self.programs[name] = stack.enter_context(started)

            peer("c", "floor.py")
            self.programs["engine"] = stack.enter_context(processes.Engine(self.options.engine, threads, log))
            if "b" in self.options.peers:
                peer("b", "tuned.py")
                peer("b keeping", "tuned.py", processes.KEEPING)
            if "a" in self.options.peers and self.notebook:
                peer("a", "notebook.py")
            self.stack = stack.pop_all()
        self.loaded = None
        return self

    def __exit__(self, *_):
        self.stack.close()

    def load(self, spec):
        """One loaded network serves every spec that reads it alike; all of ours do."""
        if not self.loaded:
            self.loaded = self.programs["engine"].load(self.path, spec)

    def agree(self, spec, sequence, names):
        """{peer: worst share of the tolerance}; raises where a peer's figures are not the engine's. Warms all up."""
        records = self.programs["engine"].records(spec, [sequence])[0]
        shares = {}
        for name in names:
            if name in ("a", "b", "b keeping"):
                share, metric = agreement.worst(spec, records, self.programs[name].figures(spec, [sequence])[0])
                if not share <= 1:
                    raise RuntimeError(f"{name} and the engine differ in {metric} by {share:.3g} times the tolerance")
                shares[name] = share
        self.programs["c"].seconds(spec, [sequence])
        return shares

    def round(self, spec, sequences, names):
        """Each program once: {name: seconds}, and the largest share of the machine that others had meanwhile."""
        seconds, disturbance = {}, 0.0
        for name in names:
            time.sleep(PAUSE)
            with machine.Watch(self.programs[name]) as watch:
                seconds[name] = self.programs[name].seconds(spec, sequences)
            disturbance = max(disturbance, watch.share)
        return seconds, disturbance

    def rounds(self, spec, sequences, names, once=()):
        """Rounds until enough undisturbed ones or the time is over; programs of `once` take part in the first only."""
        found, deadline = [], time.monotonic() + self.options.seconds_a_case
        while len(found) < 15:
            found.append(self.round(spec, sequences, [name for name in names if not found or name not in once]))
            quiet = sum(disturbance < QUIET for _, disturbance in found)
            if time.monotonic() > deadline and (quiet >= 3 or len(found) >= 5):
                break
        return found


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "runs": len(values)}


def kept_rounds(rounds):
    """The undisturbed ones where there are three, else all; and whether they are the undisturbed ones."""
    quiet = [seconds for seconds, disturbance in rounds if disturbance < QUIET]
    return (quiet, True) if len(quiet) >= 3 else ([seconds for seconds, _ in rounds], False)


def ratio(rounds, over, under):
    """Of two programs' times in the same round."""
    values = [seconds[over] / seconds[under] for seconds in rounds if over in seconds and under in seconds]
    return spread(values) if values else None


def summary(rounds):
    """Times and ratios of the rounds that count. `once` programs have the first round's time, disturbed or not."""
    kept, quiet = kept_rounds(rounds)
    first = rounds[0][0]
    times = {}
    for name in first:
        values = [seconds[name] for seconds in kept if name in seconds] or [first[name]]
        times[name] = spread(values)
    found = {"seconds": times, "quiet": quiet, "ratios": {}}
    if "b" in times:
        better = min(("b", "b keeping"), key=lambda name: times[name]["median"])
        found["better_b"] = better
        found["ratios"]["engine/b"] = ratio(kept, "engine", better)
    found["ratios"]["engine/c"] = ratio(kept, "engine", "c")
    if "a" in times:
        value = times["a"]["median"] / times["engine"]["median"]
        found["ratios"]["a/engine"] = {"median": value, "low": value, "high": value, "runs": 1}
    return found


def peaks(contest, spec, sequences):
    """Resident bytes of the engine and of c, [at rest, at the peak of a run]; their loads are apart."""
    found = {}
    for name in ("engine", "c"):
        program = contest.programs[name]
        rest = program.status("VmRSS")
        program.forget_peak()
        program.seconds(spec, sequences)
        found[name] = [rest, program.status("VmHWM")]
    return found


def measure(contest, case):
    """The case's entry in the report."""
    spec, sequence = case.spec, cases.draw_tokens(case.tokens)
    names = [name for name in contest.programs if name != "a" or (case.notebook and cases.fits(case))]
    contest.load(spec)
    shares = contest.agree(spec, sequence, names)
    found = summary(contest.rounds(spec, [sequence], names, once=("a",)))
    resident = peaks(contest, spec, [sequence])
    found["ratios"]["memory/c"] = spread([resident["engine"][1] / resident["c"][1]])
    limits = cases.goals(case.size, case.tokens, case.spec_name)
    faster = cases.notebook_goal(case.size, case.tokens)
    return {
        "size": case.size,
        "tokens": case.tokens,
        "spec": case.spec_name,
        **found,
        "resident_bytes": resident,
        "agreement": shares,
        "goals": {**limits, **({"a/engine": faster} if faster else {})},
        "gflops_of_c": case.flops / found["seconds"]["c"]["median"] / 1e9,
    }
