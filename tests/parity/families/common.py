"""What the families share: how a random network is described, its random weights, its config.json's common words.

A network is a dict: `fields` (of config.json, as they stand there, over the family's own), `leave_out` (fields the file
does not have), `generation` (of transformers, whose words config.json uses), `dtype`, `format`, `tokens`, `seed`,
`sharpness` (standard deviation of queries and keys: scores have its square), `options` (words for the table of errors)
and `cases`: [(name, preset, overrides)]; `tokens` of a case is the network's own unless set there.
"""

import numpy as np
import torch

VOCABULARY = 61
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

DEFAULTS = {
    "fields": {},
    "leave_out": [],
    "generation": "transformers-4",
    "dtype": "float32",
    "format": "safetensors",
    "sharpness": 1.5,
    "distinct_tokens": False,
    "tokens": 66,
    "seed": 1,
}

# Scores of these networks go beyond -1e5, so attention is one-hot. A near tie there would make float32 differ from
# itself by more than any tolerance: seeds are chosen so that there is none (network_goldens.py refuses others).
LARGE = 200.0


def described(base, network):
    """The network with the family's and the common defaults filled in."""
    fields = {**base.get("fields", {}), **network.get("fields", {})}
    return {**DEFAULTS, **base, **network, "fields": fields}


def finished(network, fields):
    """config.json: the dtype in the words of its generation, without the fields that the file does not have."""
    dtype = "torch_dtype" if network["generation"] == "transformers-4" else "dtype"
    fields = {**fields, dtype: network["dtype"]}
    return {name: value for name, value in fields.items() if name not in network["leave_out"]}


def rope_fields(network):
    """`rope` of the network ({"rope_theta", "rope_type", ...}) in the words of transformers 4 or 5."""
    rope = dict(network["rope"])
    if network["generation"] == "transformers-5":
        return {"rope_parameters": rope}
    theta, kind = rope.pop("rope_theta"), rope.pop("rope_type")
    word = network.get("rope_type_word", "rope_type")
    return {"rope_theta": theta, "rope_scaling": None if kind == "default" else {word: kind, **rope}}


class Weights:
    """The tensors of one checkpoint, drawn from a seeded generator in the order of the calls."""

    def __init__(self, network, generator, prefix=""):
        self.dtype = DTYPES[network["dtype"]]
        self.generator = generator
        self.prefix = prefix
        self.tensors = {}

    def normal(self, name, dimensions, deviation, mean=0.0):
        values = mean + deviation * self.generator.standard_normal(dimensions)
        self.tensors[self.prefix + name] = torch.from_numpy(values.astype(np.float32)).to(self.dtype)

    def linear(self, name, rows, columns, gain=1.0, bias=None):
        """[rows, columns], such that inputs of deviation 1 come out with deviation `gain`."""
        self.normal(f"{name}.weight", (rows, columns), gain / columns**0.5)
        if bias:
            self.normal(f"{name}.bias", rows, bias)

    def norm(self, name, size, mean=1.0, bias=False, words=("weight", "bias")):
        self.normal(f"{name}.{words[0]}", size, 0.1, mean)
        if bias:
            self.normal(f"{name}.{words[1]}", size, 0.1)

    def add(self, name, tensor):
        self.tensors[self.prefix + name] = tensor
