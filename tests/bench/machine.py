"""The machine that the numbers come from, and whether it was left alone while they were taken."""

import os
import pathlib
import platform
import time

TICK = os.sysconf("SC_CLK_TCK")


def threads():
    return len(os.sched_getaffinity(0))


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def flags():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    known = ("avx2", "avx512f", "avx512_bf16", "amx_tile")
    return [word for word in known if f" {word} " in text or f" {word}\n" in text]


def memory_field(name):
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


def description():
    return {
        "processor": processor(),
        "flags": flags(),
        "threads": threads(),
        "memory_bytes": memory_field("MemTotal"),
        "kernel": platform.release(),
        "load_at_start": os.getloadavg()[0],
    }


def wait_for_quiet(seconds, limit=0.7):
    """Until the load is below the limit, or that long."""
    until = time.monotonic() + seconds
    while os.getloadavg()[0] >= limit and time.monotonic() < until:
        time.sleep(5)


def busy_seconds():
    """CPU time that everything on the machine has used, and what a hypervisor took away."""
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICK


class Watch:
    """How much of the machine others used during a run: 0 alone, 1 everything. Two ticks of 10 ms are within its error.

    `process` is the one at work; without it, all those that were started and ended meanwhile."""

    def __init__(self, process=None):
        self.process = process

    def __enter__(self):
        self.start, self.busy, self.own = time.monotonic(), busy_seconds(), self.used()
        return self

    def used(self):
        times = os.times()
        children = self.process.cpu_seconds() if self.process else times.children_user + times.children_system
        return children + times.user + times.system

    def __exit__(self, *_):
        elapsed = time.monotonic() - self.start
        others = busy_seconds() - self.busy - (self.used() - self.own)
        self.share = max(0.0, others - 2 / TICK) / (elapsed * os.cpu_count())
