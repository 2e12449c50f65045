"""The warm-up of chapter 00: the discounted return of a list of rewards."""

from collections.abc import Sequence

import numpy as np

from mbpo_teach.grading.exercise import Exercise


def discounted_return(rewards: Sequence[float], gamma: float) -> float:
    """Return r_0 + gamma r_1 + gamma² r_2 + ..., 0.0 for no rewards (chapter 00)."""
    total = 0.0
    for reward in reversed(rewards):
        total = reward + gamma * total
    return total


def _cases(rng: np.random.Generator) -> list[tuple[list[float], float]]:
    # The second tells gamma^t from gamma^(t+1); the third and fourth are the ends of the range.
    fixed: list[tuple[list[float], float]] = [
        ([1.0, 1.0, 1.0], 0.5),
        ([3.0], 0.9),
        ([], 0.9),
        ([2.0, 5.0, 7.0], 0.0),
    ]
    lengths = (2, 5, 20, 100)
    random = [
        (rng.normal(size=n).round(3).tolist(), float(rng.uniform(0.5, 0.99))) for n in lengths
    ]
    return [*fixed, *random]


EXERCISES = (
    Exercise(
        id="00-1",
        cases=_cases,
        reference=discounted_return,
        tolerance=1e-9,
        library=("discounted_return",),
    ),
)
