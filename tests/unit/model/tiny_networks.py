"""Prints the attention that network_test.cc expects: transformers' own, of tiny_networks.cc's networks.

    python tiny_networks.py     # needs torch and transformers
"""

import math

import torch
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

TOKENS = [3, 1, 8, 1, 5]
EAGER = {"attn_implementation": "eager"}


def gpt2():
    return GPT2LMHeadModel(GPT2Config(vocab_size=10, n_positions=6, n_embd=6, n_layer=2, n_head=2, n_inner=7,
                                      scale_attn_by_inverse_layer_idx=True, bos_token_id=1, eos_token_id=1, **EAGER))


def bert():
    return BertModel(BertConfig(vocab_size=10, hidden_size=6, num_hidden_layers=2, num_attention_heads=2,
                                intermediate_size=7, max_position_embeddings=6, **EAGER), add_pooling_layer=False)


def t5():
    return T5ForConditionalGeneration(T5Config(vocab_size=10, d_model=6, d_kv=4, d_ff=7, num_layers=2, num_heads=2,
                                               feed_forward_proj="gated-gelu", relative_attention_num_buckets=6,
                                               relative_attention_max_distance=4, decoder_start_token_id=2, **EAGER))


def fill(model):
    """Weights by formula, numbered in the order of their names; a tied one has one name, as in the file."""
    parameters = dict(sorted(model.named_parameters()))
    for index, (name, parameter) in enumerate(parameters.items()):
        one_row = parameter.dim() == 1
        mean = 1.0 if one_row and name.endswith("weight") else 0.0
        gain = 0.2 if one_row else 0.8
        values = [mean + gain * math.sin(0.37 * k * k + index) for k in range(parameter.numel())]
        parameter.data = torch.tensor(values, dtype=torch.float64).float().view(parameter.shape)
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    return model.eval()


def show(name, attention):
    """The last query's row of the last layer, head by head."""
    rows = attention[-1][0, :, -1]
    print(name, ", ".join(f"{float(value):.8g}f" for value in rows.flatten()))


def main():
    ids = torch.tensor([TOKENS])
    options = {"output_attentions": True, "use_cache": False}
    with torch.no_grad():
        network = fill(gpt2())
        show("gpt2", network(ids, **options).attentions)
        torch.nn.init.zeros_(network.transformer.wpe.weight)
        show("gpt2, no positions", network(ids, **options).attentions)
        show("bert", fill(bert())(ids, output_attentions=True).attentions)
        shifted = torch.tensor([[2, *TOKENS[:-1]]])
        output = fill(t5())(input_ids=ids, decoder_input_ids=shifted, **options)
        show("t5 encoder", output.encoder_attentions)
        show("t5 decoder", output.decoder_attentions)


if __name__ == "__main__":
    main()
