"""`ondelette run` over the shipped suite: what the README tells a stranger to type."""
import contextlib
import json
import sqlite3
import subprocess
import tempfile
import time
import unittest

from harness import BIN, CORPUS, HUB, MODEL


class FirstLight(unittest.TestCase):
    def run_sweep(self, folder, *extra):
        command = [BIN / "ondelette", "--output", "json", "run", "--folder", folder, "--hub", HUB, "--models", MODEL,
                   "--checkpoints", "step0,step1,main", "--corpus", CORPUS, "--sequences", "8", "--spec",
                   "paper-table5", "--table", "5", *extra]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=600)

    def test_prints_table_5_and_answers_at_once_the_second_time(self):
        with tempfile.TemporaryDirectory() as folder:
            first = self.run_sweep(folder)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertIn("alias: ondelette/austen-1m@step1 has the weights of ondelette/austen-1m@step0", first.stderr)
            start = time.monotonic()
            second = self.run_sweep(folder)
            self.assertLess(time.monotonic() - start, 10)
            self.assertEqual(first.stdout, second.stdout)
            # As where a sweep ends before its controls are there: `run` gave up, and stopped the workers that made them.
            with contextlib.closing(sqlite3.connect(f"{folder}/ondelette.db")) as store, store:
                self.assertEqual(store.execute("DELETE FROM controls").rowcount, 1)
            third = self.run_sweep(folder)
            self.assertEqual(third.returncode, 0, third.stderr)
            self.assertEqual(first.stdout, third.stdout)

            rows = [json.loads(line) for line in first.stdout.splitlines()]
            checkpoints = {row["checkpoint"]: row for row in rows if row["model"] == MODEL}
            self.assertEqual(list(checkpoints), ["step0", "step1", "main"])
            self.assertEqual(checkpoints["step1"]["alias_of"], MODEL + "@step0")
            self.assertEqual(checkpoints["step1"]["spectral_entropy"], checkpoints["step0"]["spectral_entropy"])
            self.assertNotEqual(checkpoints["main"]["spectral_entropy"], checkpoints["step0"]["spectral_entropy"])
            self.assertTrue(all(row["complete"] for row in checkpoints.values()))
            patterns = {row["checkpoint"]: row for row in rows if row["model"] == "(pattern)"}
            self.assertEqual(set(patterns), {"uniform-causal", "uniform", "sink", "identity", "previous"})
            # METRICS: the analytic controls at n = 112.
            self.assertAlmostEqual(patterns["uniform-causal"]["spectral_entropy"], 1.40228592, delta=2e-5)
            self.assertAlmostEqual(patterns["sink"]["frequency_selectivity"], 2.0, delta=2e-5)
            self.assertIsNone(patterns["uniform"]["spectral_entropy"])

    def test_an_unknown_model_says_where_it_looked(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [str(BIN / "ondelette"), "run", "--folder", folder, "--hub", str(HUB), "--models", "no/such",
                       "--corpus", str(CORPUS)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("no/such", done.stderr)


if __name__ == "__main__":
    unittest.main()
