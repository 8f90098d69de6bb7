#!/usr/bin/env python3
"""Writes test/golden/reference.safetensors with the reference implementation of the format.

Usage: python3 test/golden/safetensors.py    (needs numpy and safetensors; written with safetensors 0.8)
"""

import pathlib

import numpy
from safetensors.numpy import save_file

GOLDEN = pathlib.Path(__file__).resolve().parent


def main():
    tensors = {
        "matrix": (numpy.arange(6, dtype=numpy.float32) / 4).reshape(2, 3),
        "vector": numpy.array([1e-45, -0.0, 3.4028235e38, -1.5], dtype=numpy.float32),
        "empty": numpy.zeros((0, 3), dtype=numpy.float32),
        "scalar": numpy.array(0.1, dtype=numpy.float32),
    }
    save_file(tensors, GOLDEN / "reference.safetensors", metadata={"greeting": "grüß \"dich\"", "n": "1"})


if __name__ == "__main__":
    main()
