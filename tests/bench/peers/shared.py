"""What the three peers share: the loop that answers requests, the network, and the tokens of shortened sequences.

A request is a line of JSON on stdin, {"spec": {...}, "sequences": [[token, ...], ...], "figures": bool}; the answer a
line on stdout, {"seconds": ...} and, where asked for, "figures", of each sequence {metric: [layers][heads] numbers}.
"""

import argparse
import json
import sys
import time

import torch
from transformers import AutoModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()


def load(folder, attention):
    """The body of the network (no LM head) in float32."""
    return AutoModel.from_pretrained(folder, attn_implementation=attention, dtype=torch.float32).eval()


def shortened(tokens, spec, alpha):
    """The tokens of a shortened sequence that runs through the network on its own; None where its attention is the
    corner A[:m, :m] of the whole one (prefixes of a causal network)."""
    length = int(alpha * len(tokens))
    if spec["scale_sampling"] == "prefix":
        return None
    if spec["scale_sampling"] != "stride":
        raise ValueError("the peers know the samplings prefix and stride")
    return [tokens[k * len(tokens) // length] for k in range(length)]


def serve(make):
    """make(folder) -> run; run.prepare(spec) is not timed, run(spec, sequences) -> figures is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    answers = sys.stdout
    sys.stdout = sys.stderr
    with torch.inference_mode():
        run = make(options.checkpoint)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            run.prepare(request["spec"])
            start = time.perf_counter()
            figures = run(request["spec"], request["sequences"])
            answer = {"seconds": time.perf_counter() - start}
            if request["figures"]:
                answer["figures"] = figures
            print(json.dumps(answer), file=answers, flush=True)
