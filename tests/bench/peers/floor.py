"""Peer c, the floor: what PyTorch needs to run the network's body and measure nothing, through its fused attention,
with no attention output and no LM head. With the spec's further passes, where shortened sequences need some of their
own."""

import torch

import shared


class Floor:
    def __init__(self, folder):
        self.model = shared.load(folder, "sdpa")

    def prepare(self, spec):
        pass

    def __call__(self, spec, sequences):
        """All sequences are one batch."""
        self.forward(sequences)
        for alpha in spec["alphas"]:
            if shared.shortened(sequences[0], spec, alpha) is not None:
                self.forward([shared.shortened(tokens, spec, alpha) for tokens in sequences])

    def forward(self, batch):
        self.model(torch.tensor(batch), use_cache=False)


if __name__ == "__main__":
    shared.serve(Floor)
