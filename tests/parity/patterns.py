"""Attention without a model: the closed-form controls and seeded softmax attention, with the specs they are seen by."""

import numpy as np

CONTROLS = {
    "uniform-causal": lambda n: np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None],
    "sink": lambda n: np.eye(n)[np.zeros(n, dtype=int)],
    "identity": np.eye,
    "previous": lambda n: np.eye(n)[np.maximum(np.arange(n) - 1, 0)],
    "uniform": lambda n: np.full((n, n), 1 / n),
}


def softmax_attention(generator, n, heads=2, sharpness=2.0, sink=0.0, decay=0.0, causal=True):
    """Softmax of normal scores; `sink` is added to key 0, `decay` taken away per token of distance. float32 values."""
    scores = sharpness * generator.standard_normal((heads, n, n))
    scores[:, :, 0] += sink
    scores -= decay * np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    if causal:
        scores[:, np.triu(np.ones((n, n), dtype=bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def half_flat(generator, n):
    """Causal attention whose even rows are uniform over their keys and whose last row is uniform over all."""
    attention = softmax_attention(generator, n)
    for row in range(0, n, 2):
        attention[:, row, : row + 1] = np.float32(1 / (row + 1))
    attention[:, -1] = np.float32(1 / n)
    return attention


def half_empty(generator, n):
    """Causal attention whose odd rows, and every row of head 1, see key 0 only: empty without it."""
    attention = softmax_attention(generator, n, sink=2.0)
    attention[0, 1::2] = 0
    attention[1] = 0
    attention[0, 1::2, 0] = 1
    attention[1, :, 0] = 1
    return attention


# name -> (seed, n, how to make it)
ATTENTIONS = {
    "soft": (1, 67, lambda generator, n: softmax_attention(generator, n, sharpness=1.0)),
    "sharp": (2, 80, lambda generator, n: softmax_attention(generator, n, sharpness=6.0)),
    "sink": (3, 112, lambda generator, n: softmax_attention(generator, n, sink=5.0, decay=0.05)),
    "local": (4, 129, lambda generator, n: softmax_attention(generator, n, sharpness=1.0, decay=0.3)),
    "half-flat": (5, 48, half_flat),
    "half-empty": (6, 41, half_empty),
    "bidirectional": (7, 90, lambda generator, n: softmax_attention(generator, n, causal=False)),
    "two-tokens-more": (8, 66, lambda generator, n: softmax_attention(generator, n, sink=1.0)),
}

# name, attention, preset, overrides. `tokens` is always the attention's n. Shortened attention is the prefix A[:m, :m]
# but for the cases that ask for `stride` or `random`, and for bidirectional ones: theirs is stored beside it.
CASES = [
    ("table5", "soft", "paper-table5", {}),
    ("table1", "soft", "paper-table1", {}),
    ("literal", "soft", "paper-literal", {}),
    ("relative", "soft", "relative-window", {"scale_sampling": "prefix"}),
    ("relative-short-window", "soft", "relative-window", {"window_tokens": 8, "scale_sampling": "prefix"}),
    ("relative-stride", "local", "relative-window", {"window_tokens": 20}),
    ("relative-detrended", "local", "relative-window", {"detrend": "constant", "scale_sampling": "prefix"}),
    ("relative-plain-hann", "local", "relative-window", {"taper": "hann-periodic", "scale_sampling": "prefix"}),
    ("relative-no-taper", "sharp", "relative-window", {"taper": "none", "window_tokens": 37, "level": 2}),
    (
        "relative-padded",
        "sharp",
        "relative-window",
        {"window_tokens": 25, "fft_length": "next-pow2", "scale_sampling": "random"},
    ),
    ("relative-raw", "sink", "relative-window", {"wavelet_entropy": "raw", "boundary": "zero", "window_tokens": 33}),
    ("relative-two-queries", "two-tokens-more", "relative-window", {"window_tokens": 64, "scale_sampling": "prefix"}),
    ("relative-empty", "half-empty", "relative-window", {"window_tokens": 9, "scale_sampling": "prefix"}),
    ("received", "sink", "paper-table5", {"signal": "received"}),
    ("received-dropped", "sink", "paper-table5", {"signal": "received", "sink": "dropped"}),
    ("last", "sink", "paper-table1", {"signal": "last"}),
    ("last-dropped", "sharp", "paper-table1", {"signal": "last", "sink": "dropped"}),
    ("dropped", "sink", "paper-table5", {"sink": "dropped"}),
    ("dropped-cosine", "sink", "paper-table1", {"sink": "dropped"}),
    ("dropped-empty-rows", "half-empty", "paper-table5", {"sink": "dropped"}),
    ("dropped-empty-cosine", "half-empty", "paper-table1", {"sink": "dropped"}),
    ("dropped-empty-last", "half-empty", "paper-table1", {"sink": "dropped", "signal": "last"}),
    ("dropped-empty-received", "half-empty", "paper-table5", {"sink": "dropped", "signal": "received"}),
    ("flat-rows", "half-flat", "paper-table5", {}),
    ("flat-last", "half-flat", "paper-table5", {"signal": "last"}),
    ("without-dc", "two-tokens-more", "paper-table5", {"detrend": "none", "dc": "dropped", "taper": "none"}),
    ("hann-symmetric", "sharp", "paper-table5", {"taper": "hann-symmetric", "detrend": "none"}),
    ("no-taper", "sharp", "paper-table5", {"taper": "none", "one_sided": "plain"}),
    ("fft-number", "soft", "paper-table5", {"fft_length": 101, "dc": "dropped"}),
    ("fft-pow2-doubled", "local", "paper-table5", {"fft_length": "next-pow2"}),
    ("band-edges", "local", "paper-table5", {"band_edges": [0.1, 0.4]}),
    ("reflect", "sharp", "paper-table5", {"boundary": "reflect"}),
    ("zero", "sharp", "paper-table1", {"boundary": "zero"}),
    ("periodization", "soft", "paper-table5", {"boundary": "periodization"}),
    ("periodization-cosine", "sink", "paper-table1", {"boundary": "periodization", "level": 3}),
    ("high-level", "half-flat", "paper-table5", {"level": 7}),
    ("level-one", "half-flat", "paper-table1", {"level": 1}),
    ("one-alpha", "sink", "paper-table5", {"alphas": [0.75], "window_sizes": [8, 200], "nulls": []}),
    ("stride", "sink", "paper-table5", {"scale_sampling": "stride"}),
    ("stride-cosine-dropped", "half-empty", "paper-table1", {"scale_sampling": "stride", "sink": "dropped"}),
    ("random", "local", "paper-table1", {"scale_sampling": "random"}),
    ("bidirectional", "bidirectional", "paper-table5", {}),
    ("bidirectional-cosine", "bidirectional", "paper-table1", {"boundary": "reflect"}),
    ("bidirectional-relative", "bidirectional", "relative-window", {"window_tokens": 16}),
]


def attention_of(name):
    seed, n, make = ATTENTIONS[name]
    return make(np.random.default_rng(seed), n)


def stored_shortened(attention, sampling):
    """Whether the shortened attention cannot be read off the whole one."""
    return sampling != "prefix" or attention == "bidirectional"


def shortened_of(name, length):
    """Attention of `length` tokens of the same kind, from another seed: what a forward pass of its own would give."""
    seed, _, make = ATTENTIONS[name]
    return make(np.random.default_rng([seed, length]), length)
