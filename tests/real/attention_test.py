"""The engine's attention of real weights against transformers' eager attention, both float32."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import torch
from harness import BIN
from safetensors import safe_open

from lines import lines
from real_models import MINILM, REAL_MODELS, SMOLLM2, attention, passages

TOLERANCE = 5e-5
LENGTHS = (17, 112, 257)


def sequences(model, length):
    """Prose and the hard lines, in the model's own tokens: id -> ids."""
    tokenizer = model.tokenizer()
    texts = {"prose": " ".join(passages()[:8]), "other-prose": " ".join(passages()[40:48]), "hard": " ".join(lines())}
    return {name: tokenizer(text)["input_ids"][:length] for name, text in texts.items()}


def engine_attention(model, tokens, length, folder):
    """The path of the engine's --dump-attention."""
    source, dump = Path(folder) / "tokens.jsonl", Path(folder) / "attention.safetensors"
    source.write_text("".join(json.dumps({"id": name, "tokens": ids}) + "\n" for name, ids in tokens.items()))
    cheapest = ["--spec", "paper-table5", "--set", f"tokens={length}", "--set", "alphas=[]", "--set", "nulls=[]"]
    command = [BIN / "ondelette-engine", "analyze", "--checkpoint", model.folder, "--tokens", source, "--device", "cpu",
               *cheapest, "--output", Path(folder) / "records.jsonl", "--dump-attention", dump]
    subprocess.run([str(part) for part in command], check=True, timeout=300)
    return dump


class Attention(unittest.TestCase):
    def worst_error(self, model, network, length):
        tokens = sequences(model, length)
        worst = 0.0
        with tempfile.TemporaryDirectory() as folder:
            with safe_open(engine_attention(model, tokens, length, folder), "pt") as dump:
                for name, ids in tokens.items():
                    expected = attention(network, ids)
                    self.assertEqual(expected[0].shape[-1], length)
                    for layer, values in enumerate(expected):
                        worst = max(worst, (dump.get_tensor(f"{name}/{layer}") - values).abs().max().item())
                self.assertEqual(len(dump.keys()), len(tokens) * len(expected))
        return worst

    def test_equals_transformers(self):
        for model in REAL_MODELS:
            network = model.load()
            for length in LENGTHS:
                with self.subTest(model=model.name, tokens=length):
                    worst = self.worst_error(model, network, length)
                    print(f"{model.name}, {length} tokens: attention differs by at most {worst:.2e}", flush=True)
                    self.assertLess(worst, TOLERANCE)


class Conversion(unittest.TestCase):
    """The weights mean what they did before the conversion: the models still know something."""

    def loss(self, network):
        tokenizer = SMOLLM2.tokenizer()
        with torch.no_grad():
            losses = []
            for text in passages()[:8]:
                ids = torch.tensor([tokenizer(text)["input_ids"][:112]])
                losses.append(network(ids, labels=ids).loss.item())
        return sum(losses) / len(losses)

    def test_smollm2_predicts_text_and_only_with_its_heads_in_this_order(self):
        network = SMOLLM2.load()
        right = self.loss(network)
        for layer in network.model.layers:
            for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj):
                rows, inputs = projection.weight.shape
                pairs = projection.weight.data.reshape(-1, 2, 32, inputs).swapaxes(1, 2)
                projection.weight.data = pairs.reshape(rows, inputs).contiguous()
        wrong = self.loss(network)
        print(f"smollm2-135m: {right:.2f} nats a token; with GGUF's order of rows {wrong:.2f}", flush=True)
        self.assertLess(right, 4.6)
        self.assertGreater(wrong, right + 0.5)

    def test_minilm_knows_what_sentences_mean(self):
        network, tokenizer = MINILM.load(), MINILM.tokenizer()

        def embedding(text):
            with torch.no_grad():
                return network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)

        eating, meal, market = map(embedding, ("A man is eating food.", "Someone eats a meal.", "The stock market fell sharply."))
        similar = torch.cosine_similarity(eating, meal, dim=0).item()
        other = torch.cosine_similarity(eating, market, dim=0).item()
        print(f"all-minilm-l6-v2: similarity {similar:.2f} of two sentences about eating, {other:.2f} to one about shares", flush=True)
        self.assertGreater(similar, 0.7)
        self.assertLess(abs(other), 0.1)
