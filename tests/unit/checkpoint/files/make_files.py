"""Makes the torch.save files of this folder, and expected.json beside them.

Needs torch (made with 2.11). The tests do not run this; they read what it wrote.
"""

import json
import pathlib
import warnings
from collections import OrderedDict

import torch

HERE = pathlib.Path(__file__).parent
FILES = {}


def save(name, state, **options):
    torch.save(state, HERE / name, **options)
    FILES[name] = {
        key: {"shape": list(t.shape), "values": [float(v) for v in t.detach().double().flatten()]}
        for key, t in state.items()
    }


def ramp(*shape, dtype=torch.float32):
    count = int(torch.tensor(shape).prod()) if shape else 1
    return ((torch.arange(count) - 2) / 4).reshape(shape).to(dtype)


save("dtypes.bin", {"f32": ramp(2, 3), "f16": ramp(3, 2, dtype=torch.float16),
                    "bf16": ramp(5, dtype=torch.bfloat16), "f64": ramp(4, dtype=torch.float64),
                    "scalar": ramp(), "empty": torch.zeros(0, 3),
                    "subnormal": torch.tensor([2.0 ** -24, -3 * 2.0 ** -20, 65504.0], dtype=torch.float16)})
save("parameters.bin", OrderedDict(weight=torch.nn.Parameter(ramp(2, 2)),
                                   bias=torch.nn.Parameter(ramp(2), requires_grad=False)))

module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
with torch.no_grad():
    for parameter in module.parameters():
        parameter.copy_(ramp(*parameter.shape))
save("state_dict.bin", module.state_dict())  # an OrderedDict with _metadata set by BUILD

base = ramp(4, 6)
save("views.bin", {"whole": base, "rows": base[1:3], "transposed": base.t(), "column": base[:, 2],
                   "one_row_stride": base[2:3, :], "permuted": ramp(2, 3, 4).permute(2, 0, 1)})
save("protocol4.bin", OrderedDict(a=ramp(2, 3), b=ramp(3, dtype=torch.float16)), pickle_protocol=4)
save("protocol5.bin", OrderedDict(a=ramp(2, 3)), pickle_protocol=5)

torch.serialization.set_crc32_options(False)
save("no_checksums.bin", {"a": ramp(2, 3)})
torch.serialization.set_crc32_options(True)

# What must be refused, with the reason expected.json gives.
REFUSED = {}


def refuse(name, state, message, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(state, HERE / name, **options)
    REFUSED[name] = message


refuse("legacy.bin", {"a": ramp(3)}, "before PyTorch 1.6", _use_new_zipfile_serialization=False)
refuse("expanded.bin", {"a": ramp(1).expand(1000)}, "repeats its elements")
refuse("sparse.bin", {"a": torch.eye(3).to_sparse()}, "_rebuild_sparse_tensor")
refuse("nested.bin", {"state_dict": {"a": ramp(3)}}, "'state_dict' is a dict, not a tensor")
refuse("list.bin", [ramp(3)], "holds a list, not a state dict")
refuse("module.bin", module, "torch.nn.modules.container.Sequential")
refuse("quantised.bin", {"a": torch.quantize_per_tensor(ramp(4), 0.25, 0, torch.qint8)}, "_rebuild_qtensor")
refuse("number.bin", {"a": ramp(2), "epoch": 3}, "'epoch' is an integer, not a tensor")

(HERE / "expected.json").write_text(json.dumps({"tensors": FILES, "refused": REFUSED}, indent=1) + "\n")
