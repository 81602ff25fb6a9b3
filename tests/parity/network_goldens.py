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

KEPT_ROWS = 8  # Query rows of the attention that a golden keeps.

# Float32 may be this far from float64, in attention and as a share of a record's tolerance.
FLOAT32_DEVIATION, FLOAT32_SHARE = 5e-6, 0.25


def stride(tokens, length):
    return [tokens[k * len(tokens) // length] for k in range(length)]


def shortened_attention(reference, tokens, spec, dtype):
    """{alpha: by layer [heads, m, m]}: every shortened sequence runs through the network on its own."""
    result = {}
    for alpha in spec["alphas"]:
        length = shortened_length(len(tokens), alpha)
        short = tokens[:length] if spec["scale_sampling"] == "prefix" else stride(tokens, length)
        result[alpha] = reference.attention(short, spec, dtype)
    return result


def records(reference, sequence, spec, dtype):
    """The records of one sequence, layer by layer and head by head."""
    tokens = sequence["tokens"][: spec["tokens"]]
    whole = reference.attention(tokens, spec, dtype)
    shortened = shortened_attention(reference, tokens, spec, dtype)
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


def hidden_positions(n, window):
    """[n, n]: what the mask of a causal network hides."""
    back = np.arange(n)[:, None] - np.arange(n)
    return (back < 0) | (back >= (window or n))


def checked(attention, windows, where):
    """The attention, in which what is hidden must be exactly 0, and something next to it must not."""
    for layer, heads in enumerate(attention):
        if windows and heads[:, hidden_positions(heads.shape[-1], windows[layer])].any():
            raise ValueError(f"{where} layer {layer}: attention where the mask hides")
    return attention


def attention_stem(spec):
    """The files of one network's attention, of which there may be several."""
    stem = "attention-decoder" if spec["stack"] == "decoder" else "attention"
    return f"{stem}-zero" if spec["position_embeddings"] == "zero" else stem


def make_attention(reference, sequences, spec, windows, folder):
    """STEM.safetensors: float32 eager attention; STEM.json: which rows, what is hidden, how float32 did."""
    n, stem = spec["tokens"], attention_stem(spec)
    rows = np.linspace(0, n - 1, KEPT_ROWS).astype(int).tolist()
    tensors, worst = {}, 0.0
    reference.float64.lowest_score = 0.0
    for sequence in sequences:
        tokens = sequence["tokens"][:n]
        single = checked(reference.attention(tokens, spec, torch.float32), windows, folder.name)
        for layer, (heads, exact) in enumerate(zip(single, reference.attention(tokens, spec))):
            tensors[f"{sequence['id']}/{layer}"] = np.ascontiguousarray(heads[:, rows])
            worst = max(worst, float(np.abs(heads - exact).max()))
    if worst > FLOAT32_DEVIATION:
        raise ValueError(f"{folder.name}: float32 is off by {worst:.2g}: choose another seed")
    save_file(tensors, folder / f"{stem}.safetensors")
    description = {
        "tokens": n,
        "rows": rows,
        "causal": windows is not None,
        "windows": windows or [],
        "lowest_score": float(f"{reference.float64.lowest_score:.4g}"),
        "float32_deviation": float(f"{worst:.2g}"),
    }
    (folder / f"{stem}.json").write_text(json.dumps(description) + "\n")


def make_records(reference, sequences, spec, path):
    """CASE.jsonl. Returns the share of the tolerance that float32 attention uses up."""
    exact = [record for sequence in sequences for record in records(reference, sequence, spec, torch.float64)]
    single = [record for sequence in sequences for record in records(reference, sequence, spec, torch.float32)]
    lines = [json.dumps(record | {"metrics": rounded(record["metrics"], 8)}) for record in exact]
    path.write_text("\n".join(lines) + "\n")
    share = deviation(exact, single)
    if share > FLOAT32_SHARE:
        raise ValueError(f"{path}: float32 attention uses {share:.2g} of the tolerance: choose another seed")
    return float(f"{share:.2g}")


def make_network(key, folder):
    """Everything of one network. Returns its cases; the first that sees a stack whole names its attention's files."""
    family, name = networks.NETWORKS[key]
    module = networks.FAMILIES[family]
    network = module.shape(name)
    networks.write_network(folder, family, name)
    reference = Reference(folder)
    sequences = [json.loads(line) for line in (folder / "tokens.jsonl").read_text().splitlines()]
    cases, made = [], set()
    for case, preset, overrides in network["cases"]:
        overrides = {"tokens": network["tokens"], **overrides}
        spec = resolve(preset, overrides)
        stem = attention_stem(spec)
        entry = {"name": case, "model": key, "family": family, "options": network["options"]}
        entry |= {"dtype": network["dtype"], "config": network["generation"], "spec": preset, "set": overrides}
        if spec["tokens"] == network["tokens"] and stem not in made:
            made.add(stem)
            make_attention(reference, sequences, spec, module.windows(network, spec["stack"]), folder)
            entry["attention"] = stem
        share = make_records(reference, sequences, spec, folder / f"{case}.jsonl")
        print(f"{key} {case}: float32 attention uses {share} of the tolerance", flush=True)
        cases.append(entry | {"float32_share": share})
    return cases


def selected(names):
    """Networks by their folder's or their family's name; all if none is named."""
    known = set(networks.NETWORKS) | set(networks.FAMILIES)
    if set(names) - known:
        raise SystemExit(f"no such part: {', '.join(sorted(set(names) - known))}")
    return [key for key, (family, _) in networks.NETWORKS.items() if not names or {key, family} & set(names)]


def make(out, names):
    """The networks named (all if none), and their cases in models/cases.json, where others' cases stay."""
    torch.set_num_threads(1)
    made = {key: make_network(key, out / "models" / key) for key in selected(names)}
    path = out / "models" / "cases.json"
    for case in json.loads(path.read_text()) if names and path.exists() else []:
        if case["model"] not in selected(names):
            made.setdefault(case["model"], []).append(case)
    cases = [case for key in networks.NETWORKS for case in made.get(key, [])]
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")
