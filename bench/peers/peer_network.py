"""The networks of Lockstep in PyTorch, for the benchmarks that measure PyTorch on the same machine.

A ResNet has 6n+2 layers, as in arXiv:1512.03385 section 4.2, with option A's shortcuts; another network is a file of layers
(docs/networks.md). Images are random, since their values do not change the time.
"""
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

from peer_layers import LayerList

CLASSES = 10


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        if self.stride > 1 or self.added:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y + x, inplace=True)


def depth_and_width(name):
    """`20x4` (or `resnet20x4`) is ResNet-20 with four times the channels; `20` has the paper's."""
    depth, _, width = name.removeprefix("resnet").partition("x")
    depth, width = int(depth), int(width or 1)
    if (depth - 2) % 6 or depth < 8 or width < 1:
        raise ValueError(f"network {name}: the depth must be 6n+2, the width at least 1; for example 20 or 20x4")
    return depth, width


def is_file(name):
    return name.endswith(".json")


def check(name):
    """@raises ValueError for a name that makes no network"""
    if not is_file(name):
        depth_and_width(name)
    elif not pathlib.Path(name).is_file():
        raise ValueError(f"network {name}: there is no such file")


def size_of(name):
    """What a line of figures says of a network besides its name."""
    if is_file(name):
        return dict(layers=pathlib.Path(name).stem)
    depth, width = depth_and_width(name)
    return dict(depth=depth, width=width)


def network(name):
    if is_file(name):
        return LayerList.from_file(name)
    depth, width = depth_and_width(name)
    inputs = 16 * width
    layers = [nn.Conv2d(3, inputs, 3, 1, 1, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    for outputs, stride in ((16 * width, 1), (32 * width, 2), (64 * width, 2)):
        for block in range((depth - 2) // 6):
            layers.append(Block(inputs, outputs, stride if block == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


def optimizer(net):
    trained = [one for one in net.parameters() if one.requires_grad]
    return torch.optim.SGD(trained, lr=0.1, momentum=0.9, weight_decay=1e-4)


def random_batch(size, device, layout):
    images = torch.randn(size, 3, 32, 32, device=device).to(memory_format=layout)
    return images, torch.randint(0, CLASSES, (size,), device=device)
