"""Toy exercises: what check() must get right does not depend on any chapter."""

import numpy as np

from mbpo_teach.grading.exercise import Exercise


def scaled_cases(rng):
    return [(rng.uniform(1, 2), rng.normal(size=3)) for _ in range(4)]


def scaled(scale, row):
    return scale * row


SCALED = Exercise(id="99-1", cases=scaled_cases, reference=scaled)

PAIR = Exercise(
    id="99-2",
    cases=lambda rng: [(rng.normal(size=3),) for _ in range(3)],
    reference=lambda row: (row.sum(), row > 0),
)

LIMIT = Exercise(
    id="99-3", cases=lambda rng: [(0.0,), (4.0,)], reference=lambda x: np.inf if x == 0 else 1 / x
)

TABLE = Exercise(
    id="99-4",
    cases=lambda rng: [(rng.normal(size=2),)],
    reference=lambda row: {(0, 1): row[0], "b": row},
)

EXERCISES = (SCALED, PAIR, LIMIT, TABLE)
