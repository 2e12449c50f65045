"""Cases: a world, a model of it and two policies, with exactly the errors that were asked for.

A total variation is proportional to the share of a mixture
(:func:`mbpo_teach.theory.exact.mixture`). So a model between the truth and a wrong one can be given
any error, a policy between the one that collected the data and another any shift, and a slider sets
the quantity of the theorem itself. On
the river of chapter 4, whose wrong model is the hopeful one, and on the pendulum's twin, whose
models are counted from data. Taught in chapters 4 and 5.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from mbpo_teach.ground.checked import DISCOUNT, POSITIVE, SHARE, checked
from mbpo_teach.tables import river, twin
from mbpo_teach.tables.mdp import TabularMDP, checked_policy, dynamics, value_iteration
from mbpo_teach.theory.exact import model_error, model_with_error, policy_shift, policy_with_shift

COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000)
"""Transitions of the twin from which chapter 5's models are counted."""


MAX_EPS_M, MAX_EPS_PI = 0.25, 0.5
"""The largest errors that chapter 4 asks of the river; no policy of hers is further away."""


class Case(NamedTuple):
    """A world, a model of it (state, action, state), a policy, and the one that collected the data.

    The errors are properties, computed exactly each time they are asked for.
    """

    world: TabularMDP
    model: np.ndarray
    policy: np.ndarray
    data_policy: np.ndarray

    @property
    def eps_m(self) -> float:
        """The model error under the data policy."""
        return model_error(self.world, self.model, self.data_policy)

    @property
    def eps_m_prime(self) -> float:
        """The model error under the policy."""
        return model_error(self.world, self.model, self.policy)

    @property
    def eps_pi(self) -> float:
        """The policy shift."""
        return policy_shift(self.policy, self.data_policy)

    @property
    def slope(self) -> float:
        """How much the model error rises per policy shift; 0 for a policy that has not moved."""
        shift = self.eps_pi
        return (self.eps_m_prime - self.eps_m) / shift if shift else 0.0


@checked(eps_m=SHARE, eps_pi=SHARE, gamma=DISCOUNT, r_max=POSITIVE, places=river.PLACES)
def river_case(
    *, eps_m: float, eps_pi: float, gamma: float, r_max: float = 1.0, places: int = 6
) -> Case:
    """Return the river with a hopeful model of error `eps_m` under the data policy.

    The policy swims right more often than the data policy does, by a policy shift of `eps_pi`, at
    most 1/2.
    """
    world = river.river_swim(gamma=gamma, places=places, r_max=r_max)
    data_policy, hopeful = river.swim_evenly(places), river.hopeful_model(places)
    model = model_with_error(world, hopeful, data_policy, eps_m)
    policy = policy_with_shift(data_policy, river.swim_right(places), eps_pi)
    return Case(world, model, policy, data_policy)


@checked(shifts=SHARE, places=river.PLACES)
def river_policies(shifts: Iterable[float], *, places: int = 6) -> np.ndarray:
    """Return the policy of :func:`river_case` at each policy shift, (shift, state, action)."""
    data_policy, right = river.swim_evenly(places), river.swim_right(places)
    return np.array([policy_with_shift(data_policy, right, shift) for shift in shifts])


@checked(eps_m_prime=SHARE, eps_pi=SHARE, gamma=DISCOUNT)
def river_case_on_policy(*, eps_m_prime: float, eps_pi: float, gamma: float) -> Case:
    """Return :func:`river_case` with the model error given under the current policy."""
    return _on_policy(
        river.river_swim(gamma=gamma),
        river.hopeful_model(),
        river.swim_right(),
        river.swim_evenly(),
        eps_m_prime=eps_m_prime,
        eps_pi=eps_pi,
    )


@checked(eps_pi=SHARE, gamma=DISCOUNT)
def twin_case(*, count: int, eps_pi: float, gamma: float) -> Case:
    """Return the twin with a model counted from `count` transitions and a policy shifted so far.

    The policy lies between the data policy and the twin's best one at gamma = 0.9.
    """
    data_policy = twin.idle_policy()
    return Case(
        twin.pendulum_twin(gamma=gamma),
        twin.counted_model(count),
        policy_with_shift(data_policy, twin.best_policy(), eps_pi),
        data_policy,
    )


def check_case(case: Case, **_: object) -> None:
    """Raise a `ValueError` if the model or a policy of `case` is none of its world."""
    dynamics(case.world, case.model, "case.model")
    checked_policy(case.world, case.policy, "case.policy")
    checked_policy(case.world, case.data_policy, "case.data_policy")


@checked(together=check_case)
def best_in_model(case: Case) -> Case:
    """Return the case with the policy that is best in its model, as a learner would have it."""
    return case._replace(policy=value_iteration(case.world, case.model)[1])


@checked(eps_m_prime=SHARE, eps_pi=SHARE, gamma=DISCOUNT)
def twin_case_on_policy(*, eps_m_prime: float, eps_pi: float, gamma: float) -> Case:
    """Return the twin with a model error given under the current policy.

    Its wrong model is one counted from 300 transitions.
    """
    return _on_policy(
        twin.pendulum_twin(gamma=gamma),
        twin.counted_model(300),
        twin.best_policy(),
        twin.idle_policy(),
        eps_m_prime=eps_m_prime,
        eps_pi=eps_pi,
    )


def _on_policy(
    world: TabularMDP,
    wrong: np.ndarray,
    target: np.ndarray,
    data_policy: np.ndarray,
    *,
    eps_m_prime: float,
    eps_pi: float,
) -> Case:
    policy = policy_with_shift(data_policy, target, eps_pi)
    return Case(world, model_with_error(world, wrong, policy, eps_m_prime), policy, data_policy)
