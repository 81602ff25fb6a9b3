"""Writes revisions of a model the way huggingface_hub keeps them on disk.

    models--OWNER--NAME/refs/REVISION          the commit's 40 hex digits
    models--OWNER--NAME/snapshots/COMMIT/FILE  a relative link into blobs
    models--OWNER--NAME/blobs/HASH             sha256 of a weight file, git's blob sha1 of a small one

A file that two revisions share is one blob.
"""

import hashlib
import io
import json
import os
from collections import OrderedDict

import safetensors.torch
import torch


def pythia_config(config, dtype):
    """config.json as transformers 4 wrote it for Pythia."""
    return {
        "architectures": ["GPTNeoXForCausalLM"],
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id,
        "hidden_act": config.hidden_act,
        "hidden_size": config.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": config.intermediate_size,
        "layer_norm_eps": config.layer_norm_eps,
        "max_position_embeddings": config.max_position_embeddings,
        "model_type": "gpt_neox",
        "num_attention_heads": config.num_attention_heads,
        "num_hidden_layers": config.num_hidden_layers,
        "rotary_emb_base": 10000,
        "rotary_pct": 0.25,
        "tie_word_embeddings": False,
        "torch_dtype": str(dtype).removeprefix("torch."),
        "transformers_version": "4.24.0",
        "use_cache": True,
        "use_parallel_residual": config.use_parallel_residual,
        "vocab_size": config.vocab_size,
    }


def current_config(config, dtype):
    """config.json as the installed transformers (5 or later) writes it: dtype and rope_parameters."""
    written = config.to_dict() | {"architectures": ["GPTNeoXForCausalLM"], "dtype": str(dtype).removeprefix("torch.")}
    return dict(sorted(written.items()))


def with_buffers(state, config):
    """The buffers that old transformers stored beside the weights; readers must ignore them. In float16 the
    masked_bias of -1e9 is minus infinity, as in Pythia's own files."""
    dtype = next(iter(state.values())).dtype
    length, rotary = config.max_position_embeddings, config.hidden_size // config.num_attention_heads // 4
    complete = OrderedDict()
    for name, tensor in state.items():
        if name.endswith(".attention.query_key_value.weight"):
            attention = name.removesuffix("query_key_value.weight")
            complete[attention + "bias"] = torch.tril(torch.ones(1, 1, length, length, dtype=torch.bool))
            complete[attention + "masked_bias"] = torch.tensor(-1e9).to(dtype)
            complete[attention + "rotary_emb.inv_freq"] = (10000 ** -(torch.arange(0, rotary, 2) / rotary)).to(dtype)
        complete[name] = tensor
    return complete


def halves(state):
    """Two parts of about the same size, in the state's order."""
    total, seen, parts = sum(t.nbytes for t in state.values()), 0, (OrderedDict(), OrderedDict())
    for name, tensor in state.items():
        parts[seen >= total / 2][name] = tensor
        seen += tensor.nbytes
    return parts


def pickled(state):
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def as_safetensors(state):
    return safetensors.torch.save(dict(state), metadata={"format": "pt"})


def as_json(value):
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def weight_files(form, state, config):
    """{file name: bytes} of a state dict in one of the forms of the REVISIONS table."""
    if form == "safetensors":
        return {"model.safetensors": as_safetensors(state)}
    if form == "bin":
        return {"pytorch_model.bin": pickled(state)}
    if form == "bin-with-buffers":
        return {"pytorch_model.bin": pickled(with_buffers(state, config))}
    stem, ending, encode = {
        "sharded-safetensors": ("model", "safetensors", as_safetensors),
        "sharded-bin": ("pytorch_model", "bin", pickled),
    }[form]
    files, weight_map = {}, {}
    for number, part in enumerate(halves(state), start=1):
        name = f"{stem}-{number:05}-of-00002.{ending}"
        files[name] = encode(part)
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {"total_size": sum(t.nbytes for t in state.values())}, "weight_map": weight_map}
    return files | {f"{stem}.{ending}.index.json": as_json(index)}


class HubCache:
    """One model's folder in a Hugging Face cache."""

    def __init__(self, hub, model, config, tokenizer):
        self.root = hub / ("models--" + model.replace("/", "--"))
        self.config = config
        self.tokenizer_files = {
            "tokenizer.json": tokenizer.to_str(pretty=True).encode(),
            "tokenizer_config.json": as_json(
                {
                    "add_prefix_space": False,
                    "bos_token": "<|endoftext|>",
                    "eos_token": "<|endoftext|>",
                    "model_max_length": config.max_position_embeddings,
                    "tokenizer_class": "GPTNeoXTokenizer",
                    "unk_token": "<|endoftext|>",
                }
            ),
        }
        for folder in ("blobs", "refs", "snapshots"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def publish(self, revision, state, form, dtype):
        """Writes one revision; main follows, as it does on the hub."""
        state = OrderedDict((name, tensor.to(dtype).contiguous()) for name, tensor in state.items())
        weights = weight_files(form, state, self.config)
        write_config = current_config if form.endswith("safetensors") and dtype != torch.float16 else pythia_config
        files = weights | self.tokenizer_files | {"config.json": as_json(write_config(self.config, dtype))}
        blobs = {name: self._blob(name, content) for name, content in sorted(files.items())}
        commit = hashlib.sha1(json.dumps([revision, blobs]).encode()).hexdigest()
        snapshot = self.root / "snapshots" / commit
        snapshot.mkdir(exist_ok=True)
        for name, blob in blobs.items():
            if not (snapshot / name).is_symlink():
                os.symlink(f"../../blobs/{blob}", snapshot / name)
        for reference in (revision, "main"):
            (self.root / "refs" / reference).write_text(commit)

    def _blob(self, name, content):
        if name.endswith((".safetensors", ".bin")):
            digest = hashlib.sha256(content).hexdigest()
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        (self.root / "blobs" / digest).write_bytes(content)
        return digest
