"""The programs that are compared: the engine, driven by frames over its pipes, and the peers. Each is a process of its
own; one works at a time."""

import json
import os
import pathlib
import struct
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MAGIC = 0x3146444F  # "ODF1" (worker/engine/frames/frame.h)
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# glibc told to keep what is freed: without it large buffers are given back and faulted in again.
KEEPING = {"GLIBC_TUNABLES": f"glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold={1 << 40}"}


class Process:
    """One running program. `log` gets its stderr."""

    def __init__(self, command, threads, log, environment=None):
        words = {**os.environ, "OMP_NUM_THREADS": str(threads), **(environment or {})}
        self.child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=words
        )

    def status(self, field):
        """A field of /proc/PID/status in bytes: VmHWM, VmRSS."""
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(field)

    def forget_peak(self):
        """VmHWM counts from here on."""
        pathlib.Path(f"/proc/{self.child.pid}/clear_refs").write_text("5")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def bytes_read(self):
        """What it made the disk read."""
        text = pathlib.Path(f"/proc/{self.child.pid}/io").read_text()
        return int(dict(line.split(": ") for line in text.splitlines())["read_bytes"])

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Peer(Process):
    """A script of peers/, its network loaded."""

    def __init__(self, script, checkpoint, threads, log, environment=None):
        command = [sys.executable, HERE / "peers" / script, "--checkpoint", checkpoint, "--threads", threads]
        super().__init__(command, threads, log, environment)
        self.line("its start")

    def line(self, doing):
        text = self.child.stdout.readline()
        if not text:
            raise RuntimeError(f"{self.child.args[1]} ended during {doing}: its messages are in the log")
        return text

    def ask(self, spec, sequences, figures=False):
        request = {"spec": spec, "sequences": sequences, "figures": figures}
        self.child.stdin.write((json.dumps(request) + "\n").encode())
        self.child.stdin.flush()
        return json.loads(self.line("a request"))

    def seconds(self, spec, sequences):
        return self.ask(spec, sequences)["seconds"]

    def figures(self, spec, sequences):
        return self.ask(spec, sequences, figures=True)["figures"]


class Engine(Process):
    """`ondelette-engine serve`. Its time is what its client waits: from the request to `done`."""

    def __init__(self, binary, threads, log, device="cpu"):
        super().__init__([binary, "serve", "--device", device], threads, log)
        self.hello, _ = self.read()

    def read(self):
        start = self.child.stdout.read(12)
        if len(start) < 12:
            raise RuntimeError("the engine ended: its messages are in the log")
        magic, header, payload = struct.unpack("<III", start)
        if magic != MAGIC:
            raise RuntimeError("the engine wrote what is no frame")
        return json.loads(self.child.stdout.read(header)), self.child.stdout.read(payload)

    def write(self, header, payload=b""):
        text = json.dumps(header).encode()
        self.child.stdin.write(struct.pack("<III", MAGIC, len(text), len(payload)) + text + payload)
        self.child.stdin.flush()

    def until(self, last):
        """The frames up to the one of type `last`."""
        frames = []
        while True:
            header, payload = self.read()
            if header["type"] in ("failed", "skipped"):
                raise RuntimeError(f"the engine answers {header}")
            frames.append((header, payload))
            if header["type"] == last:
                return frames

    def load(self, checkpoint, spec):
        """The answer, and how long it took."""
        start = time.perf_counter()
        self.write({"type": "load", "checkpoint": str(checkpoint), "spec": spec})
        answer = self.until("loaded")[-1][0]
        return answer, time.perf_counter() - start

    def analyze(self, spec, sequences):
        lengths = [{"sequence": index, "tokens": len(tokens)} for index, tokens in enumerate(sequences)]
        header = {"type": "analyze", "job": "bench", "spec": spec, "sequences": lengths}
        self.write(header, np.concatenate([np.asarray(tokens, "<i4") for tokens in sequences]).tobytes())
        return self.until("done")

    def seconds(self, spec, sequences):
        start = time.perf_counter()
        self.analyze(spec, sequences)
        return time.perf_counter() - start

    def records(self, spec, sequences):
        """A sequence's record block each, float32 [layers, heads, columns]."""
        blocks = []
        for header, payload in self.analyze(spec, sequences):
            if header["type"] == "records":
                shape = header["layers"], header["heads"], header["columns"]
                blocks.append(np.frombuffer(payload, "<f4").reshape(shape))
        return blocks
