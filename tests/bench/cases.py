"""What is measured, and the goals it is held against."""

import pathlib
import subprocess
import sys
from dataclasses import dataclass

import numpy as np

import machine

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "parity"))
import spec as specs  # noqa: E402  The presets, as the parity oracle has them.


@dataclass(frozen=True)
class Shape:
    """A Pythia size, as `ondelette-engine init --like` writes it."""

    layers: int
    hidden: int
    heads: int

    def flops(self, tokens):
        """Of a forward pass: products with weights, and a causal network's scores and values in full squares."""
        return self.layers * (self.attention_flops(tokens) + self.after_flops(tokens))

    def attention_flops(self, tokens):
        """Of a layer up to its scores."""
        return 2 * tokens * 3 * self.hidden**2 + 2 * tokens**2 * self.hidden

    def after_flops(self, tokens):
        """Of a layer from the value product on: what the last one does not need."""
        return 2 * tokens**2 * self.hidden + 2 * tokens * 9 * self.hidden**2


SHAPES = {
    "14m": Shape(6, 128, 4),
    "70m": Shape(6, 512, 8),
    "160m": Shape(12, 768, 12),
    "410m": Shape(24, 1024, 16),
}
TOKENS = (112, 512, 2048)
VOCABULARY = 50304
# Name -> (preset, overrides). -plain: without the key-shuffled and sink-dropped controls, the figures the paper prints.
SPECS = {
    "relative-window": ("relative-window", {}),
    "relative-window-plain": ("relative-window", {"nulls": []}),
    "paper-table5": ("paper-table5", {}),
    "paper-table5-plain": ("paper-table5", {"nulls": []}),
    "paper-table1": ("paper-table1", {}),
    "paper-literal": ("paper-literal", {}),
}
DEFAULT_SPECS = ("relative-window", "paper-table5", "paper-table5-plain")


@dataclass(frozen=True)
class Case:
    size: str
    tokens: int
    spec_name: str
    notebook: bool

    @property
    def spec(self):
        return resolve(self.spec_name, self.tokens)

    @property
    def flops(self):
        """Of the passes that the spec asks for."""
        passes = [self.tokens]
        if self.spec["scale_sampling"] != "prefix":
            passes += [specs.shortened_length(self.tokens, alpha) for alpha in self.spec["alphas"]]
        return sum(SHAPES[self.size].flops(count) for count in passes)

    @property
    def notebook_bytes(self):
        """What output_attentions=True holds at once, with a layer's temporaries beside it."""
        shape = SHAPES[self.size]
        return (shape.layers + 4) * shape.heads * self.tokens**2 * 4


# Under 10 minutes on two cores: each kind of goal once or twice.
QUICK = (
    Case("14m", 112, "paper-table5", False),
    Case("14m", 512, "relative-window", False),
    Case("14m", 512, "paper-table5", True),
    Case("70m", 112, "paper-table5", False),
    Case("70m", 512, "relative-window", False),
    Case("70m", 512, "paper-table5", True),
    Case("70m", 512, "paper-table5-plain", False),
    Case("70m", 2048, "relative-window", False),
    Case("160m", 512, "relative-window", False),
)
SMOKE = (Case("14m", 112, "paper-table5", False), Case("14m", 512, "paper-table5", False))


def resolve(name, tokens):
    preset, overrides = SPECS[name]
    return specs.resolve(preset, {"tokens": tokens, **overrides})


def chosen(sizes, tokens, names):
    """Every combination; the default spec needs more than two windows to be worth measuring."""
    for size in sizes:
        for count in tokens:
            for name in names:
                if not (name.startswith("relative") and count < 256):
                    yield Case(size, count, name, True)


def fits(case):
    """Whether peer a has the memory that it needs."""
    return case.notebook_bytes < 0.7 * machine.memory_field("MemAvailable")


def goals(size, tokens, spec_name):
    """{ratio: limit}. Engine's time over c's and over the better b's, engine's peak memory over c's."""
    small = size == "14m"
    if spec_name.startswith("relative"):
        limits = {"engine/c": 1.0 if small else 0.7} if tokens >= 512 else {}
        return {**limits, "memory/c": 1.1}
    return {"engine/c": 2.5, "engine/b": 0.25} if small else {"engine/c": 1.0}


def notebook_goal(size, tokens):
    """How many times faster than a."""
    return {("410m", 512): 3, ("410m", 2048): 10}.get((size, tokens))


BATCH_GOAL, LOAD_GOAL, LONG_GOAL, LONG_BYTES = 1.5, 0.8, 1.1, 4 << 30


def checkpoint(engine, folder, size):
    """A random checkpoint of this size, written once."""
    path = folder / f"pythia-{size}"
    if not (path / "config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([engine, "init", "--like", f"pythia-{size}", "--output", path], check=True)
    return path


def draw_tokens(count, seed=1):
    return np.random.default_rng(seed).integers(0, VOCABULARY, count).tolist()
