"""The tables of docs/real-models.md: both models over the whole shipped corpus."""
import tempfile

from sweeps import run

COLUMNS = (("entropy", "spectral_entropy", 3), ("selectivity", "frequency_selectivity", 3),
           ("low %", "low_frequency_power_percent", 1), ("scale 0.5", "scale_sensitivity_0.5", 3),
           ("scale 0.25", "scale_sensitivity_0.25", 3), ("~entropy", "spectral_entropy_key_shuffled", 3),
           ("sink", "sink_mass", 3), ("rho", "rho", 2), ("~rho", "rho_key_shuffled", 2), ("rho*", "rho_sink_dropped", 2),
           ("~rho*", "rho_sink_dropped_key_shuffled", 2))


def main():
    for spec in ("paper-table1", "paper-table5"):
        with tempfile.TemporaryDirectory() as folder:
            rows, _ = run(folder, spec, 64)
        print(f"\n| {spec} | " + " | ".join(name for name, _, _ in COLUMNS) + " |")
        print("| --- |" + " ---: |" * len(COLUMNS))
        for model, row in rows.items():
            print(f"| {model} | " + " | ".join(f"{row[figure]:.{digits}f}" for _, figure, digits in COLUMNS) + " |")


if __name__ == "__main__":
    main()
