"""Attention of a checkpoint by transformers: eager attention in float32, and the same network in float64."""

import torch
from transformers import AttentionInterface, GPTNeoXForCausalLM
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXRotaryEmbedding


def attention64(module, query, key, value, attention_mask, scaling, **_):
    """transformers' eager attention without its softmax in float32."""
    weights = torch.matmul(query, key.transpose(2, 3)) * scaling
    hidden = torch.ones(weights.shape[-2:], dtype=torch.bool).triu(1)
    weights = torch.softmax(weights.masked_fill(hidden, float("-inf")), dim=-1)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


def rotary64(self, x, position_ids):
    """The angles stay transformers' float32 products (they define the model: at position 1,000 they are off by up to
    3e-5 from the exact ones); their sines and cosines are in float64."""
    angles = position_ids[..., None].float() * self.inv_freq.float()
    both = torch.cat((angles, angles), dim=-1).double()
    return both.cos(), both.sin()


AttentionInterface.register("float64", attention64)
rotary32 = GPTNeoXRotaryEmbedding.forward


class Reference:
    """One checkpoint, ready in both precisions. attention(tokens, dtype) -> list by layer of [heads, n, n]."""

    def __init__(self, folder):
        self.models = {}
        for dtype, implementation in ((torch.float32, "eager"), (torch.float64, "float64")):
            model, info = GPTNeoXForCausalLM.from_pretrained(
                folder, attn_implementation=implementation, dtype=torch.float32, output_loading_info=True
            )
            if info["missing_keys"] or info["mismatched_keys"]:
                raise ValueError(f"{folder}: {info}")
            self.models[dtype] = model.gpt_neox.to(dtype).eval()

    def attention(self, tokens, dtype=torch.float64):
        GPTNeoXRotaryEmbedding.forward = rotary64 if dtype == torch.float64 else rotary32
        with torch.no_grad():
            output = self.models[dtype](torch.tensor([tokens]), output_attentions=True, use_cache=False)
        return [layer[0].numpy() for layer in output.attentions]
