"""The report as text: Markdown tables, the goal beside each measured ratio."""


def milliseconds(found, name):
    value = found["seconds"].get(name)
    if value is None:
        return "-"
    number = value["median"] * 1e3
    return f"{number:,.1f}" if number < 100 else f"{number:,.0f}"


def ratio(found, name, limits):
    """`0.83 (0.80 to 0.91), goal 0.7: missed`."""
    value = found["ratios"].get(name)
    if value is None:
        return "-"
    text = f"{value['median']:.2f}"
    if value["runs"] > 1:
        text += f" ({value['low']:.2f} to {value['high']:.2f})"
    quiet = found["quiet"] or name == "memory/c"
    return text + verdict(value["median"], limits.get(name), quiet, at_least=name == "a/engine")


def verdict(value, limit, quiet, at_least=False):
    if limit is None:
        return ""
    if not quiet:  # Others' work hits PyTorch's spinning threads hardest, which flatters the engine.
        return f", goal {limit:g}: not judged (disturbed)"
    met = value >= limit if at_least else value <= limit
    return f", goal {limit:g}: {'met' if met else 'missed'}"


COLUMNS = (
    *("shape, n", "spec", "a ms", "b ms", "b keeping ms", "c ms (GFLOP/s)", "engine ms"),
    *("engine / c", "engine / better b", "a / engine", "peak MB (at rest): engine, c", "engine / c"),
)


def megabytes(count):
    return f"{count / 2**20:,.0f}"


def case_lines(entries):
    yield f"| {' | '.join(COLUMNS)} |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | ---: | --- |"
    for entry in entries:
        times = [milliseconds(entry, name) for name in ("a", "b", "b keeping")]
        resident = [entry["resident_bytes"][name] for name in ("engine", "c")]
        peak = ", ".join(f"{megabytes(most)} ({megabytes(rest)})" for rest, most in resident)
        ratios = [ratio(entry, name, entry["goals"]) for name in ("engine/c", "engine/b", "a/engine")]
        noisy = "" if entry["quiet"] else " (disturbed)"
        cells = [
            f"{entry['size'].upper()}, {entry['tokens']:,}",
            entry["spec"] + noisy,
            *times,
            f"{milliseconds(entry, 'c')} ({entry['gflops_of_c']:.0f})",
            milliseconds(entry, "engine"),
            *ratios,
            peak,
            ratio(entry, "memory/c", entry["goals"]),
        ]
        yield f"| {' | '.join(cells)} |"


def heading(name, found):
    spec = f", {found['spec']}" if "spec" in found else ""
    tokens = f", n = {found['tokens']:,}" if "tokens" in found else ""
    return f"- **{name}**, {found['size'].upper()}{tokens}{spec}: "


def batch_line(found):
    gain = found["gain"]
    each = {name: f"{value['median'] / found['sequences'] * 1e3:.1f} ms" for name, value in found["seconds"].items()}
    goal = verdict(gain["median"], found["goal"], found["quiet"], at_least=True)
    yield (
        f"{heading('batch', found)}{found['sequences']} sequences in one request {each['engine']} a sequence, "
        f"one by one {each['engine one by one']}: {gain['median']:.2f} times faster "
        f"({gain['low']:.2f} to {gain['high']:.2f}){goal}; "
        f"records {'unchanged' if found['records_unchanged'] else 'CHANGED'}. "
        f"c {each['c']} together, {each['c one by one']} one by one; engine / c {found['engine/c']['median']:.2f}."
    )


def load_line(found):
    share = found["share_of_dd"]
    seconds = {name: f"{value['median']:.2f} s" for name, value in found["seconds"].items()}
    goal = verdict(share["median"], found["goal"], found["quiet"], at_least=True)
    yield (
        f"{heading('load', found)}{megabytes(found['bytes'])} MB cold: dd {seconds['dd']}, engine {seconds['engine']}, "
        f"{share['median']:.2f} of dd's rate ({share['low']:.2f} to {share['high']:.2f}){goal}; "
        f"from memory {seconds['engine warm']}; a second job read {found['second_job_bytes']} bytes."
    )


def layers_line(found):
    parts = [f"0:{last} {1e3 * value:,.0f} ms ({found['share'][last]:.2f})" for last, value in found["seconds"].items()]
    yield (
        f"{heading('layers', found)}--layers {', '.join(parts)} a sequence; the last layer's value product, output "
        f"projection and MLP are {100 * found['last_layer_saves']:.0f} % of a pass's flops."
    )


def told(run):
    if "failed" in run:
        return f"fails: {run['failed']}"
    return f"{run['seconds']:,.1f} s, peak {megabytes(run['peak_bytes'])} MB"


def long_line(found):
    engine, c = found["engine"], found["c"]
    text = f"{heading('long', found)}engine {told(engine)}; c {told(c)}"
    if "seconds" in engine:
        text += f"; memory in GiB{verdict(engine['peak_bytes'] / 2**30, found['bytes_goal'] / 2**30, True)}"
        if "seconds" in c:
            value = engine["seconds"] / c["seconds"]
            text += f"; engine / c {value:.2f}{verdict(value, found['goal'], found['quiet'])}"
    yield text + "."


LINES = {"batch": batch_line, "load": load_line, "layers": layers_line, "long": long_line}


def render(result):
    machine = result["machine"]
    yield (
        f"{machine['processor']} ({' '.join(machine['flags'])}), {machine['threads']} threads, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB; load {machine['load_at_start']:.2f} at the start. "
        f"{result['engine']}. torch {result['torch']}, transformers {result['transformers']}."
    )
    if result["cases"]:
        yield ""
        yield from case_lines(result["cases"])
        shares = [share for entry in result["cases"] for share in entry["agreement"].values()]
        if shares:
            yield ""
            yield f"The peers' figures differ from the engine's by at most {100 * max(shares):.0f} % of the tolerance."
    if result["extras"]:
        yield ""
        for name, found in result["extras"]:
            yield from LINES[name](found)


MARK = "<!-- measurements, newest first: tests/bench/run --record TITLE -->\n"


def record(page, title, lines):
    """The page (docs/performance.md) with a section of this title before those of earlier measurements."""
    before, after = page.split(MARK)
    return f"{before}{MARK}\n### {title}\n\n" + "\n".join(lines) + f"\n{after}"
