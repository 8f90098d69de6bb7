#!/usr/bin/env python3
"""The short recipe `fast94` in PyTorch: a peer to measure Lockstep beside, to check it against, and to search with.

    python fast94.py --steps 50 --threads 2                                   step times, one JSON line; random images
    python fast94.py --data ../shared/cifar10 --device cuda --runs 3 --test   whole trainings, a JSON line an epoch

Options have the names and meanings of Lockstep's, with the mean loss over a batch. --lr and --weight-decay follow from the
decoupled --kilo-lr and --kilo-decay unless they are given. After airbench94 (github.com/KellerJordan/cifar10-airbench,
arXiv:2404.00498), which has other maps, no skips, and no groups in batch normalisation.
"""
import argparse, contextlib, json, math, pathlib, statistics, time

import torch
import torch.nn.functional as F

from fast94_data import Batches, RandomImages, load_cifar10, whitening_filters
from peer_layers import GhostNorm, LayerList

NETWORK = pathlib.Path(__file__).resolve().parents[2] / "examples" / "networks" / "fast94.json"
LOOKAHEAD_EVERY = 5


class Optimizer:
    """Nesterov SGD in which shifts of normalisation have `shift_lr_factor` times the rate, and decay as fast as the rest."""

    def __init__(self, net, options):
        self.options = options
        norms = [module for module in net.modules() if isinstance(module, GhostNorm)]
        shifts = {module.bias for module in norms}
        rest = [one for one in net.parameters() if one.requires_grad and one not in shifts]
        self.groups = [
            dict(params=[one for one in shifts if one.requires_grad], factor=options.shift_lr_factor,
                 weight_decay=options.weight_decay / options.shift_lr_factor),
            dict(params=rest, factor=1.0, weight_decay=options.weight_decay),
        ]
        settings = dict(lr=options.lr, momentum=options.momentum, nesterov=options.momentum > 0)
        self.inner = torch.optim.SGD(self.groups, foreach=True, **settings)

    def step(self, rate):
        for group in self.inner.param_groups:
            group["lr"] = rate * group["factor"]
        self.inner.step()


class Average:
    """`ema` is evaluated beside the weights; `lookahead` replaces them every five steps, ever more slowly."""

    def __init__(self, net, options, total_steps):
        self.kind, self.decay, self.total = options.averaging, options.ema_decay, total_steps
        self.values = [one.detach().clone() for one in tensors_of(net)]

    @torch.no_grad()
    def update(self, net, step):
        if self.kind == "ema":
            self.move(net, min(self.decay, (1 + step) / (10 + step)))
        if self.kind != "lookahead":
            return
        if step % LOOKAHEAD_EVERY == 0:
            self.move(net, 0.95**5 * (step / self.total) ** 3)
        elif step != self.total:
            return
        self.copy_to(net)

    def move(self, net, decay):
        torch._foreach_lerp_(self.values, tensors_of(net), 1 - decay)

    @torch.no_grad()
    def copy_to(self, net):
        torch._foreach_copy_(tensors_of(net), self.values)


def tensors_of(net):
    return [one for one in net.state_dict().values() if one.dtype.is_floating_point]


def rate_at(step, total, options):
    """Lockstep's `triangular`: rises over the warm-up, then falls to the final rate."""
    warm_up = options.warmup_share * total
    if step < warm_up:
        return options.lr * (step + 1) / (warm_up + 1)
    final = options.final_lr_share * options.lr
    return (options.lr * (total - step) + final * (step - warm_up)) / (total - warm_up)


class Training:
    def __init__(self, options, images, labels):
        self.options, self.device = options, options.device
        self.batches = Batches(images.to(self.device), labels.to(self.device), options)
        self.net = LayerList.from_file(options.network)
        for entry in self.net.entries_that_start_as("whitening") if options.data else ():
            epsilon = entry["initial"]["weight"].get("epsilon", 5e-4)
            weight = self.net.module(entry["name"]).weight
            filters = whitening_filters(self.batches.normalised(images[:5000]).cpu(), weight.shape, epsilon)
            weight.data.copy_(filters)
        for norm in self.net.norms():
            norm.group_size = options.micro_batch or None
        self.net.to(self.device).to(memory_format=options.memory_format)
        self.run = torch.compile(self.net) if options.compile else self.net
        self.total_steps = math.ceil(self.batches.steps_per_epoch * options.epochs)
        self.optimizer = Optimizer(self.net, options)
        self.average = Average(self.net, options, self.total_steps)
        self.step_count = 0

    def step(self, images, labels):
        self.freeze_whitening_bias()
        self.optimizer.inner.zero_grad(set_to_none=True)
        with self.precision():
            logits = self.run(images)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.options.label_smoothing)
        loss.backward()
        self.optimizer.step(rate_at(self.step_count, self.total_steps, self.options))
        self.step_count += 1
        self.average.update(self.net, self.step_count)
        return loss.detach(), (logits.argmax(1) == labels).float().mean()

    def freeze_whitening_bias(self):
        limit = self.options.whitening_bias_epochs
        if limit is None or self.step_count != limit * self.batches.steps_per_epoch:
            return
        for entry in self.net.entries_that_start_as("whitening"):
            bias = self.net.module(entry["name"]).bias
            if bias is not None:
                bias.requires_grad, bias.grad = False, None

    def precision(self):
        if self.options.amp == "off":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)

    def epochs(self):
        """Yields (epoch from 1, mean loss, mean accuracy) after each, the last of which may be a part."""
        self.net.train()
        for epoch in range(math.ceil(self.options.epochs)):
            figures = []
            for batch in self.batches.of_epoch(epoch):
                figures.append(torch.stack(self.step(*batch)))
                if self.step_count == self.total_steps:
                    break
            loss, accuracy = torch.stack(figures).mean(0).tolist()
            yield epoch + 1, loss, accuracy

    @torch.no_grad()
    def accuracy(self, images, labels, views):
        kept = [one.clone() for one in tensors_of(self.net)]
        if self.options.averaging == "ema":
            self.average.copy_to(self.net)
        self.net.eval()
        with self.precision():
            parts = [views_of(self.net, part.to(self.device), views) for part in images.split(1000)]
        self.net.train()
        torch._foreach_copy_(tensors_of(self.net), kept)
        return (torch.cat(parts).argmax(1) == labels.to(self.device)).float().mean().item()


def views_of(net, images, views):
    """Logits: of the image, of it and its mirror, or also of both moved by a pixel to two sides, at half the weight."""
    def mirrored(x):
        return net(x) / 2 + net(x.flip(-1)) / 2
    if views == "none":
        return net(images)
    if views == "flip":
        return mirrored(images)
    padded = F.pad(images, (1,) * 4, "reflect")
    height, width = images.shape[2:]
    moved = [padded[:, :, at : at + height, at : at + width] for at in (0, 2)]
    return mirrored(images) / 2 + sum(mirrored(one) for one in moved) / 4


def measure(options):
    """Times steps of one prepared batch, which favours PyTorch: Lockstep's steps draw and prepare theirs."""
    source = RandomImages(options.batch_size)
    training = Training(options, source.images, source.labels)
    images = training.batches.prepared()
    labels = source.labels.to(options.device)
    training.net.train()
    seconds = []
    for index in range(options.warm_up + options.steps):
        start = time.perf_counter()
        training.step(images, labels)
        if options.device != "cpu":
            torch.cuda.synchronize()
        if index >= options.warm_up:
            seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    say(engine="pytorch", torch=torch.__version__, network=pathlib.Path(options.network).stem, threads=options.threads,
        device=options.device, globalBatch=options.batch_size, microBatch=options.micro_batch,
        stepMilliseconds=[round(value * 1e3, 2) for value in seconds],
        imagesPerSecond=round(options.batch_size / median, 1))


def train(options):
    (images, labels), test = load_cifar10(options.data)
    held = len(images) - options.val_size
    for seed in range(options.seed, options.seed + options.runs):
        torch.manual_seed(seed)
        order = torch.randperm(len(images))
        used, validation = order[:held][: options.train_limit], order[held:]
        training = Training(options, images[used], labels[used])
        started = time.perf_counter()
        for epoch, loss, accuracy in training.epochs():
            line = dict(seed=seed, epoch=epoch, step=training.step_count, trainLoss=round(loss, 4),
                        trainAccuracy=round(accuracy, 4), seconds=round(time.perf_counter() - started, 1))
            if options.val_size:
                prepared = training.batches.normalised(images[validation])
                line["validationAccuracy"] = training.accuracy(prepared, labels[validation], options.tta)
            say(**line)
        result = dict(seed=seed, seconds=round(time.perf_counter() - started, 1))
        for views in ("none", "flip", "full") if options.test else ():
            prepared = training.batches.normalised(test[0])
            result[f"testAccuracy_{views}"] = training.accuracy(prepared, test[1], views)
        say(result=result)


def say(**line):
    print(json.dumps(line), flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--network", default=str(NETWORK), help="a file of layers, as --model of Lockstep takes it")
    add("--steps", type=int, help="only time this many steps, on random images")
    add("--warm-up", type=int, default=5, help="steps before those")
    add("--data", help="folder of cifar-10-batches-bin, or above it: train")
    add("--val-size", type=int, default=0)
    add("--train-limit", type=int, help="train on fewer images")
    add("--test", action="store_true", help="evaluate the test set after the last step")
    add("--tta", choices=("none", "flip", "full"), default="full", help="views for validation")
    add("--epochs", type=float, default=9.9)
    add("--batch-size", type=int, default=1024)
    add("--micro-batch", type=int, default=0, help="images that share statistics; 0: the batch")
    add("--kilo-lr", type=float, default=11.5, help="rate per 1,024 images, decoupled from momentum")
    add("--kilo-decay", type=float, default=0.0153, help="decay per 1,024 images, decoupled from the rate")
    add("--lr", type=float, help="as Lockstep counts it")
    add("--weight-decay", type=float, help="as Lockstep counts it")
    add("--momentum", type=float, default=0.85)
    add("--shift-lr-factor", type=float, default=64)
    add("--warmup-share", type=float, default=0.23, help="of all steps")
    add("--final-lr-share", type=float, default=0.07, help="of the rate")
    add("--label-smoothing", type=float, default=0.2)
    add("--averaging", choices=("none", "ema", "lookahead"), default="lookahead")
    add("--ema-decay", type=float, default=0.999)
    add("--whitening-bias-epochs", type=float, default=3, help="epochs in which the whitening layer's bias is trained")
    add("--crop-padding", type=int, default=2)
    add("--border", choices=("zero", "reflect"), default="reflect")
    add("--flip", choices=("random", "alternating"), default="alternating")
    add("--cutout", type=int, default=0)
    add("--keep-last", action="store_true", help="an epoch's last, smaller batch too")
    add("--seed", type=int, default=1)
    add("--runs", type=int, default=1, help="seeds, one after another")
    add("--device", default="cpu")
    add("--threads", type=int, default=1)
    add("--amp", choices=("off", "bf16"), default="off")
    add("--compile", action="store_true")
    add("--contiguous", action="store_true", help="NCHW in memory instead of channels-last")
    options = parser.parse_args()
    if (options.steps is None) == (options.data is None):
        parser.error("give --steps to time steps, or --data to train")
    return settled(options)


def settled(options):
    # With Nesterov momentum m and a steady gradient a step is 1 + 1 / (1 - m) times the rate.
    gain = 1 + 1 / (1 - options.momentum)
    if options.lr is None:
        options.lr = options.kilo_lr * options.batch_size / 1024 / gain
    if options.weight_decay is None:
        options.weight_decay = options.kilo_decay * options.batch_size / 1024 / gain / options.lr
    options.memory_format = torch.contiguous_format if options.contiguous else torch.channels_last
    return options


def main():
    options = parse()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    measure(options) if options.steps else train(options)


if __name__ == "__main__":
    main()
