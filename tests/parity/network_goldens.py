"""models/: each random network's checkpoint, its attention by transformers and its records by the oracle."""

import json

import numpy as np
import torch
from safetensors.numpy import save_file

import networks
import oracle
from make_goldens import rounded
from reference import Reference
from spec import resolve, shortened_length

FULL_ROWS_UP_TO = 72  # Longer sequences keep 16 query rows of their attention.
KEPT_ROWS = 16

# network -> [(case, preset, overrides)]. `tokens` is the network's own n unless set here.
CASES = {
    "parallel-quarter": [
        ("table5", "paper-table5", {}),
        ("table1", "paper-table1", {}),
        ("literal", "paper-literal", {}),
        ("relative", "relative-window", {}),
        ("relative-short", "relative-window", {"window_tokens": 16, "level": 2}),
        ("stride", "paper-table5", {"scale_sampling": "stride"}),
        ("dropped", "paper-table1", {"sink": "dropped"}),
    ],
    "sequential-full": [
        ("table5", "paper-table5", {"tokens": 112}),
        ("relative", "relative-window", {}),
        ("received", "paper-table5", {"signal": "received"}),
        ("literal-periodization", "paper-literal", {"boundary": "periodization", "dc": "dropped"}),
    ],
    "five-heads": [
        ("table5", "paper-table5", {}),
        ("table5-dropped", "paper-table5", {"sink": "dropped"}),
        ("literal", "paper-literal", {"taper": "hann-symmetric"}),
        ("stride-cosine", "paper-table1", {"scale_sampling": "stride", "alphas": [0.75, 0.5]}),
    ],
    "sharded-deep": [
        ("relative", "relative-window", {}),
        ("table1", "paper-table1", {"tokens": 128}),
        ("last", "paper-table1", {"signal": "last", "fft_length": 400}),
    ],
    "long": [
        ("relative", "relative-window", {}),
        ("table5", "paper-table5", {}),
        ("relative-prefix", "relative-window", {"tokens": 600, "scale_sampling": "prefix", "alphas": [0.5]}),
    ],
    "large-scores": [
        ("table5", "paper-table5", {}),
        ("relative", "relative-window", {"window_tokens": 20}),
    ],
    "torch-file": [
        ("table5", "paper-table5", {}),
        ("table1", "paper-table1", {}),
        ("band-edges", "paper-table5", {"band_edges": [0.1, 0.5], "taper": "none", "one_sided": "plain"}),
    ],
    "torch-sharded": [
        ("relative", "relative-window", {"boundary": "symmetric", "taper": "hann-periodic"}),
        ("table5", "paper-table5", {"level": 6, "boundary": "zero"}),
    ],
}


def stride(tokens, length):
    return [tokens[k * len(tokens) // length] for k in range(length)]


def shortened_attention(reference, tokens, whole, spec, dtype):
    """{alpha: by layer [heads, m, m]}"""
    result = {}
    for alpha in spec["alphas"]:
        length = shortened_length(len(tokens), alpha)
        if spec["scale_sampling"] == "prefix":
            result[alpha] = [layer[:, :length, :length] for layer in whole]
        else:
            result[alpha] = reference.attention(stride(tokens, length), dtype)
    return result


def records(reference, sequence, spec, dtype):
    """The records of one sequence, layer by layer and head by head."""
    tokens = sequence["tokens"][: spec["tokens"]]
    whole = reference.attention(tokens, dtype)
    shortened = shortened_attention(reference, tokens, whole, spec, dtype)
    result = []
    for layer, heads in enumerate(whole):
        for head, attention in enumerate(heads):
            short = {alpha: matrices[layer][head] for alpha, matrices in shortened.items()}
            metrics = oracle.analyze(attention, short, spec)
            result.append({"sequence": sequence["id"], "layer": layer, "head": head, "metrics": metrics})
    return result


def flat_values(metrics):
    """[(name, value)] with lists laid out; nulls are left in."""
    for name, value in metrics.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, item


def deviation(exact, single):
    """The worst share of the tolerance (2e-4 relative or 1e-5 absolute) that float32 attention alone uses up."""
    worst = 0.0
    for a, b in zip(exact, single):
        for (name, x), (_, y) in zip(flat_values(a["metrics"]), flat_values(b["metrics"])):
            if (x is None) != (y is None):
                place = f"{a['sequence']} layer {a['layer']} head {a['head']}"
                raise ValueError(f"{place}: {name} is null in one precision")
            if x is not None and name != "reconstruction_error":
                worst = max(worst, abs(x - y) / max(2e-4 * abs(x), 1e-5))
    return worst


def make_attention(reference, sequences, n, folder):
    """attention.safetensors: float32 eager attention; attention.json: which rows. Returns the float32 deviation."""
    rows = list(range(n)) if n <= FULL_ROWS_UP_TO else np.linspace(0, n - 1, KEPT_ROWS).astype(int).tolist()
    tensors, worst = {}, 0.0
    for sequence in sequences:
        tokens = sequence["tokens"][:n]
        single = reference.attention(tokens, torch.float32)
        for layer, (heads, exact) in enumerate(zip(single, reference.attention(tokens))):
            tensors[f"{sequence['id']}/{layer}"] = np.ascontiguousarray(heads[:, rows])
            worst = max(worst, float(np.abs(heads - exact).max()))
    save_file(tensors, folder / "attention.safetensors")
    description = {"tokens": n, "rows": rows, "float32_deviation": float(f"{worst:.2g}")}
    (folder / "attention.json").write_text(json.dumps(description) + "\n")


def make_network(name, folder):
    """Everything of one network. Returns its cases."""
    networks.write_network(name, folder)
    reference = Reference(folder)
    sequences = [json.loads(line) for line in (folder / "tokens.jsonl").read_text().splitlines()]
    n = networks.shape(name)["tokens"]
    make_attention(reference, sequences, n, folder)
    cases = []
    for case, preset, overrides in CASES[name]:
        overrides = {"tokens": n, **overrides}
        spec = resolve(preset, overrides)
        exact = [record for sequence in sequences for record in records(reference, sequence, spec, torch.float64)]
        single = [record for sequence in sequences for record in records(reference, sequence, spec, torch.float32)]
        lines = [json.dumps(record | {"metrics": rounded(record["metrics"], 10)}) for record in exact]
        (folder / f"{case}.jsonl").write_text("\n".join(lines) + "\n")
        share = float(f"{deviation(exact, single):.2g}")
        print(f"{name} {case}: float32 attention uses {share} of the tolerance", flush=True)
        cases.append({"name": case, "model": name, "spec": preset, "set": overrides, "float32_share": share})
    return cases


def make(out, names):
    """The networks named (all if none), and models/cases.json with the cases of those."""
    torch.set_num_threads(1)
    unknown = set(names) - set(networks.NETWORKS)
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}")
    cases = []
    for name in names or networks.NETWORKS:
        cases += make_network(name, out / "models" / name)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (out / "models" / "cases.json").write_text(f"[\n{lines}\n]\n")
