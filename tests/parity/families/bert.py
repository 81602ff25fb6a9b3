"""BERT: learned positions, token types (all 0 here), norms after each residual, attention in both directions."""

import torch

from families.common import LARGE, VOCABULARY, Weights, described, finished

FIELDS = {
    "vocab_size": VOCABULARY,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 36,
    "hidden_act": "gelu",
    "max_position_embeddings": 160,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}

# `norm_words`: names of a norm's weight and bias. `heads`: what the file holds beside the network, "pooler" or "cls".
BASE = {"fields": FIELDS, "prefix": "", "norm_words": ("weight", "bias"), "heads": "cls"}
ZERO = {"position_embeddings": "zero"}

NETWORKS = {
    "pooler": {
        "options": "no prefix, pooler, position_ids in the file",
        "heads": "pooler",
        "tokens": 112,
        "cases": [("table5", "paper-table5", {}), ("table5-zero", "paper-table5", ZERO)],
    },
    "one-token-type": {
        "options": "bert. prefix, one token type, gelu_new, positions = n",
        "fields": {"type_vocab_size": 1, "hidden_act": "gelu_new", "max_position_embeddings": 130},
        "prefix": "bert.",
        "generation": "transformers-5",
        "dtype": "float16",
        "tokens": 130,
        "cases": [("relative", "relative-window", {}), ("prefix", "relative-window", {"scale_sampling": "prefix"})],
    },
    "old-names": {
        "options": "gamma and beta, bert. prefix, .bin",
        "fields": {"num_attention_heads": 2, "hidden_size": 26},
        "prefix": "bert.",
        "norm_words": ("gamma", "beta"),
        "format": "torch",
        "dtype": "bfloat16",
        "tokens": 128,
        "cases": [("table1", "paper-table1", {}), ("received", "paper-table5", {"signal": "received"})],
    },
    "three-heads": {
        "options": "3 heads of 11, relu, epsilon 1e-5, sharded",
        "fields": {
            "hidden_size": 33,
            "num_attention_heads": 3,
            "intermediate_size": 41,
            "hidden_act": "relu",
            "layer_norm_eps": 1e-5,
        },
        "format": "safetensors-sharded",
        "dtype": "float16",
        "tokens": 112,
        "cases": [("literal", "paper-literal", {}), ("stride", "paper-table5", {"scale_sampling": "stride"})],
    },
    "zero-positions": {
        "options": "silu, 3 layers",
        "fields": {"hidden_act": "silu", "num_hidden_layers": 3, "num_attention_heads": 3},
        "generation": "transformers-5",
        "prefix": "bert.",
        "dtype": "bfloat16",
        "cases": [
            ("relative-zero", "relative-window", {**ZERO, "window_tokens": 20, "level": 3}),
            ("stride-zero", "paper-table1", {**ZERO, "scale_sampling": "stride"}),
        ],
    },
    "large-scores": {
        "options": "scores beyond -1e5",
        "fields": {"num_attention_heads": 2},
        "sharpness": LARGE,
        "cases": [("table5", "paper-table5", {})],
    },
}


def shape(name):
    return described(BASE, NETWORKS[name])


def config(network):
    fields = {"architectures": ["BertForMaskedLM"], "model_type": "bert", **network["fields"]}
    if network["generation"] == "transformers-4":
        fields["position_embedding_type"] = "absolute"
    return finished(network, fields)


def weights(network, generator):
    fields, words = network["fields"], network["norm_words"]
    hidden, inner = fields["hidden_size"], fields["intermediate_size"]
    result = Weights(network, generator, network["prefix"])
    result.normal("embeddings.word_embeddings.weight", (VOCABULARY, hidden), 1.0)
    result.normal("embeddings.position_embeddings.weight", (fields["max_position_embeddings"], hidden), 0.7)
    result.normal("embeddings.token_type_embeddings.weight", (fields["type_vocab_size"], hidden), 0.5)
    result.norm("embeddings.LayerNorm", hidden, bias=True, words=words)
    for index in range(fields["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        for part, gain in (("query", network["sharpness"]), ("key", network["sharpness"]), ("value", 1.0)):
            result.linear(f"{layer}.attention.self.{part}", hidden, hidden, gain, 0.3)
        result.linear(f"{layer}.attention.output.dense", hidden, hidden, 1.0, 0.1)
        result.norm(f"{layer}.attention.output.LayerNorm", hidden, bias=True, words=words)
        result.linear(f"{layer}.intermediate.dense", inner, hidden, 1.0, 0.1)
        result.linear(f"{layer}.output.dense", hidden, inner, 1.0, 0.1)
        result.norm(f"{layer}.output.LayerNorm", hidden, bias=True, words=words)
    if network["heads"] == "pooler":
        result.linear("pooler.dense", hidden, hidden, 1.0, 0.1)
        result.add("embeddings.position_ids", torch.arange(fields["max_position_embeddings"])[None])
    else:
        result.prefix = ""
        result.linear("cls.predictions.transform.dense", hidden, hidden, 1.0, 0.1)
        result.norm("cls.predictions.transform.LayerNorm", hidden, bias=True, words=words)
        result.normal("cls.predictions.bias", VOCABULARY, 0.1)
    return result.tensors


def windows(network, stack):
    return None
