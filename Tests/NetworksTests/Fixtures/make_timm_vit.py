#!/usr/bin/env python3
"""Fixtures of NetworksTests: networks and layers of timm and torch with outputs and gradients.

Usage: make_timm_vit.py [OUTDIR]      (pip install torch timm safetensors)

Inputs are rounded to float32; everything is computed in float64 and stored as float32. Parameters
are param.NAME, buffers buffer.NAME, with the names of timm; images in.images; the loss is the sum
of out.features times in.cotangent, and grad.NAME its gradient.
"""
import os
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file
from timm.models.vision_transformer import Attention, Mlp, VisionTransformer

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(11)


def r32(t):
    return t.to(torch.float32).to(torch.float64)


def save(name, tensors, **meta):
    out = {k: v.detach().to(torch.float32).contiguous().clone() for k, v in tensors.items()}
    path = os.path.join(OUT, name + ".safetensors")
    save_file(out, path, metadata={k: str(v) for k, v in meta.items()})
    print(name, os.path.getsize(path))


def shake(module):
    """all parameters away from their special first values, on float32's grid"""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(r32(p + 0.1 * torch.randn_like(p)))


def run(module, x, forward=None, rename=lambda n: n):
    """tensors of one forward and backward pass"""
    y = (forward or module)(x)
    cotangent = r32(torch.randn_like(y))
    module.zero_grad()
    (y * cotangent).sum().backward()
    tensors = {"in.images": x, "in.cotangent": cotangent, "out.features": y}
    for n, p in module.named_parameters():
        tensors["param." + rename(n)] = p
        tensors["grad." + rename(n)] = p.grad
    return tensors


def timm_vit(name, pooling):
    sizes = dict(patch_size=4, embed_dim=24, depth=2, num_heads=3)
    net = VisionTransformer(img_size=(8, 12), in_chans=3, num_classes=0, mlp_ratio=2, fc_norm=False,
                            class_token=pooling == "token", global_pool=pooling, **sizes)
    shake(net)
    x = r32(torch.randn(3, 3, 8, 12))
    save(name, run(net, x), patch=4, width=24, depth=2, heads=3, mlp_ratio=2, pooling=pooling,
         initialisation="timm", norm_epsilon=net.norm.eps)


class TorchViT(nn.Module):
    """the reference run's plain ViT, from torch's own encoder layers"""

    def __init__(self, patch, width, depth, heads):
        super().__init__()
        self.patches = nn.Conv2d(1, width, patch, patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, (28 // patch) ** 2, width))
        self.blocks = nn.Sequential(*[
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True,
                                       norm_first=True) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        return self.norm(self.blocks(tokens)).mean(1)


def timm_name(name):
    for old, new in (("patches.", "patch_embed.proj."), ("positions", "pos_embed"),
                     ("self_attn.in_proj_", "attn.qkv."), ("self_attn.out_proj", "attn.proj"),
                     ("linear1", "mlp.fc1"), ("linear2", "mlp.fc2")):
        name = name.replace(old, new)
    return name


def torch_vit():
    net = TorchViT(14, 16, 2, 4)
    shake(net)
    x = r32(torch.randn(4, 1, 28, 28))
    save("vit_torch", run(net, x, rename=timm_name), patch=14, width=16, depth=2, heads=4,
         mlp_ratio=4, pooling="avg", initialisation="torch", norm_epsilon=net.norm.eps)


def convolutional_net():
    widths = (4, 6, 8)
    stages = [m for i, o in zip((2,) + widths, widths)
              for m in (nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())]
    net = nn.Sequential(*stages)
    shake(net)
    x = r32(torch.randn(3, 2, 13, 11))
    with torch.no_grad():
        for n, b in net.named_buffers():
            if b.dtype == torch.float64:
                b.copy_(r32(torch.rand_like(b) + 0.5))
    before = {n: b.clone() for n, b in net.named_buffers() if b.dtype == torch.float64}
    tensors = run(net, x, forward=lambda x: net(x).mean((2, 3)), rename=lambda n: "features." + n)
    after = {n: b.clone() for n, b in net.named_buffers() if b.dtype == torch.float64}
    net.eval()
    tensors["out.evaluated"] = net(x).mean((2, 3))
    tensors |= {"buffer.features." + n: b for n, b in before.items()}
    tensors |= {"out.moved.features." + n: b for n, b in after.items()}
    save("convolutional_net", tensors, widths=list(widths), momentum=0.1)


def layers():
    """attention, MLP and layer norm, each with the input's gradient"""
    batch, tokens, width = 2, 5, 12
    attention = Attention(width, num_heads=3, qkv_bias=True)
    mlp = Mlp(width, hidden_features=20)
    norm = nn.LayerNorm(width, eps=1e-5)
    own = nn.MultiheadAttention(width, 3, batch_first=True)
    shake(attention)
    with torch.no_grad():
        own.in_proj_weight.copy_(attention.qkv.weight)
        own.in_proj_bias.copy_(attention.qkv.bias)
        own.out_proj.weight.copy_(attention.proj.weight)
        own.out_proj.bias.copy_(attention.proj.bias)
    for name, module in (("attention", attention), ("mlp", mlp), ("layer_norm", norm)):
        shake(module) if name != "attention" else None
        x = r32(2 * torch.randn(batch, tokens, width)).requires_grad_()
        tensors = run(module, x)
        if name == "attention":
            assert (own(x, x, x)[0] - tensors["out.features"]).abs().max() < 1e-12
        save("layer_" + name, tensors | {"grad.images": x.grad}, heads=3, hidden=20, epsilon=1e-5)


timm_vit("vit_class_token", "token")
timm_vit("vit_mean", "avg")
torch_vit()
convolutional_net()
layers()
