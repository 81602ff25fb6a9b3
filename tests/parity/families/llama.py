"""Llama 3.1 and 3.2: grouped queries, piecewise scaled rope, tied embeddings in the small ones."""

import torch

from families import decoder
from families.common import LARGE, described

# With theta 500 and heads of 16 the wavelengths are 6, 14, 30, 64, ...: below, between and above 32 / 4 and 32 / 1.
LLAMA3 = {
    "rope_theta": 500.0,
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}

BASE = {**decoder.BASE, "fields": {**decoder.FIELDS, "hidden_act": "silu", "attention_bias": False, "mlp_bias": False}}

NETWORKS = {
    "tied-llama3": {
        "options": "llama3 rope, tied, 2 queries a key head",
        "fields": {"hidden_size": 48, "num_attention_heads": 4, "head_dim": None},
        "rope": {**LLAMA3, "rope_theta": 100.0},
        "head": "tied",
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("stride", "paper-table5", {"scale_sampling": "stride"})],
    },
    "one-key-head": {
        "options": "8 queries a key head, sharded",
        "fields": {"num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 4, "rms_norm_eps": 1e-6},
        "rope": {"rope_theta": 500000.0, "rope_type": "default"},
        "generation": "transformers-5",
        "dtype": "float16",
        "format": "safetensors-sharded",
        "tokens": 128,
        "cases": [("table1", "paper-table1", {}), ("relative", "relative-window", {})],
    },
    "wide-heads": {
        "options": "head_dim 16 for 20 / 5, llama3 rope, biases everywhere, no num_key_value_heads",
        "fields": {
            "hidden_size": 20,
            "intermediate_size": 27,
            "num_attention_heads": 5,
            "num_key_value_heads": None,
            "head_dim": 16,
            "attention_bias": True,
            "mlp_bias": True,
        },
        "leave_out": ["num_key_value_heads"],
        "rope": LLAMA3,
        "generation": "transformers-5",
        "dtype": "bfloat16",
        "format": "torch",
        "tokens": 112,
        "cases": [("literal", "paper-literal", {}), ("stride", "paper-table1", {"scale_sampling": "stride"})],
    },
    "linear-rope": {
        "options": "linear rope (type), no prefix, attention biases, epsilon 1e-3",
        "fields": {
            "hidden_size": 36,
            "intermediate_size": 31,
            "num_attention_heads": 6,
            "num_key_value_heads": 3,
            "attention_bias": True,
            "rms_norm_eps": 1e-3,
        },
        "rope": {"rope_theta": 10000.0, "rope_type": "linear", "factor": 4.0},
        "rope_type_word": "type",
        "prefix": "",
        "format": "torch-sharded",
        "tokens": 130,
        "cases": [("relative", "relative-window", {})],
    },
    "only-head": {
        "options": "tied, only lm_head.weight; linear rope; 4 queries a key head; MLP biases",
        "fields": {"num_attention_heads": 8, "head_dim": 6, "mlp_bias": True, "num_hidden_layers": 1},
        "rope": {"rope_theta": 10000.0, "rope_type": "linear", "factor": 2.5},
        "head": "only",
        "generation": "transformers-5",
        "dtype": "bfloat16",
        "cases": [("table5", "paper-table5", {}), ("dropped", "paper-table5", {"sink": "dropped"})],
    },
    "three-heads": {
        "options": "odd heads, gelu, 257 tokens, no rope fields in the file",
        "fields": {
            "hidden_size": 18,
            "intermediate_size": 29,
            "num_hidden_layers": 3,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "hidden_act": "gelu",
        },
        "leave_out": ["rope_theta", "rope_scaling"],
        "dtype": "float16",
        "tokens": 257,
        "cases": [("relative", "relative-window", {}), ("received", "paper-table1", {"signal": "received"})],
    },
    "large-scores": {
        "options": "scores beyond -1e5",
        "fields": {"hidden_size": 24, "num_attention_heads": 2, "num_key_value_heads": 1},
        "sharpness": LARGE,
        "seed": 4,
        "cases": [("table5", "paper-table5", {}), ("relative", "relative-window", {"window_tokens": 20})],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    return decoder.config(network, "LlamaForCausalLM", "llama")


def weights(network, generator):
    fields = network["fields"]
    attention_bias, mlp_bias = (0.3 if fields[name] else None for name in ("attention_bias", "mlp_bias"))
    tensors = decoder.weights(network, generator, attention_bias, attention_bias, mlp_bias)
    if network["format"].startswith("torch"):
        # Files of transformers 4.30 and before also hold the inverse frequencies, and every reader ignores them.
        for index in range(fields["num_hidden_layers"]):
            name = f"{network['prefix']}layers.{index}.self_attn.rotary_emb.inv_freq"
            tensors[name] = torch.full((decoder.head_size(fields) // 2,), 7.0)
    return tensors


def windows(network, stack):
    return [None] * network["fields"]["num_hidden_layers"]
