"""Writes goldens.json: statistics and correlations as NumPy and SciPy compute them in float64.

Run it with Python 3, NumPy and SciPy:  python make_goldens.py > goldens.json
"""
import json
import math

import numpy as np
from scipy import stats

RESAMPLES = 2000
SEED = 0x6F6E64656C657474
MASK = (1 << 64) - 1


def number(value):
    return None if value is None or not math.isfinite(value) else float(value)


def statistics(values):
    defined = np.array([v for v in values if np.isfinite(v)], dtype=np.float64)
    result = {"count": len(defined), "undefined": len(values) - len(defined)}
    names = ["mean", "standard_deviation", "minimum", "first_quartile", "median", "third_quartile", "maximum"]
    if len(defined) == 0:
        return result | {name: None for name in names}
    exact_mean = math.fsum(defined) / len(defined)
    deviation = None
    if len(defined) > 1:
        deviation = math.sqrt(math.fsum((v - exact_mean) ** 2 for v in defined) / (len(defined) - 1))
    figures = [exact_mean, deviation, *np.percentile(defined, [0, 25, 50, 75, 100])]
    return result | {name: number(figure) for name, figure in zip(names, figures)}


def pearson(x, y):
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return stats.pearsonr(x, y)[0]


def random_bits(counter):
    bits = (SEED + (counter + 1) * 0x9E3779B97F4A7C15) & MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


def resampled(x, y, stream):
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3:
        return np.full(RESAMPLES, math.nan)
    result = []
    for resample in range(RESAMPLES):
        first = (stream * RESAMPLES + resample) << 32
        drawn = [((random_bits(first + i) >> 32) * len(x)) >> 32 for i in range(len(x))]
        result.append(pearson(x[drawn], y[drawn]))
    return np.array(result)


def interval(samples):
    defined = samples[np.isfinite(samples)]
    if 2 * len(defined) < len(samples):
        return [None, None]
    return [number(v) for v in np.percentile(defined, [2.5, 97.5])]


def nan_mean(values):
    defined = [v for v in values if np.isfinite(v)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def correlations(records, suffix):
    """records[label]: [sequences, layers, heads]. Rows: the mean over layers, then every layer."""
    positional, spectral = (records[m + suffix] for m in ("positional_entropy", "spectral_entropy"))
    shuffled = [records[m + suffix + "_key_shuffled"] for m in ("positional_entropy", "spectral_entropy")]
    layers, heads = positional.shape[1:]
    head_means = lambda values, layer: np.array([nan_mean(values[:, layer, head]) for head in range(heads)])
    rows, samples = [], []
    for layer in range(layers):
        x, y = head_means(positional, layer), head_means(spectral, layer)
        samples.append(resampled(x, y, layer))
        over = [pearson(positional[:, layer, head], spectral[:, layer, head]) for head in range(heads)]
        rows.append([pearson(x, y), pearson(head_means(shuffled[0], layer), head_means(shuffled[1], layer)),
                     interval(samples[-1]), nan_mean(over)])
    over_layers = np.array([nan_mean(column) for column in np.array(samples).T])
    mean = [nan_mean([row[i] for row in rows]) for i in (0, 1, 3)]
    rows.insert(0, [mean[0], mean[1], interval(over_layers), mean[2]])
    return [{"rho": number(r[0]), "rho_key_shuffled": number(r[1]), "interval_low": r[2][0],
             "interval_high": r[2][1], "rho_sequences": number(r[3])} for r in rows]


def aggregate_case(random):
    labels = [metric + sink + null for metric in ("positional_entropy", "spectral_entropy")
              for sink in ("", "_sink_dropped") for null in ("", "_key_shuffled")]
    shape = (7, 3, 5)
    records = {}
    for label in labels:
        base = random.normal(3, 0.7, size=(1, *shape[1:]))
        records[label] = (base + random.normal(0, 0.3, size=shape)).astype(np.float32).astype(np.float64)
    for label in labels:                    # a head that is never defined, one that is sometimes not
        records[label][:, 1, 2] = np.nan
        records[label][3, 0, 4] = np.nan
    records["spectral_entropy"][:, 2, :] = 1.5   # a layer without variance
    heads = {label: [[statistics(values[:, layer, head]) for head in range(shape[2])] for layer in range(shape[1])]
             for label, values in records.items()}
    means = {label: [[math.nan if s["mean"] is None else s["mean"] for s in row] for row in rows]
             for label, rows in heads.items()}
    return {
        "records": {label: [[[number(v) for v in head] for head in layer] for layer in values]
                    for label, values in records.items()},
        "heads": heads,
        "layers": {label: [statistics(row) for row in rows] for label, rows in means.items()},
        "model": {label: statistics([v for row in rows for v in row]) for label, rows in means.items()},
        "correlations": {"kept": correlations(records, ""), "dropped": correlations(records, "_sink_dropped")},
    }


def main():
    random = np.random.default_rng(7)
    lists = [[], [1.25], [2.0, -1.0], [3.0] * 6, [math.nan, 1.0, math.nan], [math.nan],
             [1e8, 1.0, -1e8, 1e-8, 3.0], [1.0, 1.0, 2.0, 2.0, 2.0, 5.0],
             [1e10 + v for v in (0.0, 1.0, 2.0, 3.0)]]
    for size in (3, 4, 5, 101, 500):
        lists.append(list(random.lognormal(0, 2, size)))
    pairs = []
    for size in (3, 4, 12, 40):
        x = random.normal(5, 1, size)
        pairs.append([x, -0.6 * x + random.normal(0, 0.5, size)])
    pairs.append([np.array([1.0, 2.0, math.nan, 4.0, 5.0]), np.array([2.0, 1.0, 0.0, math.nan, 7.0])])
    pairs.append([np.array([1.0, 2.0]), np.array([2.0, 1.0])])
    pairs.append([np.array([0.1] * 5), np.array([1.0, 2.0, 3.0, 4.0, 5.0])])
    pairs.append([np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])])
    print(json.dumps({
        "statistics": [{"values": [number(v) for v in values], "expected": statistics(values)} for values in lists],
        "pearson": [{"x": [number(v) for v in x], "y": [number(v) for v in y], "expected": number(pearson(x, y)),
                     "interval": interval(resampled(x, y, 3))} for x, y in pairs],
        "aggregate": aggregate_case(random),
    }, indent=None, separators=(",", ":")))


if __name__ == "__main__":
    main()
