"""The exercises of chapter 01: one Q-learning update, planning, and what Dyna-Q+ imagines.

The cases are built so that the usual mistakes show: taking "done" for terminated, max(0, ...),
reading the table before earlier updates have reached it, a bonus without its square root.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise

Pair = tuple[int, int]
Outcome = tuple[float, int, bool]


def q_update(
    q: np.ndarray,
    state: int,
    action: int,
    reward: float,
    next_state: int,
    terminated: bool,
    truncated: bool,
    alpha: float,
    gamma: float,
) -> np.ndarray:
    """Return the table (state, action) after one step of Q-learning (S&B, equation 6.8)."""
    new = q.copy()
    future = 0.0 if terminated else q[next_state].max()
    new[state, action] += alpha * (reward + gamma * future - q[state, action])
    return new


def plan(
    q: np.ndarray, model: dict[Pair, Outcome], pairs: Sequence[Pair], alpha: float, gamma: float
) -> np.ndarray:
    """Return the table after one imagined update for each of `pairs`, in their order."""
    for state, action in pairs:
        reward, next_state, terminated = model[state, action]
        q = q_update(q, state, action, reward, next_state, terminated, False, alpha, gamma)
    return q


def imagine(
    model: dict[Pair, Outcome],
    last_tried: dict[Pair, int],
    state: int,
    action: int,
    now: int,
    kappa: float,
) -> Outcome:
    """Return what Dyna-Q+ imagines for a pair: reward with bonus, next state, terminated."""
    reward, next_state, terminated = model.get((state, action), (0.0, state, False))
    waited = now - last_tried.get((state, action), 0)
    return reward + kappa * math.sqrt(waited), next_state, terminated


def _update_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    q = np.array([[0.2, -0.4], [-1.0, -3.0], [0.5, 2.0]])
    flags = [(False, False), (True, False), (False, True), (True, True)]
    cases: list[tuple[Any, ...]] = [
        (q, 0, 1, 1.0, 2, terminated, truncated, 0.1, 0.95) for terminated, truncated in flags
    ]
    cases += [
        (q, 2, 0, 0.5, 1, False, False, 0.5, 0.9),  # the best value that follows is negative
        (q, 2, 0, 1.0, 2, False, False, 0.5, 0.9),  # back to itself, where the other action is best
        (q, 0, 0, 1.0, 2, False, False, 1.0, 0.0),
    ]
    for terminated, truncated in flags:
        alpha, gamma = rng.uniform(0.05, 1), rng.uniform(0.1, 1)
        state, next_state, action = (int(rng.integers(n)) for n in (5, 5, 4))
        ends = (terminated, truncated)
        cases.append((rng.normal(size=(5, 4)), state, action, 2.0, next_state, *ends, alpha, gamma))
    return cases


def _plan_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    # A corridor 0 -> 1 -> 2 -> end: the order of the pairs decides how far the reward travels.
    corridor = {(0, 1): (0.0, 1, False), (1, 1): (0.0, 2, False), (2, 1): (1.0, 2, True)}
    empty = np.zeros((3, 2))
    backwards = [(2, 1), (1, 1), (0, 1)]
    cases: list[tuple[Any, ...]] = [
        (empty, corridor, backwards, 0.5, 0.9),
        (empty, corridor, backwards[::-1], 0.5, 0.9),
        (empty, corridor, [(2, 1)] * 3, 0.5, 0.9),
        (empty + 1, corridor, [], 0.5, 0.9),
        (empty + 2, corridor, [(2, 1), (1, 1)], 1.0, 0.5),
    ]
    for length in (1, 5, 40):
        model = {
            (state, action): (float(rng.normal()), int(rng.integers(5)), bool(rng.random() < 0.3))
            for state in range(5)
            for action in range(3)
            if state == 0 or rng.random() < 0.7
        }
        known = list(model)
        pairs = [known[i] for i in rng.integers(len(known), size=length)]
        cases.append((rng.normal(size=(5, 3)), model, pairs, 0.3, 0.95))
    return cases


def _imagine_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    model = {(0, 0): (1.0, 3, True), (0, 1): (-0.5, 2, False), (2, 1): (0.0, 2, False)}
    last_tried = {(0, 0): 75, (0, 1): 100, (2, 1): 36}
    fixed: list[tuple[Any, ...]] = [
        (model, last_tried, 0, 0, 100, 0.1),
        (model, last_tried, 0, 1, 100, 0.1),  # tried just now: no bonus
        (model, last_tried, 2, 1, 100, 0.1),
        (model, last_tried, 2, 0, 100, 0.1),  # never tried
        (model, last_tried, 0, 0, 100, 0.0),
    ]
    return fixed + [
        (
            model,
            last_tried,
            state,
            action,
            int(rng.integers(101, 5000)),
            float(rng.uniform(1e-4, 1e-2)),
        )
        for state, action in ((0, 0), (0, 1), (2, 0), (2, 1))
    ]


EXERCISES = (
    Exercise(id="01-1", cases=_update_cases, reference=q_update, library=("q_update",)),
    Exercise(id="01-2", cases=_plan_cases, reference=plan, library=("plan",)),
    Exercise(id="01-3", cases=_imagine_cases, reference=imagine, library=("imagine",)),
)
