#!/usr/bin/env python3
"""Writes test/golden/muon.json: matrices made orthogonal by Muon's Newton-Schulz iteration, in float64.

The iteration and its coefficients are those of Keller Jordan, "Muon: An optimizer for hidden layers in neural networks"
(2024), https://kellerjordan.github.io/posts/muon/. Also steps of Muon with Nesterov momentum, whose weights are first
scaled to the norm sqrt(number of filters), as in airbench94_muon.py of github.com/KellerJordan/cifar10-airbench.

Usage: python3 test/golden/muon.py    (needs numpy)
"""

import json
import pathlib

import numpy

GOLDEN = pathlib.Path(__file__).resolve().parent
SIZES = [(4, 4), (27, 16), (5, 12), (40, 24), (1, 3), (50, 17)]


def waves(count):
    index = numpy.arange(count, dtype=numpy.float64)
    return (numpy.sin(0.7 * (index + 1)) + numpy.cos(0.013 * index * index)).astype(numpy.float32).astype(numpy.float64)


def orthogonal(matrix, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / numpy.linalg.norm(matrix)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def muon(weights, gradients, rate, momentum):
    """The weights (filters, inputs) after each step."""
    velocity = numpy.zeros_like(weights)
    history = []
    for gradient in gradients:
        velocity = momentum * velocity + gradient
        direction = gradient + momentum * velocity
        weights = weights * (len(weights) ** 0.5 / numpy.linalg.norm(weights))
        weights = weights - rate * orthogonal(direction)
        history.append(weights.ravel().tolist())
    return history


cases = [
    {"rows": rows, "columns": columns, "orthogonal": orthogonal(waves(rows * columns).reshape(rows, columns)).ravel().tolist()}
    for rows, columns in SIZES
]
filters, inputs = 6, 10
start = waves(filters * inputs).reshape(filters, inputs)
gradients = [numpy.roll(start, shift, axis=1) * (0.3 + shift) for shift in range(1, 4)]
steps = muon(start, gradients, 0.24, 0.6)
rounded = lambda value: json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 6))
(GOLDEN / "muon.json").write_text(
    json.dumps({"cases": rounded(cases), "steps": rounded({"filters": filters, "inputs": inputs, "rate": 0.24, "momentum": 0.6, "weights": steps})}) + "\n"
)
