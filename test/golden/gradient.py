#!/usr/bin/env python3
"""Writes test/golden/resnet8-gradient.{json,bin}: one training step's gradient of ResNet-8, computed by PyTorch.

Parameters, images and labels come from a formula (hashed_values below; test/support/numbers.ts has the same), so only
results are stored: loss sum, right answers, gradient of the summed cross-entropy in Lockstep's parameter layout (NHWC,
filters HWIO, dense in x out), and every batch normalisation's mean and unbiased variance over the micro-batch in
Lockstep's statistics layout. Computed in float64 from float32 inputs; "float32Deviation" tells how far PyTorch's own
float32 gradient lies from it, largest ||a - b|| / ||b|| over the tensors.

Usage: python3 test/golden/gradient.py    (needs torch and numpy; written with torch 2.13)
"""

import json
import pathlib

import numpy
import torch
from torch import nn
from torch.nn import functional

GOLDEN = pathlib.Path(__file__).resolve().parent
BATCH_SIZE = 4
CLASS_COUNT = 10
EPSILON = 1e-5
PARAMETER_SEED = 1000
IMAGE_SEED = 500_000_000
LABEL_SEED = 940_000_000


def hash32(values):
    """MurmurHash3's 32-bit finaliser on an array of integers."""
    h = (values & 0xFFFFFFFF).astype(numpy.uint64)
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ (h >> 16)


def hashed_values(length, seed, amplitude=1.0):
    """float32 in [-amplitude, amplitude)."""
    hashed = hash32(numpy.arange(length, dtype=numpy.uint64) + numpy.uint64(seed)).astype(numpy.float64)
    return ((hashed / 2**31 - 1) * amplitude).astype(numpy.float32)


class Block(nn.Module):
    """relu(bn(conv(relu(bn(conv(x))))) + option-A shortcut(x))"""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels, eps=EPSILON)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels, eps=EPSILON)
        self.stride = stride
        self.new_channels = channels - channels_in

    def forward(self, x):
        branch = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))
        return functional.relu(branch + shortcut)


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Module()
        self.stem.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.stem.norm = nn.BatchNorm2d(16, eps=EPSILON)
        for stack, (channels_in, channels, stride) in enumerate([(16, 16, 1), (16, 32, 2), (32, 64, 2)], start=1):
            holder = nn.Module()
            holder.block1 = Block(channels_in, channels, stride)
            setattr(self, f"stack{stack}", holder)
        self.dense = nn.Linear(64, CLASS_COUNT)

    def forward(self, x):
        x = functional.relu(self.stem.norm(self.stem.conv(x)))
        x = self.stack3.block1(self.stack2.block1(self.stack1.block1(x)))
        return self.dense(x.mean((2, 3)))


def to_lockstep(tensor):
    """OIHW to HWIO, (out, in) to (in, out)."""
    if tensor.dim() == 4:
        return tensor.permute(2, 3, 1, 0).contiguous()
    return tensor.t().contiguous() if tensor.dim() == 2 else tensor


def from_lockstep(array, like):
    tensor = torch.from_numpy(array).to(like.dtype)
    if like.dim() == 4:
        out_channels, in_channels, height, width = like.shape
        return tensor.reshape(height, width, in_channels, out_channels).permute(3, 2, 0, 1)
    return tensor.reshape(like.shape[1], like.shape[0]).t() if like.dim() == 2 else tensor


def lockstep_name(name, module):
    """norm.weight is Lockstep's scale, norm.bias its shift."""
    if isinstance(module, nn.BatchNorm2d):
        return name.replace(".weight", ".scale").replace(".bias", ".shift")
    return name


def fill_parameters(model):
    """Draws every tensor from the formula: weights uniform with the Kaiming deviation, scales about 1, shifts about 0."""
    offset = 0
    for name, parameter in model.named_parameters():
        size = parameter.numel()
        values = hashed_values(size, PARAMETER_SEED + offset)
        if parameter.dim() > 1:
            fan_in = size // parameter.shape[0]
            values = (values.astype(numpy.float64) * numpy.sqrt(6 / fan_in)).astype(numpy.float32)
        elif "norm" in name and name.endswith(".weight"):
            values = (1 + 0.5 * values.astype(numpy.float64)).astype(numpy.float32)
        else:
            values = (0.25 * values.astype(numpy.float64)).astype(numpy.float32)
        parameter.data.copy_(from_lockstep(values, parameter))
        offset += size


def training_step(dtype):
    model = ResNet8().to(dtype).train()
    fill_parameters(model)
    norms = {name: module for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for module in norms.values():
        module.momentum = 1.0  # the running statistics become the batch's: mean and unbiased variance
    images = hashed_values(BATCH_SIZE * 32 * 32 * 3, IMAGE_SEED, 2.0).reshape(BATCH_SIZE, 32, 32, 3)
    labels = hash32(numpy.arange(BATCH_SIZE, dtype=numpy.uint64) + numpy.uint64(LABEL_SEED)) % CLASS_COUNT
    labels = torch.from_numpy(labels.astype(numpy.int64))
    logits = model(torch.from_numpy(images).to(dtype).permute(0, 3, 1, 2).contiguous())
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    loss.backward()
    modules = dict(model.named_modules())
    gradients = [
        (lockstep_name(name, modules[name.rpartition(".")[0]]), to_lockstep(parameter.grad))
        for name, parameter in model.named_parameters()
    ]
    statistics = []
    for name, module in norms.items():
        statistics.append((f"{name}.runningMean", module.running_mean))
        statistics.append((f"{name}.runningVariance", module.running_var))
    return {
        "lossSum": loss.item(),
        "correct": int((logits.argmax(1) == labels).sum()),
        "gradients": gradients,
        "statistics": statistics,
    }


def main():
    torch.manual_seed(0)
    exact = training_step(torch.float64)
    single = training_step(torch.float32)
    deviation = max(
        float((a.double() - b).norm() / b.norm())
        for (_, a), (_, b) in zip(single["gradients"], exact["gradients"])
    )
    GOLDEN.mkdir(parents=True, exist_ok=True)
    tensors = exact["gradients"] + exact["statistics"]
    flat = torch.cat([tensor.reshape(-1) for _, tensor in tensors]).to(torch.float32).numpy()
    (GOLDEN / "resnet8-gradient.bin").write_bytes(flat.astype("<f4").tobytes())
    description = {
        "madeBy": f"test/golden/gradient.py, torch {torch.__version__}",
        "batchSize": BATCH_SIZE,
        "parameterSeed": PARAMETER_SEED,
        "imageSeed": IMAGE_SEED,
        "labelSeed": LABEL_SEED,
        "lossSum": exact["lossSum"],
        "correct": exact["correct"],
        "float32Deviation": deviation,
        "gradients": [{"name": name, "shape": list(tensor.shape)} for name, tensor in exact["gradients"]],
        "statistics": [{"name": name, "shape": list(tensor.shape)} for name, tensor in exact["statistics"]],
    }
    (GOLDEN / "resnet8-gradient.json").write_text(json.dumps(description, indent=1) + "\n")
    print(f"loss {exact['lossSum']}, {len(flat)} values, float32 deviates by {deviation:.2e}")


if __name__ == "__main__":
    main()
