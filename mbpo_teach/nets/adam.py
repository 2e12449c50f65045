"""Adam's step as a pure function of tensors.

An optimiser that is a formula, and not an object with a memory of its own, can be compiled together
with the losses, copied, and written into a checkpoint as it stands. Kingma and Ba 2015, algorithm 1
(arXiv 1412.6980). Used by the learner of chapter 6.
"""

from typing import NamedTuple

import torch
from torch import Tensor

MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


class Trained(NamedTuple):
    """Weights and the running moments of their gradient: three tensors of one shape."""

    weights: Tensor
    mean: Tensor
    square: Tensor


def untrained(weights: Tensor) -> Trained:
    """Return `weights` as they are before the first step."""
    return Trained(weights, torch.zeros_like(weights), torch.zeros_like(weights))


class Pace(NamedTuple):
    """How far a step goes: `size` times the mean over (root of the square + `floor`), each ()."""

    size: Tensor
    floor: Tensor


def pace_at(updates: Tensor, learning_rate: float) -> Pace:
    """Return the pace of step number `updates`, (), which is 1 at the first.

    Both moments start from zero, and after n steps the weights in their sums add up to 1 - decay^n
    only: undivided, the first steps would be too small. Both divisions are made here, once, and not
    for each weight, as at the end of the paper's section 2; but the floor is corrected too, so that
    the step is algorithm 1's exactly.
    """
    root = (1 - SQUARE_DECAY**updates).sqrt()
    return Pace(learning_rate * root / (1 - MEAN_DECAY**updates), EPSILON * root)


def adam_step(trained: Trained, gradient: Tensor, pace: Pace) -> Trained:
    """Return weights and moments after one step at the pace of its number, see :func:`pace_at`."""
    weights, mean, square = trained
    mean = mean.lerp(gradient, 1 - MEAN_DECAY)
    square = square.lerp(gradient * gradient, 1 - SQUARE_DECAY)
    return Trained(weights - pace.size * mean / (square.sqrt() + pace.floor), mean, square)
