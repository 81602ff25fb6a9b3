"""Every figure of one record, in float64, from the attention of one head.

    analyze(attention, shortened, spec) -> {"spectral_entropy": 2.27, "wavelet_entropy": [..], ...}

numpy, SciPy and PyWavelets; no code in common with the engine. What the definitions leave open and the
control goldens or common sense settle is listed in README.md, "Choices".
"""

import numpy as np

import scale
import signals
from spec import figure, shortened_length

SPECTRAL = (
    "spectral_entropy",
    "spectral_entropy_normalised",
    "frequency_selectivity",
    "peak_share",
    "spectral_flatness",
    "band_low",
    "band_mid",
    "band_high",
)
LOCAL_WIDTH = 16
# The figures that are computed once more with the sink dropped when the spec asks for nulls.
CONTROLLED = ("spectral_entropy", "frequency_selectivity", "band_low", "positional_entropy")


def mean_or_none(values):
    """Mean over signals (axis 0); None, or a list of None, where no signal is counted."""
    if len(values) == 0:
        return [None] * values.shape[1] if values.ndim == 2 else None
    mean = values.mean(axis=0)
    return [float(value) for value in mean] if values.ndim == 2 else float(mean)


def signal_figures(attention, spec):
    """The figures that are means over signals, and coverage."""
    found = signals.extract(attention, spec)
    per_signal, flat = signals.spectral_figures(found.values, spec)
    figures = {name: mean_or_none(per_signal[name][~flat]) for name in SPECTRAL}
    figures["coverage"] = float((~flat).sum() / found.total)
    positional = signals.entropy(found.values)
    figures["positional_entropy"] = mean_or_none(positional)
    if spec["signal"] == "relative":
        figures["positional_entropy_normalised"] = mean_or_none(positional / np.log(spec["window_tokens"]))
        windows = signals.relative_windows(attention, spec["window_tokens"])
        figures["window_mass"] = float(windows.sum(axis=1).mean())
    figures["wavelet_entropy"] = mean_or_none(signals.wavelet_entropy(found.values, spec))
    figures["wavelet_energy"] = mean_or_none(signals.wavelet_energy(found.values, spec))
    return figures


def mass_figures(attention):
    """Always of the whole attention, whatever the spec's sink says."""
    count = len(attention)
    near = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) < LOCAL_WIDTH
    return {
        "sink_mass": float(attention[1:, 0].mean()),
        figure("local_mass", LOCAL_WIDTH): float((attention * near).sum(axis=1).mean()),
    }


def sink_dropped_figures(attention, spec):
    """The controlled figures without the sink; nothing where the spec's signals have none. Those of the key-shuffled
    null are not made here: its permutation belongs to the engine."""
    if not spec["nulls"] or spec["signal"] == "relative" or spec["sink"] == "dropped":
        return {}
    figures = signal_figures(attention, {**spec, "sink": "dropped"})
    return {f"{name}_sink_dropped": figures[name] for name in CONTROLLED}


def analyze(attention, shortened, spec):
    """attention [n, n] of one head; shortened: {alpha: attention of the shortened sequence [m, m]}, every alpha."""
    attention = np.asarray(attention, dtype=np.float64)
    figures = signal_figures(attention, spec)
    name, compare = scale.COMPARE[spec["scale_compare"]]
    for alpha in spec["alphas"]:
        short = np.asarray(shortened[alpha], dtype=np.float64)
        figures[figure(name, alpha)] = compare(attention, short, spec)
    if spec["signal"] != "relative":
        for width in spec["window_sizes"]:
            figures[figure("window_entropy", width)] = scale.window_entropy(attention, spec, width)
        figures["reconstruction_error"] = scale.reconstruction_error(attention, spec)
    figures.update(mass_figures(attention))
    figures.update(sink_dropped_figures(attention, spec))
    figures["non_finite_rows"] = 0.0
    return figures


def prefixes(attention, spec):
    """The shortened attentions of a causal head under prefix sampling: A[:m, :m]."""
    lengths = {alpha: shortened_length(len(attention), alpha) for alpha in spec["alphas"]}
    return {alpha: attention[:length, :length] for alpha, length in lengths.items()}
