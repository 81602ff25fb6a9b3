#!/usr/bin/env python3
"""The figures of the paper's table 5 for every revision of the shipped model, by transformers, NumPy and PyWavelets.

    python figures.py      (after train.py; prints the table of README.md and writes figures.csv)

Over the first 16 passages of the corpus: figures.csv has each head's means, the printed table the means over heads.

Preset paper-table5: 112 tokens; every query row is a signal, its mean subtracted, under a periodic Hann window, DC
kept; db2 to level 4 with symmetric boundaries; prefix sampling, compared as two long vectors. All in float64.
"""

import argparse
import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pywt
import torch
from tokenizers import Tokenizer
from transformers import GPTNeoXForCausalLM
from transformers.utils.logging import disable_progress_bar

HERE = Path(__file__).parent
ROOT = HERE / "hub" / "models--ondelette--austen-1m"
TOKENS = 112
PASSAGES = 16
COLUMNS = ["spectral_entropy", "frequency_selectivity", "band_low", "scale_sensitivity_0.5", "scale_sensitivity_0.25",
           "sink_mass", "positional_entropy", "local_mass_16"]


def spectra(rows):
    """Share of power in each bin, for rows [.., n]; flat rows are left out."""
    n = rows.shape[-1]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    power = np.abs(np.fft.rfft((rows - rows.mean(-1, keepdims=True)) * window)) ** 2
    power[..., 1 : (n + 1) // 2] *= 2
    counted = power.sum(-1) > 1e-12 * (rows**2).sum(-1)
    return power[counted] / power[counted].sum(-1, keepdims=True)


def entropy(p):
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(-1)


def coefficients(attention):
    """All rows' cA_4, then all rows' cD_4, ..., cD_1, as one vector."""
    return np.concatenate([level.ravel() for level in pywt.wavedec(attention, "db2", "symmetric", level=4, axis=-1)])


def scale_sensitivity(attention, alpha):
    m = int(alpha * len(attention))
    u, v = coefficients(attention), coefficients(attention[:m, :m])
    u = u[: len(v)]
    return 1 - u @ v / (np.linalg.norm(u) * np.linalg.norm(v) + 1e-10)


def figures(attention):
    """One head's figures, in the order of COLUMNS."""
    p = spectra(attention)
    frequencies = np.arange(p.shape[-1]) / (len(attention) / 2)
    distance = np.abs(np.subtract.outer(np.arange(len(attention)), np.arange(len(attention))))
    return [
        entropy(p).mean(),
        (p.max(-1) / (1 - p.max(-1) + 1e-10)).mean(),
        p[:, frequencies <= 0.25].sum(-1).mean(),
        scale_sensitivity(attention, 0.5),
        scale_sensitivity(attention, 0.25),
        attention[1:, 0].mean(),
        entropy(attention).mean(),
        (attention * (distance < 16)).sum(-1).mean(),
    ]


def measure(snapshot, passages):
    """Mean figures [layers, heads, columns] over the passages."""
    tokenizer = Tokenizer.from_file(str(snapshot / "tokenizer.json"))
    model = GPTNeoXForCausalLM.from_pretrained(snapshot, attn_implementation="eager", dtype=torch.float32).eval()
    tokens = torch.tensor([tokenizer.encode(text).ids[:TOKENS] for text in passages])
    with torch.no_grad():
        layers = model(tokens, output_attentions=True).attentions
    return np.mean(
        [[[figures(head) for head in sequence] for sequence in layer.double().numpy()] for layer in layers], axis=1
    )


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    warnings.filterwarnings("ignore", message="Level value of")  # the shortest prefix is below PyWavelets' own maximum
    torch.set_num_threads(1)
    disable_progress_bar()
    corpus = (HERE / "corpus" / "austen-held-out.jsonl").read_text(encoding="utf-8").splitlines()
    passages = [json.loads(line)["text"] for line in corpus][:PASSAGES]
    references = sorted((ROOT / "refs").glob("step*"), key=lambda path: int(path.name.removeprefix("step")))

    print("| revision | " + " | ".join(COLUMNS) + " |")
    print("| --- |" + " ---: |" * len(COLUMNS))
    with open(HERE / "figures.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["revision", "layer", "head", *COLUMNS])
        for reference in references:
            means = measure(ROOT / "snapshots" / reference.read_text(), passages)
            for layer, head in np.ndindex(means.shape[:2]):
                rows.writerow([reference.name, layer, head, *(f"{value:.9g}" for value in means[layer, head])])
            over_heads = (f"{value:.3f}" for value in means.mean((0, 1)))
            print(f"| {reference.name} | " + " | ".join(over_heads) + " |", flush=True)


if __name__ == "__main__":
    main()
