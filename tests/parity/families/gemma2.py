"""Gemma 2: capped scores, alternating windows, four norms of weight 1 + w, embeddings times the root of their size."""

from families import decoder
from families.common import LARGE, described

FIELDS = {
    **decoder.FIELDS,
    "hidden_size": 28,
    "head_dim": 8,
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": 24,
    "sliding_window": 10,
    "attn_logit_softcapping": 5.0,
    "final_logit_softcapping": 30.0,
    "attention_bias": False,
    "rms_norm_eps": 1e-6,
}
BASE = {**decoder.BASE, "fields": FIELDS, "head": "tied"}
NORMS = (
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
)

NETWORKS = {
    "default-rule": {
        "options": "softcap 5, window 10 in even layers, query_pre_attn_scalar 24 for heads of 8",
        "fields": {"num_hidden_layers": 3, "hidden_act": "gelu_pytorch_tanh"},
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("stride", "paper-table5", {"scale_sampling": "stride"})],
    },
    "softcap-off": {
        "options": "softcap null, layer_types: all, window 17",
        "fields": {
            "hidden_size": 30,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "attn_logit_softcapping": None,
            "sliding_window": 17,
            "layer_types": ["full_attention", "sliding_attention"],
        },
        "generation": "transformers-5",
        "dtype": "float16",
        "tokens": 128,
        "cases": [("table1", "paper-table1", {})],
    },
    "erf-gelu": {
        "options": "gelu by erf, softcap 50, 4 queries a key head, sharded",
        "fields": {"hidden_activation": "gelu", "num_key_value_heads": 1, "attn_logit_softcapping": 50.0},
        "dtype": "bfloat16",
        "format": "safetensors-sharded",
        "sharpness": 5.0,
        "tokens": 112,
        "cases": [("literal", "paper-literal", {})],
    },
    "wide-window": {
        "options": "window wider than n, no hidden_activation in the file, odd sizes",
        "fields": {
            "hidden_size": 35,
            "intermediate_size": 37,
            "num_attention_heads": 5,
            "num_key_value_heads": 5,
            "head_dim": 6,
            "query_pre_attn_scalar": 7,
            "sliding_window": 4096,
            "attn_logit_softcapping": 2.0,
        },
        "leave_out": ["hidden_activation"],
        "generation": "transformers-5",
        "dtype": "bfloat16",
        "tokens": 130,
        "cases": [("relative", "relative-window", {})],
    },
    "all-sliding": {
        "options": "layer_types: window 4 twice; silu, attention biases, no prefix, .bin",
        "fields": {
            "sliding_window": 4,
            "layer_types": ["sliding_attention", "sliding_attention"],
            "hidden_activation": "silu",
            "attention_bias": True,
            "rms_norm_eps": 1e-3,
        },
        "prefix": "",
        "generation": "transformers-5",
        "dtype": "float16",
        "format": "torch",
        "cases": [("dropped", "paper-table1", {"sink": "dropped"})],
    },
    "large-scores": {
        "options": "scores beyond -1e5, no softcap",
        "fields": {
            "hidden_size": 24,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "attn_logit_softcapping": None,
            "query_pre_attn_scalar": 8,
        },
        "sharpness": LARGE,
        "cases": [("table5", "paper-table5", {})],
    },
    "large-capped-scores": {
        "options": "scores beyond -1e5 before softcap 50",
        "fields": {"hidden_size": 24, "num_attention_heads": 2, "attn_logit_softcapping": 50.0},
        "sharpness": LARGE,
        "seed": 15,
        "cases": [("table5", "paper-table5", {})],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    return decoder.config(network, "Gemma2ForCausalLM", "gemma2")


def weights(network, generator):
    bias = 0.3 if network["fields"]["attention_bias"] else None
    # Norms multiply by 1 + w.
    return decoder.weights(network, generator, bias, bias, norms=NORMS, norm_mean=0.0)


def windows(network, stack):
    fields = network["fields"]
    kinds = fields.get("layer_types")
    sliding = [kind == "sliding_attention" for kind in kinds or []]
    sliding = sliding or [index % 2 == 0 for index in range(fields["num_hidden_layers"])]
    return [fields["sliding_window"] if slides else None for slides in sliding]
