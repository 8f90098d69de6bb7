#!/usr/bin/env python3
"""Training steps of a CIFAR network by PyTorch on the CPU: what `npm run bench` measures Lockstep beside.

One process a worker, one thread each; DistributedDataParallel all-reduces the gradients over gloo. With one worker there
is nothing to reduce, and the network is trained as it is. Prints one JSON line.

    python pytorch_ddp.py --network 20 --workers 2 --global-batch 128 --steps 12 --channels-last

Tuned for speed: buckets in place of copies of gradients, a static graph, no broadcast of running statistics (Lockstep
sends those too), the fused update where this PyTorch has it, denormal numbers flushed to zero. Each worker takes its
share of the batch at once, which is faster than several micro-batches; --micro-batch cuts it as Lockstep does, so that
batch normalisation sees the same number of images. The batch lies ready, which favours PyTorch: --draw-batches draws,
crops, flips and normalises images in each step, as Lockstep does.
"""
import argparse, contextlib, json, os, statistics, time

import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

from peer_network import CLASSES, check, network, size_of

IMAGES = 10_000
PADDING = 4


def optimizer(net):
    settings = dict(lr=0.1, momentum=0.9, weight_decay=1e-4)
    trained = [one for one in net.parameters() if one.requires_grad]
    try:
        return torch.optim.SGD(trained, fused=True, **settings)
    except (RuntimeError, TypeError):  # older than PyTorch 2.5
        return torch.optim.SGD(trained, foreach=True, **settings)


def distributed(net, several_passes):
    # A static graph is learnt in the first pass, which must then be one that reduces.
    settings = dict(gradient_as_bucket_view=True, static_graph=not several_passes)
    try:  # the new name of broadcast_buffers
        return torch.nn.parallel.DistributedDataParallel(net, forward_sync_buffers=False, **settings)
    except TypeError:
        return torch.nn.parallel.DistributedDataParallel(net, broadcast_buffers=False, **settings)


class Batches:
    """Each call returns the images and labels of one worker's share of a batch."""

    def __init__(self, size, layout, draws):
        self.size, self.layout, self.draws = size, layout, draws
        self.pixels = torch.randint(0, 256, (IMAGES if draws else size, 3, 32, 32), dtype=torch.uint8)
        self.labels = torch.randint(0, CLASSES, (len(self.pixels),))
        self.ready = self.normalised(self.pixels[:size]), self.labels[:size]

    def __call__(self):
        if not self.draws:
            return self.ready
        chosen = torch.randint(0, IMAGES, (self.size,))
        return self.normalised(cropped_and_flipped(self.pixels[chosen])), self.labels[chosen]

    def normalised(self, pixels):
        return ((pixels.float() - 127.5) / 64).contiguous(memory_format=self.layout)


def cropped_and_flipped(pixels):
    count = len(pixels)
    padded = F.pad(pixels, (PADDING,) * 4)
    rows, columns = (torch.randint(0, 2 * PADDING + 1, (count, 1)) + torch.arange(32) for _ in range(2))
    columns = torch.where(torch.rand(count, 1) < 0.5, columns, columns.flip(1))
    index = torch.arange(count)[:, None, None]
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Trainer:
    """One worker: its copy of the network, and its share of each batch."""

    def __init__(self, options):
        layout = torch.channels_last if options.channels_last else torch.contiguous_format
        share = options.global_batch // options.workers
        self.net = network(options.network).to(memory_format=layout)
        if options.compile:
            self.net.compile(dynamic=False)
        self.micro_batch = options.micro_batch or share
        self.is_distributed = options.workers > 1
        if self.is_distributed:
            self.net = distributed(self.net, several_passes=self.micro_batch < share)
        self.optimizer = optimizer(self.net)
        self.batches = Batches(share, layout, options.draw_batches)

    def step(self):
        images, labels = self.batches()
        self.optimizer.zero_grad(set_to_none=not self.is_distributed)  # DDP's gradients are views of its buckets
        parts = list(zip(images.split(self.micro_batch), labels.split(self.micro_batch)))
        for part in parts[:-1]:
            with self.net.no_sync() if self.is_distributed else contextlib.nullcontext():
                self.backward(part, len(parts))
        self.backward(parts[-1], len(parts))
        self.optimizer.step()

    def backward(self, part, count):
        images, labels = part
        (F.cross_entropy(self.net(images), labels) / count).backward()


def measure(rank, options, result):
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(rank)
    if options.workers > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(options.port))
        torch.distributed.init_process_group("gloo", rank=rank, world_size=options.workers)
    trainer = Trainer(options)
    seconds = []
    for index in range(options.warm_up + options.steps):
        start = time.perf_counter()
        trainer.step()
        if index >= options.warm_up:
            seconds.append(time.perf_counter() - start)
    if rank == 0:
        result.put(figures(options, trainer, seconds))
    if options.workers > 1:
        torch.distributed.destroy_process_group()


def figures(options, trainer, seconds):
    """Of the first process: all-reduce makes the others wait for each other."""
    median, batch = statistics.median(seconds), options.global_batch
    return dict(engine="pytorch", torch=torch.__version__, **size_of(options.network), workers=options.workers,
                globalBatch=batch, microBatch=trainer.micro_batch, channelsLast=options.channels_last,
                compiled=options.compile, drawsBatches=options.draw_batches,
                stepMilliseconds=[round(value * 1e3, 2) for value in seconds],
                imagesPerSecondOfSteps=[round(batch / value, 1) for value in seconds],
                imagesPerSecond=round(batch / median, 1))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", "--depth", default="20", help="20, 32, …; 20x4 has four times the channels; or a file of layers")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--global-batch", type=int, default=128, help="images of a step, which the workers share")
    parser.add_argument("--micro-batch", type=int, help="images of one backward pass (default: a worker's share)")
    parser.add_argument("--steps", type=int, default=12, help="to measure")
    parser.add_argument("--warm-up", type=int, default=5, help="steps before those")
    parser.add_argument("--channels-last", action="store_true", help="images and weights as NHWC")
    parser.add_argument("--draw-batches", action="store_true", help="draw and augment a batch in each step")
    parser.add_argument("--compile", action="store_true", help="torch.compile; needs a C++ compiler")
    parser.add_argument("--port", type=int, default=29517, help="at which the processes meet, on 127.0.0.1")
    options = parser.parse_args()
    share, rest = divmod(options.global_batch, options.workers)
    if rest:
        parser.error(f"--global-batch {options.global_batch} must be a multiple of --workers {options.workers}")
    if options.micro_batch and share % options.micro_batch:
        parser.error(f"--micro-batch {options.micro_batch} must divide a worker's share of the batch, {share}")
    try:
        check(options.network)
    except ValueError as error:
        parser.error(str(error))
    return options


def main():
    options = parse()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    result = mp.get_context("spawn").SimpleQueue()
    if options.workers == 1:
        measure(0, options, result)
    else:
        mp.start_processes(measure, args=(options, result), nprocs=options.workers, start_method="spawn")
    print(json.dumps(result.get()))


if __name__ == "__main__":
    main()
