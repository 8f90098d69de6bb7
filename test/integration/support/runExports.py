"""Runs exported networks in PyTorch and onnxruntime. Reads a list of jobs as JSON from the file that it is given.

A job: format, folder of the export, count, shape (height, width, channels), and a file of `images` (prepared, float32) or
of `pixels` (bytes). Writes logits.f32 into the folder. Needs torch and safetensors, or onnx and onnxruntime.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy

BATCH = 500


def batches(job):
    """(N, H, W, C), as bytes or floats."""
    shape = (job["count"], *job["shape"])
    kind = "pixels" if "pixels" in job else "images"
    values = numpy.fromfile(job[kind], dtype=numpy.uint8 if kind == "pixels" else numpy.float32).reshape(shape)
    return kind, [values[start : start + BATCH] for start in range(0, job["count"], BATCH)]


def pytorch(job):
    import torch

    spec = importlib.util.spec_from_file_location("model", Path(job["folder"]) / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    kind, parts = batches(job)
    with torch.no_grad():
        for part in parts:
            if kind == "pixels":
                yield network(module.prepare(part)).numpy()
            else:
                yield network(torch.from_numpy(part.copy()).permute(0, 3, 1, 2)).numpy()


def onnx(job):
    import onnx
    import onnxruntime

    file = str(Path(job["folder"]) / "model.onnx")
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    mean = numpy.float32(json.loads(metadata["mean"]))
    deviation = numpy.float32(json.loads(metadata["standard_deviation"]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    kind, parts = batches(job)
    for part in parts:
        if kind == "pixels":
            part = (part.astype(numpy.float32) / 255 - mean) / deviation
        yield session.run(["logits"], {"images": numpy.ascontiguousarray(part.transpose(0, 3, 1, 2))})[0]


for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
    logits = numpy.concatenate(list({"pytorch": pytorch, "onnx": onnx}[job["format"]](job)))
    logits.astype("<f4").tofile(Path(job["folder"]) / "logits.f32")
