"""Compares two trees of goldens: python compare.py OLD NEW [--part]. Exit status 1 where they differ.

Numbers may differ as two machines' arithmetic does: figures by 1e-6 relative or 1e-9 absolute, attention by 2e-5,
reconstruction errors (rounding itself) within [0, 1e-6]. Names, tokens and weights must be equal. --part: NEW may lack
files, and cases, of OLD.
"""

import argparse
import json
import pathlib
import sys
import zipfile

import numpy as np

import tensors

SUFFIXES = (".json", ".jsonl", ".safetensors", ".bin")
ATTENTION_ABSOLUTE = 2e-5
RELATIVE, ABSOLUTE = 1e-6, 1e-9
DIAGNOSTICS = ("float32_share", "float32_deviation")  # How well float32 did on the machine that made the goldens.


def differences(old, new, where):
    """Yields one line for each place where two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key in DIAGNOSTICS:
                continue
            if key not in old or key not in new:
                yield f"{where}: {key} is in one of the two only"
            elif key == "reconstruction_error" and None not in (old[key], new[key]):
                if not 0 <= new[key] < 1e-6:
                    yield f"{where}.{key}: {new[key]} is no rounding error"
            else:
                yield from differences(old[key], new[key], f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{where}: {len(old)} entries, {len(new)} in the new one"
        for index, (a, b) in enumerate(zip(old, new)):
            yield from differences(a, b, f"{where}[{index}]")
    elif isinstance(old, float) and isinstance(new, float):
        if not abs(old - new) <= max(RELATIVE * abs(old), ABSOLUTE):
            yield f"{where}: {old} became {new}"
    elif old != new:
        yield f"{where}: {old} became {new}"


def compare_json(old, new, part):
    def load(path):
        text = path.read_text()
        return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)

    before, after = load(old), load(new)
    if part and old.name == "cases.json" and old.parent.name == "models":
        made = {case["model"] for case in after}
        before = [case for case in before if case["model"] in made]
    yield from differences(before, after, old.name)


def compare_tensors(old, new):
    before, after = tensors.read(old), tensors.read(new)
    if before.keys() != after.keys():
        yield f"{old.name}: the tensors' names differ"
        return
    tolerance = ATTENTION_ABSOLUTE if old.name.startswith("attention") else 0  # Also -zero's and -decoder's.
    for name, values in before.items():
        if values.shape != after[name].shape or values.dtype != after[name].dtype:
            yield f"{old.name}: {name} has another shape or dtype"
        elif not np.abs(values.astype(np.float64) - after[name]).max() <= tolerance:
            yield f"{old.name}: {name} differs"


def compare_archive(old, new):
    """PyTorch's zip files: the tensors' bytes."""

    def contents(path):
        entries = zipfile.ZipFile(path).infolist()
        return {entry.filename.split("/", 1)[1]: entry.CRC for entry in entries if "/data/" in entry.filename}

    if contents(old) != contents(new):
        yield f"{old.name}: the tensors' bytes differ"


def compare_file(old, new, part):
    if old.suffix in (".json", ".jsonl"):
        yield from compare_json(old, new, part)
    elif old.suffix == ".bin":
        yield from compare_archive(old, new)
    else:
        yield from compare_tensors(old, new)


def golden_files(root):
    return {path.relative_to(root) for path in root.rglob("*") if path.suffix in SUFFIXES}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--part", action="store_true")
    arguments = parser.parse_args()
    before, after = golden_files(arguments.old), golden_files(arguments.new)
    found = [f"{path}: only in the new tree" for path in sorted(after - before)]
    if not arguments.part:
        found += [f"{path}: missing from the new tree" for path in sorted(before - after)]
    for path in sorted(before & after):
        for line in compare_file(arguments.old / path, arguments.new / path, arguments.part):
            found.append(f"{path.parent}/{line}")
    print("\n".join(found[:50]))
    print(f"{len(before & after)} files compared, {len(found)} differences")
    sys.exit(1 if found or not after else 0)


if __name__ == "__main__":
    main()
