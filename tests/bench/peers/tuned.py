"""Peer b, tuned: what a good programmer makes of the notebook within PyTorch. The body alone, every layer's attention
measured by a hook as whole tensors and freed at once."""

import math

import torch

import layer_figures as layers
import shared
import shuffles


class Tuned:
    def __init__(self, folder):
        self.model = shared.load(folder, "eager")
        self.measure = None
        for layer in self.model.layers:
            layer.attention.register_forward_hook(self.see)

    def see(self, module, inputs, output):
        """After each layer's attention: (its output, the probabilities [1, heads, n, n])."""
        self.measure(output[1][0])
        return output[0], None

    def prepare(self, spec):
        """Tapers and permutations, before any timing."""
        keys, relative = spec["tokens"], spec["signal"] == "relative"
        self.spectra = {"kept": layers.Spectrum(spec, spec["window_tokens"] if relative else keys)}
        self.tables = {}
        if not relative:
            self.spectra["dropped"] = layers.Spectrum(spec, keys - 1)
        if "key-shuffled" in spec["nulls"]:
            if relative:
                tables = {"kept": shuffles.windows(keys, spec["window_tokens"])}
            else:
                tables = {"kept": shuffles.rows(keys), "dropped": shuffles.rows(keys - 1)}
            self.tables = {name: torch.from_numpy(table)[None] for name, table in tables.items()}

    def forward(self, tokens, measure):
        self.measure = measure
        self.model(torch.tensor([tokens]), use_cache=False)

    def __call__(self, spec, sequences):
        return [self.measure_sequence(spec, tokens) for tokens in sequences]

    def measure_sequence(self, spec, tokens):
        found = []
        if spec["signal"] == "relative":
            profiles = []
            self.forward(tokens, lambda attention: found.append(self.relative_figures(attention, spec, profiles)))
            for alpha in spec["alphas"]:
                self.compare_profiles(spec, tokens, alpha, profiles, found)
        else:
            self.forward(tokens, lambda attention: found.append(self.row_figures(attention, spec)))
        return {name: torch.stack([layer[name] for layer in found]).tolist() for name in found[0]}

    def row_figures(self, attention, spec):
        every = torch.ones(attention.shape[:2], dtype=torch.bool)
        found = self.spectra["kept"].figures(attention, every)
        levels = layers.levels_of(attention, spec)
        found["wavelet_entropy"] = layers.level_entropies(levels, every, spec)
        found["wavelet_energy"] = layers.energy_profile(levels, every)
        for alpha in spec["alphas"]:
            length = int(alpha * attention.shape[1])
            short = attention[:, :length, :length]
            name = f"scale_sensitivity_{alpha:g}"
            if spec["scale_compare"] == "concat-truncate":
                found[name] = layers.concat_truncate(levels, short, spec)
            else:
                found[name] = layers.level_cosine(attention, short, spec)
        again = layers.reconstructed(levels, attention.shape[2])
        found["reconstruction_error"] = (again - attention).norm(dim=(1, 2)) / attention.norm(dim=(1, 2))
        del levels, again
        received = attention.mean(1)
        for width in spec["window_sizes"]:
            found[f"window_entropy_{width}"] = layers.window_entropy(received, width)
        self.add_row_controls(attention, every, found)
        found.update(layers.masses(attention))
        return found

    def add_controls(self, suffix, sink, signals, filled, found):
        figures = self.spectra[sink].figures(signals, filled, controlled_only=True)
        found.update({name + suffix: value for name, value in figures.items()})

    def add_row_controls(self, attention, every, found):
        if not self.tables:
            return
        kept, dropped = (self.tables[sink].expand(attention.shape[0], -1, -1) for sink in ("kept", "dropped"))
        self.add_controls("_key_shuffled", "kept", attention.gather(2, kept), every, found)
        rest, filled, _ = layers.renormalised(attention[:, 1:, 1:])
        self.add_controls("_sink_dropped", "dropped", rest, filled, found)
        self.add_controls("_sink_dropped_key_shuffled", "dropped", rest.gather(2, dropped), filled, found)

    def relative_figures(self, attention, spec, profiles):
        length = spec["window_tokens"]
        signals, filled, mass = layers.renormalised(layers.windows(attention, length))
        found = self.spectra["kept"].figures(signals, filled)
        found["positional_entropy_normalised"] = found["positional_entropy"] / math.log(length)
        levels = layers.levels_of(signals, spec)
        found["wavelet_entropy"] = layers.level_entropies(levels, filled, spec)
        found["wavelet_energy"] = layers.energy_profile(levels, filled)
        profiles.append(found["wavelet_energy"])
        found["window_mass"] = mass.mean(1)
        if self.tables:
            keys = self.tables["kept"].expand(attention.shape[0], -1, -1)
            shuffled, filled, _ = layers.renormalised(attention[:, length:].gather(2, keys))
            self.add_controls("_key_shuffled", "kept", shuffled, filled, found)
        found.update(layers.masses(attention))
        return found

    def compare_profiles(self, spec, tokens, alpha, profiles, found):
        """The shortened sequence's pass, of which only the wavelet energies are wanted."""
        length = spec["window_tokens"]
        name = f"scale_distance_{alpha:g}"
        others = []

        def profile(attention):
            if attention.shape[1] <= length:
                return others.append(torch.full_like(profiles[0], math.nan))
            signals, filled, _ = layers.renormalised(layers.windows(attention, length))
            return others.append(layers.energy_profile(layers.levels_of(signals, spec), filled))

        sampled = shared.shortened(tokens, spec, alpha)
        if sampled is None:
            raise ValueError("the peers know relative windows with stride sampling only")
        self.forward(sampled, profile)
        for layer, own, other in zip(found, profiles, others):
            layer[name] = 0.5 * (own - other).abs().sum(-1)


if __name__ == "__main__":
    shared.serve(Tuned)
