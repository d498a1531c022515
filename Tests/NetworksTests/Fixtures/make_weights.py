#!/usr/bin/env python3
"""Fixtures of weight files: state dicts just as timm and torchvision have them, with outputs.

Usage: make_weights.py [OUTDIR]      (pip install torch torchvision timm safetensors)

NAME.weights.safetensors is the module's own state dict, classifier and counts of batches included;
NAME.images.safetensors has `images` and `features`, the output before the classifier. Features are
computed in float64 from the float32 weights.
"""
import os
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.manual_seed(23)


class SmallResNet(ResNet):
    """torchvision's ResNet of other widths: its own blocks, names and forward pass"""

    def __init__(self, block, blocks, widths, classes):
        nn.Module.__init__(self)
        self._norm_layer, self.dilation, self.groups, self.base_width = nn.BatchNorm2d, 1, 1, 64
        self.inplanes = widths[0]
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for index, (count, width) in enumerate(zip(blocks, widths)):
            layer = self._make_layer(block, width, count, stride=1 if index == 0 else 2)
            setattr(self, f"layer{index + 1}", layer)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(widths[-1] * block.expansion, classes)


def shake(module):
    """every parameter and running statistic away from its special first value"""
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.1 * torch.randn_like(p))
        for name, b in module.named_buffers():
            if name.endswith("running_mean"):
                b.normal_(0, 0.2)
            elif name.endswith("running_var"):
                b.uniform_(0.5, 2)


def save(name, module, classifier, images):
    shake(module)
    module.eval()
    state = {k: v.clone().contiguous() for k, v in module.state_dict().items()}
    save_file(state, os.path.join(OUT, name + ".weights.safetensors"), metadata={"format": "pt"})
    setattr(module, classifier, nn.Identity())
    features = module.double()(images.double()).detach().float()
    save_file({"images": images, "features": features},
              os.path.join(OUT, name + ".images.safetensors"))
    print(name, len(state), "tensors", tuple(features.shape))


with torch.no_grad():
    vit = dict(img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, num_classes=5)
    save("timm_vit", VisionTransformer(**vit), "head", torch.randn(3, 3, 32, 32))
    mean = dict(class_token=False, global_pool="avg", fc_norm=False)
    save("timm_vit_mean", VisionTransformer(**vit, **mean), "head", torch.randn(3, 3, 32, 32))
    save("torchvision_basic", SmallResNet(BasicBlock, [1, 2, 1, 1], [4, 8, 16, 32], 5), "fc",
         torch.randn(2, 3, 48, 40))
    save("torchvision_bottleneck", SmallResNet(Bottleneck, [1, 1, 2, 1], [2, 4, 8, 16], 5), "fc",
         torch.randn(2, 3, 48, 40))
