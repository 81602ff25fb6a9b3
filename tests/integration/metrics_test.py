"""/metrics of both programs, a real Prometheus that scrapes them, every panel of the dashboard, and health that answers
while checkpoints load."""
import json
import shutil
import subprocess
import threading
import time
import unittest
import urllib.parse
import urllib.request

from harness import MODEL, SOURCE, Cluster, Process, http_get, wait_for

PROMETHEUS = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: ondelette-server
    static_configs: [{{targets: ["{server}"]}}]
  - job_name: ondelette-worker
    static_configs: [{{targets: ["{worker}"]}}]
"""


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(workers=1)
        cls.cluster.__enter__()
        cls.worker = cls.cluster.worker_metrics(0)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.__exit__()

    def test_promtool_accepts_both(self):
        for address in (self.cluster.metrics, self.worker):
            checked = subprocess.run(["promtool", "check", "metrics"], input=http_get(address), text=True,
                                     capture_output=True)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""), address)

    def test_every_panel_finds_its_series_in_a_real_prometheus(self):
        folder = self.cluster.folder
        config = folder / "prometheus.yml"
        config.write_text(PROMETHEUS.format(server=self.cluster.metrics, worker=self.worker))
        port = free_port()
        prometheus = Process("prometheus", [shutil.which("prometheus"), f"--config.file={config}",
                                            f"--storage.tsdb.path={folder / 'tsdb'}",
                                            f"--web.listen-address=127.0.0.1:{port}"], folder).start()
        try:
            sweep = self.cluster.submit("step0,main", extra=("--sequences", "16", "--sequences-per-job", "4"))
            self.assertEqual(self.cluster.wait(sweep), "succeeded")
            dashboard = json.loads((SOURCE / "deploy/grafana/dashboards/ondelette.json").read_text())
            self.assertIsNone(dashboard["id"])
            for panel in dashboard["panels"]:
                for target in panel["targets"]:
                    with self.subTest(panel["title"]):
                        wait_for(lambda t=target: self.query(port, t["expr"]), 30, target["expr"])
        finally:
            prometheus.kill()

    def query(self, port, expression):
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return None

    def test_health_and_metrics_answer_while_checkpoints_load(self):
        slowest = {"health": 0.0, "server": 0.0, "worker": 0.0}
        done = threading.Event()

        def probe(name, ask):
            while not done.is_set():
                start = time.monotonic()
                ask()
                slowest[name] = max(slowest[name], time.monotonic() - start)
                time.sleep(0.01)

        threads = [threading.Thread(target=probe, args=("server", lambda: http_get(self.cluster.metrics))),
                   threading.Thread(target=probe, args=("worker", lambda: http_get(self.worker)))]
        for thread in threads:
            thread.start()
        sweep = self.cluster.submit("step0,step64,main", models=MODEL,
                                    extra=("--sequences", "12", "--sequences-per-job", "2", "--set", "tokens=100"))
        health = self.health_while(lambda: self.cluster.sweep(sweep)["state"] == "running")
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.cluster.wait(sweep), "succeeded")
        slowest["health"] = health
        self.assertLess(max(slowest.values()), 0.1, slowest)

    def health_while(self, running):
        """The slowest answer of grpc.health.v1 while something runs, as tests/integration/health_probe measures it."""
        from harness import BIN
        probe = subprocess.Popen([str(BIN / "health_probe"), self.cluster.address], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        while running():
            time.sleep(0.05)
        out, _ = probe.communicate("", timeout=30)
        self.assertEqual(probe.returncode, 0, out)
        return float(out)


if __name__ == "__main__":
    unittest.main()
