"""Broken checkpoints, corpora and specs: each gives one clear error that names file and tensor or field, its job alone
fails, and the rest of the sweep completes."""
import json
import tempfile
import unittest
from pathlib import Path

from corrupt_models import BROKEN, make_all
from harness import CORPUS, Cluster


class Corrupt(unittest.TestCase):
    def test_a_sweep_over_every_kind_of_broken_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            names = make_all(root)
            with Cluster(workers=1, models=[root]) as cluster:
                sweep = cluster.submit("main", models=",".join(names), extra=("--sequences", "2"))
                self.assertEqual(cluster.wait(sweep, 300), "failed")
                rows = {row["model"]: row for row in cluster.rows("get", sweep)}
                whole = rows.pop("whole")
                self.assertEqual((whole["state"], whole["succeeded"], whole["failed"]), ("resolved", 1, 0))
                text = cluster.cli("get", sweep).stdout.splitlines()
                for name, (_, words) in BROKEN.items():
                    with self.subTest(name):
                        lines = [line for line in text if line.startswith((name + "@", name + " "))]
                        if rows[name]["state"] == "resolved":
                            self.assertEqual((rows[name]["jobs"], rows[name]["failed"]), (1, 1), rows[name])
                            lines = [line for line in lines if line.startswith(name + "@")]
                            self.assertEqual(len(lines), 1, lines)
                        else:
                            self.assertEqual(rows[name]["state"], "failed", rows[name])
                        for word in words:
                            self.assertTrue(any(word in line for line in lines), f"{word!r} not in {lines}")
                self.assertFalse(Path("/tmp/ondelette-was-here").exists())
                self.assertTrue(all(worker.running() for worker in cluster.workers))
                # The worker is still good: the same sweep over the whole model alone.
                again = cluster.submit("main", models="whole", extra=("--sequences", "3"))
                self.assertEqual(cluster.wait(again, 120), "succeeded")

    def test_a_short_sequence_is_skipped_named_and_counted(self):
        lines = CORPUS.read_text().splitlines()[:3]
        lines.insert(1, json.dumps({"id": "short", "text": "Too short."}))
        with tempfile.TemporaryDirectory() as folder, Cluster(workers=1) as cluster:
            corpus = Path(folder) / "short.jsonl"
            corpus.write_text("\n".join(lines) + "\n")
            sweep = cluster.submit("main", corpus=corpus)
            self.assertEqual(cluster.wait(sweep), "succeeded")
            self.assertEqual(cluster.rows("get", sweep)[0]["skipped_sequences"], 1)
            sequences = {row["sequence_id"] for row in cluster.rows("query", "records", sweep, "--layers", "0",
                                                                     "--heads", "0")}
            self.assertEqual(len(sequences), 3)
            self.assertNotIn("short", sequences)

    def test_a_corpus_of_short_sequences_fails_with_their_lengths(self):
        with tempfile.TemporaryDirectory() as folder, Cluster(workers=1) as cluster:
            corpus = Path(folder) / "short.jsonl"
            corpus.write_text(json.dumps({"id": "only-one", "text": "Too short."}) + "\n")
            sweep = cluster.submit("main", corpus=corpus)
            self.assertEqual(cluster.wait(sweep), "failed")
            text = cluster.cli("get", sweep).stdout
            self.assertIn("only-one", text)
            self.assertIn("112", text)

    def test_bad_requests_are_refused_at_once(self):
        with tempfile.TemporaryDirectory() as folder, Cluster(workers=0) as cluster:
            empty = Path(folder) / "empty.jsonl"
            empty.write_text("")
            broken = Path(folder) / "broken.jsonl"
            broken.write_text('{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n')
            base = ("submit", "--models", "whole", "--checkpoints", "main")
            cases = [
                ((*base, "--corpus", empty), "holds no sequence"),
                ((*base, "--corpus", broken), "line 2"),
                ((*base, "--corpus", "no-such-corpus"), "no-such-corpus"),
                ((*base, "--corpus", CORPUS, "--set", "tokens=3"), "tokens"),
                ((*base, "--corpus", CORPUS, "--set", "colour=red"), "colour"),
                ((*base, "--corpus", CORPUS, "--spec", "paper-table9"), "paper-table9"),
                (("get", "no-such-sweep"), "no-such-sweep"),
            ]
            for arguments, word in cases:
                with self.subTest(word):
                    done = cluster.cli(*arguments, check=False)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(word, done.stderr)
            self.assertEqual(cluster.rows("list"), [])


if __name__ == "__main__":
    unittest.main()
