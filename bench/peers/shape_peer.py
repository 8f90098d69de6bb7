#!/usr/bin/env python3
"""The other side of the turns in bench/turns.ts: PyTorch, channels-last, one thread.

Reads a case from the file that is named, then answers each line of standard input, a number of milliseconds, with the
processor times of the gradients it computed meanwhile.
"""
import json, sys, time

import torch
import torch.nn.functional as F

from peer_layers import LayerList


def main(file):
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with open(file, encoding="utf-8") as text:
        case = json.load(text)
    net = LayerList(case["network"]).to(memory_format=torch.channels_last).train()
    shape = case["network"]["inputShape"]
    images = torch.randn(case["images"], shape["channels"], shape["height"], shape["width"])
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(case["images"]) % net.class_count
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line) / 1000
        while not times or time.perf_counter() < end:
            start = time.process_time()
            net.zero_grad(set_to_none=True)
            F.cross_entropy(net(images), labels).backward()
            times.append((time.process_time() - start) * 1e3)
        print(json.dumps({"milliseconds": times, "as": f"torch {torch.__version__}"}), flush=True)


main(sys.argv[1])
