"""Our tokenizer of the real models' files against Hugging Face's, id for id."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BIN
from lines import lines
from real_models import REAL_MODELS


def our_ids(model, texts):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "lines.jsonl"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        command = [BIN / "ondelette", "--output", "json", "tokenize", "--tokenizer", model.folder, "--file", source]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [json.loads(line)["ids"] for line in done.stdout.splitlines()]


class Tokenizer(unittest.TestCase):
    def test_equals_hugging_face(self):
        texts = lines()
        for model in REAL_MODELS:
            with self.subTest(model=model.name):
                tokenizer = model.tokenizer()
                expected = [tokenizer(text)["input_ids"] for text in texts]
                ids = our_ids(model, texts)
                self.assertEqual(len(ids), len(texts))
                different = [texts[i] for i in range(len(texts)) if ids[i] != expected[i]]
                print(f"{model.name}: {len(different)} of {len(texts)} lines differ, {sum(map(len, expected))} ids", flush=True)
                self.assertEqual(different, [])
