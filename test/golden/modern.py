#!/usr/bin/env python3
"""Writes test/golden/modern.{json,bin}: one training step's gradients of two small networks, computed by PyTorch.

Between them they have every layer that ResNets of 2015 have not: pooling by windows, GELU, SiLU and CELU, kernels of 1x1
and 2x2, `valid` padding, biases, frozen tensors, epsilon 1e-12, a projection shortcut, pre-activation, a fixed scale of
the logits. Inputs follow from a formula and results are in Lockstep's layout, as in gradient.py, which has the details.
The gradient of a frozen tensor is zero.

Usage: python3 test/golden/modern.py    (needs torch and numpy; written with torch 2.13)
"""

import json
import pathlib

import numpy
import torch
from torch import nn
from torch.nn import functional

from gradient import BATCH_SIZE, CLASS_COUNT, IMAGE_SEED, LABEL_SEED, PARAMETER_SEED
from gradient import from_lockstep, hash32, hashed_values, to_lockstep

GOLDEN = pathlib.Path(__file__).resolve().parent


class Network(nn.Module):
    """Modules in the order in which Lockstep lists them."""

    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList()

    def conv(self, inputs, outputs, size, stride=1, padding=0, bias=False, frozen=False):
        module = nn.Conv2d(inputs, outputs, size, stride, padding, bias=bias)
        module.weight.requires_grad = not frozen
        self.steps.append(module)
        return module

    def norm(self, channels, epsilon=1e-5, frozen=False):
        module = nn.BatchNorm2d(channels, eps=epsilon, momentum=1.0)  # running statistics become the batch's
        module.weight.requires_grad = not frozen
        self.steps.append(module)
        return module

    def dense(self, inputs, bias):
        module = nn.Linear(inputs, CLASS_COUNT, bias=bias)
        self.steps.append(module)
        return module


class Fast94(Network):
    """The network of airbench94 in small, with an identity skip around each group's second convolution."""

    def __init__(self):
        super().__init__()
        self.whitening = self.conv(3, 24, 2, bias=True, frozen=True)
        self.groups = []
        inputs = 24
        for width in (8, 16, 16):
            conv1 = self.conv(inputs, width, 3, padding=1)
            norm1 = self.norm(width, 1e-12, frozen=True)
            conv2 = self.conv(width, width, 3, padding=1)
            norm2 = self.norm(width, 1e-12, frozen=True)
            self.groups.append((conv1, norm1, conv2, norm2))
            inputs = width
        self.head = self.dense(inputs, bias=False)

    def forward(self, x):
        x = functional.gelu(self.whitening(x))
        for conv1, norm1, conv2, norm2 in self.groups:
            x = functional.gelu(norm1(functional.max_pool2d(conv1(x), 2)))
            x = functional.gelu(norm2(conv2(x)) + x)
        return self.head(functional.max_pool2d(x, 3).flatten(1)) / 9


class Mixed(Network):
    def __init__(self):
        super().__init__()
        self.stem = self.conv(3, 8, 3, padding=1, bias=True)
        self.norm1 = self.norm(8)
        self.conv1 = self.conv(8, 12, 3, stride=2, padding=1)
        self.norm2 = self.norm(12)
        self.projection = self.conv(8, 12, 1, stride=2)
        self.norm3 = self.norm(12)
        self.conv2 = self.conv(12, 8, 2, bias=True)
        self.norm4 = self.norm(8)
        self.conv3 = self.conv(8, 8, 3, padding=1)
        self.head = self.dense(8, bias=True)

    def forward(self, x):
        x = functional.avg_pool2d(functional.celu(self.stem(x), 0.075), 3, 2)
        x = functional.silu(self.norm1(x))
        x = functional.celu(self.norm2(self.conv1(x)) + self.norm3(self.projection(x)))
        x = functional.silu(self.conv2(functional.pad(x, (0, 1, 0, 1))))  # padding='same' of 2x2
        x = x + self.conv3(functional.gelu(self.norm4(x)))  # pre-activation
        return self.head(functional.max_pool2d(x, 3, 1).mean((2, 3)))


def fill_parameters(model):
    """As in gradient.py, of all tensors in the order of the list."""
    offset = 0
    for module in model.steps:
        for name, parameter in module.named_parameters():
            size = parameter.numel()
            values = hashed_values(size, PARAMETER_SEED + offset).astype(numpy.float64)
            if parameter.dim() > 1:
                values = values * numpy.sqrt(6 / (size // parameter.shape[0]))
            elif isinstance(module, nn.BatchNorm2d) and name == "weight":
                values = 1 + 0.5 * values
            else:
                values = 0.25 * values
            parameter.data.copy_(from_lockstep(values.astype(numpy.float32), parameter))
            offset += size


def training_step(make):
    model = make().to(torch.float64).train()
    fill_parameters(model)
    images = hashed_values(BATCH_SIZE * 32 * 32 * 3, IMAGE_SEED, 2.0).reshape(BATCH_SIZE, 32, 32, 3)
    labels = hash32(numpy.arange(BATCH_SIZE, dtype=numpy.uint64) + numpy.uint64(LABEL_SEED)) % CLASS_COUNT
    labels = torch.from_numpy(labels.astype(numpy.int64))
    logits = model(torch.from_numpy(images).double().permute(0, 3, 1, 2).contiguous())
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    loss.backward()
    gradients = [
        to_lockstep(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
        for module in model.steps
        for parameter in module.parameters()
    ]
    norms = [module for module in model.steps if isinstance(module, nn.BatchNorm2d)]
    statistics = [vector for module in norms for vector in (module.running_mean, module.running_var)]
    return {
        "lossSum": loss.item(),
        "correct": int((logits.argmax(1) == labels).sum()),
        "gradients": [list(tensor.shape) for tensor in gradients],
        "statistics": [list(tensor.shape) for tensor in statistics],
    }, gradients + statistics


def main():
    networks, tensors = {}, []
    for name, make in (("fast94", Fast94), ("mixed", Mixed)):
        networks[name], found = training_step(make)
        tensors += found
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors]).to(torch.float32).numpy()
    (GOLDEN / "modern.bin").write_bytes(flat.astype("<f4").tobytes())
    description = {
        "madeBy": f"test/golden/modern.py, torch {torch.__version__}",
        "batchSize": BATCH_SIZE,
        "parameterSeed": PARAMETER_SEED,
        "imageSeed": IMAGE_SEED,
        "labelSeed": LABEL_SEED,
        "networks": networks,
    }
    (GOLDEN / "modern.json").write_text(json.dumps(description, indent=1) + "\n")
    print({name: network["lossSum"] for name, network in networks.items()}, len(flat), "values")


if __name__ == "__main__":
    main()
