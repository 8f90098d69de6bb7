#!/usr/bin/env python3
"""Throughput of the same CIFAR ResNets in PyTorch on a CUDA GPU: forward, backward, update.

One process measures many configurations and prints a JSON line for each as soon as it is measured. If one fails, its line
has `error`, and the next one follows.

    python gpu_peer.py --networks 20,32,20x4 --batches 128,512 --modes eager,channels-last,graphs,compile --tf32 off,on
    python gpu_peer.py --depth 20 --batch 128 [--channels-last]        one configuration, one line

Modes: `eager` (NCHW), `channels-last` (NHWC), `graphs` (channels-last, the whole step replayed as a CUDA graph), `compile`
(channels-last, torch.compile in its default mode, since autotuning takes minutes per network). On a GPU `compile` prints
a second line, `compile-graphs`: the compiled step replayed as a CUDA graph.

Float32 is exact by default, as in Lockstep: TF32 is off unless --tf32 says otherwise.
"""
import argparse, contextlib, gc, json, platform, statistics, sys, time

import torch
import torch.nn.functional as F

from peer_network import check, network, size_of, optimizer, random_batch

# Modes of one stage are measured in turn for each network and batch; a stage ends before the next begins.
STAGES = (("eager", "channels-last"), ("graphs",), ("compile",))
WARM_UP_STEPS = 10
LEAST_STEPS, MOST_STEPS = 20, 2000


class Step:
    """One training step of one configuration."""

    def __init__(self, setting, device):
        layout = torch.contiguous_format if setting["mode"] == "eager" else torch.channels_last
        torch.manual_seed(1)
        self.device = device
        self.net = network(setting["network"]).to(device).to(memory_format=layout)
        self.optimizer = optimizer(self.net)
        self.images, self.labels = random_batch(setting["batch"], device, layout)
        self.amp = setting["amp"]
        self.forward = self.net
        if setting["mode"] == "compile":
            torch._dynamo.reset()
            self.forward = torch.compile(self.net, dynamic=False)

    def backward(self):
        context = contextlib.nullcontext()
        if self.amp == "bf16":
            context = torch.autocast(self.device, dtype=torch.bfloat16)
        with context:
            loss = F.cross_entropy(self.forward(self.images), self.labels)
        loss.backward()

    def __call__(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.backward()
        self.optimizer.step()

    def captured(self):
        """@returns a function that replays this step; PyTorch's recipe for whole-network capture."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self.backward()
            self.optimizer.step()
        return graph.replay


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def warm_up(step, device, seconds):
    """@returns roughly the seconds of one step; ends early if steps are slow."""
    started, times = time.perf_counter(), []
    while len(times) < WARM_UP_STEPS and (len(times) < 3 or time.perf_counter() - started < 4 * seconds):
        start = time.perf_counter()
        step()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return min(times)


def step_count(estimate, seconds):
    wanted = max(LEAST_STEPS, int(seconds / estimate))
    affordable = max(5, int(4 * seconds / estimate))
    return min(wanted, affordable, MOST_STEPS)


def timed(step, device, count):
    """
    The host waits for the device only at both ends, as in a training loop that does not read the loss.

    @returns seconds of each step, and of all
    """
    synchronize(device)
    started = time.perf_counter()
    if device == "cuda":
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
        marks[0].record()
        for mark in marks[1:]:
            step()
            mark.record()
        torch.cuda.synchronize()
        whole = time.perf_counter() - started
        return [a.elapsed_time(b) / 1e3 for a, b in zip(marks, marks[1:])], whole
    times = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times, time.perf_counter() - started


def measured(step, device, batch, seconds):
    estimate = warm_up(step, device, seconds)
    times, whole = timed(step, device, step_count(estimate, seconds))
    median = statistics.median(times)
    return dict(steps=len(times), milliseconds=round(median * 1e3, 4), imagesPerSecond=round(batch / median, 1),
                clockImagesPerSecond=round(batch * len(times) / whole, 1))


def measure(setting, device, seconds):
    """Yields the lines of one configuration: (mode, figures)."""
    set_precision(setting["tf32"] == "on")
    step = Step(setting, device)
    mode, batch = setting["mode"], setting["batch"]
    if mode == "graphs":
        yield mode, measured(step.captured(), device, batch, seconds)
        return
    started = time.perf_counter()
    step()
    synchronize(device)
    first = round(time.perf_counter() - started, 2)
    yield mode, measured(step, device, batch, seconds) | dict(firstStepSeconds=first)
    if mode == "compile" and device == "cuda":
        yield "compile-graphs", measured(step.captured(), device, batch, seconds)


def set_precision(tf32):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32


def settings(options):
    stages = [[mode for mode in stage if mode in options.modes] for stage in STAGES]
    return [
        dict(network=name, batch=batch, mode=mode, tf32=tf32, amp=amp)
        for stage in stages
        for tf32 in options.tf32
        for amp in options.amp
        for name in options.networks
        for batch in (options.compile_batches if stage == ["compile"] and options.compile_batches else options.batches)
        for mode in stage
    ]


def run(options):
    device, deadline = options.device, time.monotonic() + options.deadline_seconds
    torch.backends.cudnn.benchmark = options.cudnn_benchmark == "on"
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    common = dict(torch=torch.__version__, device=name, cudnnBenchmark=torch.backends.cudnn.benchmark)
    failures = 0
    for setting in settings(options):
        if time.monotonic() > deadline:
            say(dict(error="this process is past its deadline", next=setting))
            break
        try:
            for mode, figures in measure(setting, device, options.seconds):
                say(common | setting | dict(mode=mode) | size_of(setting["network"]) | figures)
        except Exception as error:
            failures += 1
            say(common | setting | dict(error=f"{type(error).__name__}: {str(error)[:600]}"))
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()
    return failures


def say(line):
    print(json.dumps(line), flush=True)


def choices(*allowed):
    def parse(text):
        values = [item.strip() for item in text.split(",")]
        for value in values:
            if value not in allowed:
                raise argparse.ArgumentTypeError(f"{value} is none of {', '.join(allowed)}")
        return values
    return parse


def numbers(text):
    return [int(item) for item in text.split(",")]


def names(text):
    values = [item.strip() for item in text.split(",")]
    for value in values:
        check(value)
    return values


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", "--depth", type=names, default=["20"])
    parser.add_argument("--batches", "--batch", type=numbers, default=[128])
    parser.add_argument("--modes", type=choices(*(mode for stage in STAGES for mode in stage)))
    parser.add_argument("--channels-last", action="store_true", help="short for --modes channels-last")
    parser.add_argument("--tf32", type=choices("off", "on"), default=["off"])
    parser.add_argument("--amp", type=choices("off", "bf16"), default=["off"], help="autocast")
    parser.add_argument("--compile-batches", type=numbers, help="for mode compile, if compiling takes long")
    parser.add_argument("--cudnn-benchmark", choices=("on", "off"), default="on", help="let cuDNN try its algorithms")
    parser.add_argument("--seconds", type=float, default=0.5, help="to time each configuration, without its warm-up")
    parser.add_argument("--deadline-seconds", type=float, default=1e9, help="no configuration begins after that")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options = parser.parse_args()
    options.modes = options.modes or ["channels-last" if options.channels_last else "eager"]
    if options.device == "cpu" and "graphs" in options.modes:
        parser.error("mode graphs needs --device cuda")
    return options


if __name__ == "__main__":
    sys.exit(1 if run(parse()) else 0)
