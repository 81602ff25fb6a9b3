"""GPT-NeoX and Pythia: queries, keys and values packed by head, a share of each head rotated."""

import numpy as np
import torch

from families.common import DTYPES

VOCABULARY = 89

BASE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_factor": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "use_parallel_residual": True,
    "attention_bias": True,
    "rotary_pct": 0.25,
    "rope_theta": 10000,
    "generation": "transformers-4",
    "dtype": "float32",
    "format": "safetensors",
    "sharpness": 1.5,  # Standard deviation of queries and keys: scores have its square.
    "tokens": 66,
    "seed": 1,
}

# What differs from BASE. Together: both residuals, both rotary shares, 3 and 5 heads, biases on and off, the
# three activations, three epsilons, rotary bases, both configuration styles, three dtypes, four file layouts.
NETWORKS = {
    "parallel-quarter": {
        "options": "parallel residual, a quarter rotated",
        "cases": [
            ("table5", "paper-table5", {}),
            ("table1", "paper-table1", {}),
            ("literal", "paper-literal", {}),
            ("relative", "relative-window", {}),
            ("relative-short", "relative-window", {"window_tokens": 16, "level": 2}),
            ("stride", "paper-table5", {"scale_sampling": "stride"}),
            ("dropped", "paper-table1", {"sink": "dropped"}),
        ],
    },
    "sequential-full": {
        "options": "sequential residual, all rotated, 3 heads, gelu_new",
        "hidden_size": 48,
        "num_attention_heads": 3,
        "use_parallel_residual": False,
        "rotary_pct": 1.0,
        "hidden_act": "gelu_new",
        "generation": "transformers-5",
        "dtype": "float16",
        "tokens": 130,
        "cases": [
            ("table5", "paper-table5", {"tokens": 112}),
            ("relative", "relative-window", {}),
            ("received", "paper-table5", {"signal": "received"}),
            ("literal-periodization", "paper-literal", {"boundary": "periodization", "dc": "dropped"}),
        ],
    },
    "five-heads": {
        "options": "5 heads, no biases, gelu_fast, theta 500",
        "hidden_size": 80,
        "num_attention_heads": 5,
        "attention_bias": False,
        "hidden_act": "gelu_fast",
        "rope_theta": 500,
        "dtype": "bfloat16",
        "sharpness": 1.2,
        "tokens": 112,
        "cases": [
            ("table5", "paper-table5", {}),
            ("table5-dropped", "paper-table5", {"sink": "dropped"}),
            ("literal", "paper-literal", {"taper": "hann-symmetric"}),
            ("stride-cosine", "paper-table1", {"scale_sampling": "stride", "alphas": [0.75, 0.5]}),
        ],
    },
    "sharded-deep": {
        "options": "half rotated, epsilon 1e-3, theta 1e6, sharded",
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_factor": 2,
        "layer_norm_eps": 1e-3,
        "rotary_pct": 0.5,
        "generation": "transformers-5",
        "rope_theta": 1000000,
        "format": "safetensors-sharded",
        "tokens": 257,
        "cases": [
            ("relative", "relative-window", {}),
            ("table1", "paper-table1", {"tokens": 128}),
            ("last", "paper-table1", {"signal": "last", "fft_length": 400}),
        ],
    },
    "long": {
        "options": "1,024 tokens",
        "hidden_size": 24,
        "num_attention_heads": 3,
        "rotary_pct": 1.0,
        "dtype": "float16",
        "tokens": 1024,
        "cases": [
            ("relative", "relative-window", {}),
            ("table5", "paper-table5", {}),
            ("relative-prefix", "relative-window", {"tokens": 600, "scale_sampling": "prefix", "alphas": [0.5]}),
        ],
    },
    "large-scores": {
        "options": "scores beyond -1e5",
        "hidden_size": 40,
        "num_attention_heads": 2,
        "use_parallel_residual": False,
        "generation": "transformers-5",
        "rotary_pct": 0.4,
        # Scores reach 2e5, so attention is one-hot. A near tie there would make float32 differ from itself by more than
        # any tolerance: this seed has none (worst a (1 - a) of all sequences and heads: 1e-8).
        "sharpness": 200.0,
        "seed": 10,
        "tokens": 70,
        "cases": [
            ("table5", "paper-table5", {}),
            ("relative", "relative-window", {"window_tokens": 20}),
        ],
    },
    "torch-file": {
        "options": "6 heads, theta 25,000, epsilon 1e-12, .bin",
        "hidden_size": 96,
        "num_attention_heads": 6,
        "intermediate_factor": 2,
        "rotary_pct": 1.0,
        "rope_theta": 25000,
        "layer_norm_eps": 1e-12,
        "format": "torch",
        "dtype": "float16",
        "sharpness": 0.7,
        "tokens": 96,
        "cases": [
            ("table5", "paper-table5", {}),
            ("table1", "paper-table1", {}),
            ("band-edges", "paper-table5", {"band_edges": [0.1, 0.5], "taper": "none", "one_sided": "plain"}),
        ],
    },
    "torch-sharded": {
        "options": "no biases, sequential, .bin in two",
        "hidden_size": 72,
        "num_attention_heads": 3,
        "attention_bias": False,
        "use_parallel_residual": False,
        "hidden_act": "gelu_new",
        "rotary_pct": 0.25,
        "format": "torch-sharded",
        "dtype": "bfloat16",
        "sharpness": 2.0,
        "tokens": 300,
        "cases": [
            ("relative", "relative-window", {"boundary": "symmetric", "taper": "hann-periodic"}),
            ("table5", "paper-table5", {"level": 6, "boundary": "zero"}),
        ],
    },
}


def shape(name):
    return {**BASE, **NETWORKS[name]}


def config(network):
    """config.json as a dict, rotary embedding described in the words of transformers 4 or 5."""
    same = ("hidden_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps")
    result = {
        "architectures": ["GPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        **{field: network[field] for field in same},
        "attention_bias": network["attention_bias"],
        "use_parallel_residual": network["use_parallel_residual"],
        "intermediate_size": network["hidden_size"] * network["intermediate_factor"],
        "max_position_embeddings": 2048,
        "vocab_size": VOCABULARY,
        "tie_word_embeddings": False,
    }
    if network["generation"] == "transformers-4":
        rotary = {"rotary_pct": network["rotary_pct"], "rotary_emb_base": network["rope_theta"]}
        return {**result, **rotary, "rope_scaling": None, "torch_dtype": network["dtype"]}
    rotary = {
        "rope_theta": network["rope_theta"],
        "rope_type": "default",
        "partial_rotary_factor": network["rotary_pct"],
    }
    return {**result, "rope_parameters": rotary, "dtype": network["dtype"]}


def weights(network, generator):
    """Every tensor of the checkpoint, the language model head too (an engine must not need it)."""
    hidden = network["hidden_size"]
    inner = hidden * network["intermediate_factor"]
    tensors = {}

    def normal(name, dimensions, deviation, mean=0.0):
        values = mean + deviation * generator.standard_normal(dimensions)
        tensors[name] = torch.from_numpy(values.astype(np.float32)).to(DTYPES[network["dtype"]])

    normal("gpt_neox.embed_in.weight", (VOCABULARY, hidden), 1.0)
    for index in range(network["num_hidden_layers"]):
        layer = f"gpt_neox.layers.{index}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            normal(f"{layer}.{norm}.weight", hidden, 0.1, 1.0)
            normal(f"{layer}.{norm}.bias", hidden, 0.1)
        sharpness = network["sharpness"] / hidden**0.5
        normal(f"{layer}.attention.query_key_value.weight", (3 * hidden, hidden), sharpness)
        normal(f"{layer}.attention.dense.weight", (hidden, hidden), 1 / hidden**0.5)
        if network["attention_bias"]:
            normal(f"{layer}.attention.query_key_value.bias", 3 * hidden, 0.3)
            normal(f"{layer}.attention.dense.bias", hidden, 0.1)
        normal(f"{layer}.mlp.dense_h_to_4h.weight", (inner, hidden), 1 / hidden**0.5)
        normal(f"{layer}.mlp.dense_h_to_4h.bias", inner, 0.1)
        normal(f"{layer}.mlp.dense_4h_to_h.weight", (hidden, inner), 1 / inner**0.5)
        normal(f"{layer}.mlp.dense_4h_to_h.bias", hidden, 0.1)
    normal("gpt_neox.final_layer_norm.weight", hidden, 0.1, 1.0)
    normal("gpt_neox.final_layer_norm.bias", hidden, 0.1)
    normal("embed_out.weight", (VOCABULARY, hidden), 0.1)
    return tensors | old_buffers(network) if network["format"].startswith("torch") else tensors


def old_buffers(network):
    """What checkpoints of transformers 4.30 and before also hold, and every reader ignores."""
    head_size = network["hidden_size"] // network["num_attention_heads"]
    pairs = int(head_size * network["rotary_pct"]) // 2
    buffers = {}
    for index in range(network["num_hidden_layers"]):
        attention = f"gpt_neox.layers.{index}.attention"
        buffers[f"{attention}.bias"] = torch.ones(1, 1, 16, 16, dtype=torch.uint8).tril()
        buffers[f"{attention}.masked_bias"] = torch.tensor(-1e9)
        buffers[f"{attention}.rotary_emb.inv_freq"] = torch.full((pairs,), 7.0)
    return buffers


def windows(network, stack):
    return [None] * network["num_hidden_layers"]
