"""Attention of a checkpoint by transformers: eager attention in float32, and the same network in float64."""

import copy
import json

import torch
from torch.overrides import TorchFunctionMode
from transformers import AutoModelForCausalLM, BertModel, T5Model
from transformers.utils import logging

HEADS = {"lm_head.weight", "embed_out.weight"}  # A file may lack them: attention does not need them.

logging.set_verbosity_error()
logging.disable_progress_bar()


class Float64(TorchFunctionMode):
    """Where transformers says float32 (norms, softmax) a float64 tensor stays float64.

    Float32 stay what defines the network in float32: the inverse frequencies of rope and their products with positions
    (at position 1,000 they are off by up to 3e-5 from the exact ones; their sines and cosines are taken in float64),
    T5's logarithmic buckets, Gemma 2's scale of the embeddings. Remembers the lowest score that no mask hid.
    """

    def __init__(self):
        super().__init__()
        self.lowest_score = 0.0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        exact = bool(args) and isinstance(args[0], torch.Tensor) and args[0].dtype == torch.float64
        if exact and func is torch.Tensor.float:
            return args[0]
        if exact and func is torch.Tensor.to:
            args = tuple(torch.float64 if word is torch.float32 else word for word in args)
            if kwargs.get("dtype") is torch.float32:
                kwargs["dtype"] = torch.float64
        if exact and func is torch.nn.functional.softmax:
            kwargs["dtype"] = torch.float64
            self.lowest_score = min(self.lowest_score, args[0][args[0] > -1e300].min().item())
        if func in (torch.Tensor.cos, torch.Tensor.sin):
            args = (args[0].double(),)
        return func(*args, **kwargs)


def load(folder, model_type):
    words = {"attn_implementation": "eager", "dtype": torch.float32, "output_loading_info": True}
    if model_type == "bert":
        model, info = BertModel.from_pretrained(folder, add_pooling_layer=False, **words)
    else:
        kind = T5Model if model_type == "t5" else AutoModelForCausalLM
        model, info = kind.from_pretrained(folder, **words)
    if set(info["missing_keys"]) - HEADS or info["mismatched_keys"] or info["error_msgs"]:
        raise ValueError(f"{folder}: {info}")
    return model.base_model.eval()


def in_float64(model):
    double = copy.deepcopy(model).double()
    for module, original in zip(double.modules(), model.modules()):
        if hasattr(module, "inv_freq"):
            module.inv_freq = original.inv_freq.clone()
    return double


def without_positions(model):
    """Learned position embeddings replaced by zeros."""
    model = copy.deepcopy(model)
    embedding = model.embeddings.position_embeddings if hasattr(model, "embeddings") else model.wpe
    torch.nn.init.zeros_(embedding.weight)
    return model


class Reference:
    """One checkpoint, ready in both precisions."""

    def __init__(self, folder):
        config = json.loads((folder / "config.json").read_text())
        self.start = config.get("decoder_start_token_id")
        self.float64 = Float64()
        single = load(folder, config["model_type"])
        self.models = {(torch.float32, "kept"): single, (torch.float64, "kept"): in_float64(single)}

    def model(self, dtype, position_embeddings):
        key = (dtype, position_embeddings)
        if key not in self.models:
            self.models[key] = without_positions(self.models[dtype, "kept"])
        return self.models[key]

    def attention(self, tokens, spec, dtype=torch.float64):
        """By layer [heads, n, n], of the spec's stack and position embeddings."""
        model = self.model(dtype, spec["position_embeddings"])
        inputs = {"input_ids": torch.tensor([tokens])}
        field = "attentions"
        if isinstance(model, T5Model):
            field = f"{spec['stack']}_attentions"
            inputs["decoder_input_ids"] = torch.tensor([[self.start, *tokens[:-1]]])
        with torch.no_grad():
            if dtype == torch.float64:
                with self.float64:
                    output = model(**inputs, output_attentions=True, use_cache=False)
            else:
                output = model(**inputs, output_attentions=True, use_cache=False)
        return [layer[0].numpy() for layer in output[field]]
