"""What is measured beside the cases: batches, loads, fewer layers, long sequences."""

import json
import os
import statistics
import subprocess
import time

import cases
import turns
import machine
import processes

SEQUENCES = 16
ROUNDS = 5


def batch(options, size, tokens=112, spec_name="paper-table5"):
    """16 sequences in one request against 16 requests of one: the engine, and c."""
    spec = cases.resolve(spec_name, tokens)
    sequences = [cases.draw_tokens(tokens, seed) for seed in range(SEQUENCES)]
    with turns.Contest(options, size, notebook=False) as contest:
        contest.load(spec)
        engine, floor = contest.programs["engine"], contest.programs["c"]
        together = engine.records(spec, sequences)
        alone = [engine.records(spec, [tokens])[0] for tokens in sequences]
        unchanged = all((a.tobytes() == b.tobytes()) for a, b in zip(together, alone))
        floor.seconds(spec, sequences)
        times = {"engine": [], "engine one by one": [], "c": [], "c one by one": []}
        for _ in range(ROUNDS):
            for name, program in (("engine", engine), ("c", floor)):
                times[name].append(program.seconds(spec, sequences))
                times[f"{name} one by one"].append(sum(program.seconds(spec, [tokens]) for tokens in sequences))
                time.sleep(turns.PAUSE)
    gains = [alone / together for alone, together in zip(times["engine one by one"], times["engine"])]
    against = [ours / theirs for ours, theirs in zip(times["engine"], times["c"])]
    return {
        "size": size,
        "tokens": tokens,
        "spec": spec_name,
        "sequences": SEQUENCES,
        "seconds": {name: turns.spread(values) for name, values in times.items()},
        "gain": turns.spread(gains),
        "engine/c": turns.spread(against),
        "goal": cases.BATCH_GOAL,
        "records_unchanged": unchanged,
    }


def forget_pages(path):
    """The file's pages leave memory, so that the next read comes from the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def load(options, size):
    """A cold load against dd of the same file, in turns; and what a second job on the held checkpoint reads."""
    path = cases.checkpoint(options.engine, options.work, size)
    file = path / "model.safetensors"
    spec, tokens = cases.resolve("paper-table5", 112), cases.draw_tokens(112)
    times = {"dd": [], "engine": [], "engine warm": []}
    with processes.Engine(options.engine, machine.threads(), options.log) as engine:
        for _ in range(3):
            forget_pages(file)
            start = time.perf_counter()
            subprocess.run(["dd", f"if={file}", "of=/dev/null", "bs=4M"], check=True, stderr=subprocess.DEVNULL)
            times["dd"].append(time.perf_counter() - start)
            forget_pages(file)
            times["engine"].append(engine.load(path, spec)[1])
            times["engine warm"].append(engine.load(path, spec)[1])
        engine.analyze(spec, [tokens])
        before = engine.bytes_read()
        engine.analyze(spec, [tokens])
        second = engine.bytes_read() - before
    rates = [dd / ours for dd, ours in zip(times["dd"], times["engine"])]
    return {
        "size": size,
        "bytes": file.stat().st_size,
        "seconds": {name: turns.spread(values) for name, values in times.items()},
        "share_of_dd": turns.spread(rates),
        "goal": cases.LOAD_GOAL,
        "second_job_bytes": second,
    }


def analyze_seconds(options, path, spec, count, last_layer):
    """`ondelette-engine analyze --layers 0:LAST` over that many sequences, the load with it."""
    tokens, written = options.work / "tokens.jsonl", options.work / "spec.json"
    written.write_text(json.dumps(spec))
    lines = [json.dumps({"id": f"{seed}", "tokens": cases.draw_tokens(spec["tokens"], seed)}) for seed in range(count)]
    tokens.write_text("\n".join(lines) + "\n")
    command = [options.engine, "analyze", "--checkpoint", path, "--tokens", tokens, "--spec", written]
    command += ["--layers", f"0:{last_layer}", "--output", options.work / "records.jsonl"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stderr=options.log)
    return time.perf_counter() - start


def layers(options, size, tokens=512, spec_name="relative-window"):
    """A sequence's time by the layers asked for, the load taken off as the difference between runs of 5 and of 1."""
    path, spec = cases.checkpoint(options.engine, options.work, size), cases.resolve(spec_name, tokens)
    shape = cases.SHAPES[size]
    asked = sorted({1, shape.layers // 2, shape.layers})
    seconds = {}
    for last in asked:
        pairs = [[analyze_seconds(options, path, spec, count, last) for count in (5, 1)] for _ in range(3)]
        seconds[last] = statistics.median((many - one) / 4 for many, one in pairs)
    return {
        "size": size,
        "tokens": tokens,
        "spec": spec_name,
        "seconds": {str(last): value for last, value in seconds.items()},
        "share": {str(last): value / seconds[shape.layers] for last, value in seconds.items()},
        "last_layer_saves": shape.after_flops(tokens) / shape.flops(tokens),
    }


def long(options, size="70m", tokens=32768):
    """The default spec on a long sequence: the engine and c once each, after a short warm-up."""
    spec, sequence = cases.resolve("relative-window", tokens), cases.draw_tokens(tokens)
    path = cases.checkpoint(options.engine, options.work, size)
    found = {"size": size, "tokens": tokens, "spec": "relative-window"}
    found.update({"goal": cases.LONG_GOAL, "bytes_goal": cases.LONG_BYTES})
    for name in ("engine", "c"):
        try:
            found[name] = long_run(options, name, path, spec, sequence)
        except (RuntimeError, BrokenPipeError) as error:
            found[name] = {"failed": str(error)}
    return found


def long_run(options, name, path, spec, sequence):
    threads = machine.threads()
    if name == "c":
        program = processes.Peer("floor.py", path, threads, options.log)
    else:
        program = processes.Engine(options.engine, threads, options.log)
    with program:
        if name == "engine":
            program.load(path, spec)
        program.seconds(cases.resolve("relative-window", 256), [sequence[:256]])
        program.forget_peak()
        return {"seconds": program.seconds(spec, [sequence]), "peak_bytes": program.status("VmHWM")}
