"""The engine's key permutations (worker/engine/analysis/key_shuffle.h), so that the figures of the key-shuffled null
can be compared too. Tables are made once a length, before any timing."""

import functools

import numpy as np

SEED = 0x6F6E64656C657474
GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(value):
    """SplitMix64's output function, on uint64 arrays (which wrap)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def counter_hash(key, counters):
    """Values `counters` of the stream `key`."""
    steps = (np.asarray(counters, np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    return mix(np.array([key & MASK], np.uint64) + steps)


def below(values, bounds):
    """floor(value * bound / 2^64) for bounds below 2^32."""
    high, low = values >> np.uint64(32), values & np.uint64(0xFFFFFFFF)
    return (high * bounds + (low * bounds >> np.uint64(32))) >> np.uint64(32)


@functools.lru_cache(maxsize=4)
def rows(keys):
    """int64 [keys, keys]: row i permutes its keys 0..i; what lies above the diagonal stays."""
    table = np.tile(np.arange(keys), (keys, 1))
    for row in range(1, keys):
        counters = np.arange(row, 0, -1, dtype=np.uint64)
        key = int(counter_hash(int(counter_hash(SEED, [row])[0]), [row + 1])[0])
        order = list(range(row + 1))
        for k, other in zip(range(row, 0, -1), below(counter_hash(key, counters), counters + np.uint64(1)).tolist()):
            order[k], order[other] = order[other], order[k]
        table[row, : row + 1] = order
    return table


def windows(keys, window):
    """int64 [keys - window, window]: the keys i, i-1, ..., i-window+1 of the shuffled row of each query i >= window."""
    queries = np.arange(window, keys)
    return np.take_along_axis(rows(keys)[window:], queries[:, None] - np.arange(window), axis=1)
