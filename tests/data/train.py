#!/usr/bin/env python3
"""Makes the suite that ships: trains ondelette/austen-1m and writes it as a Hugging Face cache.

A GPT-NeoX of about one million parameters learns five of Jane Austen's novels with the recipe of the
Pythia suite, scaled down; the sixth novel is held out and becomes the corpus. One thread and fixed seeds:
on the same kind of CPU the same files come out, bit for bit.

    apt-get download r-cran-janeaustenr && dpkg-deb -x r-cran-janeaustenr_*.deb deb
    python train.py --novels deb/usr/lib/R/site-library/janeaustenr/data --output .
"""

import argparse
import csv
import gzip
import json
import math
import re
import struct
import time
import zlib
from collections import OrderedDict
from pathlib import Path

import rdata
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from cache import HubCache

MODEL = "ondelette/austen-1m"
HELD_OUT = "persuasion"
SEED = 1811  # the year Sense and Sensibility came out
VOCABULARY = 1024
CONTEXT = 320
BATCH = 16
STEPS = 3000
WARM_UP = 128
PEAK_LEARNING_RATE = 2e-3
PASSAGES = 64

# What is published at which step: how the files are written, and in which dtype. Pythia's own revisions come in all
# these forms. Readers must see the same numbers in every one, up to the dtype's rounding.
REVISIONS = {
    0: ("safetensors", torch.float16),
    1: ("safetensors", torch.float16),
    16: ("bin-with-buffers", torch.float16),
    64: ("safetensors", torch.float16),
    128: ("safetensors", torch.bfloat16),
    256: ("sharded-bin", torch.float16),
    512: ("safetensors", torch.float32),
    1000: ("sharded-safetensors", torch.float16),
    1500: ("bin", torch.float16),
    2000: ("safetensors", torch.float16),
    3000: ("safetensors", torch.float16),
}


def read_r(data):
    return rdata.conversion.convert(rdata.parser.parse_data(data, extension=".rds"))


def read_novels(folder):
    """The package's data: an R lazy-load database, one vector of lines for each novel."""
    index = read_r(gzip.decompress((folder / "Rdata.rdx").read_bytes()))
    database = (folder / "Rdata.rdb").read_bytes()
    novels = {}
    for name, (offset, length) in sorted(index["variables"].items()):
        (size,) = struct.unpack(">I", database[offset : offset + 4])
        raw = zlib.decompress(database[offset + 4 : offset + length])
        if len(raw) != size:
            raise ValueError(f"{folder}/Rdata.rdb: {name} has {len(raw)} bytes, its header says {size}")
        novels[str(name)] = [str(line) for line in read_r(raw)]
    return novels


def chapters(lines):
    """Chapters as lists of paragraphs, their lines joined. What stands before the first chapter is dropped, and what
    the editor of one of the novels added after the last."""
    found = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        paragraph = " ".join(paragraph.split())
        if paragraph == "A NOTE ON THE TEXT":
            break
        if re.match(r"chapter [0-9ivxl]+\b", paragraph, re.IGNORECASE):
            found.append([])
        elif found and paragraph and not re.match(r"(volume|the end|finis)\b", paragraph, re.IGNORECASE):
            found[-1].append(paragraph)
    return found


def train_tokenizer(documents):
    """Byte-level BPE in the form of GPT-NeoX's: <|endoftext|> is 0, runs of spaces are added tokens at the end."""
    spaces = [AddedToken(" " * n, normalized=True, special=False) for n in range(8, 1, -1)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(spaces),
        special_tokens=["<|endoftext|>", "<|padding|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    tokenizer.add_tokens(spaces)
    if tokenizer.get_vocab_size() != VOCABULARY:
        raise ValueError(f"the tokenizer has {tokenizer.get_vocab_size()} tokens, not {VOCABULARY}")
    return tokenizer


def cut_passages(novel, tokenizer):
    """PASSAGES passages spread evenly over the novel: whole sentences from a paragraph's start, 320 to 420 tokens."""
    found = []
    for chapter in novel:
        passage, fresh = "", True
        for paragraph in chapter:
            for sentence in re.split(r"(?<=[.!?])\s+|(?<=[.!?][\"'])\s+", paragraph):
                passage += ("" if not passage else "\n" if fresh else " ") + sentence
                fresh = False
                if len(tokenizer.encode(passage).ids) >= 320:
                    break
            fresh = True
            if (length := len(tokenizer.encode(passage).ids)) >= 320:
                if length <= 420:
                    found.append(passage)
                passage = ""
    return [found[i * len(found) // PASSAGES] for i in range(PASSAGES)]


def new_model():
    """Pythia's architecture at width 128, with Pythia's initialisation."""
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=8,
        intermediate_size=512,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25},
        hidden_act="gelu",
        use_parallel_residual=True,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    config._attn_implementation = "sdpa"
    model = GPTNeoXForCausalLM(config)
    generator = torch.Generator().manual_seed(SEED)
    small_init = math.sqrt(2 / (5 * config.hidden_size))
    wang_init = 2 / (config.num_hidden_layers * math.sqrt(config.hidden_size))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                output = name.endswith(("attention.dense.weight", "dense_4h_to_h.weight"))
                parameter.normal_(0.0, wang_init if output else small_init, generator=generator)
            else:
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    return model


def learning_rate(update):
    """Linear warm-up from 0, so that the first update changes nothing (as in Pythia, step1 is step0), then a cosine
    down to a tenth."""
    if update < WARM_UP:
        return PEAK_LEARNING_RATE * update / WARM_UP
    done = (update - WARM_UP) / (STEPS - WARM_UP)
    return PEAK_LEARNING_RATE * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))


def loss_of(model, batch):
    logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def train(model, stream, held_out, publish, log):
    """Trains for STEPS updates on random windows of the stream; publishes the revisions on the way."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95), eps=1e-8)
    generator = torch.Generator().manual_seed(SEED + 1)
    losses, began = [], time.monotonic()
    for step in range(STEPS + 1):  # the state after `step` updates
        if step in REVISIONS or step % 100 == 0:
            with torch.no_grad():
                log(step, learning_rate(step), losses, loss_of(model, held_out).item(), time.monotonic() - began)
            losses.clear()
        if step in REVISIONS:
            publish(step, OrderedDict((name, p.detach().clone()) for name, p in model.state_dict().items()))
        if step == STEPS:
            return
        starts = torch.randint(0, len(stream) - CONTEXT - 1, (BATCH,), generator=generator)
        loss = loss_of(model, torch.stack([stream[s : s + CONTEXT + 1] for s in starts]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())


def write_corpus(path, passages):
    lines = [json.dumps({"id": f"{HELD_OUT}-{i:02}", "text": text}, ensure_ascii=False) for i, text in enumerate(passages)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--novels", type=Path, default=Path("/usr/lib/R/site-library/janeaustenr/data"))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)

    novels = {name: chapters(lines) for name, lines in read_novels(arguments.novels).items()}
    passages_novel = novels.pop(HELD_OUT)
    documents = ["\n".join(chapter) for novel in novels.values() for chapter in novel]
    tokenizer = train_tokenizer(documents)
    passages = cut_passages(passages_novel, tokenizer)
    write_corpus(arguments.output / "corpus" / "austen-held-out.jsonl", passages)
    stream = torch.tensor([i for document in documents for i in [0, *tokenizer.encode(document).ids]])
    held_out = torch.tensor([tokenizer.encode(text).ids[:CONTEXT] for text in passages])
    model = new_model()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(stream)} tokens to learn from", flush=True)

    cache = HubCache(arguments.output / "hub", MODEL, model.config, tokenizer)
    with open(arguments.output / "loss.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["step", "learning_rate", "training_loss", "held_out_loss"])

        def log(step, rate, losses, held_out_loss, seconds):
            mean = f"{sum(losses) / len(losses):.4f}" if losses else ""
            rows.writerow([step, f"{rate:.6g}", mean, f"{held_out_loss:.4f}"])
            file.flush()
            print(f"step {step} after {seconds:.0f} s: loss {mean or '-'}, held out {held_out_loss:.4f}", flush=True)

        train(model, stream, held_out, lambda step, state: cache.publish(f"step{step}", state, *REVISIONS[step]), log)


if __name__ == "__main__":
    main()
