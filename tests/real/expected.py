"""What a sweep must find: Hugging Face's tokens, transformers' float32 attention, tests/parity's float64 oracle."""
import warnings

import oracle
import spec as specs

from real_models import SMOLLM2, attention


def close(found, expected):
    return abs(found - expected) <= max(1e-5, 2e-4 * abs(expected))


def shortened(model, network, ids, whole, alpha):
    """The attention of the first tokens alone: for a causal model a part of the whole."""
    count = int(alpha * len(ids))
    if model is SMOLLM2:
        return [layer[:, :count, :count] for layer in whole]
    return attention(network, ids[:count])


def flat(figures):
    """{"wavelet_entropy": [a, b]} as records have it: {"wavelet_entropy[0]": a, "wavelet_entropy[1]": b}."""
    for name, value in figures.items():
        if isinstance(value, list):
            yield from ((f"{name}[{index}]", part) for index, part in enumerate(value))
        else:
            yield name, value


def records(model, text, preset):
    """{(layer, head): {column: value}} of one text."""
    spec, network = specs.resolve(preset, {}), model.load()
    ids = model.tokenizer()(text)["input_ids"][: spec["tokens"]]
    whole = attention(network, ids)
    short = {alpha: shortened(model, network, ids, whole, alpha) for alpha in spec["alphas"]}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Level value of . is too high")  # as the preset wants it
        return {
            (layer, head): dict(flat(oracle.analyze(
                whole[layer][head], {alpha: short[alpha][layer][head] for alpha in short}, spec)))
            for layer in range(len(whole)) for head in range(len(whole[layer]))
        }
