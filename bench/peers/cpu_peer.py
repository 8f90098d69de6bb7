#!/usr/bin/env python3
"""Throughput of the same CIFAR ResNets in PyTorch on the CPU, by number of cores.

There are two ways to use the cores: one process per core with one thread each, and gradients all-reduced by
DistributedDataParallel over gloo (--processes); or one process with PyTorch's own threads (--threads). Prints a JSON line
for each configuration as soon as it is measured.

    python cpu_peer.py --processes 1,2,4 --threads 4 --cases 20:512,20x4:128 --seconds 3

A case is a network and a global batch, which the processes share evenly. A batch of `64*` is 64 per process (or thread).
"""
import argparse, json, os, socket, statistics, time

import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

from peer_network import network, size_of, random_batch
from pytorch_ddp import distributed, optimizer

LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
MOST_STEPS = 200


def train(rank, processes, threads, options, port):
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(rank)
    if processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        torch.distributed.init_process_group("gloo", rank=rank, world_size=processes)
    for layout in options.layouts:
        for name, batch in options.cases:
            share = batch.of(processes * threads) // processes
            seconds = times(name, share, layout, processes, options)
            if rank == 0:
                say(name, share * processes, layout, processes, threads, seconds)
    if processes > 1:
        torch.distributed.destroy_process_group()


def times(name, batch, layout, processes, options):
    """@returns seconds of each step after the first; the processes agree on when to stop."""
    net = network(name).to(memory_format=LAYOUTS[layout])
    if processes > 1:
        net = distributed(net, several_passes=False)
    update = optimizer(net)
    images, labels = random_batch(batch, "cpu", LAYOUTS[layout])
    found = []
    for index in range(MOST_STEPS):
        start = time.perf_counter()
        update.zero_grad(set_to_none=True)
        F.cross_entropy(net(images), labels).backward()
        update.step()
        if index > 0:
            found.append(time.perf_counter() - start)
        if len(found) >= 2 and agreed(sum(found) > options.seconds, processes):
            break
    return found


def agreed(enough, processes):
    """The decision of the first process."""
    if processes == 1:
        return enough
    word = torch.tensor([int(enough)])
    torch.distributed.broadcast(word, 0)
    return bool(word.item())


def say(name, batch, layout, processes, threads, seconds):
    median = statistics.median(seconds)
    print(json.dumps(dict(engine="pytorch", torch=torch.__version__, network=name, **size_of(name),
                          processes=processes, threads=threads, layout=layout, batch=batch, steps=len(seconds),
                          milliseconds=round(median * 1e3, 2), imagesPerSecond=round(batch / median, 1))), flush=True)


class Batch:
    def __init__(self, text):
        self.per_core = text.endswith("*")
        self.size = int(text.rstrip("*"))

    def of(self, cores):
        return self.size * cores if self.per_core else self.size


def cases(text):
    pairs = [item.split(":") for item in text.split(",")]
    return [(name, Batch(batch)) for name, batch in pairs]


def numbers(text):
    return [int(item) for item in text.split(",") if item]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=numbers, default=[1])
    parser.add_argument("--threads", type=numbers, default=[])
    parser.add_argument("--cases", type=cases, default=cases("20:128"))
    parser.add_argument("--layouts", type=lambda text: text.split(","), default=list(LAYOUTS))
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    pairs = [(processes, 1) for processes in options.processes] + [(1, threads) for threads in options.threads]
    for processes, threads in pairs:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        arguments = (processes, threads, options, free_port())
        mp.start_processes(train, args=arguments, nprocs=processes, start_method="spawn")


if __name__ == "__main__":
    main()
