"""The exercises of chapter 03: the k-step error, the growth law, and reading a growth rate."""

from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.theory.growth import fit_growth, growth

Case = tuple[Any, ...]


def _k_step_error(imagined: np.ndarray, real: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.asarray(np.nanmedian(np.linalg.norm((imagined - real) / scale, axis=-1), axis=0))


def _k_step_error_cases(rng: np.random.Generator) -> list[Case]:
    # By hand: differences (3, 4) in deviations (1, 2) are an error of sqrt(9 + 4).
    cases: list[Case] = [
        (
            np.array([[[0.0, 0.0], [3.0, 4.0]]]),
            np.zeros((1, 2, 2)),
            np.array([1.0, 2.0]),
        )
    ]
    # An even number of starts, one far out, so that a mean is no median; some end early. Shapes in
    # which two axes are equally long let a norm over the wrong one pass unseen by its shape alone.
    for starts, times, size in ((4, 6, 3), (5, 5, 5), (6, 6, 2), (8, 11, 1)):
        real = np.cumsum(rng.normal(size=(starts, times, size)), axis=1)
        imagined = real + np.cumsum(rng.normal(size=real.shape), axis=1)
        imagined[-1] += 50
        imagined[:, 0] = real[:, 0]
        for row in range(1, starts, 2):
            real[row, rng.integers(1, times) :] = np.nan
        cases.append((imagined, real, 10 ** rng.uniform(-1, 1, size)))
    return cases


def _growth_law_cases(rng: np.random.Generator) -> list[Case]:
    fixed: list[Case] = [
        (0.1, 2.0, 3),
        (0.1, 0.5, 0),
        (0.1, 1.0, 20),
        (0.3, 0.0, 5),
    ]
    random = [
        (float(rng.uniform(0.01, 1)), float(rng.uniform(0.5, 1.3)), int(rng.integers(2, 40)))
        for _ in range(4)
    ]
    return fixed + random


def _growth_rate(errors: np.ndarray, until: int) -> float:
    return fit_growth(errors, until=until)[1]


def _growth_rate_cases(rng: np.random.Generator) -> list[Case]:
    # The law itself, forgetting, adding up and exploding; then saturated beyond `until`; then with
    # uneven increments, of which some are negative.
    cases: list[Case] = []
    for stretch in (0.8, 1.0, float(rng.uniform(1.05, 1.4))):
        curve = np.array([growth(float(rng.uniform(0.01, 1)), stretch, k) for k in range(13)])
        cases.append((curve, 12))
    exploding = np.array([growth(float(rng.uniform(0.01, 1)), 1.3, k) for k in range(11)])
    cases.append((np.concatenate([exploding, np.full(20, exploding[-1])]), 10))
    for until in (8, 15):
        increments = np.exp(0.1 * np.arange(20) + rng.normal(0, 0.3, 20))
        increments[[2, 6]] *= -0.5
        cases.append((np.concatenate([[0.0], np.cumsum(increments)]), until))
    return cases


EXERCISES = (
    Exercise(
        id="03-1", cases=_k_step_error_cases, reference=_k_step_error, library=("k_step_error",)
    ),
    Exercise(id="03-2", cases=_growth_law_cases, reference=growth, library=("growth",)),
    Exercise(
        id="03-3",
        cases=_growth_rate_cases,
        reference=_growth_rate,
        tolerance=1e-7,
        library=("fit_growth",),
    ),
)
