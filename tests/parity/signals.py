"""Signals of one head, and the figures made from each (METRICS: spectrum, entropy, wavelet).

Shapes: attention [queries, keys]; signals [count, length]; every array is float64.
"""

from dataclasses import dataclass

import numpy as np
import pywt
from scipy.fft import rfft
from scipy.special import xlogy

from spec import GUARD, MINIMUM_MASS

FLAT_SHARE = 1e-12
FLATNESS_FLOOR = 1e-10


@dataclass
class Signals:
    """values: the signals that are not empty, each of sum 1. total: how many the spec has, empty ones too."""

    values: np.ndarray
    total: int


def entropy(probabilities):
    """-sum p ln p along the last axis, 0 ln 0 = 0. Also right for the raw squares of equation 5."""
    return -xlogy(probabilities, probabilities).sum(axis=-1)


def drop_sink(attention):
    """Query 0 and key 0 left out, rows renormalised. Returns (rows, which rows are not empty); empty rows are zero."""
    rest = attention[1:, 1:]
    mass = rest.sum(axis=1)
    filled = mass > MINIMUM_MASS
    return np.where(filled[:, None], rest / np.where(filled, mass, 1.0)[:, None], 0.0), filled


def prepared_rows(attention, spec):
    """The matrix whose rows the rows specs look at, and which of its rows are not empty."""
    if spec["sink"] == "dropped":
        return drop_sink(attention)
    return attention, np.ones(len(attention), dtype=bool)


def received(rows, filled):
    """Mean over the rows that are not empty. Zeros if every one is."""
    return rows[filled].mean(axis=0) if filled.any() else np.zeros(rows.shape[1])


def relative_windows(attention, window):
    """A[i, i-d], d = 0..T-1, for queries i >= T; not renormalised. Shape [n - T, T]."""
    queries = np.arange(window, len(attention))
    return attention[queries[:, None], queries[:, None] - np.arange(window)[None, :]]


def extract(attention, spec):
    """The signals of one head."""
    if spec["signal"] == "relative":
        windows = relative_windows(attention, spec["window_tokens"])
        mass = windows.sum(axis=1)
        kept = mass > MINIMUM_MASS
        return Signals(windows[kept] / mass[kept][:, None], len(windows))
    rows, filled = prepared_rows(attention, spec)
    if spec["signal"] == "rows":
        return Signals(rows[filled], len(rows))
    if spec["signal"] == "last":
        return Signals(rows[-1:][filled[-1:]], 1)
    return Signals(received(rows, filled)[None, :][: int(filled.any())], 1)


def taper_weights(kind, length):
    if kind == "none":
        return np.ones(length)
    divisor = length if kind == "hann-periodic" else max(length - 1, 1)
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / divisor)


def padded_length(spec, length):
    if spec["fft_length"] == "n":
        return length
    if spec["fft_length"] == "next-pow2":
        return 1 << (length - 1).bit_length()
    if spec["fft_length"] < length:
        raise ValueError(f"fft_length {spec['fft_length']} is shorter than the signal ({length})")
    return spec["fft_length"]


def power(values, spec):
    """P [count, kept bins], the bins' frequencies in units of Nyquist."""
    if spec["detrend"] == "constant":
        values = values - values.mean(axis=1, keepdims=True)
    length = values.shape[1]
    if spec["taper"] == "hann-centred":
        # The even extension y[t] = x[|t|], |t| < T: t = -T holds the taper's zero, so its length is 2T. It is
        # laid down circularly, t < 0 at the end; |DFT|^2 does not depend on where it begins.
        transform = padded_length(spec, 2 * length)
        tapered = values * (0.5 + 0.5 * np.cos(np.pi * np.arange(length) / length))
        padded = np.zeros((len(values), transform))
        padded[:, :length] = tapered
        padded[:, transform - length + 1 :] = tapered[:, :0:-1]
    else:
        transform = padded_length(spec, length)
        padded = np.zeros((len(values), transform))
        padded[:, :length] = values * taper_weights(spec["taper"], length)
    spectrum = np.abs(rfft(padded, axis=1)) ** 2
    bins = np.arange(spectrum.shape[1])
    if spec["one_sided"] == "doubled":
        unpaired = (bins == 0) | (2 * bins == transform)
        spectrum = spectrum * np.where(unpaired, 1.0, 2.0)
    first = 1 if spec["dc"] == "dropped" else 0
    return spectrum[:, first:], (2.0 * bins / transform)[first:]


def spectral_figures(values, spec):
    """Per signal: the figures made from p, and `flat` (bool). The figures of flat signals mean nothing."""
    spectrum, frequency = power(values, spec)
    total = spectrum.sum(axis=1)
    flat = total <= FLAT_SHARE * (values**2).sum(axis=1)
    p = spectrum / np.where(flat, 1.0, total)[:, None]
    peak = p.max(axis=1)
    shannon = entropy(p)
    low, high = spec["band_edges"]
    bands = (frequency <= low, (frequency > low) & (frequency <= high), frequency > high)
    geometric = np.exp(np.log(np.maximum(p, FLATNESS_FLOOR)).mean(axis=1))
    figures = {
        "spectral_entropy": shannon,
        "spectral_entropy_normalised": shannon / np.log(p.shape[1]),
        "frequency_selectivity": peak / (1 - peak + GUARD),
        "peak_share": peak,
        "spectral_flatness": geometric / np.where(flat, 1.0, p.mean(axis=1)),
        "band_low": p[:, bands[0]].sum(axis=1),
        "band_mid": p[:, bands[1]].sum(axis=1),
        "band_high": p[:, bands[2]].sum(axis=1),
    }
    return figures, flat


def transform_rows(rows, spec):
    """[cA_L, cD_L, ..., cD_1], each [rows, coefficients]. Levels above PyWavelets' maximum are meant."""
    return pywt.wavedec(rows, spec["wavelet"], mode=spec["boundary"], level=spec["level"], axis=-1)


def wavelet_energy(values, spec):
    """Share of each signal's wavelet energy per level, [count, level + 1]."""
    energies = np.stack([(level**2).sum(axis=1) for level in transform_rows(values, spec)], axis=1)
    return energies / energies.sum(axis=1, keepdims=True)


def wavelet_entropy(values, spec):
    """Equation 5 per level, [count, level + 1]."""
    entropies = []
    for level in transform_rows(values, spec):
        squares = level**2
        if spec["wavelet_entropy"] == "within-scale":
            squares = squares / (squares.sum(axis=1, keepdims=True) + GUARD)
        entropies.append(entropy(squares))
    return np.stack(entropies, axis=1)
