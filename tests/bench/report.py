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


def case_lines(entries):
    yield "| shape, n | spec | a ms | b ms | b keeping ms | c ms (GFLOP/s) | engine ms | engine / c | engine / better b | a / engine | peak MB (at rest): engine, c | engine / c |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | ---: | --- |"
    for entry in entries:
        times = [milliseconds(entry, name) for name in ("a", "b", "b keeping")]
        resident = entry["resident_bytes"]
        peak = ", ".join(f"{resident[name][1] / 2**20:,.0f} ({resident[name][0] / 2**20:,.0f})" for name in ("engine", "c"))
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


def batch_line(found):
    gain, against = found["gain"], found["engine/c"]
    each = {name: value["median"] / found["sequences"] * 1e3 for name, value in found["seconds"].items()}
    yield (
        f"- **batch**, {found['size'].upper()}, n = {found['tokens']}, {found['spec']}: {found['sequences']} sequences in one request"
        f" {each['engine']:.1f} ms a sequence, one by one {each['engine one by one']:.1f} ms: {gain['median']:.2f} times faster"
        f" ({gain['low']:.2f} to {gain['high']:.2f}){verdict(gain['median'], found['goal'], found['quiet'], at_least=True)};"
        f" records {'unchanged' if found['records_unchanged'] else 'CHANGED'}."
        f" c {each['c']:.1f} ms together, {each['c one by one']:.1f} ms one by one; engine / c {against['median']:.2f}."
    )


def load_line(found):
    share = found["share_of_dd"]
    seconds = {name: value["median"] for name, value in found["seconds"].items()}
    yield (
        f"- **load**, {found['size'].upper()}, {found['bytes'] / 2**20:,.0f} MB cold: dd {seconds['dd']:.2f} s, engine"
        f" {seconds['engine']:.2f} s, {100 * share['median']:.0f} % of dd's rate ({100 * share['low']:.0f} to {100 * share['high']:.0f})"
        f"{verdict(share['median'], found['goal'], found['quiet'], at_least=True)}; from memory {seconds['engine warm']:.2f} s;"
        f" a second job read {found['second_job_bytes']} bytes."
    )


def layers_line(found):
    parts = [f"0:{last} {1e3 * value:,.0f} ms ({100 * found['share'][last]:.0f} %)" for last, value in found["seconds"].items()]
    yield (
        f"- **layers**, {found['size'].upper()}, n = {found['tokens']:,}, {found['spec']}: --layers {', '.join(parts)} a sequence;"
        f" the last layer's value product, output projection and MLP would be {100 * found['last_layer_saves']:.0f} % of the pass's flops."
    )


def long_line(found):
    def told(name):
        run = found[name]
        return f"fails: {run['failed']}" if "failed" in run else f"{run['seconds']:,.1f} s, peak {run['peak_bytes'] / 2**20:,.0f} MB"

    text = f"- **long**, {found['size'].upper()}, n = {found['tokens']:,}, relative-window: engine {told('engine')}; c {told('c')}"
    engine, c = found["engine"], found["c"]
    if "seconds" in engine:
        text += f"; memory in GiB{verdict(engine['peak_bytes'] / 2**30, found['bytes_goal'] / 2**30, True)}"
        if "seconds" in c:
            value = engine["seconds"] / c["seconds"]
            text += f"; engine / c {value:.2f}{verdict(value, found['goal'], found['quiet'])}"
    yield text + "."


LINES = {"batch": batch_line, "load": load_line, "layers": layers_line, "long": long_line}


def render(result):
    machine = result["machine"]
    words = " ".join(machine["flags"])
    yield (
        f"{machine['processor']} ({words}), {machine['threads']} threads, {machine['memory_bytes'] / 2**30:.0f} GiB;"
        f" load {machine['load_at_start']:.2f} at the start. {result['engine']}. torch {result['torch']}, transformers {result['transformers']}."
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
