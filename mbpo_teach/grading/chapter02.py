"""The exercises of chapter 02: Gaussian likelihood, the variance of a mixture, the soft clamp.

The references are written in NumPy, so that checking an answer never waits for PyTorch; a test
compares them with :mod:`mbpo_teach.nets.gaussian`.
"""

from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise

Case = tuple[Any, ...]


def _gaussian_nll(mean: np.ndarray, log_var: np.ndarray, target: np.ndarray) -> np.ndarray:
    each = (target - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)
    total: np.ndarray = 0.5 * each.sum(axis=-1)
    return total


def _gaussian_nll_cases(rng: np.random.Generator) -> list[Case]:
    one = np.ones((1, 1))
    fixed = [
        (0 * one, 0 * one, 0 * one),
        (0 * one, 0 * one, 2 * one),
        # Without error only the logarithm is left; it is negative for a small variance.
        (one, -4 * one, one),
        # Variance 4, deviation 2.
        (0 * one, np.log(4) * one, 3 * one),
    ]
    random = [tuple(rng.normal(size=(3, rows, outputs))) for rows, outputs in ((5, 1), (4, 3))]
    return fixed + random


def _mixture(mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return mean.mean(axis=0), var.mean(axis=0) + mean.var(axis=0)


def _mixture_cases(rng: np.random.Generator) -> list[Case]:
    column = np.ones((2, 1, 1))
    apart = np.array([-1.0, 1.0])[:, None, None]
    fixed = [
        (apart, 0 * column),  # no noise: all of it is disagreement
        (0 * column, 0.25 * column),  # no disagreement: all of it is noise
        (np.full((1, 2, 1), 3.0), np.full((1, 2, 1), 0.5)),  # one member
    ]
    random = [
        (rng.normal(size=shape), rng.uniform(0.1, 2, size=shape))
        for shape in ((3, 4, 1), (5, 2, 3), (7, 6, 2))
    ]
    return fixed + random


def _soft_clamp(raw: np.ndarray, low: float, high: float) -> np.ndarray:
    below = high - np.logaddexp(0, high - raw)
    clamped: np.ndarray = low + np.logaddexp(0, below - low)
    return clamped


def _soft_clamp_cases(rng: np.random.Generator) -> list[Case]:
    fixed = [
        (np.array([0.0]), -10.0, 0.5),
        # At the limits, half a softplus away; and so far outside that they are reached.
        (np.array([-1000.0, -10.0, 0.5, 1000.0]), -10.0, 0.5),
        # A little outside, where a hard clamp would be flat.
        (np.array([-11.0, 1.5]), -10.0, 0.5),
        # Between limits so wide that exp overflows on the way, which log(1 + exp) does not survive.
        (np.array([-4000.0, -5.0, 250.0, 4000.0]), -2000.0, 1000.0),
        (np.array([-1.0, 0.0, 1.0]), -1.0, 1.0),
    ]
    random = []
    for _ in range(3):
        low, width = rng.uniform(-8, 0), rng.uniform(0.5, 8)
        random.append((rng.normal(scale=6, size=7), float(low), float(low + width)))
    return fixed + random


EXERCISES = (
    Exercise(
        id="02-1", cases=_gaussian_nll_cases, reference=_gaussian_nll, library=("gaussian_nll",)
    ),
    Exercise(id="02-2", cases=_mixture_cases, reference=_mixture, library=("mixture_moments",)),
    Exercise(id="02-3", cases=_soft_clamp_cases, reference=_soft_clamp, library=("soft_clamp",)),
)
