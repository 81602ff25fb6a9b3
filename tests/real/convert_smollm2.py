"""SmolLM2-135M from GGUF to a Hugging Face folder:   convert_smollm2.py FILE.gguf FOLDER

config.json, model.safetensors (float32: what the quantised weights mean, exactly) and tokenizer.json.
"""
import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file

import gguf_tokenizer

OUTSIDE_BLOCKS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
IN_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def config(field):
    heads, hidden = field("llama.attention.head_count"), field("llama.embedding_length")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": field("tokenizer.ggml.eos_token_id"),
        "head_dim": hidden // heads,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "intermediate_size": field("llama.feed_forward_length"),
        "max_position_embeddings": field("llama.context_length"),
        "mlp_bias": False,
        "num_attention_heads": heads,
        "num_hidden_layers": field("llama.block_count"),
        "num_key_value_heads": field("llama.attention.head_count_kv"),
        # GGUF holds it as float32: 1e-5 to seven digits.
        "rms_norm_eps": float(f"{field('llama.attention.layer_norm_rms_epsilon'):.7g}"),
        "rope_scaling": None,
        "rope_theta": field("llama.rope.freq_base"),
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "vocab_size": field("llama.vocab_size"),
    }


def hugging_face_name(name):
    if name in OUTSIDE_BLOCKS:
        return OUTSIDE_BLOCKS[name]
    _, block, part, kind = name.split(".")
    return f"model.layers.{block}.{IN_BLOCK[part]}.{kind}"


def halves_from_pairs(weight, heads):
    """GGUF's Llama rotates neighbours (2i, 2i+1), Hugging Face's rotates i with i + d/2: the rows of a head are permuted."""
    rows, inputs = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, inputs).swapaxes(1, 2).reshape(rows, inputs)


def weights(reader, settings):
    heads = {"attn_q": settings["num_attention_heads"], "attn_k": settings["num_key_value_heads"]}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = tensor.name.split(".")[-2]
        if part in heads:
            values = halves_from_pairs(values, heads[part])
        yield hugging_face_name(tensor.name), np.ascontiguousarray(values)


def main():
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    reader = GGUFReader(source)
    field = lambda name: reader.fields[name].contents()
    folder.mkdir(parents=True, exist_ok=True)
    settings = config(field)
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    tokenizer = gguf_tokenizer.tokenizer_json(field)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    save_file(dict(weights(reader, settings)), folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
