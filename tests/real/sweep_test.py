"""Both real models through a whole sweep: tokenized, measured, committed, aggregated; one sequence against the oracle."""
import math
import unittest

import expected
from harness import Cluster
from real_models import REAL_MODELS, passages
from sweeps import FIGURES, figures_line, run

SEQUENCES = 8
ORACLE_SEQUENCE = 5
HEADS = {"smollm2-135m": 30 * 9, "all-minilm-l6-v2": 6 * 12}
PLACE = {"model", "checkpoint", "sequence", "sequence_id", "layer", "head"}


class Sweep(unittest.TestCase):
    def stored_records(self, cluster):
        """Of the run's store, asked through a coordinator of its own; everything in them is finite."""
        sweep, = cluster.rows("list")
        self.assertEqual((sweep["state"], sweep["failed"], sweep["succeeded"]), ("succeeded", 0, sweep["jobs"]))
        records = cluster.rows("query", "records", sweep["id"])
        for record in records:
            where = {name: record[name] for name in PLACE}
            self.assertEqual(record["non_finite_rows"], 0, where)
            for column in record.keys() - PLACE:
                self.assertTrue(record[column] is not None and math.isfinite(record[column]), (where, column))
        return records

    def compare(self, records, model, spec):
        right = expected.records(model, passages()[ORACLE_SEQUENCE], spec)
        compared = 0
        for record in records:
            if record["sequence"] == ORACLE_SEQUENCE:
                where = model.name, record["layer"], record["head"]
                self.assertLess(record["reconstruction_error"], 1e-6, where)  # it measures the arithmetic itself
                figures = right[record["layer"], record["head"]]
                for column in figures.keys() - {"reconstruction_error"}:
                    self.assertTrue(expected.close(record[column], figures[column]),
                                    (*where, column, record[column], figures[column]))
                    compared += 1
        print(f"{model.name}, {spec}: {compared} figures of sequence {ORACLE_SEQUENCE} equal the oracle's", flush=True)
        self.assertGreater(compared, 20 * HEADS[model.name])

    def check_sweep(self, spec):
        cluster = Cluster(workers=0)
        rows, said = run(cluster.folder, spec, SEQUENCES)
        self.assertNotIn("skipped", said)
        with cluster:
            records = self.stored_records(cluster)
        for model in REAL_MODELS:
            row = rows[model.name]
            print(figures_line(row, spec), flush=True)
            self.assertTrue(row["complete"])
            self.assertTrue(all(math.isfinite(row[figure]) for figure in FIGURES))
            mine = [record for record in records if record["model"] == model.name]
            self.assertEqual(len(mine), SEQUENCES * HEADS[model.name])
            self.compare(mine, model, spec)

    def test_paper_table1(self):
        self.check_sweep("paper-table1")

    def test_paper_table5(self):
        self.check_sweep("paper-table5")
