"""Why theorem 4.1 is loose: five bounds on one gap, each easier to know than the one before.

The true gap |eta[pi] - eta_hat[pi]| needs the whole world. The theorem's C needs four numbers.
Between them the proof forgets, layer by layer: where the rewards are, that a world forgets, what
the model's error is where the current policy goes, and where in [-r_max, r_max] the rewards lie.
Janner et al. 2019, theorem 4.1 and lemmas B.1 to B.3; taught in chapter 4.
"""

from typing import NamedTuple

import numpy as np

from mbpo_teach.ground.checked import checked
from mbpo_teach.tables.mdp import exact_return
from mbpo_teach.theory.bounds import performance_bound, whole_rollout_penalty
from mbpo_teach.theory.cases import Case, check_case
from mbpo_teach.theory.drift import state_drift
from mbpo_teach.theory.exact import horizon


class Layers(NamedTuple):
    """Bounds on the distance of model return and true return, in units of return.

    `gap` is that distance itself; `laws` knows how far the laws of imagined and real state are
    apart at each time; `on_policy` knows eps_m' alone, `data` eps_m and eps_pi, all three with the
    true range of the rewards; `theorem` is C, which knows r_max.

    Each bounds `gap` in every MDP, and each is at least the one before, but for one: `data` is less
    than `on_policy` where the policy leads to states that the data never met and the model is so
    wrong there that eps_m' exceeds what eps_m and 2 eps_pi a step allow. The river has none.
    """

    gap: float
    laws: float
    on_policy: float
    data: float
    theorem: float

    @property
    def factors(self) -> np.ndarray:
        """How many times each layer is the one before, (4,); NaN where that one is 0."""
        before, after = np.array(self[:-1]), np.array(self[1:])
        nothing = before <= 1e-12 * self.theorem  # a perfect model's gap is 0 up to rounding
        return np.where(nothing, np.nan, after / np.where(nothing, 1, before))


@checked(together=check_case)
def layers(case: Case) -> Layers:
    """Return the five layers for a world with rewards that are not all 0, computed exactly."""
    world = case.world
    gamma, reach = world.gamma, world.reward.max() - world.reward.min()
    weights = gamma ** np.arange(horizon(gamma) + 1)
    drift = state_drift(case, steps=len(weights) - 1)
    theorem = performance_bound(
        gamma=gamma, r_max=world.r_max, eps_m=case.eps_m, eps_pi=case.eps_pi
    )
    whole = whole_rollout_penalty(gamma=gamma, r_max=world.r_max, eps_m_prime=case.eps_m_prime)
    share = reach / (2 * world.r_max)  # of the range that the theorems allow rewards
    imagined = exact_return(world, case.policy, case.model)
    return Layers(
        gap=abs(imagined - exact_return(world, case.policy)),
        laws=float(reach * (weights @ drift)),
        on_policy=float(share * whole),
        data=float(share * theorem),
        theorem=float(theorem),
    )
