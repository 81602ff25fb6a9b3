"""The table of measured errors in docs/parity.md, between two marks: the page around it is written by hand."""

import json
import pathlib
import platform

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def hidden_words(model):
    """What the network's masks hide, of each stack of it that has attention in the goldens."""
    words = []
    for path in sorted((HERE / "models" / model).glob("attention*.json")):
        description = json.loads(path.read_text())
        windows = {window for window in description["windows"] if window and window < description["tokens"]}
        words.append("window" if windows else "causal" if description["causal"] else "both ways")
    return " + ".join(dict.fromkeys(words))


def worst_metric(shares):
    """(share, metric) of the records; attention has its own column, reconstruction_error measures rounding alone."""
    left_out = ("attention", "hidden", "reconstruction_error")
    return max((share, metric) for metric, (share, _) in shares.items() if metric not in left_out)


def network_lines(cases, networks, tolerance):
    seen = set()
    for case in cases:
        model = case["model"]
        if model in seen:
            continue
        seen.add(model)
        shares = networks[model]
        share, metric = worst_metric(shares)
        name = model.removeprefix(case["family"] + "-")
        tokens = max(other["set"]["tokens"] for other in cases if other["model"] == model)
        error = shares["attention"][0] * tolerance
        yield case["family"], error, share, (
            f"| {name} | {case['options']} | {DTYPES[case['dtype']]} | {tokens} | {hidden_words(model)} "
            f"| {error:.1e} | {100 * share:.1f} % ({metric}) |"
        )


def render(version, device, cases, networks, tolerance):
    lines = list(network_lines(cases, networks, tolerance))
    families = list(dict.fromkeys(family for family, *_ in lines))
    yield f"{version}; {device}, {processor()}."
    yield ""
    yield "| family | networks | cases | worst attention error | worst record, of its tolerance |"
    yield "| --- | --- | --- | --- | --- |"
    for family in families:
        own = [line for line in lines if line[0] == family]
        count = sum(case["family"] == family for case in cases)
        error, share = max(line[1] for line in own), max(line[2] for line in own)
        yield f"| {family} | {len(own)} | {count} | {error:.1e} | {100 * share:.1f} % |"
    for family in families:
        yield f"\n### {family}\n"
        yield "| network | options | weights | n | attention | worst attention error | worst record, of its tolerance |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
        yield from (line[3] for line in lines if line[0] == family)


def write(path, *measured):
    page = path.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(render(*measured)) + f"\n{END}{after}")
