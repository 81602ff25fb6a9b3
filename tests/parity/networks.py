"""The random tiny checkpoints of every family, and their files. Weights come from numpy's seeded generator.

Each writes config.json (as transformers 4 or 5 would), weights and tokens.jsonl into its folder.
"""

import json
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file

from families import bert, gemma2, gpt2, gpt_neox, llama, mistral, qwen2, t5

FAMILIES = {
    "gpt_neox": gpt_neox,
    "llama": llama,
    "mistral": mistral,
    "qwen2": qwen2,
    "gemma2": gemma2,
    "t5": t5,
    "bert": bert,
    "gpt2": gpt2,
}
# Folder of models/ -> (family, name in its NETWORKS).
NETWORKS = {f"{family}-{name}": (family, name) for family, module in FAMILIES.items() for name in module.NETWORKS}


def save_state(tensors, path):
    """As torch.save(model.state_dict()): an OrderedDict that carries an attribute, both of which pickle in own ways."""
    state = OrderedDict(tensors)
    state._metadata = OrderedDict({"": {"version": 1}})
    torch.save(state, path)


def save_sharded(tensors, folder, stem, suffix, save):
    """Two files and their index; the split falls inside a layer, as it does for real ones."""
    names = list(tensors)
    parts = (names[: len(names) // 2], names[len(names) // 2 :])
    places = {}
    for number, part in enumerate(parts, start=1):
        file = f"{stem}-{number:05d}-of-00002.{suffix}"
        save({name: tensors[name] for name in part}, folder / file)
        places.update({name: file for name in part})
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index, indent=1) + "\n")


def save_weights(network, tensors, folder):
    def safe(part, path):
        save_file(part, path, metadata={"format": "pt"})

    if network["format"] == "safetensors":
        safe(tensors, folder / "model.safetensors")
    elif network["format"] == "safetensors-sharded":
        save_sharded(tensors, folder, "model", "safetensors", safe)
    elif network["format"] == "torch":
        save_state(tensors, folder / "pytorch_model.bin")
    else:
        save_sharded(tensors, folder, "pytorch_model", "bin", save_state)


def draw_tokens(generator, vocabulary, count, network):
    if network.get("distinct_tokens"):
        return generator.permutation(vocabulary)[:count].tolist()
    return generator.integers(0, vocabulary, count).tolist()


def write_network(folder, family, name):
    """The checkpoint and its two sequences. The second is 7 tokens longer than the cases look at: it is cut."""
    folder.mkdir(parents=True, exist_ok=True)
    module = FAMILIES[family]
    network = module.shape(name)
    generator = np.random.default_rng(network["seed"])
    config = module.config(network)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_weights(network, module.weights(network, generator), folder)
    with (folder / "tokens.jsonl").open("w") as file:
        for sequence, extra in (("first", 0), ("second", 7)):
            tokens = draw_tokens(generator, config["vocab_size"], network["tokens"] + extra, network)
            file.write(json.dumps({"id": sequence, "tokens": tokens}) + "\n")
