"""Peer a, the notebook: the network with output_attentions=True, then numpy, SciPy and PyWavelets head by head, as the
paper describes it and most people would write it."""

import torch

import head_figures
import shared
import shuffles


class Notebook:
    def __init__(self, folder):
        self.model = shared.load(folder, "eager")

    def prepare(self, spec):
        """Keeps the permutations of the key-shuffled null."""
        self.tables = {}
        if "key-shuffled" in spec["nulls"]:
            keys = spec["tokens"]
            if spec["signal"] == "relative":
                self.tables = {"kept": shuffles.windows(keys, spec["window_tokens"])}
            else:
                self.tables = {"kept": shuffles.rows(keys), "dropped": shuffles.rows(keys - 1)}

    def attentions(self, tokens):
        """Every layer's [heads, n, n]."""
        output = self.model(torch.tensor([tokens]), output_attentions=True, use_cache=False)
        return [layer[0].numpy() for layer in output.attentions]

    def __call__(self, spec, sequences):
        return [self.measure(spec, tokens) for tokens in sequences]

    def measure(self, spec, tokens):
        whole = self.attentions(tokens)
        short = {}
        for alpha in spec["alphas"]:
            sampled = shared.shortened(tokens, spec, alpha)
            length = int(alpha * len(tokens))
            if sampled is None:
                short[alpha] = [layer[:, :length, :length] for layer in whole]
            else:
                short[alpha] = self.attentions(sampled)
        figures = {}
        for layer, attention in enumerate(whole):
            found = {}
            for head, matrix in enumerate(attention):
                shortened = {alpha: short[alpha][layer][head] for alpha in spec["alphas"]}
                for name, value in head_figures.analyze(matrix, shortened, spec, self.tables).items():
                    found.setdefault(name, []).append(value)
            for name, values in found.items():
                figures.setdefault(name, []).append(values)
        return figures


if __name__ == "__main__":
    shared.serve(Notebook)
