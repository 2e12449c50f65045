"""The exercises of chapter 05: theorem 4.3's penalty, k*, a branched rollout, the schedule.

The cases are built so that the usual mistakes show: a square too few, the edges of k*, an imagined
step after the end, a policy asked about the start again, a length that is rounded up.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise, Impossible
from mbpo_teach.theory import bounds

Array = np.ndarray
Case = tuple[Any, ...]


def _penalty(k: float, gamma: float, r_max: float, eps_m_prime: float, eps_pi: float) -> float:
    return float(
        bounds.branched_penalty_on_policy(
            k, gamma=gamma, r_max=r_max, eps_m_prime=eps_m_prime, eps_pi=eps_pi
        )
    )


def _penalty_cases(rng: np.random.Generator) -> list[Case]:
    # Each part alone, so that a wrong factor shows by itself; then both at random.
    fixed = [
        (3, 0.9, 1.0, 0.0, 0.1),
        (3, 0.9, 1.0, 0.1, 0.0),
        (0, 0.9, 1.0, 0.1, 0.1),
        (1, 0.0, 1.0, 0.1, 0.1),
        (22, 0.9, 5.0, 0.01, 0.1),
    ]
    random = [
        (int(rng.integers(1, 60)), *(float(x) for x in rng.uniform(0.05, 0.95, size=4)))
        for _ in range(4)
    ]
    return fixed + random


def _best_length(gamma: float, eps_m_prime: float, eps_pi: float) -> float:
    return float(bounds.best_rollout_length(gamma=gamma, eps_m_prime=eps_m_prime, eps_pi=eps_pi))


def _best_length_cases(rng: np.random.Generator) -> list[Case]:
    fixed = [
        (0.9, 0.01, 0.1),
        (0.99, 0.01, 0.1),
        (0.99, 0.2, 0.1),  # the model is worse than the shift: no branch at all
        (0.9, 0.1, 0.1),  # a tie between 0 and 1
        (0.5, 0.025, 0.1),  # a tie between 2 and 3
        (0.9, 0.0, 0.1),  # a perfect model: no finite length is best
        (0.9, 0.05, 0.0),
        (0.9, 0.0, 0.0),
        (0.0, 0.05, 0.1),  # no future: one step, or none
        (0.0, 0.1, 0.05),
    ]
    random = [
        (float(gamma), float(shift * share), float(shift))
        for gamma, shift, share in rng.uniform(0.02, 0.98, size=(4, 3))
    ]
    return fixed + random


def length_judged(
    answer: Any, gamma: float, eps_m_prime: float, eps_pi: float
) -> tuple[float, bool]:
    """Return what is compared of an answer k: its penalty, and whether k is infinite.

    At a tie two lengths are equally right, and rounding decides between them.

    Raises
    ------
    Impossible
        If the answer is not a whole number, 0 or more, or infinity: a penalty can be computed
        for some of those too, and may even look better.
    """
    if isinstance(answer, (tuple, dict)) or np.shape(answer) != ():
        raise Impossible("k is one number")
    k = float(answer)
    if not k >= 0 or (math.isfinite(k) and k != math.floor(k)):
        raise Impossible("k is a whole number, 0 or more")
    if math.isinf(k):
        return (0.0 if eps_m_prime == 0 else math.inf), True
    penalty = bounds.branched_penalty_on_policy(
        k, gamma=gamma, r_max=1.0, eps_m_prime=eps_m_prime, eps_pi=eps_pi
    )
    return float(penalty), False


def _branched_rollout(
    starts: Array,
    policy: Callable[[Array], Array],
    model_step: Callable[[Array, Array], tuple[Array, Array]],
    has_ended: Callable[[Array], Array],
    length: int,
) -> tuple[Array, ...]:
    parts, obs = [], starts
    for step in range(1, length + 1):
        next_obs, reward = model_step(obs, policy(obs))
        ended = has_ended(next_obs)
        parts.append((obs, reward, next_obs, ended, np.full(len(obs), step)))
        obs = next_obs[~ended]
        if len(obs) == 0:
            break
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _branched_rollout_cases(rng: np.random.Generator) -> list[Case]:
    # A ball that rolls and is pushed: [place, speed]. It ends beyond a wall.
    cases: list[Case] = []
    for starts, length, wall in (
        (3, 1, 1.0),
        (4, 5, 1.0),
        (1, 6, 99.0),  # nobody reaches the wall
        (5, 7, 0.2),  # everybody does, and early
        (6, 4, 0.6),
    ):
        push, drag = rng.uniform(0.1, 0.5), rng.uniform(0.8, 0.95)
        place = rng.uniform(-0.5, 0.1, size=(starts, 1))
        speed = rng.uniform(0.05, 0.4, size=(starts, 1))
        world = _ball(float(push), float(drag), wall)
        cases.append((np.hstack([place, speed]), *world, length))
    return cases


def _ball(push: float, drag: float, wall: float) -> tuple[Callable[..., Any], ...]:
    """Return policy, model step and end of a ball; deterministic, and without a memory."""

    def policy(obs: Array) -> Array:
        return np.asarray(push * np.cos(3 * obs[:, :1]))

    def model_step(obs: Array, act: Array) -> tuple[Array, Array]:
        speed = drag * obs[:, 1] + act[:, 0]
        place = obs[:, 0] + speed
        return np.stack([place, speed], axis=1), place - act[:, 0] ** 2

    def has_ended(next_obs: Array) -> Array:
        return np.asarray(next_obs[:, 0] > wall)

    return policy, model_step, has_ended


def _length_at(step: int, first_step: int, last_step: int, first: int, last: int) -> int:
    done = min(max(step, first_step), last_step) - first_step
    return first + done * (last - first) // (last_step - first_step)


def _length_at_cases(rng: np.random.Generator) -> list[Case]:
    hopper = (20_000, 100_000, 1, 15)
    steps = (0, 20_000, 25_000, 26_000, 60_000, 99_999, 100_000, 10**6)
    # The steps at random stay clear of those at which the length changes: there floats decide.
    fractions = rng.integers(1, 12, size=4) + rng.uniform(0.2, 0.8, size=4)
    random = [(int(500 + 1000 * x), 500, 20_500, 5, 25) for x in fractions]
    return [(step, *hopper) for step in steps] + random


EXERCISES = (
    Exercise(
        id="05-1",
        cases=_penalty_cases,
        reference=_penalty,
        library=("branched_penalty", "branched_penalty_on_policy"),
    ),
    Exercise(
        id="05-2",
        cases=_best_length_cases,
        reference=_best_length,
        judged=length_judged,
        library=("best_rollout_length",),
    ),
    Exercise(
        id="05-3",
        cases=_branched_rollout_cases,
        reference=_branched_rollout,
        library=("branched_rollout",),
    ),
    Exercise(id="05-4", cases=_length_at_cases, reference=_length_at, library=("linear_horizon",)),
)
