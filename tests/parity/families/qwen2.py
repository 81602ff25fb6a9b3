"""Qwen 2.5: Llama's network with q, k and v biases; sliding windows from layer max_window_layers on, if at all."""

from families import decoder
from families.common import LARGE, described

FIELDS = {
    **decoder.FIELDS,
    "hidden_act": "silu",
    "use_sliding_window": False,
    "sliding_window": None,
    "max_window_layers": 2,
    "rms_norm_eps": 1e-6,
}
BASE = {**decoder.BASE, "fields": FIELDS, "rope": {"rope_theta": 1000000.0, "rope_type": "default"}}

NETWORKS = {
    "window-unused": {
        "options": "use_sliding_window false beside a window of 8, tied",
        "fields": {"sliding_window": 8, "max_window_layers": 1},
        "head": "tied",
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("dropped", "paper-table5", {"sink": "dropped"})],
    },
    "upper-layers": {
        "options": "window 11 from layer 1 on",
        "fields": {
            "num_hidden_layers": 3,
            "use_sliding_window": True,
            "sliding_window": 11,
            "max_window_layers": 1,
            "hidden_size": 24,
        },
        "dtype": "bfloat16",
        "tokens": 128,
        "cases": [("table1", "paper-table1", {}), ("stride", "paper-table5", {"scale_sampling": "stride"})],
    },
    "layer-types": {
        "options": "layer_types: window 7, all, window 7",
        "fields": {
            "num_hidden_layers": 3,
            "use_sliding_window": True,
            "sliding_window": 7,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "hidden_size": 24,
        },
        "generation": "transformers-5",
        "dtype": "float16",
        "tokens": 130,
        "cases": [("relative", "relative-window", {})],
    },
    "seven-heads": {
        "options": "7 queries a key head, odd sizes, sharded",
        "fields": {"hidden_size": 28, "intermediate_size": 33, "num_attention_heads": 7, "num_key_value_heads": 1},
        "generation": "transformers-5",
        "dtype": "bfloat16",
        "format": "safetensors-sharded",
        "tokens": 112,
        "cases": [("literal", "paper-literal", {})],
    },
    "all-layers": {
        "options": "window 40 in all layers, no prefix, .bin in two",
        "fields": {"use_sliding_window": True, "sliding_window": 40, "max_window_layers": 0, "hidden_act": "gelu"},
        "prefix": "",
        "format": "torch-sharded",
        "dtype": "float16",
        "cases": [("table1", "paper-table1", {})],
    },
    "large-scores": {
        "options": "scores beyond -1e5",
        "fields": {"hidden_size": 24, "num_attention_heads": 2, "num_key_value_heads": 1},
        "sharpness": LARGE,
        "seed": 5,
        "cases": [("table5", "paper-table5", {})],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    return decoder.config(network, "Qwen2ForCausalLM", "qwen2")


def weights(network, generator):
    return decoder.weights(network, generator, qkv_bias=0.3)


def windows(network, stack):
    fields = network["fields"]
    count = fields["num_hidden_layers"]
    if not fields["use_sliding_window"]:
        return [None] * count
    kinds = fields.get("layer_types")
    sliding = [kind == "sliding_attention" for kind in kinds or []]
    sliding = sliding or [index >= fields["max_window_layers"] for index in range(count)]
    return [fields["sliding_window"] if slides else None for slides in sliding]
