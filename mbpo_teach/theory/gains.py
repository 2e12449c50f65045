"""The gain that a model promises, against theorem 4.1's C: no step is ever large enough.

    accept pi if  eta_hat[pi] - C > eta[pi_D]

is what the theorem offers. By lemma B.3 the gain eta_hat[pi] - eta[pi_D] stays below C wherever the
policy has moved at all, so nothing is ever accepted; here the shares are exact, on the river and on
random worlds. `improvement` holds the test that can accept, theorem 4.3's. Janner et al. 2019,
theorem 4.1 and lemma B.3; taught in chapter 4.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground.checked import DISCOUNT, FROM_ONE, SHARE, checked, dims
from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables.mdp import exact_return, exact_returns, greedy, random_mdp, state_values
from mbpo_teach.theory.bounds import ceiling_share, performance_bound
from mbpo_teach.theory.cases import river_case, river_policies
from mbpo_teach.theory.exact import mixture, model_error, policy_shift


class Gains(NamedTuple):
    """The model's `gain` and theorem 4.1's `bound` C, units of return, each (case,).

    `ceiling` is lemma B.3's largest possible gain as a share of C, (case,).
    """

    gain: np.ndarray
    bound: np.ndarray
    ceiling: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """The gain as a share of C; the theorem accepts a step from 1 on."""
        return np.asarray(self.gain / self.bound)


@checked(shifts=dims("shift", SHARE), eps_m=SHARE, gamma=DISCOUNT)
def river_gains(shifts: np.ndarray, *, eps_m: float, gamma: float) -> Gains:
    """Return the gains of the river's policies at `shifts`, positive policy shifts (shift,)."""
    case = river_case(eps_m=eps_m, eps_pi=0, gamma=gamma)
    start = exact_return(case.world, case.data_policy)
    errors: dict[str, ArrayLike] = {"gamma": gamma, "eps_m": eps_m, "eps_pi": shifts}
    return Gains(
        gain=exact_returns(case.world, river_policies(shifts), case.model) - start,
        bound=performance_bound(r_max=case.world.r_max, **errors),
        ceiling=ceiling_share(**errors),
    )


@checked(count=FROM_ONE)
@cache
def random_gains(count: int, *, seed: int) -> Gains:
    """Return the gains on `count` random MDPs with wrong models, one for each.

    The policy moves towards the one that is greedy in the model, as an agent's would. Computed once
    for each `count` and `seed`.
    """
    return Gains(*np.array([_random_gain(number, seed) for number in range(count)]).T)


def _random_gain(number: int, seed: int) -> tuple[float, float, float]:
    rng = generator(seed, "no step", number)
    gamma = rng.uniform(0, 0.95)
    world = random_mdp(states=5, actions=3, gamma=gamma, rng=rng)
    wrong = rng.dirichlet(np.full(5, 0.3), size=(5, 3))
    model = mixture(world.transition, wrong, rng.uniform())
    data_policy = rng.dirichlet(np.ones(3), size=5)
    wanted = greedy(world, state_values(world, data_policy, model), model)
    policy = mixture(data_policy, wanted, 10 ** rng.uniform(-3, 0))
    errors = {
        "gamma": gamma,
        "eps_m": model_error(world, model, data_policy),
        "eps_pi": policy_shift(policy, data_policy),
    }
    return (
        exact_return(world, policy, model) - exact_return(world, data_policy),
        performance_bound(r_max=world.r_max, **errors),
        ceiling_share(**errors),
    )
