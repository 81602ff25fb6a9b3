"""GPT-2: learned positions, transposed (Conv1D) weights, queries, keys and values side by side."""

import torch

from families.common import LARGE, VOCABULARY, Weights, described, finished

FIELDS = {
    "vocab_size": VOCABULARY,
    "n_positions": 160,
    "n_embd": 24,
    "n_layer": 2,
    "n_head": 4,
    "n_inner": None,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "bos_token_id": 2,
    "eos_token_id": 2,
}

# `buffers`: attn.bias, attn.masked_bias and the tied head, as files of transformers 4.30 and before hold them.
BASE = {"fields": FIELDS, "prefix": "transformer.", "buffers": False}
ZERO = {"position_embeddings": "zero"}

NETWORKS = {
    "first-release": {
        "options": "no prefix, attn.bias in the file, n_inner null",
        "prefix": "",
        "buffers": True,
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("table5-zero", "paper-table5", ZERO)],
    },
    "explicit-inner": {
        "options": "n_inner 45, relu, sharded",
        "fields": {"n_inner": 45, "activation_function": "relu"},
        "generation": "transformers-5",
        "dtype": "float16",
        "format": "safetensors-sharded",
        "tokens": 128,
        "cases": [("table1", "paper-table1", {}), ("stride", "paper-table5", {"scale_sampling": "stride"})],
    },
    "inverse-layer": {
        "options": "scale_attn_by_inverse_layer_idx, 3 layers",
        "fields": {"scale_attn_by_inverse_layer_idx": True, "n_layer": 3, "n_inner": 40},
        "dtype": "bfloat16",
        "sharpness": 2.0,
        "tokens": 112,
        "cases": [("literal", "paper-literal", {})],
    },
    "unscaled": {
        "options": "scale_attn_weights false, by inverse layer, gelu, .bin in two with buffers",
        "fields": {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True, "activation_function": "gelu"},
        "buffers": True,
        "format": "torch-sharded",
        "dtype": "bfloat16",
        "sharpness": 1.3,
        "cases": [("dropped", "paper-table5", {"sink": "dropped"})],
    },
    "five-heads": {
        "options": "5 heads of 7, positions = n, .bin, epsilon 1e-3",
        "fields": {"n_embd": 35, "n_head": 5, "n_inner": 33, "n_positions": 130, "layer_norm_epsilon": 1e-3},
        "format": "torch",
        "dtype": "float16",
        "tokens": 130,
        "cases": [("relative", "relative-window", {}), ("relative-zero", "relative-window", ZERO)],
    },
    "large-scores": {
        "options": "scores beyond -1e5",
        "fields": {"n_head": 2},
        "sharpness": LARGE,
        "cases": [("table5", "paper-table5", {})],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    return finished(network, {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", **network["fields"]})


def add_conv1d(result, name, rows, columns, gain=1.0):
    """Transposed: [rows, columns], inputs by rows."""
    result.normal(f"{name}.weight", (rows, columns), gain / rows**0.5)
    result.normal(f"{name}.bias", columns, 0.2)


def weights(network, generator):
    fields = network["fields"]
    hidden, inner = fields["n_embd"], fields["n_inner"] or 4 * fields["n_embd"]
    result = Weights(network, generator, network["prefix"])
    result.normal("wte.weight", (VOCABULARY, hidden), 1.0)
    result.normal("wpe.weight", (fields["n_positions"], hidden), 0.7)
    for index in range(fields["n_layer"]):
        layer = f"h.{index}"
        for norm in ("ln_1", "ln_2"):
            result.norm(f"{layer}.{norm}", hidden, bias=True)
        # The values come out with this gain too: the projection divides by it.
        add_conv1d(result, f"{layer}.attn.c_attn", hidden, 3 * hidden, network["sharpness"])
        add_conv1d(result, f"{layer}.attn.c_proj", hidden, hidden, 1 / network["sharpness"])
        add_conv1d(result, f"{layer}.mlp.c_fc", hidden, inner)
        add_conv1d(result, f"{layer}.mlp.c_proj", inner, hidden)
        if network["buffers"]:
            result.add(f"{layer}.attn.bias", torch.ones(1, 1, 16, 16).tril())
            result.add(f"{layer}.attn.masked_bias", torch.tensor(-1e4))
    result.norm("ln_f", hidden, bias=True)
    if network["buffers"]:
        result.tensors["lm_head.weight"] = result.tensors[network["prefix"] + "wte.weight"].clone()
    return result.tensors


def windows(network, stack):
    return [None] * network["fields"]["n_layer"]
