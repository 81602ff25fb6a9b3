"""Two workers share a sweep; the tables are those of one worker, byte for byte."""
import unittest

from harness import Cluster

CHECKPOINTS = "step0,step1,main"
EXTRA = ("--sequences", "24", "--sequences-per-job", "4")


class TwoWorkers(unittest.TestCase):
    def test_tables_equal_one_workers(self):
        tables = []
        for workers in (1, 2):
            with Cluster(workers=workers) as cluster:
                sweep = cluster.submit(CHECKPOINTS, extra=EXTRA)
                self.assertEqual(cluster.wait(sweep), "succeeded")
                tables.append(cluster.tables(sweep))
                if workers == 2:
                    self.assertEqual(sum(row["connected"] for row in cluster.rows("workers")), 2)
        self.assertEqual(tables[0], tables[1])


if __name__ == "__main__":
    unittest.main()
