"""Golden values of layers from PyTorch and timm, written to torch_layers.json beside this file.

    pip install torch timm && python make_torch_layers.py

Each case holds inputs, outputs, and the gradient of sum(r * first output) with respect to every
input that has one, with r among the inputs as "cotangent".
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from timm.layers import Attention, Mlp

torch.manual_seed(7)
torch.set_num_threads(1)
cases = {}


def packed(x):
    return dict(shape=list(x.shape), values=[float(f"{v:.9g}") for v in x.detach().flatten().tolist()])


def case(name, inputs, compute, numbers=None):
    for x in inputs.values():
        x.requires_grad_()
    outputs = compute(**inputs)
    first = next(iter(outputs.values()))
    cotangent = torch.randn_like(first)
    (cotangent * first).sum().backward()
    cases[name] = dict(
        numbers=numbers or {},
        inputs={k: packed(v) for k, v in inputs.items()} | {"cotangent": packed(cotangent)},
        outputs={k: packed(v) for k, v in outputs.items()},
        gradients={k: packed(v.grad) for k, v in inputs.items()},
    )


def module_case(name, module, x, numbers=None):
    """A module of timm, its parameters under their own names."""
    inputs = {"x": x} | {k: v.detach().clone() for k, v in module.named_parameters()}

    def compute(x, **parameters):
        return {"y": torch.func.functional_call(module, parameters, (x,))}

    case(name, inputs, compute, numbers)


def layer_norm(width, epsilon):
    inputs = dict(x=3 * torch.randn(3, 2, width) + 1, weight=torch.randn(width), bias=torch.randn(width))
    case(f"layerNorm_{width}", inputs, lambda x, weight, bias: {"y": F.layer_norm(x, (width,), weight, bias, epsilon)},
         dict(epsilon=epsilon))


def convolution(stride, padding, kernel):
    inputs = dict(x=torch.randn(2, 2, 7, 6), weight=torch.randn(4, 2, kernel, kernel), bias=torch.randn(4))
    case(f"convolution_{kernel}_{stride}", inputs,
         lambda x, weight, bias: {"y": F.conv2d(x, weight, bias, stride, padding)}, dict(stride=stride, padding=padding))


def batch_norm():
    norm = torch.nn.BatchNorm2d(3, momentum=1.0)
    norm.train()
    inputs = dict(x=2 * torch.randn(4, 3, 3, 3) + 1, weight=torch.randn(3), bias=torch.randn(3))

    def compute(x, weight, bias):
        y = torch.func.functional_call(norm, {"weight": weight, "bias": bias}, (x,))
        return {"y": y, "mean": norm.running_mean, "variance": norm.running_var}

    case("batchNorm", inputs, compute, dict(epsilon=1e-5))


layer_norm(8, 1e-6)
layer_norm(21, 1e-5)
module_case("attention_small", Attention(12, num_heads=3, qkv_bias=True), torch.randn(2, 5, 12), dict(heads=3))
module_case("attention_tiles", Attention(16, num_heads=1, qkv_bias=True), torch.randn(1, 16, 16), dict(heads=1))
module_case("mlp", Mlp(10, 20), torch.randn(2, 3, 10))
convolution(2, 1, 3)
convolution(1, 0, 2)
batch_norm()
case("crossEntropy", dict(x=3 * torch.randn(5, 9)), lambda x: {"y": F.cross_entropy(x, torch.tensor([8, 0, 3, 3, 5]))},
     dict(targets=[8, 0, 3, 3, 5]))
case("unitLength", dict(x=torch.randn(4, 11)), lambda x: {"y": F.normalize(x)})
case("logSumExp", dict(x=5 * torch.randn(4, 19)), lambda x: {"y": torch.logsumexp(x, -1)})

path = pathlib.Path(__file__).with_name("torch_layers.json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(path.name, len(cases), "cases", path.stat().st_size, "bytes", "torch", torch.__version__)
