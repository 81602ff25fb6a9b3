"""Real processes for the integration and chaos tests: coordinator, workers and the CLI, on free ports of this machine.

Python's standard library only. Programs are those of the build folder in ONDELETTE_BIN_DIR.
"""
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ONDELETTE_BIN_DIR", SOURCE / "build/dev/bin"))
HUB = SOURCE / "tests/data/hub"
MODEL = "ondelette/austen-1m"
CORPUS = SOURCE / "tests/data/corpus/austen-held-out.jsonl"


def wait_for(condition, seconds, what):
    """Polls until the condition answers something true; that answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Process:
    """One program with its output in a log file. It never outlives the test."""

    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, [str(part) for part in command], Path(folder)
        self.log = self.folder / f"{name}.log"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, how=signal.SIGKILL):
        if self.running():
            self.process.send_signal(how)
        return self.process.wait(timeout=60) if self.process else None

    def log_tail(self, size=4000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


class Cluster:
    """A coordinator and workers over one folder. Use it as a context: everything ends with it."""

    def __init__(self, workers=1, lease_seconds=30, hub=HUB, models=()):
        self._temporary = tempfile.TemporaryDirectory(prefix="ondelette-test-")
        self.folder = Path(self._temporary.name)
        self.lease_seconds, self.hub, self.models = lease_seconds, hub, models
        self.address = self.metrics = None
        self.server = None
        self.worker_count, self.workers = workers, []

    def __enter__(self):
        self.start_server()
        for index in range(self.worker_count):
            self.start_worker(index)
        return self

    def __exit__(self, *failure):
        for process in [*self.workers, self.server]:
            if process and process.running():
                process.kill(signal.SIGTERM)
            if failure and failure[0]:
                print(f"---- {process.name}\n{process.log_tail()}")
        self._temporary.cleanup()

    def _listen(self):
        """The first start takes free ports; later ones the same again, so that clients find the coordinator."""
        return (self.address or "127.0.0.1:0", self.metrics or "127.0.0.1:0")

    def start_server(self):
        port_file = self.folder / "server.port"
        port_file.unlink(missing_ok=True)
        listen, metrics = self._listen()
        self.server = Process("server", [
            BIN / "ondelette-server", "--store", self.folder / "ondelette.db", "--listen", listen,
            "--metrics-listen", metrics, "--port-file", port_file, "--lease-seconds", self.lease_seconds,
        ], self.folder).start()
        lines = wait_for(lambda: self._port_lines(port_file, self.server), 60, "the coordinator's port file")
        self.address, self.metrics = lines[0], lines[1]

    def start_worker(self, index):
        port_file = self.folder / f"worker-{index}.port"
        port_file.unlink(missing_ok=True)
        command = [BIN / "ondelette-worker", "--server", self.address, "--hub", self.hub, "--device", "cpu",
                   "--cache", self.folder / f"cache-{index}", "--metrics-listen", "127.0.0.1:0",
                   "--port-file", port_file, "--name", f"worker-{index}"]
        for folder in self.models:
            command += ["--models", folder]
        worker = Process(f"worker-{index}", command, self.folder).start()
        worker.port_file = port_file
        if index < len(self.workers):
            self.workers[index] = worker
        else:
            self.workers.append(worker)
        return worker

    def _port_lines(self, path, process):
        if not process.running():
            raise AssertionError(f"{process.name} ended:\n{process.log_tail()}")
        lines = path.read_text().splitlines() if path.exists() else []
        return lines if len(lines) >= 2 else None

    def worker_metrics(self, index):
        """The address of a worker's /metrics."""
        worker = self.workers[index]
        port = wait_for(lambda: worker.port_file.exists() and worker.port_file.read_text().strip(), 60,
                        "the worker's port file")
        return f"127.0.0.1:{port}"

    def cli(self, *arguments, output=None, check=True, timeout=600):
        command = [str(BIN / "ondelette"), "--server", self.address]
        command += ["--output", output] if output else []
        done = subprocess.run(command + [str(a) for a in arguments], capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def rows(self, *arguments):
        return [json.loads(line) for line in self.cli(*arguments, output="json").stdout.splitlines()]

    def submit(self, checkpoints, corpus=CORPUS, spec="paper-table5", models=MODEL, extra=()):
        rows = self.rows("submit", "--models", models, "--checkpoints", checkpoints, "--corpus", corpus,
                         "--spec", spec, *extra)
        return rows[0]["id"]

    def sweep(self, sweep):
        return next(row for row in self.rows("list") if row["id"] == sweep)

    def wait(self, sweep, seconds=600):
        """Until the sweep has ended; its final state."""
        def ended():
            state = self.sweep(sweep)["state"]
            return state if state != "running" else None
        return wait_for(ended, seconds, f"the end of {sweep}: {self.sweep(sweep)}")

    def tables(self, sweep):
        """Everything a user can export of a sweep, as bytes."""
        parts = [self.cli("query", level, sweep, output="csv").stdout for level in
                 ("records", "heads", "layers", "models")]
        parts.append(self.table_5(sweep))
        return "\n".join(parts)

    def table_5(self, sweep):
        """Where the controls were lost with an engine, they come after the sweep."""
        def there():
            done = self.cli("table", "5", sweep, output="csv", check=False)
            return done if "not computed yet" not in done.stderr else None
        done = wait_for(there, 60, f"the controls of {sweep}")
        assert done.returncode == 0, done.stderr
        return done.stdout


def http_get(address, path="/metrics", timeout=10):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as answer:
        return answer.read().decode()
