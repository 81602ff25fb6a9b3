"""The engine on a device beside PyTorch's plain forward pass (peer c of tests/bench) on the same one, in turns.

    measure.py --engine PATH [--device cuda:0] [--sizes 70m 160m 410m] [--tokens 512 2048] [--table FILE.md]
"""

import argparse
import datetime
import pathlib
import statistics
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path += [str(BENCH), str(BENCH / "peers")]
import cases  # noqa: E402
import machine  # noqa: E402
import processes  # noqa: E402
import shared  # noqa: E402
import torch  # noqa: E402

SPECS = ("relative-window", "paper-table5")
GOALS = {("relative-window", 512): 1.05, ("relative-window", 2048): 1.05, ("paper-table5", 2048): 1.5}
ROUNDS = 9


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--sizes", nargs="+", choices=list(cases.SHAPES), default=["70m", "160m", "410m"])
    parser.add_argument("--tokens", nargs="+", type=int, default=[512, 2048])
    parser.add_argument("--batch", type=int, default=8, help="sequences of a request: one alone leaves a GPU idle")
    parser.add_argument("--table", type=pathlib.Path, help="also write the table there")
    return parser.parse_args()


class Floor:
    """The network's body through fused attention in float32, on the device; measures nothing."""

    def __init__(self, folder, device):
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.set_grad_enabled(False)
        self.device = torch.device(device)
        self.model = shared.load(folder, "sdpa").to(self.device)

    def seconds(self, spec, sequences):
        batches = [sequences]
        for alpha in spec["alphas"]:
            if shared.shortened(sequences[0], spec, alpha) is not None:
                batches.append([shared.shortened(tokens, spec, alpha) for tokens in sequences])
        self.wait()
        start = time.perf_counter()
        for batch in batches:
            self.model(torch.tensor(batch, device=self.device), use_cache=False)
        self.wait()
        return time.perf_counter() - start

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def row(case, batch, engine, floor):
    sequences = [cases.draw_tokens(case.tokens)] * batch
    pairs = []
    for turn in range(ROUNDS + 1):
        pair = engine.seconds(case.spec, sequences), floor.seconds(case.spec, sequences)
        if turn > 0:  # the first makes plans and kernels
            pairs.append(pair)
    ratio = statistics.median(one / other for one, other in pairs)
    goal = GOALS.get((case.spec_name, case.tokens))
    judged = "" if goal is None else f", goal {goal}: {'met' if ratio <= goal else 'missed'}"
    mine, other = (1e3 * statistics.median(values) / batch for values in zip(*pairs))
    return f"| {case.size} | {case.tokens} | {case.spec_name} | {mine:.2f} | {other:.2f} | {ratio:.2f}{judged} |"


def measure(chosen):
    on_gpu = chosen.device != "cpu"
    name = torch.cuda.get_device_name(chosen.device) if on_gpu else machine.description()["processor"]
    yield f"{datetime.date.today()}: {name}, torch {torch.__version__}, {chosen.batch} sequences a request."
    yield ""
    yield "| shape | n | spec | engine ms a sequence | c ms a sequence | engine / c |"
    yield "| --- | ---: | --- | ---: | ---: | --- |"
    with tempfile.TemporaryDirectory(prefix="ondelette-gpu-") as work, open(pathlib.Path(work) / "log", "w") as log:
        for size in chosen.sizes:
            folder = cases.checkpoint(chosen.engine, pathlib.Path(work), size)
            floor = Floor(folder, chosen.device)
            with processes.Engine(chosen.engine, machine.threads(), log, chosen.device) as engine:
                for case in cases.chosen([size], chosen.tokens, SPECS):
                    engine.load(folder, case.spec)
                    yield row(case, chosen.batch, engine, floor)


def main():
    chosen = options()
    lines = []
    for line in measure(chosen):
        print(line, flush=True)
        lines.append(line)
    if chosen.table:
        title = "# On a GPU\nMade by `tests/gpu/run`; every golden was met on the device first.\n\n"
        chosen.table.write_text(title + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
