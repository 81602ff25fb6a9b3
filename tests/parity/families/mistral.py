"""Mistral 7B: Llama's network with one sliding window for all layers."""

from families import decoder
from families.common import LARGE, described

BASE = {**decoder.BASE, "fields": {**decoder.FIELDS, "hidden_act": "silu", "head_dim": None, "sliding_window": None}}

NETWORKS = {
    "narrow-window": {
        "options": "window 9, prefix and stride",
        "fields": {"sliding_window": 9},
        "leave_out": ["head_dim"],
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("stride", "paper-table5", {"scale_sampling": "stride"})],
    },
    "wide-window": {
        "options": "window wider than n, head_dim 10 for 24 / 4",
        "fields": {"hidden_size": 24, "head_dim": 10, "sliding_window": 500},
        "generation": "transformers-5",
        "dtype": "float16",
        "tokens": 128,
        "cases": [("table1", "paper-table1", {})],
    },
    "no-window": {
        "options": "window null, 4 queries a key head, sharded",
        "fields": {"num_key_value_heads": 1, "sliding_window": None, "rms_norm_eps": 1e-6},
        "rope": {"rope_theta": 1000000.0, "rope_type": "default"},
        "dtype": "bfloat16",
        "format": "safetensors-sharded",
        "tokens": 112,
        "cases": [("literal", "paper-literal", {})],
    },
    "uneven-heads": {
        "options": "window 33, head_dim 8 where 26 is no multiple of 4",
        "fields": {"hidden_size": 26, "intermediate_size": 35, "head_dim": 8, "sliding_window": 33},
        "generation": "transformers-5",
        "dtype": "bfloat16",
        "tokens": 130,
        "cases": [("relative", "relative-window", {}), ("prefix", "relative-window", {"scale_sampling": "prefix"})],
    },
    "window-of-all-but-one": {
        "options": "window n - 1, no prefix, tied, .bin",
        "fields": {"num_attention_heads": 3, "num_key_value_heads": 3, "hidden_size": 30, "sliding_window": 65},
        "prefix": "",
        "head": "tied",
        "format": "torch",
        "dtype": "float16",
        "cases": [("last", "paper-table1", {"signal": "last"})],
    },
    "large-scores": {
        "options": "scores beyond -1e5, window 20",
        "fields": {"hidden_size": 24, "num_attention_heads": 2, "num_key_value_heads": 1, "sliding_window": 20},
        "sharpness": LARGE,
        "cases": [("table5", "paper-table5", {})],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    return decoder.config(network, "MistralForCausalLM", "mistral")


def weights(network, generator):
    return decoder.weights(network, generator)


def windows(network, stack):
    return [network["fields"]["sliding_window"]] * network["fields"]["num_hidden_layers"]
