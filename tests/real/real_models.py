"""The models that fetch made, the text they are tested on, and transformers' answers in float32."""
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from harness import CORPUS

MODELS = Path(os.environ["ONDELETTE_REAL_MODELS"])
torch.set_num_threads(2)


@dataclass(frozen=True)
class RealModel:
    name: str
    network: type  # of transformers

    @property
    def folder(self):
        return MODELS / self.name

    def load(self):
        network = self.network.from_pretrained(self.folder, dtype=torch.float32, attn_implementation="eager")
        return network.eval()

    def tokenizer(self):
        return AutoTokenizer.from_pretrained(self.folder)


SMOLLM2 = RealModel("smollm2-135m", AutoModelForCausalLM)
MINILM = RealModel("all-minilm-l6-v2", AutoModel)
REAL_MODELS = (SMOLLM2, MINILM)


def passages():
    with open(CORPUS, encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def attention(network, tokens):
    """One [heads, n, n] a layer, as transformers' eager attention has it."""
    with torch.no_grad():
        answer = network(torch.tensor([tokens]), output_attentions=True)
    return [layer[0] for layer in answer.attentions]
