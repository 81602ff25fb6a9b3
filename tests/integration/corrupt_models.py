"""Broken model folders, each made from the shipped model by one change, with the words its error must hold."""
import io
import json
import math
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

from harness import HUB, MODEL

TENSOR = "gpt_neox.layers.1.attention.dense.weight"


def shipped(revision="main"):
    base = HUB / f"models--{MODEL.replace('/', '--')}"
    return base / "snapshots" / (base / "refs" / revision).read_text().strip()


class Safetensors:
    """A safetensors file in two parts, to be changed and written again, right or wrong."""

    def __init__(self, path):
        data = Path(path).read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        self.header, self.body = json.loads(data[8:8 + size]), bytearray(data[8 + size:])

    def write(self, path, header_size=None):
        header = json.dumps(self.header).encode()
        Path(path).write_bytes(struct.pack("<Q", header_size or len(header)) + header + self.body)


def copy_model(folder):
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        shutil.copyfile(shipped() / name, folder / name)
    return folder


def change_weights(change):
    def make(folder):
        file = Safetensors(folder / "model.safetensors")
        change(file)
        file.write(folder / "model.safetensors")
    return make


def change_config(**fields):
    def make(folder):
        config = json.loads((folder / "config.json").read_text())
        config.update(fields)
        (folder / "config.json").write_text(json.dumps(config))
    return make


def truncate(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:len(data) // 2])


def header_too_long(folder):
    Safetensors(folder / "model.safetensors").write(folder / "model.safetensors", header_size=1 << 40)


def overlap(file):
    names = [name for name in file.header if name != "__metadata__"]
    other = next(name for name in names if name != TENSOR
                 and file.header[name]["shape"] == file.header[TENSOR]["shape"])
    file.header[TENSOR]["data_offsets"] = file.header[other]["data_offsets"]


def lying_size(file):
    begin, end = file.header[TENSOR]["data_offsets"]
    file.header[TENSOR]["data_offsets"] = [begin, end + (1 << 40)]


def unknown_dtype(file):
    file.header[TENSOR]["dtype"] = "F7"


def missing_tensor(file):
    del file.header[TENSOR]
    # The hole that is left must not be the fault that is found: name its bytes something else.
    begin = max(entry["data_offsets"][1] for name, entry in file.header.items() if name != "__metadata__")
    spans = sorted(entry["data_offsets"] for name, entry in file.header.items() if name != "__metadata__")
    at = 0
    for first, last in spans:
        if first > at:
            file.header["unused"] = {"dtype": "U8", "shape": [first - at], "data_offsets": [at, first]}
        at = last
    if begin < len(file.body):
        file.header["unused_tail"] = {"dtype": "U8", "shape": [len(file.body) - begin],
                                      "data_offsets": [begin, len(file.body)]}


def wrong_shape(file):
    rows, columns = file.header[TENSOR]["shape"]
    file.header[TENSOR]["shape"] = [rows // 2, columns * 2]


def nan_weights(file):
    nan = {"F32": struct.pack("<f", math.nan), "F16": struct.pack("<e", math.nan), "BF16": b"\xc0\x7f"}
    begin, _ = file.header[TENSOR]["data_offsets"]
    value = nan[file.header[TENSOR]["dtype"]]
    file.body[begin:begin + len(value)] = value


class Forbidden:
    def __reduce__(self):
        return eval, ("__import__('os').system('touch /tmp/ondelette-was-here')",)


def torch_zip(folder, data_pkl, compression=zipfile.ZIP_STORED):
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w", compression) as archive:
        archive.writestr("archive/data.pkl", data_pkl)
        archive.writestr("archive/version", "3\n")


def forbidden_global(folder):
    torch_zip(folder, pickle.dumps({TENSOR: Forbidden()}, protocol=2))


def zip_bomb(folder):
    out = io.BytesIO()
    out.write(b"\x80\x02")
    out.write(b"\x00" * (1 << 28))
    torch_zip(folder, out.getvalue(), zipfile.ZIP_DEFLATED)


# name: (how it is broken, what the error must say)
BROKEN = {
    "truncated": (truncate, ["model.safetensors"]),
    "header-too-long": (header_too_long, ["model.safetensors", "header"]),
    "lying-size": (change_weights(lying_size), ["model.safetensors", TENSOR]),
    "overlapping-offsets": (change_weights(overlap), ["model.safetensors", "overlap"]),
    "unknown-dtype": (change_weights(unknown_dtype), ["model.safetensors", TENSOR, "F7"]),
    "missing-tensor": (change_weights(missing_tensor), ["attention.dense.weight"]),
    "wrong-shape": (change_weights(wrong_shape), ["model.safetensors", TENSOR]),
    "nan-weights": (change_weights(nan_weights), ["model.safetensors", TENSOR]),
    "forbidden-global": (forbidden_global, ["pytorch_model.bin", "eval"]),
    "zip-bomb": (zip_bomb, ["pytorch_model.bin", "data.pkl"]),
    "unknown-architecture": (change_config(architectures=["MysteryForCausalLM"], model_type="mystery"),
                             ["config.json", "ystery"]),
    "bad-config": (change_config(num_attention_heads=7), ["config.json", "num_attention_heads"]),
    "no-weights": (lambda folder: (folder / "model.safetensors").unlink(), ["no-weights", "model.safetensors"]),
    "no-tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), ["tokenizer.json"]),
    "broken-tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{"), ["tokenizer.json"]),
}


def make_all(root):
    """Every broken model and one that is whole, as folders of `root`; their names."""
    copy_model(root / "whole")
    for name, (change, _) in BROKEN.items():
        change(copy_model(root / name))
    return ["whole", *BROKEN]
