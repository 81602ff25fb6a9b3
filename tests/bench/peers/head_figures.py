"""The figures of one head with numpy, SciPy and PyWavelets, in float32 as attention comes (docs/metrics.md)."""

import numpy as np
import pywt
from scipy.fft import rfft
from scipy.special import xlogy

GUARD = 1e-10
MINIMUM_MASS = 1e-6
FLAT_SHARE = 1e-12
FLATNESS_FLOOR = 1e-10
LOCAL_WIDTH = 16
CONTROLLED = ("spectral_entropy", "frequency_selectivity", "band_low", "positional_entropy")


def entropy(p):
    return -xlogy(p, p).sum(axis=-1)


def renormalised(signals):
    """Signals of sum 1 without the empty ones, and each one's mass before."""
    mass = signals.sum(axis=1)
    kept = mass > MINIMUM_MASS
    return signals[kept] / mass[kept, None], mass


def windows(attention, length):
    """A[i, i-d], d = 0..length-1, for queries i >= length."""
    queries = np.arange(length, len(attention))
    return attention[queries[:, None], queries[:, None] - np.arange(length)]


def padded(signals, spec):
    """Detrended, tapered and padded: what the transform sees."""
    count, length = signals.shape
    if spec["detrend"] == "constant":
        signals = signals - signals.mean(axis=1, keepdims=True)
    if spec["taper"] == "hann-centred":
        signals = signals * (0.5 + 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
        return np.concatenate([signals, np.zeros((count, 1), np.float32), signals[:, :0:-1]], axis=1)
    signals = signals * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    points = length if spec["fft_length"] == "n" else 1 << (length - 1).bit_length()
    return np.pad(signals, ((0, 0), (0, points - length)))


def spectral_figures(signals, spec):
    tapered = padded(signals, spec)
    points = tapered.shape[1]
    power = np.abs(rfft(tapered, axis=1)) ** 2
    if spec["one_sided"] == "doubled":
        power[:, 1 : (points + 1) // 2] *= 2
    total = power.sum(axis=1)
    counted = total > FLAT_SHARE * (signals**2).sum(axis=1)
    p = power[counted] / total[counted, None]
    frequency = 2 * np.arange(p.shape[1]) / points
    low, high = spec["band_edges"]
    peak = p.max(axis=1)
    shannon = entropy(p)
    floored = np.maximum(p, FLATNESS_FLOOR)
    return {
        "spectral_entropy": shannon.mean(),
        "spectral_entropy_normalised": (shannon / np.log(p.shape[1])).mean(),
        "frequency_selectivity": (peak / (1 - peak + GUARD)).mean(),
        "peak_share": peak.mean(),
        "spectral_flatness": (np.exp(np.log(floored).mean(axis=1)) / p.mean(axis=1)).mean(),
        "band_low": p[:, frequency <= low].sum(axis=1).mean(),
        "band_mid": p[:, (frequency > low) & (frequency <= high)].sum(axis=1).mean(),
        "band_high": p[:, frequency > high].sum(axis=1).mean(),
        "positional_entropy": entropy(signals).mean(),
        "counted": counted.sum(),
    }


def levels_of(signals, spec):
    return pywt.wavedec(signals, "db2", mode=spec["boundary"], level=spec["level"], axis=-1)


def energy_profile(levels):
    energies = np.stack([(level**2).sum(axis=1) for level in levels], axis=1)
    return (energies / energies.sum(axis=1, keepdims=True)).mean(axis=0)


def level_entropies(levels, spec):
    squares = [level**2 for level in levels]
    if spec["wavelet_entropy"] == "within-scale":
        squares = [square / (square.sum(axis=1, keepdims=True) + GUARD) for square in squares]
    return [entropy(square).mean() for square in squares]


def concat_truncate(levels, shortened, spec):
    u, v = (np.concatenate([level.ravel() for level in found]) for found in (levels, levels_of(shortened, spec)))
    u = u[: len(v)]
    return 1 - u @ v / (np.linalg.norm(u) * np.linalg.norm(v) + GUARD)


def level_cosine(attention, shortened, spec):
    rows = attention[: len(shortened)]
    pairs = zip(*(levels_of(x - x.mean(axis=1, keepdims=True), spec) for x in (rows, shortened)))
    cosines = []
    for a, b in pairs:
        a = a[:, : b.shape[1]]
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosines.append((a * b).sum(axis=1) / (norms + GUARD))
    return 1 - np.mean(cosines)


def reconstruction_error(attention, levels, spec):
    again = pywt.waverec(levels, "db2", mode=spec["boundary"], axis=-1)[:, : attention.shape[1]]
    return np.linalg.norm(attention - again) / np.linalg.norm(attention)


def window_entropy(received, width):
    count = len(received) // width
    if count == 0:
        return np.nan
    shares = received[: count * width].reshape(count, width)
    shares = shares / (shares.sum(axis=1, keepdims=True) + GUARD)
    return (entropy(shares) / np.log(width)).mean()


def row_figures(attention, shortened, spec, tables):
    found = spectral_figures(attention, spec)
    levels = levels_of(attention, spec)
    found["wavelet_entropy"] = level_entropies(levels, spec)
    found["wavelet_energy"] = energy_profile(levels)
    for alpha, short in shortened.items():
        name = f"scale_sensitivity_{alpha:g}"
        if spec["scale_compare"] == "concat-truncate":
            found[name] = concat_truncate(levels, short, spec)
        else:
            found[name] = level_cosine(attention, short, spec)
    received = attention.mean(axis=0)
    for width in spec["window_sizes"]:
        found[f"window_entropy_{width}"] = window_entropy(received, width)
    found["reconstruction_error"] = reconstruction_error(attention, levels, spec)
    found["coverage"] = found.pop("counted") / len(attention)
    if tables:
        rest = attention[1:, 1:]
        mass = rest.sum(axis=1)
        filled = mass > MINIMUM_MASS
        rest = np.where(filled[:, None], rest / np.where(filled, mass, 1)[:, None], 0)
        controls = {
            "_key_shuffled": np.take_along_axis(attention, tables["kept"], axis=1),
            "_sink_dropped": rest[filled],
            "_sink_dropped_key_shuffled": np.take_along_axis(rest, tables["dropped"], axis=1)[filled],
        }
        add_controls(found, controls, spec)
    return found


def relative_figures(attention, shortened, spec, tables):
    length = spec["window_tokens"]
    all_windows = windows(attention, length)
    signals, mass = renormalised(all_windows)
    found = spectral_figures(signals, spec)
    found["positional_entropy_normalised"] = found["positional_entropy"] / np.log(length)
    levels = levels_of(signals, spec)
    found["wavelet_entropy"] = level_entropies(levels, spec)
    found["wavelet_energy"] = profile = energy_profile(levels)
    for alpha, short in shortened.items():
        found[f"scale_distance_{alpha:g}"] = np.nan
        if len(short) > length:
            other = energy_profile(levels_of(renormalised(windows(short, length))[0], spec))
            found[f"scale_distance_{alpha:g}"] = 0.5 * np.abs(profile - other).sum()
    found["window_mass"] = mass.mean()
    found["coverage"] = found.pop("counted") / len(all_windows)
    if tables:
        shuffled = np.take_along_axis(attention[length:], tables["kept"], axis=1)
        add_controls(found, {"_key_shuffled": renormalised(shuffled)[0]}, spec)
    return found


def add_controls(found, controls, spec):
    for suffix, signals in controls.items():
        figures = spectral_figures(signals, spec)
        found.update({name + suffix: figures[name] for name in CONTROLLED})


def analyze(attention, shortened, spec, tables):
    """attention [n, n] of one head; shortened: {alpha: [m, m]}; tables: permutations of the null. Every figure."""
    measure = relative_figures if spec["signal"] == "relative" else row_figures
    found = measure(attention, shortened, spec, tables)
    found["sink_mass"] = attention[1:, 0].mean()
    near = [attention.diagonal(offset).sum() for offset in range(1 - LOCAL_WIDTH, LOCAL_WIDTH)]
    found["local_mass_16"] = np.sum(near) / len(attention)
    found["non_finite_rows"] = np.count_nonzero(~np.isfinite(attention).all(axis=1))
    return {name: np.asarray(value, float).tolist() for name, value in found.items()}
