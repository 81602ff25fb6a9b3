"""Makes wavelet_goldens.json: PyWavelets' multi-level db2 transforms.

    python wavelet_goldens.py > wavelet_goldens.json     (needs numpy and PyWavelets)
"""

import json
import sys
import warnings

import numpy as np
import pywt

warnings.filterwarnings("ignore", message="Level value of")  # Levels above PyWavelets' maximum are meant.
CASES = [(1, 1), (2, 1), (2, 3), (3, 2), (4, 1), (5, 5), (7, 3), (8, 3), (17, 6), (64, 4), (111, 5), (112, 5)]

goldens = []
generator = np.random.default_rng(1)
for boundary in ("symmetric", "reflect", "zero", "periodization"):
    for length, level in CASES:
        if boundary == "reflect" and length == 1:
            continue  # PyWavelets refuses it.
        signal = generator.standard_normal(length).round(4)
        levels = pywt.wavedec(signal, "db2", mode=boundary, level=level)
        goldens.append(
            {
                "boundary": boundary,
                "signal": signal.tolist(),
                "level": level,
                "levels": [[float(f"{value:.12g}") for value in values] for values in levels],
            }
        )
sys.stdout.write("[\n" + ",\n".join(json.dumps(golden) for golden in goldens) + "\n]\n")
