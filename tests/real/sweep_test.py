"""Both real models through a whole sweep: tokenized, measured, committed, aggregated."""
import math
import unittest

from harness import Cluster
from real_models import REAL_MODELS
from sweeps import FIGURES, figures_line, run

SEQUENCES = 8
HEADS = {"smollm2-135m": 30 * 9, "all-minilm-l6-v2": 6 * 12}
PLACE = {"model", "checkpoint", "sequence", "sequence_id", "layer", "head"}


class Sweep(unittest.TestCase):
    def check_records(self, cluster):
        """The store of the run, asked through a coordinator of its own."""
        sweep, = cluster.rows("list")
        self.assertEqual((sweep["state"], sweep["failed"], sweep["succeeded"]), ("succeeded", 0, sweep["total"]))
        records = cluster.rows("query", "records", sweep["id"])
        for model in REAL_MODELS:
            mine = [record for record in records if record["model"].endswith(model.name)]
            self.assertEqual(len(mine), SEQUENCES * HEADS[model.name])
        for record in records:
            where = {name: record[name] for name in PLACE}
            self.assertEqual(record["non_finite_rows"], 0, where)
            for column in record.keys() - PLACE:
                self.assertTrue(record[column] is not None and math.isfinite(record[column]), (where, column))

    def check_sweep(self, spec):
        cluster = Cluster(workers=0)
        rows, said = run(cluster.folder, spec, SEQUENCES)
        self.assertNotIn("skipped", said)
        for model in REAL_MODELS:
            row = rows[model.name]
            print(figures_line(row, spec), flush=True)
            self.assertTrue(row["complete"])
            for figure in FIGURES:
                self.assertTrue(math.isfinite(row[figure]), figure)
        with cluster:
            self.check_records(cluster)

    def test_paper_table1(self):
        self.check_sweep("paper-table1")

    def test_paper_table5(self):
        self.check_sweep("paper-table5")
