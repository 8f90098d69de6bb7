#!/usr/bin/env python3
"""Writes test/golden/sgd.json: ten steps of PyTorch's SGD on eight parameters, plain and with Nesterov momentum.

Every number is a float32 written in full as a float64, so that a test can compare bits or distances as it likes.

Usage: python3 test/golden/sgd.py    (needs torch; written with torch 2.13)
"""

import json
import math
import pathlib

import torch

GOLDEN = pathlib.Path(__file__).resolve().parent
PARAMETER_COUNT = 8
STEP_COUNT = 10
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
LEARNING_RATES = [0.1, 0.1, 0.1, 0.05, 0.05, 0.02, 0.3, 0.01, 0.01, 0.001]


def wave(index, frequency):
    return math.sin(frequency * (index + 1))


def run(initial, gradients, nesterov):
    """The parameters after each step."""
    parameters = torch.nn.Parameter(initial.clone())
    optimizer = torch.optim.SGD(
        [parameters], lr=LEARNING_RATES[0], momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=nesterov
    )
    history = []
    for rate, gradient in zip(LEARNING_RATES, gradients):
        optimizer.param_groups[0]["lr"] = rate
        parameters.grad = gradient.clone()
        optimizer.step()
        history.append(parameters.detach().tolist())
    return history


def main():
    initial = torch.tensor([wave(i, 1.7) for i in range(PARAMETER_COUNT)], dtype=torch.float32)
    gradients = [
        torch.tensor(
            [wave(step * PARAMETER_COUNT + i, 0.37) * 10.0 ** (i % 4 - 2) for i in range(PARAMETER_COUNT)],
            dtype=torch.float32,
        )
        for step in range(STEP_COUNT)
    ]
    golden = {
        "madeBy": f"test/golden/sgd.py, torch {torch.__version__}",
        "momentum": MOMENTUM,
        "weightDecay": WEIGHT_DECAY,
        "learningRates": LEARNING_RATES,
        "initialParameters": initial.tolist(),
        "gradients": [gradient.tolist() for gradient in gradients],
        "parametersAfterStep": {
            "plain": run(initial, gradients, nesterov=False),
            "nesterov": run(initial, gradients, nesterov=True),
        },
    }
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "sgd.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
