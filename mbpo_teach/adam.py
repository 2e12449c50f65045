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


def adam_step(
    trained: Trained, gradient: Tensor, *, updates: Tensor, learning_rate: float
) -> Trained:
    """Return weights and moments after one step; `updates`, (), counts it: 1 at the first.

    Both moments start from zero and are divided by what is missing from their sum, or the first
    steps would be too small.
    """
    weights, mean, square = trained
    mean = mean.lerp(gradient, 1 - MEAN_DECAY)
    square = square.lerp(gradient * gradient, 1 - SQUARE_DECAY)
    size = learning_rate / (1 - MEAN_DECAY**updates)
    spread = (square / (1 - SQUARE_DECAY**updates)).sqrt() + EPSILON
    return Trained(weights - size * (mean / spread), mean, square)
