"""What llama, mistral, qwen2 and gemma2 have in common: grouped-query attention, rope, RMS norms, a gated MLP."""

from families.common import VOCABULARY, Weights, finished, rope_fields

FIELDS = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

# `prefix`: before every name but the head's. `head`: "own" (lm_head.weight, drawn), "tied" (the file has none) or
# "only" (the file has lm_head.weight and no embed_tokens.weight).
BASE = {
    "fields": FIELDS,
    "rope": {"rope_theta": 10000.0, "rope_type": "default"},
    "prefix": "model.",
    "head": "own",
}


def config(network, architecture, model_type):
    fields = {"architectures": [architecture], "model_type": model_type, **network["fields"], **rope_fields(network)}
    fields["tie_word_embeddings"] = network["head"] != "own"
    return finished(network, fields)


def head_size(fields):
    return fields.get("head_dim") or fields["hidden_size"] // fields["num_attention_heads"]


def weights(network, generator, qkv_bias=None, output_bias=None, mlp_bias=None, norms=None, norm_mean=1.0):
    """Every tensor. The embedding has deviation 1, so that layers see inputs as they would in a trained network."""
    fields = network["fields"]
    hidden, inner, size = fields["hidden_size"], fields["intermediate_size"], head_size(fields)
    queries = fields["num_attention_heads"] * size
    keys = (fields["num_key_value_heads"] or fields["num_attention_heads"]) * size
    result = Weights(network, generator, network["prefix"])
    result.normal("embed_tokens.weight", (VOCABULARY, hidden), 1.0)
    for index in range(fields["num_hidden_layers"]):
        layer = f"layers.{index}"
        for norm in norms or ("input_layernorm", "post_attention_layernorm"):
            result.norm(f"{layer}.{norm}", hidden, norm_mean)
        result.linear(f"{layer}.self_attn.q_proj", queries, hidden, network["sharpness"], qkv_bias)
        result.linear(f"{layer}.self_attn.k_proj", keys, hidden, network["sharpness"], qkv_bias)
        result.linear(f"{layer}.self_attn.v_proj", keys, hidden, 1.0, qkv_bias)
        result.linear(f"{layer}.self_attn.o_proj", hidden, queries, 1.0, output_bias)
        result.linear(f"{layer}.mlp.gate_proj", inner, hidden, 1.0, mlp_bias)
        result.linear(f"{layer}.mlp.up_proj", inner, hidden, 1.0, mlp_bias)
        result.linear(f"{layer}.mlp.down_proj", hidden, inner, 1.0, mlp_bias)
    result.norm("norm", hidden, norm_mean)
    result.prefix = ""
    if network["head"] == "own":
        result.normal("lm_head.weight", (VOCABULARY, hidden), 0.1)
    elif network["head"] == "only":
        result.tensors["lm_head.weight"] = result.tensors.pop(network["prefix"] + "embed_tokens.weight")
    return result.tensors
