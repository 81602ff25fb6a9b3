"""The spec: every choice between attention and a number, its presets and its rules.

A spec is a plain dict whose keys are the spec fields. `resolve(preset, overrides)` gives a checked one.
"""

import copy

MINIMUM_MASS = 1e-6  # A window or a row with no more than this is empty.
GUARD = 1e-10

PAPER_TABLE5 = {
    "tokens": 112,
    "signal": "rows",
    "window_tokens": 64,
    "sink": "kept",
    "detrend": "constant",
    "taper": "hann-periodic",
    "fft_length": "n",
    "one_sided": "doubled",
    "dc": "kept",
    "band_edges": [0.25, 0.75],
    "wavelet": "db2",
    "boundary": "symmetric",
    "level": 4,
    "wavelet_entropy": "within-scale",
    "alphas": [0.5, 0.25],
    "scale_sampling": "prefix",
    "scale_compare": "concat-truncate",
    "window_sizes": [16, 32, 64],
    "nulls": ["key-shuffled"],
    "stack": "encoder",
    "position_embeddings": "kept",
}

PRESETS = {
    "paper-table5": PAPER_TABLE5,
    "paper-table1": {**PAPER_TABLE5, "tokens": 128, "level": 5, "scale_compare": "level-cosine"},
    "paper-literal": {
        **PAPER_TABLE5,
        "detrend": "none",
        "fft_length": "next-pow2",
        "one_sided": "plain",
        "level": 5,
        "wavelet_entropy": "raw",
    },
    "relative-window": {
        **PAPER_TABLE5,
        "tokens": 256,
        "signal": "relative",
        "detrend": "none",
        "taper": "hann-centred",
        "boundary": "reflect",
        "scale_sampling": "stride",
        "scale_compare": "profile-distance",
    },
}

CHOICES = {
    "signal": ("rows", "relative", "received", "last"),
    "sink": ("kept", "dropped"),
    "detrend": ("none", "constant"),
    "taper": ("none", "hann-periodic", "hann-symmetric", "hann-centred"),
    "one_sided": ("doubled", "plain"),
    "dc": ("kept", "dropped"),
    "wavelet": ("db2",),
    "boundary": ("symmetric", "reflect", "zero", "periodization"),
    "wavelet_entropy": ("within-scale", "raw"),
    "scale_sampling": ("prefix", "stride", "random"),
    "scale_compare": ("concat-truncate", "level-cosine", "profile-distance"),
    "stack": ("encoder", "decoder"),
    "position_embeddings": ("kept", "zero"),
}


def resolve(preset, overrides=None):
    """The preset with its overrides, checked. Raises ValueError naming the field."""
    spec = copy.deepcopy(PRESETS[preset])
    for field, value in (overrides or {}).items():
        if field not in spec:
            raise ValueError(f"unknown spec field {field}")
        spec[field] = value
    for field, values in CHOICES.items():
        if spec[field] not in values:
            raise ValueError(f"{field}: {spec[field]!r} is none of {values}")
    relative = spec["signal"] == "relative"
    if relative != (spec["scale_compare"] == "profile-distance"):
        raise ValueError("scale_compare: profile-distance belongs to signal relative, and only to it")
    if relative and spec["sink"] == "dropped":
        raise ValueError("sink: a relative signal has no sink to drop")
    if relative and spec["tokens"] < spec["window_tokens"] + 2:
        raise ValueError("tokens: a relative window needs two tokens more than it sees")
    if not relative and spec["taper"] == "hann-centred":
        raise ValueError("taper: hann-centred belongs to signal relative")
    return spec


def shortened_length(tokens, alpha):
    """m = floor(alpha n)."""
    return int(alpha * tokens)


def figure(name, number):
    """The name of a figure that depends on a number: scale_sensitivity_0.5, window_entropy_16."""
    return f"{name}_{number:g}"
