#!/usr/bin/env python3
"""Fixtures of NetworksTests: narrow residual networks of torchvision's blocks.

Usage: make_torchvision_resnet.py [OUTDIR]      (pip install torch torchvision safetensors)

Inputs are rounded to float32; everything is computed in float64 and stored as float32. Parameters
are param.NAME, buffers buffer.NAME before and out.moved.NAME after the pass, with the names of
torchvision; images in.images; the loss is the sum of out.features times in.cotangent, and
grad.NAME its gradient; out.evaluated are the features in evaluation with the moved buffers.
"""
import os
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(12)


def r32(t):
    return t.to(torch.float32).to(torch.float64)


def narrow(block, depths, width, stem):
    """torchvision's network with other widths and fewer layers"""
    net = ResNet(block, [1, 1, 1, 1])
    net.inplanes = width
    net.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
    if stem == "small":
        net.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        net.maxpool = nn.Identity()
    net.bn1 = nn.BatchNorm2d(width)
    for layer in range(4):
        stage = nn.Identity()
        if layer < len(depths):
            stage = net._make_layer(block, width << layer, depths[layer], 1 if layer == 0 else 2)
        setattr(net, f"layer{layer + 1}", stage)
    net.fc = nn.Identity()
    return net


def floats(net):
    return {n: b for n, b in net.named_buffers() if b.dtype == torch.float64}


def fixture(name, block, depths, width, stem, size):
    net = narrow(block, depths, width, stem)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(r32(p + 0.1 * torch.randn_like(p)))
        for b in floats(net).values():
            b.copy_(r32(torch.rand_like(b) + 0.5))
    x = r32(torch.randn(*size))
    tensors = {"buffer." + n: b.clone() for n, b in floats(net).items()}
    y = net(x)
    cotangent = r32(torch.randn_like(y))
    (y * cotangent).sum().backward()
    tensors |= {"in.images": x, "in.cotangent": cotangent, "out.features": y}
    for n, p in net.named_parameters():
        tensors |= {"param." + n: p, "grad." + n: p.grad}
    tensors |= {"out.moved." + n: b.clone() for n, b in floats(net).items()}
    net.eval()
    tensors["out.evaluated"] = net(x)
    out = {k: v.detach().to(torch.float32).contiguous().clone() for k, v in tensors.items()}
    path = os.path.join(OUT, name + ".safetensors")
    save_file(out, path, metadata=dict(depths=str(depths), width=str(width), stem=stem))
    print(name, os.path.getsize(path))


fixture("resnet_basic", BasicBlock, [2, 1], 16, "small", (3, 3, 11, 12))
fixture("resnet_bottleneck", Bottleneck, [1, 1], 16, "standard", (3, 3, 37, 33))
