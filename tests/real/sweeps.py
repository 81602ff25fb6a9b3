"""`ondelette run` over the real models, as a user types it."""
import json
import subprocess

from harness import BIN, CORPUS
from real_models import MODELS, REAL_MODELS

FIGURES = ("spectral_entropy", "frequency_selectivity", "low_frequency_power_percent", "scale_sensitivity_0.5",
           "scale_sensitivity_0.25", "sink_mass", "rho", "rho_key_shuffled", "rho_sink_dropped",
           "rho_sink_dropped_key_shuffled")


def run(folder, spec, sequences):
    """Both models over the shipped corpus: model -> its row of table 5, and what the program said."""
    command = [BIN / "ondelette", "--output", "json", "run", "--folder", folder, "--models-folder", MODELS, "--models",
               ",".join(model.name for model in REAL_MODELS), "--corpus", CORPUS, "--sequences", sequences, "--device",
               "cpu", "--spec", spec, "--table", "5"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=1200)
    if done.returncode != 0:
        raise AssertionError(f"{spec}: ondelette run ended with {done.returncode}\n{done.stderr}")
    rows = {row["model"]: row for row in map(json.loads, done.stdout.splitlines()) if row["model"] != "(pattern)"}
    return rows, done.stderr


def figures_line(row, spec):
    cells = "  ".join(f"{figure} {row[figure]:.3f}" for figure in FIGURES)
    return f"{row['model']}, {spec}: {cells}"
