"""How far imagination and policy drift away from the data, computed exactly.

Three drifts, which are easily confused. States: with a wrong model the imagined state and the real
one part, under one and the same policy. Branches: imagined steps lead away from the states that the
data hold, to where the model is worse. Policy: the model error grows as the policy moves away from
the one that collected the data, by a slope that falls with more data (paper, figure 1). Paper,
section 4 and appendix B; taught in chapters 4 and 5.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mbpo_teach.ground.checked import FROM_ONE, Allowed, checked, dims
from mbpo_teach.tables import twin
from mbpo_teach.tables.mdp import (
    TabularMDP,
    discounted_visits,
    policy_reward,
    state_distributions,
)
from mbpo_teach.theory.cases import Case, check_case, twin_case
from mbpo_teach.theory.exact import model_error, policy_shift, total_variation


@checked(together=check_case, steps=Allowed(most=10**6))
def state_drift(case: Case, *, steps: int) -> np.ndarray:
    """Return D_TV of the imagined and the real state at times 0 to `steps`, shape (step + 1,).

    Both run the case's policy. Lemma B.2: at time t it is at most t eps_m'
    (:func:`mbpo_teach.theory.bounds.state_drift_ceiling`).
    """
    real = state_distributions(case.world, case.policy, horizon=steps)
    imagined = state_distributions(case.world, case.policy, horizon=steps, transition=case.model)
    return total_variation(real, imagined)


class Whereabouts(NamedTuple):
    """Where imagined steps are taken, and how wrong the model is there.

    `branch` and `whole` are the laws of the state after 0, 1, ... imagined steps, (step + 1,
    state), of branches that start among the data and of whole rollouts; `branch_errors` and
    `whole_errors` the expected error of the next step, (step + 1,), and `true_errors` that of real
    steps of the same policy from where branches start; `visits` the law of a state of
    whole rollouts at a random time of discounted weight, (state,).
    """

    branch: np.ndarray
    whole: np.ndarray
    visits: np.ndarray
    branch_errors: np.ndarray
    whole_errors: np.ndarray
    true_errors: np.ndarray


@checked(together=check_case, steps=Allowed(most=10**6))
def whereabouts(case: Case, *, steps: int) -> Whereabouts:
    """Return where `steps` imagined steps of the case's policy lead.

    Branches start where the data policy goes for real, at a random time of discounted weight;
    whole rollouts where episodes do.
    """
    world, model, policy, data_policy = case
    error = policy_reward(total_variation(world.transition, model), policy)
    branching = replace(world, start=_at_a_random_time(world, data_policy))
    branch, whole = (
        state_distributions(begun, policy, horizon=steps, transition=model)
        for begun in (branching, world)
    )
    return Whereabouts(
        branch=branch,
        whole=whole,
        visits=_at_a_random_time(world, policy, model),
        branch_errors=branch @ error,
        whole_errors=whole @ error,
        true_errors=state_distributions(branching, policy, horizon=steps) @ error,
    )


def _at_a_random_time(
    world: TabularMDP, policy: np.ndarray, transition: np.ndarray | None = None
) -> np.ndarray:
    """Return the law of the state at a time T whose chance is (1 - gamma) gamma^T, (state,)."""
    return (1 - world.gamma) * discounted_visits(world, policy, transition)


class ShiftedErrors(NamedTuple):
    """Exact eps_m' of counted models under policies that move away from the data.

    `shifts` has shape (shift,), `errors` (seed, count, shift), `slopes` (seed, count).
    """

    shifts: np.ndarray
    errors: np.ndarray
    slopes: np.ndarray


@checked(seeds=FROM_ONE, steps=FROM_ONE)
def shifted_errors(counts: Sequence[int], *, seeds: int, steps: int) -> ShiftedErrors:
    """Return the twin's model errors for models of `counts` transitions of `seeds` walks each.

    The policy goes from the idle one to the best one in `steps` equal steps.
    """
    shifts = np.linspace(0, policy_shift(twin.best_policy(), twin.idle_policy()), steps + 1)
    errors = np.empty((seeds, len(counts), len(shifts)))
    for number, shift in enumerate(shifts):
        case = twin_case(count=counts[0], eps_pi=shift, gamma=0.9)
        for seed in range(seeds):
            for which, count in enumerate(counts):
                model = twin.counted_model(count, seed=seed)
                errors[seed, which, number] = model_error(case.world, model, case.policy)
    return ShiftedErrors(shifts, errors, error_slope(shifts, errors))


@checked(shifts=dims("shift"), errors=dims("*any shift"))
def error_slope(shifts: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return d eps_m' / d eps_pi, the slope of the law eps_m' = eps_m + slope * eps_pi.

    `errors` are eps_m' at `shifts`, shape (..., shift), the first of them at a shift of 0: eps_m.
    The line starts there and misses the other errors by the least squares; the result has the
    leading shape.
    """
    rise = errors - errors[..., :1]
    return np.asarray((rise * shifts).sum(axis=-1) / (shifts**2).sum())
