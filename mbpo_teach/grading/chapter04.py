"""The exercises of chapter 04: total variation, C, where C says nothing, and exact returns."""

from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, exact

Case = tuple[Any, ...]


def _total_variation(p: np.ndarray, q: np.ndarray) -> float:
    return float(exact.total_variation(p, q))


def _total_variation_cases(rng: np.random.Generator) -> list[Case]:
    fixed = [
        (np.array([0.5, 0.5]), np.array([1.0, 0.0])),
        (np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])),  # as far apart as can be: 1
        (np.array([0.2, 0.8]), np.array([0.2, 0.8])),
    ]
    return fixed + [tuple(rng.dirichlet(np.ones(size), size=2)) for size in (2, 3, 5, 20)]


def _performance_bound(gamma: float, r_max: float, eps_m: float, eps_pi: float) -> float:
    return float(bounds.performance_bound(gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi))


def _performance_bound_cases(rng: np.random.Generator) -> list[Case]:
    # Each number alone, so that a wrong factor shows by itself; then all of them at random.
    fixed = [
        (0.9, 1.0, 0.1, 0.0),
        (0.9, 1.0, 0.0, 0.1),
        (0.0, 1.0, 0.1, 0.1),
        (0.9, 2.0, 0.1, 0.1),
    ]
    random = [
        (float(gamma), float(10**scale), float(eps_m), float(eps_pi))
        for gamma, scale, eps_m, eps_pi in rng.uniform(size=(4, 4))
    ]
    return fixed + random


def _informative_shift(gamma: float, eps_m: float) -> float:
    return max(0.0, float(bounds.vacuity_threshold(gamma=gamma, eps_m=eps_m)))


def _informative_shift_cases(rng: np.random.Generator) -> list[Case]:
    # In the third the model error alone is too large: no shift is left, and none is negative.
    fixed = [(0.9, 0.0), (0.5, 0.2), (0.99, 0.5), (0.0, 1.0)]
    random = [(float(gamma), float(eps_m / 10)) for gamma, eps_m in rng.uniform(size=(4, 2))]
    return fixed + random


def _exact_return(
    transition: np.ndarray,
    reward: np.ndarray,
    policy: np.ndarray,
    start: np.ndarray,
    gamma: float,
) -> float:
    world = mdp.TabularMDP(transition=transition, reward=reward, start=start, gamma=gamma)
    return mdp.exact_return(world, policy)


def _exact_return_cases(rng: np.random.Generator) -> list[Case]:
    cases: list[Case] = []
    for states, actions, gamma in ((1, 1, 0.5), (2, 2, 0.0), (3, 2, 0.9), (5, 3, 0.99)):
        world = mdp.random_mdp(states=states, actions=actions, gamma=gamma, rng=rng)
        policy = rng.dirichlet(np.ones(actions), size=states)
        # Copies: the arrays of an MDP are read-only, and an answer may want to change its own.
        arrays = (np.array(a) for a in (world.transition, world.reward, policy, world.start))
        cases.append((*arrays, gamma))
    return cases


EXERCISES = (
    Exercise(
        id="04-1",
        cases=_total_variation_cases,
        reference=_total_variation,
        library=("total_variation",),
    ),
    Exercise(
        id="04-2",
        cases=_performance_bound_cases,
        reference=_performance_bound,
        library=("performance_bound", "bound_terms"),
    ),
    Exercise(
        id="04-3",
        cases=_informative_shift_cases,
        reference=_informative_shift,
        library=("is_vacuous",),
    ),
    Exercise(
        id="04-4",
        cases=_exact_return_cases,
        reference=_exact_return,
        library=("exact_return", "state_values"),
    ),
)
