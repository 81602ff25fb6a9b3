"""The figures of a whole layer at once, attention [heads, n, n], with torch in float32 (docs/metrics.md).

torch.special.entr is 12 times faster than any x log x written out; db2 as strided slices up to 13 times faster than
conv1d.
"""

import math

import torch
from torch.special import entr

GUARD = 1e-10
MINIMUM_MASS = 1e-6
FLAT_SHARE = 1e-12
FLATNESS_FLOOR = 1e-10
LOCAL_WIDTH = 16
CONTROLLED = ("spectral_entropy", "frequency_selectivity", "band_low", "positional_entropy")


def db2():
    """The decomposition's low-pass and high-pass filters."""
    root = math.sqrt(3)
    low = [(1 - root), (3 - root), (3 + root), (1 + root)]
    low = [value / (4 * math.sqrt(2)) for value in low]
    return low, [-low[3], low[2], -low[1], low[0]]


LOW, HIGH = db2()


def mean(values, counted):
    """[heads] over the counted signals of [heads, signals]; NaN where there are none."""
    return torch.where(counted, values, 0).sum(1) / counted.sum(1)


def renormalised(signals):
    """Signals of sum 1 (zero where empty), which are not empty, and the mass of each."""
    mass = signals.sum(-1)
    filled = mass > MINIMUM_MASS
    return signals * torch.where(filled, 1 / mass, 0)[..., None], filled, mass


def windows(attention, length):
    """A[i, i-d], d = 0..length-1, for queries i >= length: [heads, n - length, length]."""
    heads, count, _ = attention.shape
    shape, strides = (heads, count - length, length), (attention.stride(0), attention.stride(1) + 1, 1)
    return attention.as_strided(shape, strides, attention.storage_offset() + length * attention.stride(1) + 1).flip(-1)


class Spectrum:
    """Tapers, weights and bands of signals of one length: made before timing."""

    def __init__(self, spec, length):
        t = torch.arange(length, dtype=torch.float64)
        self.centred = spec["taper"] == "hann-centred"
        self.detrend = spec["detrend"] == "constant"
        cosine = torch.cos(math.pi * t / length) if self.centred else -torch.cos(2 * math.pi * t / length)
        self.taper = (0.5 + 0.5 * cosine).float()
        padded = 1 << (length - 1).bit_length() if spec["fft_length"] == "next-pow2" else length
        self.points = 2 * length if self.centred else padded
        self.bins = self.points // 2 + 1
        self.weights = torch.ones(self.bins)
        if spec["one_sided"] == "doubled":
            self.weights[1 : (self.points + 1) // 2] = 2
        low, high = spec["band_edges"]
        self.edges = [sum(2 * k / self.points <= edge for k in range(self.bins)) for edge in (low, high)]

    def power(self, signals):
        if self.detrend:
            signals = signals - signals.mean(-1, keepdim=True)
        signals = signals * self.taper
        if self.centred:
            signals = torch.cat([signals, torch.zeros_like(signals[..., :1]), signals[..., 1:].flip(-1)], -1)
        spectrum = torch.fft.rfft(signals, n=self.points)
        return (spectrum.real.square() + spectrum.imag.square()).mul_(self.weights)

    def figures(self, signals, filled, controlled_only=False):
        """Means over signals, by name, each [heads]."""
        power = self.power(signals)
        total = power.sum(-1)
        counted = filled & (total > FLAT_SHARE * signals.square().sum(-1))
        p = power.mul_((1 / total)[..., None])
        peak = p.amax(-1)
        shannon = entr(p).sum(-1)
        low, mid, high = (part.sum(-1) for part in p.tensor_split(self.edges, dim=-1))
        found = {
            "spectral_entropy": mean(shannon, counted),
            "frequency_selectivity": mean(peak / (1 - peak + GUARD), counted),
            "band_low": mean(low, counted),
            "positional_entropy": mean(entr(signals).sum(-1), filled),
        }
        if controlled_only:
            return found
        average = p.mean(-1)
        geometric = p.clamp_min_(FLATNESS_FLOOR).log_().mean(-1).exp()
        found["spectral_entropy_normalised"] = found["spectral_entropy"] / math.log(self.bins)
        found["peak_share"] = mean(peak, counted)
        found["spectral_flatness"] = mean(geometric / average, counted)
        found["band_mid"], found["band_high"] = mean(mid, counted), mean(high, counted)
        found["coverage"] = counted.float().mean(1)
        return found


def extended(signals, boundary):
    """Two more values on the left and two or three on the right, as db2 needs them."""
    length = signals.shape[-1]
    right = 2 + length % 2
    if boundary == "symmetric":
        parts = signals[..., :2], signals[..., length - right :]
    else:
        parts = signals[..., 1:3], signals[..., length - right - 1 : length - 1]
    return torch.cat([parts[0].flip(-1), signals, parts[1].flip(-1)], -1)


def levels_of(signals, spec):
    """[cA_L, cD_L, ..., cD_1], each [heads, signals, coefficients], as pywt.wavedec."""
    details = []
    for _ in range(spec["level"]):
        long = extended(signals, spec["boundary"])
        count = (signals.shape[-1] + 3) // 2
        taps = [long[..., 3 - j :: 2][..., :count] for j in range(4)]
        signals = taps[0] * LOW[0]
        detail = taps[0] * HIGH[0]
        for j in range(1, 4):
            signals.add_(taps[j], alpha=LOW[j])
            detail.add_(taps[j], alpha=HIGH[j])
        details.append(detail)
    return [signals, *reversed(details)]


def reconstructed(levels, length):
    """pywt.waverec: the reversed filters, even and odd positions apart."""
    low, high = LOW[::-1], HIGH[::-1]
    signals = levels[0]
    for detail in levels[1:]:
        a, d = signals[..., : detail.shape[-1]], detail
        pairs = [
            a[..., 1:] * low[j] + a[..., :-1] * low[j + 2] + d[..., 1:] * high[j] + d[..., :-1] * high[j + 2]
            for j in (0, 1)
        ]
        signals = torch.stack(pairs, -1).flatten(-2)
    return signals[..., :length]


def energy_profile(levels, filled):
    energies = torch.stack([level.square().sum(-1) for level in levels], -1)
    shares = energies / energies.sum(-1, keepdim=True)
    return torch.where(filled[..., None], shares, 0).sum(1) / filled.sum(1, keepdim=True)


def level_entropies(levels, filled, spec):
    found = []
    for level in levels:
        squares = level.square()
        if spec["wavelet_entropy"] == "within-scale":
            squares.mul_(1 / (squares.sum(-1, keepdim=True) + GUARD))
        found.append(mean(entr(squares).sum(-1), filled))
    return torch.stack(found, -1)


def first_coefficients(levels, count):
    """The first `count` of all levels one after the other, [heads, count]."""
    parts, held = [], 0
    for level in levels:
        if held < count:
            parts.append(level.flatten(1)[:, : count - held])
            held += parts[-1].shape[1]
    return torch.cat(parts, 1)


def concat_truncate(levels, shortened, spec):
    v = torch.cat([level.flatten(1) for level in levels_of(shortened, spec)], 1)
    u = first_coefficients(levels, v.shape[1])
    return 1 - (u * v).sum(1) / (u.norm(dim=1) * v.norm(dim=1) + GUARD)


def level_cosine(attention, shortened, spec):
    count = shortened.shape[1]
    pairs = [levels_of(x - x.mean(-1, keepdim=True), spec) for x in (attention[:, :count], shortened)]
    cosines = []
    for a, b in zip(*pairs):
        a = a[..., : b.shape[-1]]
        cosines.append((a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1) + GUARD))
    return 1 - torch.stack(cosines).mean((0, 2))


def window_entropy(received, width):
    count = received.shape[1] // width
    if count == 0:
        return torch.full(received.shape[:1], math.nan)
    shares = received[:, : count * width].unflatten(1, (count, width))
    shares = shares / (shares.sum(-1, keepdim=True) + GUARD)
    return (entr(shares).sum(-1) / math.log(width)).mean(1)


def masses(attention):
    near = sum(attention.diagonal(offset, 1, 2).sum(-1) for offset in range(1 - LOCAL_WIDTH, LOCAL_WIDTH))
    return {
        "sink_mass": attention[:, 1:, 0].mean(1),
        "local_mass_16": near / attention.shape[1],
        "non_finite_rows": (~attention.sum(-1).isfinite()).sum(1).float(),
    }
