"""T5 and flan-T5: unscaled scores plus a bucketed bias that block 0 holds for its whole stack; two stacks."""

import torch

from families.common import LARGE, VOCABULARY, Weights, described, finished

FIELDS = {
    "vocab_size": VOCABULARY,
    "d_model": 24,
    "d_kv": 8,
    "d_ff": 36,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128,
    "layer_norm_epsilon": 1e-6,
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
    "is_encoder_decoder": True,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
}

# `embeddings`: the names under which the file holds them.
BASE = {"fields": FIELDS, "embeddings": ["shared"]}
ALL_EMBEDDINGS = ["shared", "encoder.embed_tokens", "decoder.embed_tokens"]
DECODER = {"stack": "decoder"}

NETWORKS = {
    "flan": {
        "options": "gated gelu, d_kv * heads over d_model, untied",
        "tokens": 130,
        "cases": [
            ("relative", "relative-window", {}),
            ("relative-decoder", "relative-window", DECODER),
            ("prefix", "relative-window", {"scale_sampling": "prefix", "window_tokens": 16, "level": 2}),
        ],
    },
    "relu": {
        "options": "relu, 8 buckets up to 20, tied, odd sizes",
        "fields": {
            "d_model": 25,
            "d_ff": 37,
            "d_kv": 7,
            "num_heads": 3,
            "relative_attention_num_buckets": 8,
            "relative_attention_max_distance": 20,
            "feed_forward_proj": "relu",
            "tie_word_embeddings": True,
        },
        "dtype": "float16",
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("table5-decoder", "paper-table5", DECODER)],
    },
    "encoder-embedding": {
        "options": "encoder.embed_tokens only, 12 buckets up to 40, decoder start 3",
        "fields": {
            "relative_attention_num_buckets": 12,
            "relative_attention_max_distance": 40,
            "layer_norm_epsilon": 1e-3,
            "decoder_start_token_id": 3,
        },
        "embeddings": ["encoder.embed_tokens"],
        "generation": "transformers-5",
        "dtype": "bfloat16",
        "tokens": 112,
        "cases": [
            ("literal", "paper-literal", {}),
            ("stride-decoder", "paper-table5", {**DECODER, "scale_sampling": "stride"}),
        ],
    },
    "deep-decoder": {
        "options": "1 encoder and 3 decoder layers, gated silu, .bin in two with all embeddings",
        "fields": {"num_layers": 1, "num_decoder_layers": 3, "feed_forward_proj": "gated-silu", "num_heads": 3},
        "embeddings": ALL_EMBEDDINGS,
        "format": "torch-sharded",
        "dtype": "bfloat16",
        "tokens": 128,
        "cases": [("table1-decoder", "paper-table1", DECODER), ("table1", "paper-table1", {})],
    },
    "symmetric": {
        "options": "no num_decoder_layers, narrow attention, wo in F32, sharded",
        "wo_dtype": torch.float32,
        "fields": {"num_heads": 2, "d_kv": 6, "num_decoder_layers": None},
        "leave_out": ["num_decoder_layers"],
        "generation": "transformers-5",
        "dtype": "float16",
        "format": "safetensors-sharded",
        "cases": [
            ("stride", "paper-table1", {"scale_sampling": "stride"}),
            ("received-decoder", "paper-table5", {**DECODER, "signal": "received"}),
        ],
    },
    "large-scores": {
        "options": "scores beyond -1e5 in both stacks",
        "fields": {"num_heads": 2, "num_layers": 1, "num_decoder_layers": 1, "vocab_size": 96},
        # Equal tokens at equal bucketed distances would tie.
        "distinct_tokens": True,
        "sharpness": LARGE,
        "seed": 5,
        "cases": [("table5", "paper-table5", {}), ("table5-decoder", "paper-table5", DECODER)],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    fields = {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", **network["fields"]}
    return finished(network, fields)


def add_attention(result, name, network):
    fields = network["fields"]
    hidden, inner = fields["d_model"], fields["num_heads"] * fields["d_kv"]
    # Scores are not divided by the root of d_kv: queries and keys carry it.
    sharpness = network["sharpness"] / fields["d_kv"] ** 0.25
    for part, gain in (("q", sharpness), ("k", sharpness), ("v", 1.0)):
        result.linear(f"{name}.{part}", inner, hidden, gain)
    result.linear(f"{name}.o", hidden, inner)


def add_feed_forward(result, name, network):
    fields = network["fields"]
    hidden, inner = fields["d_model"], fields["d_ff"]
    for part in ("wi_0", "wi_1") if fields["feed_forward_proj"].startswith("gated") else ("wi",):
        result.linear(f"{name}.{part}", inner, hidden)
    result.linear(f"{name}.wo", hidden, inner)


def add_stack(result, stack, layers, network):
    fields = network["fields"]
    for index in range(layers):
        parts = ["SelfAttention", "DenseReluDense"]
        if stack == "decoder":
            parts.insert(1, "EncDecAttention")
        for position, part in enumerate(parts):
            layer = f"{stack}.block.{index}.layer.{position}"
            result.norm(f"{layer}.layer_norm", fields["d_model"])
            if part == "DenseReluDense":
                add_feed_forward(result, f"{layer}.{part}", network)
            else:
                add_attention(result, f"{layer}.{part}", network)
        if index == 0:
            bias = (fields["relative_attention_num_buckets"], fields["num_heads"])
            result.normal(f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", bias, 1.0)
    result.norm(f"{stack}.final_layer_norm", fields["d_model"])


def weights(network, generator):
    fields = network["fields"]
    result = Weights(network, generator)
    result.normal("shared.weight", (fields["vocab_size"], fields["d_model"]), 1.0)
    embedding = result.tensors.pop("shared.weight")
    for name in network["embeddings"]:
        result.add(f"{name}.weight", embedding.clone())
    add_stack(result, "encoder", fields["num_layers"], network)
    add_stack(result, "decoder", fields["num_decoder_layers"] or fields["num_layers"], network)
    if not fields["tie_word_embeddings"]:
        result.normal("lm_head.weight", (fields["vocab_size"], fields["d_model"]), 0.1)
    for name in result.tensors:
        if name.endswith(".wo.weight") and "wo_dtype" in network:
            result.tensors[name] = result.tensors[name].to(network["wo_dtype"])
    return result.tensors


def windows(network, stack):
    fields = network["fields"]
    return [None] * (fields["num_decoder_layers"] or fields["num_layers"]) if stack == "decoder" else None
