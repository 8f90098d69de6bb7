#!/usr/bin/env python3
"""Writes test/golden/schedules.json: the learning rates of PyTorch's schedulers, one a step.

MultiStepLR is stepped once an epoch, as is usual; CosineAnnealingLR and OneCycleLR once a step. PyTorch computes
CosineAnnealingLR by a recurrence, whose rounding errors add up; its own closed form is written beside it.

Usage: python3 test/golden/schedules.py    (needs torch; written with torch 2.13)
"""

import json
import pathlib
import warnings

import numpy
import torch
from torch.optim import lr_scheduler

GOLDEN = pathlib.Path(__file__).resolve().parent


def rates(lr, steps, make_scheduler, advances=lambda step: True):
    """The rate that each of `steps` steps is made with."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make_scheduler(optimizer)
    history = []
    for step in range(steps):
        history.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < steps and advances(step):
            scheduler.step()
    return history


def multistep(lr, epochs, steps_per_epoch, milestones, gamma):
    return {
        "lr": lr,
        "epochs": epochs,
        "stepsPerEpoch": steps_per_epoch,
        "milestones": milestones,
        "gamma": gamma,
        "rates": rates(
            lr,
            epochs * steps_per_epoch,
            lambda optimizer: lr_scheduler.MultiStepLR(optimizer, milestones, gamma),
            lambda step: (step + 1) % steps_per_epoch == 0,
        ),
    }


def cosine(lr, epochs, steps_per_epoch, final_lr=0):
    steps = epochs * steps_per_epoch
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    make_scheduler = lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=final_lr)
    scheduler = make_scheduler(optimizer)
    closed_form = []
    for step in range(steps):
        scheduler.last_epoch = step
        closed_form.append(scheduler._get_closed_form_lr()[0])
    return {
        "lr": lr,
        "epochs": epochs,
        "stepsPerEpoch": steps_per_epoch,
        **({"finalLr": final_lr} if final_lr else {}),
        "rates": rates(lr, steps, make_scheduler),
        "closedForm": closed_form,
    }


def onecycle(lr, epochs, steps_per_epoch):
    steps = epochs * steps_per_epoch
    return {
        "lr": lr,
        "epochs": epochs,
        "stepsPerEpoch": steps_per_epoch,
        "rates": rates(
            lr,
            steps,
            lambda optimizer: lr_scheduler.OneCycleLR(
                optimizer, max_lr=lr, epochs=epochs, steps_per_epoch=steps_per_epoch, cycle_momentum=False
            ),
        ),
    }


def triangular(lr, epochs, steps_per_epoch, warmup_epochs):
    """Up from zero, which the step before the first would have, to `lr` after the warm-up; then down to zero."""
    steps = epochs * steps_per_epoch
    rise = warmup_epochs * steps_per_epoch
    down = lambda optimizer: lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=steps - rise)

    def up_and_down(optimizer):
        up = lr_scheduler.LinearLR(optimizer, 1 / (rise + 1), 1, total_iters=rise)
        return lr_scheduler.SequentialLR(optimizer, [up, down(optimizer)], milestones=[rise])

    return {
        "lr": lr,
        "epochs": epochs,
        "stepsPerEpoch": steps_per_epoch,
        "warmupEpochs": warmup_epochs,
        "rates": rates(lr, steps, up_and_down if rise else down),
    }


def triangular_by_lambda(lr, epochs, steps_per_epoch, warmup_epochs):
    """The same with a peak between two steps, by linear interpolation between three points."""
    steps = epochs * steps_per_epoch
    points = [-1, warmup_epochs * steps_per_epoch, steps]
    factor = lambda step: float(numpy.interp(step, points, [0, 1, 0]))
    return {
        "lr": lr,
        "epochs": epochs,
        "stepsPerEpoch": steps_per_epoch,
        "warmupEpochs": warmup_epochs,
        "rates": rates(lr, steps, lambda optimizer: lr_scheduler.LambdaLR(optimizer, factor)),
    }


def main():
    warnings.simplefilter("ignore")  # stepping without gradients is meant
    golden = {
        "madeBy": f"test/golden/schedules.py, torch {torch.__version__}",
        "multistep": [
            multistep(0.1, 8, 3, [3, 6], 0.1),
            multistep(0.05, 5, 2, [1, 2, 4], 0.5),
            multistep(0.1, 3, 4, [100, 150], 0.1),
        ],
        "cosine": [cosine(0.1, 1, 1), cosine(0.1, 1, 2), cosine(0.3, 1, 5), cosine(0.1, 5, 7), cosine(0.2, 10, 20)],
        "cosineToFinalRate": [cosine(0.1, 1, 1, 0.01), cosine(0.1, 1, 2, 0.05), cosine(0.3, 5, 7, 0.001), cosine(0.2, 10, 20, 0.02)],
        "triangular": [triangular(0.1, 4, 5, 0), triangular(0.1, 4, 5, 1), triangular(0.4, 10, 20, 2), triangular(0.2, 3, 3, 2)],
        "triangularWithFractions": [
            triangular_by_lambda(0.1, 4, 5, 0.5),
            triangular_by_lambda(0.4, 8, 13, 1.3),
            triangular_by_lambda(0.2, 3, 3, 2.9),
        ],
        "onecycle": [
            *(onecycle(0.1, 1, steps) for steps in range(1, 11)),
            onecycle(0.1, 5, 7),
            onecycle(0.4, 10, 20),
            onecycle(0.2, 3, 3),
        ],
    }
    (GOLDEN / "schedules.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
