"""Whether a peer's figures are the engine's: nothing is timed before they are."""

import numpy as np

RELATIVE, ABSOLUTE = 2e-4, 1e-5  # As published (tests/parity/README.md).
ROUNDING = 1e-6  # reconstruction_error measures the arithmetic itself: any value below will do.
CONTROLLED = ("spectral_entropy", "frequency_selectivity", "band_low", "positional_entropy")


def columns(spec):
    """The metrics in the order of a record: (name, index in its list or None), as common/spec/columns.cc has them."""
    relative = spec["signal"] == "relative"
    names = "spectral_entropy spectral_entropy_normalised frequency_selectivity peak_share spectral_flatness".split()
    names += ["band_low", "band_mid", "band_high", "positional_entropy"]
    names += ["positional_entropy_normalised"] if relative else []
    found = [(name, None) for name in names]
    for name in ("wavelet_entropy", "wavelet_energy"):
        found += [(name, level) for level in range(spec["level"] + 1)]
    scale = "scale_distance" if relative else "scale_sensitivity"
    names = [f"{scale}_{alpha:g}" for alpha in spec["alphas"]]
    if not relative:
        names += [f"window_entropy_{width}" for width in spec["window_sizes"]] + ["reconstruction_error"]
    names += ["sink_mass", *(["window_mass"] if relative else []), "local_mass_16", "coverage", "non_finite_rows"]
    suffixes = ["_key_shuffled"] if spec["nulls"] else []
    if suffixes and not relative and spec["sink"] == "kept":
        suffixes += ["_sink_dropped", "_sink_dropped_key_shuffled"]
    names += [name + suffix for suffix in suffixes for name in CONTROLLED]
    return found + [(name, None) for name in names]


def share_of_tolerance(name, wanted, got):
    """The worst error of one column over layers and heads."""
    if name == "reconstruction_error":
        return float(max(wanted.max(), got.max()) / ROUNDING)
    if (np.isnan(wanted) != np.isnan(got)).any():
        return np.inf
    share = np.abs(wanted - got) / np.maximum(RELATIVE * np.abs(wanted), ABSOLUTE)
    return float(np.nan_to_num(share, nan=0.0).max())


def worst(spec, record_block, figures):
    """(share of the tolerance, metric) of a sequence's records [layers, heads, columns] and a peer's figures."""
    labels = columns(spec)
    if record_block.shape[2] != len(labels):
        raise RuntimeError(f"a record has {record_block.shape[2]} columns, where {len(labels)} were awaited")
    shares = []
    for column, (name, level) in enumerate(labels):
        got = np.asarray(figures[name], float)
        got = got if level is None else got[..., level]
        shares.append((share_of_tolerance(name, record_block[..., column].astype(float), got), name))
    return max(shares)
