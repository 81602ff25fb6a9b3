"""Figures of a whole head: scale sensitivity (eq. 10), reconstruction error (eq. 11), window entropy (table 2)."""

import numpy as np
import pywt

from signals import entropy, extract, prepared_rows, received, transform_rows, wavelet_energy
from spec import GUARD


def concat_truncate(attention, shortened, spec):
    vectors, any_filled = [], True
    for matrix in (attention, shortened):
        rows, filled = prepared_rows(matrix, spec)
        any_filled = any_filled and filled.any()
        vectors.append(np.concatenate([level.ravel() for level in transform_rows(rows, spec)]))
    if not any_filled:
        return None
    length = min(len(vectors[0]), len(vectors[1]))
    u, v = vectors[0][:length], vectors[1][:length]
    return float(1 - u @ v / (np.linalg.norm(u) * np.linalg.norm(v) + GUARD))


def level_cosine(attention, shortened, spec):
    rows_a, filled_a = prepared_rows(attention, spec)
    rows_b, filled_b = prepared_rows(shortened, spec)
    count = len(rows_b)
    both = filled_a[:count] & filled_b
    if not both.any():
        return None
    detrended = [rows - rows.mean(axis=1, keepdims=True) for rows in (rows_a[:count][both], rows_b[both])]
    cosines = []
    for a, b in zip(transform_rows(detrended[0], spec), transform_rows(detrended[1], spec)):
        length = min(a.shape[1], b.shape[1])
        a, b = a[:, :length], b[:, :length]
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosines.append((a * b).sum(axis=1) / (norms + GUARD))
    return float(1 - np.mean(cosines))


def profile_distance(attention, shortened, spec):
    profiles = []
    for matrix in (attention, shortened):
        signals = extract(matrix, spec)
        if len(signals.values) == 0:
            return None
        profiles.append(wavelet_energy(signals.values, spec).mean(axis=0))
    return float(0.5 * np.abs(profiles[0] - profiles[1]).sum())


COMPARE = {
    "concat-truncate": ("scale_sensitivity", concat_truncate),
    "level-cosine": ("scale_sensitivity", level_cosine),
    "profile-distance": ("scale_distance", profile_distance),
}


def reconstruction_error(attention, spec):
    """Transform and inverse in float32, the norms in float64."""
    rows, filled = prepared_rows(attention, spec)
    if not filled.any():
        return None
    rows = rows.astype(np.float32)
    levels = transform_rows(rows, spec)
    again = pywt.waverec(levels, spec["wavelet"], mode=spec["boundary"], axis=-1)[:, : rows.shape[1]]
    exact = rows.astype(np.float64)
    return float(np.linalg.norm(exact - again.astype(np.float64)) / np.linalg.norm(exact))


def window_entropy(attention, spec, width):
    rows, filled = prepared_rows(attention, spec)
    count = rows.shape[1] // width
    if count == 0 or not filled.any():
        return None
    windows = received(rows, filled)[: count * width].reshape(count, width)
    shares = windows / (windows.sum(axis=1, keepdims=True) + GUARD)
    return float((entropy(shares) / np.log(width)).mean())
