"""A network of Lockstep's layer list (docs/networks.md) in PyTorch: the same layers, zeros, epsilons and first values.

`LayerList.from_file("examples/networks/fast94.json")`. Images are NCHW, in any memory format. Batch normalisation takes its
statistics within groups of `group_size` images ("ghost"), as Lockstep does within a micro-batch; None: over the whole batch.
"""
import json, math

import torch
import torch.nn as nn
import torch.nn.functional as F

IMAGES = "images"


class GhostNorm(nn.Module):
    """Running statistics move by the mean over the groups, as Lockstep's do by the mean over a step's micro-batches."""

    def __init__(self, channels, epsilon=1e-5, momentum=0.1, frozen=()):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels), requires_grad="scale" not in frozen)
        self.bias = nn.Parameter(torch.zeros(channels), requires_grad="shift" not in frozen)
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.epsilon, self.momentum, self.group_size = epsilon, momentum, None

    def forward(self, x):
        group = self.group_size
        if not self.training or group is None or group >= len(x):
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training,
                                self.momentum, self.epsilon)
        if len(x) % group:
            raise ValueError(f"{len(x)} images are not whole groups of {group}")
        groups = x.unflatten(0, (-1, group))
        variance, mean = torch.var_mean(groups.to(self.running_mean.dtype), (1, 3, 4), correction=0, keepdim=True)
        self.follow(mean, variance, group * x.shape[2] * x.shape[3])
        scale = self.weight.view(-1, 1, 1) * torch.rsqrt(variance + self.epsilon)
        return (groups * scale + (self.bias.view(-1, 1, 1) - mean * scale)).flatten(0, 1).to(x.dtype)

    @torch.no_grad()
    def follow(self, mean, variance, count):
        unbiased = variance * (count / max(1, count - 1))
        self.running_mean.lerp_(mean.mean(0).flatten(), self.momentum)
        self.running_var.lerp_(unbiased.mean(0).flatten(), self.momentum)


class Convolution(nn.Conv2d):
    """`same`: ceil(side / stride) outputs; zeros all around for 3x3, after the last pixel for 2x2."""

    def __init__(self, inputs, entry):
        size, stride = entry.get("kernelSize", 3), entry.get("stride", 1)
        self.is_same = entry.get("padding", "same") == "same"
        around = 1 if self.is_same and size == 3 else 0
        super().__init__(inputs, entry["channels"], size, stride, around, bias=entry.get("bias", False))
        self.after = 1 if self.is_same and size == 2 else 0

    def forward(self, x):
        # With stride 2 and 2x2 an even side needs no zeros after it, and an extra zero is not read.
        return super().forward(F.pad(x, (0, self.after, 0, self.after)) if self.after else x)


class Shortcut(nn.Module):
    """Option A: every `stride`-th pixel, and zeros for the channels that are new."""

    def __init__(self, added, stride):
        super().__init__()
        self.added, self.stride = added, stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class Dense(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1))[:, :, None, None]


class LayerList(nn.Module):
    def __init__(self, description):
        super().__init__()
        self.entries, self.modules_by_name = [], nn.ModuleDict()
        channels, before = {IMAGES: description["inputShape"]["channels"]}, IMAGES
        for entry in description["layers"]:
            entry = {**entry, "input": entry.get("input", before)}
            before, inputs = entry["name"], channels[entry["input"]]
            channels[before] = entry.get("channels", inputs)
            if entry["kind"] != "add":
                self.modules_by_name[key(before)] = module_of(entry, inputs)
            self.entries.append(entry)
        self.class_count = channels[before]
        self.image_shape = description["inputShape"]

    @staticmethod
    def from_file(file):
        with open(file, encoding="utf-8") as text:
            content = json.load(text)
        return LayerList(content.get("network", content))

    def forward(self, x):
        outputs = {IMAGES: x}
        for entry in self.entries:
            read = outputs[entry["input"]]
            if entry["kind"] == "add":
                outputs[entry["name"]] = read + outputs[entry["other"]]
            else:
                outputs[entry["name"]] = self.modules_by_name[key(entry["name"])](read)
        return outputs[self.entries[-1]["name"]].flatten(1)

    def module(self, name):
        return self.modules_by_name[key(name)]

    def norms(self):
        return [module for module in self.modules() if isinstance(module, GhostNorm)]

    def entries_that_start_as(self, kind):
        return [entry for entry in self.entries if start_of(entry, "weight") == kind]


def key(name):
    """A module's name has no dots."""
    return name.replace(".", "_")


def start_of(entry, tensor):
    return entry.get("initial", {}).get(tensor, {}).get("kind")


def module_of(entry, inputs):
    kind, frozen = entry["kind"], entry.get("frozen", ())
    if kind == "batch-normalisation":
        return GhostNorm(inputs, entry.get("epsilon", 1e-5), entry.get("momentum", 0.1), frozen)
    if kind in ("convolution", "dense"):
        module = (Convolution(inputs, entry) if kind == "convolution"
                  else Dense(inputs, entry["channels"], bias=entry.get("bias", True)))
        start(module, start_of(entry, "weight"))
        for name in frozen:
            getattr(module, name).requires_grad = False
        return module
    if kind in ("max-pool", "average-pool"):
        pool = nn.MaxPool2d if kind == "max-pool" else nn.AvgPool2d
        return pool(entry["size"], entry.get("stride", entry["size"]))
    if kind == "shortcut":
        return Shortcut(entry["channels"] - inputs, entry.get("stride", 1))
    plain = {"relu": lambda: nn.ReLU(), "gelu": lambda: nn.GELU(), "silu": lambda: nn.SiLU(),
             "celu": lambda: nn.CELU(entry.get("alpha", 1)), "scale": lambda: Scale(entry["factor"]),
             "global-average-pool": lambda: nn.AdaptiveAvgPool2d(1), "dropout": lambda: nn.Dropout(entry["rate"])}
    if kind not in plain:
        raise ValueError(f"layer {entry['name']}: unknown kind {kind}")
    return plain[kind]()


def start(module, kind):
    """Kaiming-normal, or as the entry says; `whitening` is Dirac until it knows the images. Biases start at zero."""
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    weight = module.weight
    if kind in ("dirac", "whitening"):
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        nn.init.dirac_(weight.data[: weight.shape[1]])
    elif kind == "zero":
        nn.init.zeros_(weight)
    elif kind in (None, "kaiming"):
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    else:
        raise ValueError(f"weights that start as {kind} are Lockstep's alone")
