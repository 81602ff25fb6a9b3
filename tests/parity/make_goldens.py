"""Makes every golden of this folder.

    python make_goldens.py [--out DIR] [--only controls|attention|FAMILY|NETWORK ...]

Without --out it writes here. With --only it makes that part alone: FAMILY as in networks.py, NETWORK a folder of
models/.
"""

import argparse
import json
import os
import pathlib
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from safetensors.numpy import save_file

import oracle
import patterns
from spec import PRESETS, resolve, shortened_length

HERE = pathlib.Path(__file__).resolve().parent


def rounded(figures, digits=12):
    """Floats cut to 12 digits, so that files stay small and diffs readable."""
    if isinstance(figures, dict):
        return {name: rounded(value, digits) for name, value in figures.items()}
    if isinstance(figures, list):
        return [rounded(value, digits) for value in figures]
    return float(f"{figures:.{digits}g}") if isinstance(figures, float) else figures


def make_controls(out):
    """controls.json: every closed-form pattern under every preset at its own n, scale figures by the prefix."""
    result = {}
    for preset in PRESETS:
        spec = resolve(preset, {"scale_sampling": "prefix", "nulls": []})
        controls = {}
        for name, make in patterns.CONTROLS.items():
            attention = make(spec["tokens"])
            figures = oracle.analyze(attention, oracle.prefixes(attention, spec), spec)
            for left_out in ("reconstruction_error", "non_finite_rows"):  # Rounding, and always 0: nothing to compare.
                figures.pop(left_out, None)
            controls[name] = rounded(figures)
        result[preset] = {"tokens": spec["tokens"], "controls": controls}
    (out / "controls.json").write_text(json.dumps(result, indent=1) + "\n")


def attention_case(name, source, preset, overrides, tensors):
    """One entry of attention/cases.json; adds the tensors it needs."""
    attention = tensors.setdefault(source, patterns.attention_of(source))
    spec = resolve(preset, {"tokens": attention.shape[-1], **overrides})
    names = {}
    if patterns.stored_shortened(source, spec["scale_sampling"]):
        for alpha in spec["alphas"]:
            length = shortened_length(spec["tokens"], alpha)
            names[f"{alpha:g}"] = f"{source}/{length}"
            tensors.setdefault(f"{source}/{length}", patterns.shortened_of(source, length))
    heads = []
    for head, matrix in enumerate(attention):
        shortened = oracle.prefixes(matrix, spec)
        if names:
            shortened = {alpha: tensors[names[f"{alpha:g}"]][head] for alpha in spec["alphas"]}
        heads.append(rounded(oracle.analyze(matrix, shortened, spec)))
    overrides = {"tokens": spec["tokens"], **overrides}
    return {
        "name": name,
        "attention": source,
        "causal": source != "bidirectional",
        "shortened": names,
        "spec": preset,
        "set": overrides,
        "heads": heads,
    }


def make_attention(out):
    """attention/: softmax attention of no model under specs that use every value of every field."""
    folder = out / "attention"
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    cases = [attention_case(*case, tensors) for case in patterns.CASES]
    save_file(tensors, folder / "attention.safetensors")
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "cases.json").write_text(f"[\n{lines}\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--only", nargs="+", help="controls, attention, families or networks")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="Level value of")  # Levels above PyWavelets' maximum are meant.
    arguments.out.mkdir(parents=True, exist_ok=True)
    if not arguments.only or "controls" in arguments.only:
        make_controls(arguments.out)
    if not arguments.only or "attention" in arguments.only:
        make_attention(arguments.out)
    networks = [name for name in arguments.only or [] if name not in ("controls", "attention")]
    if networks or not arguments.only:
        # Here, because torch and transformers take seconds to load and the other parts do without them.
        import network_goldens

        network_goldens.make(arguments.out, networks)


if __name__ == "__main__":
    main()
