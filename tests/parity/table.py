"""The tables of docs/parity.md, between marks: the page around them is written by hand."""

import json
import pathlib
import platform

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = (
    "network",
    "options",
    "weights",
    "config",
    "n",
    "attention",
    "worst attention error",
    "worst record, of its tolerance",
)
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
            f"| {name} | {case['options']} | {DTYPES[case['dtype']]} | {case['config'][-1]} | {tokens} "
            f"| {hidden_words(model)} | {error:.1e} | {100 * share:.1f} % ({metric}) |"
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
        yield f"| {' | '.join(COLUMNS)} |"
        yield "|" + " --- |" * len(COLUMNS)
        yield from (line[3] for line in lines if line[0] == family)


def position_lines():
    """The figures of one random network with its position embeddings and without, mean over sequences and heads."""
    figures = (
        "spectral_entropy",
        "frequency_selectivity",
        "band_low",
        "positional_entropy",
        "scale_sensitivity_0.5",
        "local_mass_16",
        "sink_mass",
    )
    yield "| position_embeddings | " + " | ".join(figures) + " |"
    yield "| --- |" + " --- |" * len(figures)
    for word, case in (("kept", "table5"), ("zero", "table5-zero")):
        lines = (HERE / "models" / "gpt2-first-release" / f"{case}.jsonl").read_text().splitlines()
        records = [json.loads(line)["metrics"] for line in lines]
        means = (sum(record[name] for record in records) / len(records) for name in figures)
        yield f"| {word} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |"


def replaced(page, mark, lines):
    """The page with these lines between <!-- MARK: begin --> and <!-- MARK: end -->."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, after = page.split(begin)[0], page.split(end)[1]
    return f"{before}{begin}\n" + "\n".join(lines) + f"\n{end}{after}"


def write(path, *measured):
    page = replaced(path.read_text(), "positions", position_lines())
    path.write_text(replaced(page, "measured", render(*measured)))
